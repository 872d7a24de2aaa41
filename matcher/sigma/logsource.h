// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// What a log source means as conditions on fields: any of the alternatives; nothing where the table
// (logsources.yaml, built in) has no row for it. An empty list: no condition at all is needed.
// The table's rows belong to a product; a rule without that product is not gated by them.
[[nodiscard]] std::optional<std::vector<LogSourceAlternative>> FindLogSource(
    const LogSource& source);

// Everything of `inner` is of `outer`: each part that `outer` gives is the same in `inner`. What gives
// nothing contains all.
[[nodiscard]] bool Contains(const LogSource& outer, const LogSource& inner) noexcept;

// "windows/process_creation/-": for messages.
[[nodiscard]] std::string ToString(const LogSource& source);

}  // namespace faultline::sigma
