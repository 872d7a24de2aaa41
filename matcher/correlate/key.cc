// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/key.h"

#include <algorithm>
#include <utility>

namespace faultline {
namespace {

// A captured name is a field from then on and hides an event's field of that name.
std::vector<std::string> ValuesOf(const Hit& hit, const std::string& name) {
  std::vector<std::string> values;
  for (const NamedValue& capture : hit.captures) {
    if (capture.name == name) values.push_back(capture.value);
  }
  if (!values.empty()) return values;
  for (const HitField& field : hit.fields) {
    if (field.name == name) values = field.values;
  }
  return values;
}

// Keeps the first of each: an array that repeats a value is one group, not two. More than there can be
// groups are never asked for, so a long array costs no square of its length.
void DropRepeats(std::vector<std::string>& values) {
  std::vector<std::string> kept;
  for (std::string& value : values) {
    if (kept.size() == kMaxKeysPerHit) break;
    if (std::find(kept.begin(), kept.end(), value) == kept.end()) kept.push_back(std::move(value));
  }
  values = std::move(kept);
}

}  // namespace

GroupKey GroupKey::Of(std::vector<NamedValue> group) {
  GroupKey key;
  DigestBuilder digest;
  for (const NamedValue& part : group) digest.Add(part.value);
  key.digest = digest.Finish();
  key.group = std::move(group);
  return key;
}

std::vector<GroupKey> KeysOf(const Hit& hit, const std::vector<std::string>& group_by,
                             const std::vector<std::string>& fields) {
  std::vector<std::vector<NamedValue>> groups(1);
  for (std::size_t i = 0; i < group_by.size(); ++i) {
    std::vector<std::string> values = ValuesOf(hit, fields[i]);
    DropRepeats(values);
    std::vector<std::vector<NamedValue>> longer;
    for (const auto& group : groups) {
      for (const std::string& value : values) {
        if (longer.size() == kMaxKeysPerHit) break;
        longer.push_back(group);
        longer.back().push_back({group_by[i], value});
      }
    }
    groups = std::move(longer);
  }
  std::vector<GroupKey> keys;
  for (auto& group : groups) keys.push_back(GroupKey::Of(std::move(group)));
  return keys;
}

}  // namespace faultline
