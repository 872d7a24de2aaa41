// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "matcher/engine.h"

namespace faultline {

// What Kafka keeps with a committed offset.
inline constexpr std::size_t kMaxMetadataBytes = 4096;

// All of a position but its source and C, which the committed offset itself carries: one line of
// text, its version first. At most kMaxMetadataBytes for the topic names that Kafka allows.
[[nodiscard]] std::string EncodePosition(const SourcePosition& position);

// The position of `source` at the committed offset `committed`. Empty metadata, as other tools
// commit it, is a position without a past: P = C. Errors: Fault::kData for what this build cannot
// read.
[[nodiscard]] Result<SourcePosition> DecodePosition(const SourceName& source,
                                                    std::int64_t committed,
                                                    std::string_view metadata);

}  // namespace faultline
