// SPDX-License-Identifier: Apache-2.0
#include "matcher/journal_codec.h"

#include <limits>
#include <map>

#include <fmt/format.h>

#include "matcher/flat_json.h"

namespace faultline {
namespace {

constexpr std::int64_t kVersion = 1;

// The members of one entry by name; the getters remember the first that is missing or of another
// type.
class Members {
 public:
  explicit Members(std::string_view text) {
    FlatJson json(text);
    FlatJson::Value value;
    while (json.Next(value)) values_[value.key] = value;
    if (json.damaged()) missing_ = "a complete object";
  }

  [[nodiscard]] bool Has(const char* name) const { return values_.contains(name); }

  std::string Text(const char* name) {
    const auto found = values_.find(name);
    if (found != values_.end() && found->second.kind == FlatJson::Kind::kString) {
      return found->second.text;
    }
    if (missing_.empty()) missing_ = name;
    return {};
  }

  template <class T>
  T Integer(const char* name) {
    const auto found = values_.find(name);
    const auto number = found == values_.end() ? std::nullopt : found->second.Integer();
    if (number && *number >= std::numeric_limits<T>::min() &&
        *number <= static_cast<std::int64_t>(std::numeric_limits<T>::max())) {
      return static_cast<T>(*number);
    }
    if (missing_.empty()) missing_ = name;
    return {};
  }

  [[nodiscard]] const std::string& missing() const noexcept { return missing_; }

 private:
  std::map<std::string, FlatJson::Value, std::less<>> values_;
  std::string missing_;
};

Origin FrontierOrigin(Members& members) {
  Origin origin;
  origin.source.topic = members.Text("frontier_topic");
  origin.source.partition = members.Integer<std::int32_t>("frontier_partition");
  origin.offset = members.Integer<std::int64_t>("frontier_offset");
  origin.index = members.Integer<std::uint32_t>("frontier_index");
  return origin;
}

void AppendFrontier(std::string& out, const JournalEntry& entry) {
  out += ",\"domain\":";
  AppendJsonString(out, entry.domain);
  if (!entry.frontier) return;
  out += ",\"frontier_topic\":";
  AppendJsonString(out, entry.frontier->source.topic);
  fmt::format_to(
      std::back_inserter(out),
      R"(,"frontier_partition":{},"frontier_offset":{},"frontier_index":{},"ordinal":{})",
      entry.frontier->source.partition, entry.frontier->offset, entry.frontier->index,
      entry.ordinal);
}

}  // namespace

std::string JournalKey(const SourceName& source) {
  return fmt::format("{}/{}", source.topic, source.partition);
}

std::string EncodeJournal(const JournalEntry& entry) {
  const bool returned = entry.kind == JournalEntry::Kind::kReturn;
  std::string out = fmt::format(R"({{"v":{},"kind":"{}","topic":)", kVersion,
                                returned ? "return" : "substitution");
  AppendJsonString(out, entry.source.topic);
  fmt::format_to(std::back_inserter(out), R"(,"partition":{},"offset":{},"time":{})",
                 entry.source.partition, entry.offset, entry.time.nanos());
  if (returned) AppendFrontier(out, entry);
  out.push_back('}');
  return out;
}

Result<JournalEntry> DecodeJournal(std::string_view value) {
  Members members(value);
  const auto version = members.Integer<std::int64_t>("v");
  if (members.missing().empty() && version != kVersion) {
    return Fail(Fault::kData, fmt::format("journal entry of version {}", version), {},
                "use the release that wrote it, or a newer one");
  }
  JournalEntry entry;
  const std::string kind = members.Text("kind");
  entry.kind = kind == "return" ? JournalEntry::Kind::kReturn : JournalEntry::Kind::kSubstitution;
  entry.source.topic = members.Text("topic");
  entry.source.partition = members.Integer<std::int32_t>("partition");
  entry.offset = members.Integer<std::int64_t>("offset");
  entry.time = EventTime::Raw(members.Integer<std::int64_t>("time"));
  if (kind == "return") {
    entry.domain = members.Text("domain");
    if (members.Has("frontier_topic")) {
      entry.frontier = FrontierOrigin(members);
      entry.ordinal = members.Integer<std::uint32_t>("ordinal");
    }
  }
  if (!members.missing().empty()) {
    return Fail(Fault::kData, "journal entry without " + members.missing());
  }
  if (kind != "return" && kind != "substitution") {
    return Fail(Fault::kData, "journal entry of unknown kind " + kind);
  }
  return entry;
}

}  // namespace faultline
