// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_time.h"
#include "matcher/alert.h"
#include "matcher/event/record.h"

namespace faultline {

// What is stamped on an alert on its way out: who says it, when, and how to see it again.
struct AlertContext {
  std::string pipeline;
  std::string instance;
  std::string version;
  std::string rules_revision;
  std::string run = "live";  // or the name of a replay
  EventTime detected_at;     // processing time, set before each alert
  // A command line that replays the alert's records; may be empty, then the field is left out.
  std::function<std::string(const Alert&)> replay_command;
};

inline constexpr std::string_view kAlertSchema = "faultline.alert/1";

// The alert as one line of JSON without the line's end, valid against alert.schema.json. Lists are
// always there, be they empty; a value or object that does not apply is left out.
// Above `max_bytes` it is trimmed and marked `truncated`: raw events go first, then evidence from
// its middle, captures, explanation, in the end long texts are cut.
[[nodiscard]] std::string AlertJson(
    const Alert& alert, const AlertContext& context,
    std::size_t max_bytes = std::numeric_limits<std::size_t>::max());

// CloudEvents in Kafka's binary form, and what consumers filter by.
[[nodiscard]] std::vector<Header> AlertHeaders(const Alert& alert, const AlertContext& context);

// The key of an alert's record: the fingerprint in hex.
[[nodiscard]] std::string AlertKey(const Alert& alert);

// What a rule is called by machines: its id, else its name, else its title.
[[nodiscard]] std::string_view RuleIdOf(const sigma::Metadata& rule) noexcept;
// What a rule is called by people: its title, else its name, else its id.
[[nodiscard]] std::string_view RuleTitleOf(const sigma::Metadata& rule) noexcept;

// Informational 1 ... critical 5.
// What an alert calls itself: its variant's title, else its rule's.
[[nodiscard]] std::string_view TitleOf(const Alert& alert) noexcept;
[[nodiscard]] int SeverityOf(sigma::Level level) noexcept;

// `word` as one word of a POSIX shell, for replay commands.
[[nodiscard]] std::string ShellWord(std::string_view word);

}  // namespace faultline
