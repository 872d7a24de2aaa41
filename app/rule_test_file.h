// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/event_time.h"
#include "base/result.h"
#include "matcher/alert.h"
#include "matcher/sigma/rule.h"

namespace faultline::app {

// A rule as a case names it, by id, name or title.
struct RuleReference {
  std::string text;
  Place place;
};

// What a case wants to come: as many records of the rule's alerts as `count`, of those that fit all
// the rest; firing ones where nothing else is said.
struct ExpectedAlert {
  RuleReference rule;
  std::int64_t count = 1;
  bool or_more = false;  // `count` is the least
  std::optional<sigma::Level> level;
  std::vector<std::pair<std::string, std::string>> group;  // each of them is part of the alert's
  std::optional<EventTime> time;                           // of the deciding event
  std::vector<std::string> texts;                          // each stands in title or explanation
  AlertStatus status = AlertStatus::kFiring;
  std::optional<std::string> variant;      // empty: none
  std::optional<std::string> matched;      // "6 of 8"
  std::optional<std::int64_t> suppressed;  // hidden before it
};

struct RuleTestEvent {
  EventTime time;       // virtual
  std::string payload;  // JSON
  Place place;
};

// One case of rule tests as written: events, and what they must and must not bring about.
//
// Ownership  A value.
struct RuleTest {
  std::string name;
  Place place;
  std::vector<std::string> rules;  // paths as written; empty: the pack that the test lies in
  std::string shape = "auto";      // of the built-in ones or of the configuration's
  Place shape_place;
  sigma::LogSource logsource;  // what the input of the events declares; empty: nothing
  // As in the configuration: pack -> setting -> value; table -> CSV file.
  std::map<std::string, std::map<std::string, std::string>> settings;
  std::map<std::string, std::string> lookups;
  std::chrono::nanoseconds lateness = std::chrono::seconds(10);
  std::vector<RuleTestEvent> events;
  bool own_times = false;   // no event says `at`: each has the time that it carries itself
  bool match_only = false;  // every detection rule by itself, without correlations
  // How long the test goes on behind the highest event time, deadlines at its end included; nothing:
  // for ever, as at the end of an archive.
  std::optional<std::chrono::nanoseconds> advance;
  std::vector<ExpectedAlert> expect;
  std::vector<RuleReference> expect_none;
};

// Virtual time 0s.
[[nodiscard]] EventTime RuleTestBase() noexcept;

// The cases of a file, one a document: of our own form, or SigmaHQ's regression entries. What is
// wrong with a document is told in its place and the others are read all the same; a file that is
// no YAML gives one error behind the documents before it. `file` names it in places; event files
// are looked for beside it.
// Errors     Fault::kUsage with place and remedy: unknown keys, wrong types, expectations that can
//            never fail, event files that cannot be read.
[[nodiscard]] std::vector<Result<RuleTest>> ReadRuleTests(std::string_view text,
                                                          const std::string& file);

// The JSON objects (and arrays) of a text that holds one after the other, each as it stands; the
// whole text where it is no such thing: the walker says what is wrong.
[[nodiscard]] std::vector<std::string> SplitObjects(std::string_view text);

// At most `limit` bytes of a file. Fault::kIo when it cannot be read or holds more.
[[nodiscard]] Result<std::string> ReadWhole(const std::string& path, std::size_t limit);

}  // namespace faultline::app
