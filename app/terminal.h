// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "consumer/replay.h"

namespace faultline::app {

enum class ColorChoice : std::uint8_t { kAuto, kAlways, kNever };

// True when text written to `stream` may be coloured: a terminal, and NO_COLOR is not set.
[[nodiscard]] bool UsesColor(ColorChoice choice, std::FILE* stream);
[[nodiscard]] bool IsTerminal(std::FILE* stream);
// Columns of the terminal behind `stream`; 100 where there is none.
[[nodiscard]] std::size_t WidthOf(std::FILE* stream);

enum class Tone : std::uint8_t { kPlain, kBold, kDim, kRed, kYellow, kGreen, kCyan };
// `text` in that tone, or as it is without colour.
[[nodiscard]] std::string Toned(std::string_view text, Tone tone, bool color);

// The column of `place` in characters instead of bytes; as it is where the line cannot be read.
[[nodiscard]] int CharacterColumn(const Place& place);

// An error as people need it: where, what, the line with a caret, what to do. Several lines.
[[nodiscard]] std::string Diagnostic(const Error& error, std::string_view severity, bool color);
// The same on standard error.
void PrintError(const Error& error, bool color);
void PrintWarning(const Error& error, bool color);

// One line about long work, rewritten in place: share done, events/s, event time reached, alerts by
// level, time left.
//
// Threads    Its caller's.
// Ownership  Borrows the stream.
class ProgressLine {
 public:
  // Silent unless `enabled`.
  ProgressLine(std::FILE* out, bool enabled, bool color)
      : out_(out), enabled_(enabled), color_(color) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Update(const ReplayProgress& progress);
  void Clear();  // before anything else is written there

 private:
  std::FILE* out_;
  bool enabled_;
  bool color_;
  bool drawn_ = false;
  std::chrono::nanoseconds drawn_at_{};  // elapsed time at the last drawing
};
// Its text, without the terminal's codes.
[[nodiscard]] std::string ProgressText(const ReplayProgress& progress, bool color);

// What a replay did, for people: top rules, levels, alerts by hour, late, skipped, dead letters.
[[nodiscard]] std::string SummaryText(const ReplaySummary& summary, bool color);
// The same as one JSON object, for --summary.
[[nodiscard]] std::string SummaryJson(const ReplaySummary& summary);

// A JSON string of `text`, quotes included; invalid UTF-8 replaced.
[[nodiscard]] std::string JsonString(std::string_view text);

}  // namespace faultline::app
