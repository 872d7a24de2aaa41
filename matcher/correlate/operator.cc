// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/operator.h"

#include <algorithm>
#include <tuple>

namespace faultline {

const std::string* Bound::Find(std::string_view name) const {
  for (const NamedValue& value : values) {
    if (value.name == name) return &value.value;
  }
  return nullptr;
}

bool Bound::Before(const Bound& other) const {
  if (std::tie(time, turn) != std::tie(other.time, other.turn)) {
    return std::tie(time, turn) < std::tie(other.time, other.turn);
  }
  return !deadline() && origin < other.origin;
}

bool Bound::SamePoint(const Bound& other) const {
  return std::tie(time, turn) == std::tie(other.time, other.turn) &&
         (deadline() || origin == other.origin);
}

Bound BoundOf(const sigma::CorrelationRule& rule, std::uint32_t input, const Hit& hit) {
  Bound bound;
  bound.input = input;
  bound.time = hit.time;
  bound.origin = hit.origin;
  bound.turn = hit.turn;
  bound.values = hit.captures;
  bound.captures = static_cast<std::uint32_t>(hit.captures.size());
  if (!rule.chain) return bound;
  for (const std::string& name : rule.inputs[input].fields) {
    if (bound.Find(name) != nullptr) continue;  // a captured name hides the event's field
    const auto field = std::find_if(hit.fields.begin(), hit.fields.end(),
                                    [&name](const HitField& held) { return held.name == name; });
    if (field != hit.fields.end() && !field->values.empty()) {
      bound.values.push_back({name, field->values.front()});
    }
  }
  return bound;
}

}  // namespace faultline
