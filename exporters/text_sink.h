// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "exporters/alert_json.h"
#include "matcher/ports.h"

namespace faultline {

// How alerts are written to a stream of text.
enum class TextFormat : std::uint8_t {
  kNdjson,  // one alert record per line
  kJson,    // one array of alert records
  kTable,   // one line per alert, in columns, for terminals
  kCsv,     // RFC 4180 with a line of names
  kCard     // an alert as a person wants to read it: cause, remedy, evidence
};

// Writes alerts to a stdio stream.
//
// Place      engine -> [TextSink] -> file, pipe or terminal. Used by match, replay and demo.
// Order      As called. Dead letters, late matches and journal entries are counted, not written.
// Memory     One alert's text.
// Threads    Its caller's.
// Ownership  Borrows the stream and the clock, which outlive it; Finish() flushes, nobody closes.
// Errors     kIo with the system's words when the stream takes no more (a full disk, a closed pipe;
//            the program ignores SIGPIPE). Buffered output fails at the latest in Finish().
class TextSink final : public Sink {
 public:
  struct Options {
    TextFormat format = TextFormat::kNdjson;
    bool color = false;
    std::size_t width = 100;               // columns of tables and cards; below 60 counts as 60
    bool flush_each = false;               // for terminals and pipes that someone watches
    std::string name = "standard output";  // in errors
  };

  TextSink(std::FILE* out, Options options, AlertContext context, const Clock& clock);

  [[nodiscard]] Result<void> WriteAlert(const Alert& alert) override;
  [[nodiscard]] Result<void> WriteDeadLetter(const Record& record, const SourceName& source,
                                             const DeadLetter& why) override;
  [[nodiscard]] Result<void> WriteLate(const LateMatch& late) override;
  [[nodiscard]] Result<void> WriteJournal(const JournalEntry& entry) override;

  // Ends the output (a JSON array, a table without rows) and flushes it. Call once, at the end.
  [[nodiscard]] Result<void> Finish();

  [[nodiscard]] AlertContext& context() noexcept {
    return context_;
  }  // a reload changes its revision
  [[nodiscard]] std::uint64_t alerts() const noexcept { return alerts_; }
  [[nodiscard]] std::uint64_t dead_letters() const noexcept { return dead_letters_; }
  [[nodiscard]] std::uint64_t late() const noexcept { return late_; }

 private:
  [[nodiscard]] std::string Rendered(const Alert& alert) const;
  [[nodiscard]] Result<void> Put(std::string_view text, bool flush);

  std::FILE* out_;  // never null
  Options options_;
  AlertContext context_;
  const Clock& clock_;
  std::uint64_t alerts_ = 0;
  std::uint64_t dead_letters_ = 0;
  std::uint64_t late_ = 0;
};

// The alert as a card, each line ended; see TextFormat::kCard.
[[nodiscard]] std::string AlertCard(const Alert& alert, bool color, std::size_t width);

// "topic[partition]@offset", with "#index" where a root array was split.
[[nodiscard]] std::string OriginText(const Origin& origin);

}  // namespace faultline
