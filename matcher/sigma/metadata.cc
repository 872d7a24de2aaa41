// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/metadata.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

const std::vector<std::string_view> kStatus = {"stable", "test", "experimental", "deprecated",
                                               "unsupported"};
const std::vector<std::string_view> kLevels = {"informational", "low", "medium", "high",
                                               "critical"};
const std::vector<std::string_view> kRelations = {"derived", "obsolete", "obsoletes",  "merged",
                                                  "renamed", "similar",  "correlation"};
// What a misspelled attribute may have meant.
const std::vector<std::string_view> kAttributes = {
    "title",     "id",        "name",        "taxonomy",  "status",     "description",
    "license",   "author",    "date",        "tags",      "references", "modified",
    "logsource", "detection", "correlation", "filter",    "fields",     "falsepositives",
    "level",     "related",   "scope",       "faultline", "action"};

bool Contains(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The text under `key` if it is one of `known`.
std::string ReadChoice(const yaml::Node& document, std::string_view key,
                       const std::vector<std::string_view>& known, Reading& reading) {
  std::string text = OptionalText(document, key, reading);
  if (text.empty() || Contains(known, text)) return text;
  reading.Refuse(fmt::format("unknown {} '{}'", key, text), document.Find(key)->place,
                 DidYouMeanOrOneOf(text, known));
  return {};
}

void CheckRelated(const yaml::Node& document, Reading& reading) {
  const yaml::Node* related = document.Find("related");
  if (related == nullptr || yaml::IsNull(*related)) return;
  if (!related->IsSequence()) {
    return reading.Refuse(
        fmt::format("'related' must be a list, this is {}", yaml::ToString(related->kind)),
        related->place, "write a list of {id: ..., type: ...}");
  }
  for (const yaml::Node& one : related->items) {
    if (!ExpectMap(one, "an entry of 'related'", reading)) return;
    if (OptionalText(one, "id", reading).empty()) {
      reading.Refuse("an entry of 'related' has no 'id'", one.place,
                     "name the rule it is related to by its id");
    }
    if (ReadChoice(one, "type", kRelations, reading).empty()) {
      reading.Refuse("an entry of 'related' has no 'type'", one.place,
                     "use derived, obsolete, merged, renamed or similar");
    }
  }
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') ||
                       (text[i] >= 'A' && text[i] <= 'F');
    if (hyphen ? text[i] != '-' : !digit) return false;
  }
  return true;
}

void NoteMetadata(const yaml::Node& document, const Metadata& meta, Reading& reading) {
  if (meta.id.empty()) {
    reading.Note("missing-id", "the rule has no id", document.place, "add id: and a new UUID");
  } else if (!IsUuid(meta.id)) {
    reading.Note("id-no-uuid", fmt::format("the id '{}' is no UUID", meta.id),
                 document.Find("id")->place, "write a new UUID, and what you had as name:");
  }
  if (!meta.has_level && document.Find("detection") != nullptr) {
    reading.Note("missing-level", "the rule has no level", document.place,
                 "add level: informational, low, medium, high or critical");
  }
  if (meta.status.empty()) {
    reading.Note("missing-status", "the rule has no status", document.place,
                 "add status: experimental, test or stable");
  }
  int unknown = 0;  // each costs a comparison with all known ones
  for (const yaml::Pair& pair : document.pairs) {
    if (Contains(kAttributes, pair.key.scalar) || ++unknown > 100) continue;
    std::string meant = DidYouMean(pair.key.scalar, kAttributes);
    if (meant.empty()) continue;
    reading.Note("unknown-attribute", fmt::format("unknown attribute '{}'", pair.key.scalar),
                 pair.key.place, std::move(meant));
  }
}

}  // namespace

Metadata ReadMetadata(const yaml::Node& document, Reading& reading) {
  Metadata meta;
  meta.place = document.place;
  meta.file = document.place.file;
  meta.id = OptionalText(document, "id", reading);
  meta.name = OptionalText(document, "name", reading);
  meta.title = OptionalText(document, "title", reading);
  meta.status = ReadChoice(document, "status", kStatus, reading);
  meta.author = OptionalText(document, "author", reading);
  meta.description = OptionalText(document, "description", reading);
  meta.tags = OptionalTexts(document, "tags", reading);
  meta.references = OptionalTexts(document, "references", reading);
  meta.falsepositives = OptionalTexts(document, "falsepositives", reading);
  const auto level = LevelFromString(ReadChoice(document, "level", kLevels, reading));
  meta.has_level = level.has_value();
  meta.level = level.value_or(Level::kInformational);
  CheckRelated(document, reading);
  if (meta.id.empty() && meta.name.empty() && meta.title.empty()) {
    reading.Refuse("the rule has no title, name or id", document.place, "add a title and an id");
  }
  if (reading.ok()) NoteMetadata(document, meta, reading);
  return meta;
}

}  // namespace faultline::sigma
