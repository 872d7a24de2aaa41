// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace faultline {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// The control plane's log: one line per happening on standard error, "event_name key=value ...".
// Never called per record. Bounded: each event name may write 20 lines in a row of 10 seconds; what
// is above that is counted and told in the next line let through.
//
// Threads    Any.
void Log(LogLevel level, std::string_view event, std::string_view details = {}) noexcept;

// The lowest level that is written; info unless told.
void SetLogLevel(LogLevel level) noexcept;

// `text` as a value of a log line: quoted where it holds blanks or quotes, control characters
// escaped, so no input can forge a line.
[[nodiscard]] std::string LogValue(std::string_view text);

}  // namespace faultline
