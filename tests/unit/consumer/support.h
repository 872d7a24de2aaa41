// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/engine.h"
#include "matcher/ports.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/rule_set.h"

namespace faultline::testing {

// A fresh folder, gone with the object.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "faultline-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  // Writes a file and tells its path.
  std::string Write(std::string_view name, std::string_view bytes) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

 private:
  std::filesystem::path path_;
};

inline std::shared_ptr<const RuleSet> Rules(std::string_view text) {
  RuleSet::Options options;
  options.extra_fields = DefaultTimestamps();
  auto rules = RuleSet::Compile(sigma::LoadRulesFromText(text, "test.yml"), options);
  EXPECT_TRUE(rules) << rules.error().ToString();
  for (const Error& error : (*rules)->errors()) ADD_FAILURE() << error.ToString();
  return *rules;
}

// An alert per event with `kind: alarm`; a correlation of `kind: a` and `kind: b` of one host.
inline constexpr std::string_view kRules = R"(title: alarm
id: 00000000-0000-4000-8000-000000000001
logsource: {product: test}
detection: {selection: {kind: alarm}, condition: selection}
level: high
---
title: a
name: a
id: 00000000-0000-4000-8000-000000000002
logsource: {product: test}
detection: {selection: {kind: a}, condition: selection}
---
title: b
name: b
id: 00000000-0000-4000-8000-000000000003
logsource: {product: test}
detection: {selection: {kind: b}, condition: selection}
---
title: both
id: 00000000-0000-4000-8000-000000000004
level: critical
correlation: {type: temporal, rules: [a, b], group-by: [host], timespan: 1m}
)";

inline constexpr const char* kAlarmRule = "00000000-0000-4000-8000-000000000001";
inline constexpr const char* kBothRule = "00000000-0000-4000-8000-000000000004";

// One event of `kind` at `second` past an hour of 2026.
inline std::string Event(std::string_view kind, int second, std::string_view host = "h") {
  char time[32];
  std::snprintf(time, sizeof time, "2026-01-01T00:%02d:%02dZ", second / 60, second % 60);
  return R"({"@timestamp":")" + std::string(time) + R"(","kind":")" + std::string(kind) +
         R"(","host":")" + std::string(host) + "\"}";
}

// Keeps what it is given.
class KeepingSink : public Sink {
 public:
  struct Dead {
    SourceName source;
    std::int64_t offset;
    std::string payload;
    std::string reason;
  };
  Result<void> WriteAlert(const Alert& alert) override {
    alerts.push_back(alert);
    return {};
  }
  Result<void> WriteDeadLetter(const Record& record, const SourceName& source,
                               const DeadLetter& why) override {
    dead.push_back({source, record.offset, std::string(record.payload), why.reason});
    return {};
  }
  Result<void> WriteLate(const LateMatch& match) override {
    late.push_back(match);
    return {};
  }
  Result<void> WriteJournal(const JournalEntry& entry) override {
    journal.push_back(entry);
    return {};
  }

  std::vector<Alert> alerts;
  std::vector<Dead> dead;
  std::vector<LateMatch> late;
  std::vector<JournalEntry> journal;
};

}  // namespace faultline::testing
