// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/event/record.h"
#include "matcher/output.h"

namespace faultline {

// A damaged record on its way to the dead-letter topic.
//
// Ownership  Key and value are views into the record, which outlives this.
struct DeadLetterMessage {
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // nothing for a null payload
  std::vector<Header> headers;            // the record's own first, unchanged
};

// Key, value and headers as they were, then Kafka Connect's headers (origin, stage, class, message)
// and `faultline_reason`. What would exceed `max_bytes` goes with an empty value and
// `faultline_truncated` = "topic:partition:offset", where the whole record is found; if that is
// still too much, without the record's own headers, then without its key.
[[nodiscard]] DeadLetterMessage BuildDeadLetter(
    const Record& record, const SourceName& source, const DeadLetter& why,
    std::size_t max_bytes = std::numeric_limits<std::size_t>::max());

// Bytes that a message takes at most in Kafka's record format, its batch header included.
[[nodiscard]] std::size_t WireSize(std::optional<std::string_view> key,
                                   std::optional<std::string_view> value,
                                   const std::vector<Header>& headers) noexcept;

}  // namespace faultline
