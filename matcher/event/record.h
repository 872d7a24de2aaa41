// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_time.h"

namespace faultline {

// Names one log that is read in order: a partition of a topic, or a file (partition 0).
struct SourceName {
  std::string topic;  // for a file its path as given, "-" for standard input
  std::int32_t partition = 0;

  friend auto operator<=>(const SourceName&, const SourceName&) = default;
};

// Where one event comes from, for ever: the identity that alerts are hashed from.
struct Origin {
  SourceName source;
  std::int64_t offset = 0;
  std::uint32_t index = 0;  // place in a split root array, else 0

  friend auto operator<=>(const Origin&, const Origin&) = default;
};

// The engine's handle of a source, given out by Engine::AddSource.
using SourceId = std::uint32_t;

enum class TimestampKind : std::uint8_t { kNone, kCreateTime, kLogAppendTime };

struct Header {
  std::string name;
  std::optional<std::string> value;  // a Kafka header may have a null value
};

// Reads what only dead letters and trace contexts need of a record: nothing is fetched before.
class RecordDetails {
 public:
  virtual ~RecordDetails() = default;
  [[nodiscard]] virtual std::optional<std::string_view> Key() const = 0;
  [[nodiscard]] virtual std::vector<Header> Headers() const = 0;
};

// A RECORD: bytes with an origin, as they lie in the reader's memory.
//
// Ownership  Views only; the reader keeps payload and details alive until Process has returned.
struct Record {
  SourceId source = 0;
  std::int64_t offset = 0;
  std::string_view payload;
  bool tombstone = false;  // null payload (not an empty one)
  TimestampKind timestamp_kind = TimestampKind::kNone;
  EventTime timestamp;                     // the broker's or producer's; see timestamp_kind
  const RecordDetails* details = nullptr;  // may be null: files have none
};

}  // namespace faultline
