// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultline::kafka {

// Offsets that are no number of a record.
inline constexpr std::int64_t kBeginning = -2;  // the oldest record there is
inline constexpr std::int64_t kEnd = -1;        // behind the newest
inline constexpr std::int64_t kNoOffset =
    -1001;  // nothing committed; for a start: what is committed

inline constexpr std::int32_t kAnyPartition = -1;  // the partitioner decides

// Waits until it is done, however long that takes.
inline constexpr std::chrono::milliseconds kForever{-1};

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

// A place in a partition; `metadata` is what is stored with a committed offset (at most 4 KiB).
struct PartitionOffset {
  TopicPartition partition;
  std::int64_t offset = kNoOffset;
  std::string metadata;

  friend bool operator==(const PartitionOffset&, const PartitionOffset&) = default;
};

// The oldest offset that can be read and the one behind the newest. For a read_committed client
// `high` is the last stable offset: no open transaction lies below it.
struct Watermarks {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

// A header as it was read.
struct MessageHeader {
  std::string_view name;
  std::optional<std::string_view> value;  // a header may have a null value
};

// A header to write. Views live for the call only.
using HeaderView = MessageHeader;

enum class TimestampType : std::uint8_t { kNone, kCreateTime, kLogAppendTime };

}  // namespace faultline::kafka
