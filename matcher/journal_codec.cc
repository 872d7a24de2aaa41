// SPDX-License-Identifier: Apache-2.0
#include "matcher/journal_codec.h"

#include <limits>
#include <map>

#include <fmt/format.h>

#include "base/log.h"
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

constexpr const char* kBefore = "before";
constexpr const char* kEvent = "event";
constexpr const char* kBehind = "behind";

const char* NameOf(OrderPoint::Kind kind) noexcept {
  switch (kind) {
    case OrderPoint::Kind::kBefore: return kBefore;
    case OrderPoint::Kind::kEvent: return kEvent;
    case OrderPoint::Kind::kBehind: return kBehind;
  }
  return kBefore;
}

// The point of a return; `known` false when it is of a kind that this build does not know.
OrderPoint TakeFrontier(Members& members, bool& known) {
  OrderPoint point;
  point.time = EventTime::Raw(members.Integer<std::int64_t>("frontier_time"));
  const std::string kind = members.Text("frontier_kind");
  known = kind == kBefore || kind == kEvent || kind == kBehind;
  if (kind == kBehind) point.kind = OrderPoint::Kind::kBehind;
  if (kind != kEvent) return point;
  point.kind = OrderPoint::Kind::kEvent;
  point.origin.source.topic = members.Text("frontier_topic");
  point.origin.source.partition = members.Integer<std::int32_t>("frontier_partition");
  point.origin.offset = members.Integer<std::int64_t>("frontier_offset");
  point.origin.index = members.Integer<std::uint32_t>("frontier_index");
  point.ordinal = members.Integer<std::uint32_t>("frontier_ordinal");
  return point;
}

void AppendReturn(std::string& out, const JournalEntry& entry) {
  const OrderPoint& point = entry.frontier;
  out += ",\"domain\":";
  AppendJsonString(out, entry.domain);
  fmt::format_to(std::back_inserter(out), R"(,"frontier_kind":"{}","frontier_time":{})",
                 NameOf(point.kind), point.time.nanos());
  if (point.kind != OrderPoint::Kind::kEvent) return;
  out += ",\"frontier_topic\":";
  AppendJsonString(out, point.origin.source.topic);
  fmt::format_to(
      std::back_inserter(out),
      R"(,"frontier_partition":{},"frontier_offset":{},"frontier_index":{},"frontier_ordinal":{})",
      point.origin.source.partition, point.origin.offset, point.origin.index, point.ordinal);
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
  fmt::format_to(std::back_inserter(out), R"(,"partition":{},"offset":{})", entry.source.partition,
                 entry.offset);
  if (returned) {
    AppendReturn(out, entry);
  } else {
    fmt::format_to(std::back_inserter(out), R"(,"index":{},"time":{})", entry.index,
                   entry.time.nanos());
  }
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
  bool known = kind == "substitution";
  if (kind == "return") {
    entry.domain = members.Text("domain");
    entry.frontier = TakeFrontier(members, known);
  } else {
    entry.index = members.Integer<std::uint32_t>("index");
    entry.time = EventTime::Raw(members.Integer<std::int64_t>("time"));
  }
  if (!members.missing().empty()) {
    return Fail(Fault::kData, "journal entry without " + members.missing());
  }
  if (!known) return Fail(Fault::kData, "journal entry of unknown kind " + LogValue(kind));
  return entry;
}

}  // namespace faultline
