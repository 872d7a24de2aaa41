// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/hs_handles.h"
#include "matcher/signature/text_view.h"

namespace faultline {

// What a worker needs to run regular expressions: limits and memory for the groups.
//
// Memory     PCRE2's frames stay at their high-water mark, bounded by the depth limit. Hyperscan's
//            scratch is that of the largest expression prepared.
// Threads    Confined to one thread.
class RegexScratch {
 public:
  RegexScratch(std::uint32_t match_limit, std::uint32_t depth_limit, std::uint32_t groups);

  [[nodiscard]] std::uint64_t limits_hit() const noexcept { return limits_hit_; }

 private:
  friend class Regex;
  PcreMatchContext context_;  // never null
  PcreMatchData data_;        // never null
  HsScratch hs_scratch_;      // null until an expression that runs on Hyperscan is prepared
  std::uint64_t limits_hit_ = 0;
};

// A regular expression: PCRE2's syntax without JIT, \d \w \s \b ASCII. Searched anywhere in the
// text; on text that is not valid UTF-8 byte by byte.
//
// Whether an expression holds is asked of Hyperscan where that means the same: its time is linear,
// where a search that goes back again and again runs into PCRE2's limits. Groups are PCRE2's.
//
// Threads    Immutable; the scratch is the caller's.
// Errors     Compile tells PCRE2's message. A search on PCRE2 that hits a limit is counted and
//            found nothing.
class Regex {
 public:
  [[nodiscard]] static Result<Regex> Compile(const sigma::Regex& source);

  // Makes `scratch` large enough for Holds.
  [[nodiscard]] Result<void> Prepare(RegexScratch& scratch) const;
  // Whether the expression is found; leaves no groups. Requires: prepared.
  [[nodiscard]] bool Holds(const TextView& text, RegexScratch& scratch) const noexcept;
  // The same on PCRE2, with groups.
  [[nodiscard]] bool Search(const TextView& text, RegexScratch& scratch) const noexcept;
  [[nodiscard]] bool linear() const noexcept { return database_ != nullptr; }  // on Hyperscan

  // Where a group lies after a Search that was true, in that search's text; empty data() when
  // unset.
  [[nodiscard]] static std::string_view Group(const TextView& text, std::uint32_t group,
                                              const RegexScratch& scratch) noexcept;

  [[nodiscard]] std::uint32_t group_count() const noexcept { return group_count_; }
  // Named groups in the order of their numbers.
  [[nodiscard]] const std::vector<std::pair<std::string, std::uint32_t>>& names() const noexcept {
    return names_;
  }

 private:
  PcreCode text_code_;   // PCRE2_UTF; never null
  PcreCode bytes_code_;  // without it, else tolerant of bad UTF-8; never null
  HsDatabase database_;  // for valid UTF-8; null: PCRE2 answers
  std::uint32_t group_count_ = 0;
  std::vector<std::pair<std::string, std::uint32_t>> names_;
};

// Compiles each distinct regular expression once.
class RegexStore {
 public:
  [[nodiscard]] Result<std::shared_ptr<const Regex>> Get(const sigma::Regex& source);
  [[nodiscard]] std::uint32_t max_groups() const noexcept { return max_groups_; }

 private:
  std::map<std::string, std::shared_ptr<const Regex>> compiled_;  // by flags and pattern
  std::uint32_t max_groups_ = 0;
};

}  // namespace faultline
