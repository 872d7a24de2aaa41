// SPDX-License-Identifier: Apache-2.0
#include "consumer/position_codec.h"

#include <charconv>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace faultline {
namespace {

constexpr std::string_view kVersion = "fl1";
constexpr std::string_view kNone = "-";

char KindLetter(OrderPoint::Kind kind) noexcept {
  return kind == OrderPoint::Kind::kBefore ? 'b' : kind == OrderPoint::Kind::kEvent ? 'e' : 'a';
}

// Takes the text apart at single blanks; what is missing or no number is remembered.
class Words {
 public:
  explicit Words(std::string_view text) noexcept : rest_(text) {}

  std::string_view Next() noexcept {
    const std::size_t blank = rest_.find(' ');
    ok_ = ok_ && blank != std::string_view::npos;
    const std::string_view word = rest_.substr(0, blank);
    rest_ = ok_ ? rest_.substr(blank + 1) : std::string_view();
    return word;
  }
  template <class T>
  T Number() noexcept {
    T number = {};
    const std::string_view word = Next();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    ok_ = ok_ && error == std::errc() && end == word.data() + word.size();
    return number;
  }
  bool Flag() noexcept {
    const auto number = Number<unsigned>();
    ok_ = ok_ && number <= 1;
    return number == 1;
  }
  OrderPoint::Kind Kind() noexcept {
    const std::string_view word = Next();
    if (word == "e") return OrderPoint::Kind::kEvent;
    if (word == "a") return OrderPoint::Kind::kBehind;
    ok_ = ok_ && word == "b";
    return OrderPoint::Kind::kBefore;
  }
  std::optional<EventTime> Time() noexcept {
    if (rest_.starts_with("- ")) {
      rest_.remove_prefix(2);
      return std::nullopt;
    }
    return EventTime::Raw(Number<std::int64_t>());
  }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

// version P highest idle kind time partition offset index ordinal journal topic
// (The topic of the frontier's origin stands last, whatever it holds.)
std::string EncodePosition(const SourcePosition& position) {
  const OrderPoint& point = position.frontier;
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", kVersion, position.position,
                     position.highest ? std::to_string(position.highest->nanos()) : kNone,
                     position.idle ? 1 : 0, KindLetter(point.kind), point.time.nanos(),
                     point.origin.source.partition, point.origin.offset, point.origin.index,
                     point.ordinal, position.journal_from, point.origin.source.topic);
}

Result<SourcePosition> DecodePosition(const SourceName& source, std::int64_t committed,
                                      std::string_view metadata) {
  SourcePosition position;
  position.source = source;
  position.committed = position.position = committed;
  if (metadata.empty()) return position;
  Words words(metadata);
  const bool known = words.Next() == kVersion;
  position.position = words.Number<std::int64_t>();
  position.highest = words.Time();
  position.idle = words.Flag();
  position.frontier.kind = words.Kind();
  position.frontier.time = EventTime::Raw(words.Number<std::int64_t>());
  position.frontier.origin.source.partition = words.Number<std::int32_t>();
  position.frontier.origin.offset = words.Number<std::int64_t>();
  position.frontier.origin.index = words.Number<std::uint32_t>();
  position.frontier.ordinal = words.Number<std::uint32_t>();
  position.journal_from = words.Number<std::int64_t>();
  position.frontier.origin.source.topic = words.rest();
  if (known && words.ok() && position.position >= committed) return position;
  return Fail(
      Fault::kData,
      fmt::format("the committed position of {}/{} is not one of ours", source.topic,
                  source.partition),
      {},
      "another program commits for this group, or a newer release did; set kafka.group to a "
      "group of its own");
}

}  // namespace faultline
