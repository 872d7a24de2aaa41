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
#include "matcher/signature/database_cache.h"
#include "matcher/signature/hs_handles.h"
#include "matcher/signature/text_view.h"

namespace faultline {

// What a worker needs to run regular expressions: limits and memory for the groups.
//
// Memory     PCRE2's frames stay at their high-water mark, bounded by the depth limit and by
//            kMaxHeapKib. Hyperscan's scratch is that of the largest expression prepared.
// Threads    Confined to one thread.
class RegexScratch {
 public:
  RegexScratch(std::uint32_t match_limit, std::uint32_t depth_limit, std::uint32_t groups);

  static constexpr std::uint32_t kMaxHeapKib = 64 * 1024;

  // Texts that PCRE2 had to be asked for.
  [[nodiscard]] std::uint64_t fallbacks() const noexcept { return fallbacks_; }
  // Searches that gave up.
  [[nodiscard]] std::uint64_t limits_hit() const noexcept { return limits_hit_; }
  void CountLimit() noexcept { ++limits_hit_; }

 private:
  friend class Regex;
  static int CountStep(pcre2_callout_block* block, void* scratch) noexcept;

  PcreMatchContext context_;  // never null
  PcreMatchData data_;        // never null
  HsScratch hs_scratch_;      // null until an expression that asks Hyperscan is prepared
  std::uint64_t match_limit_;
  std::uint64_t steps_left_ = 0;  // of the search that runs
  std::uint64_t fallbacks_ = 0;
  std::uint64_t limits_hit_ = 0;
};

// A regular expression: PCRE2's syntax without JIT, \d \w \s \b ASCII. Searched anywhere in the
// text; on text that is not valid UTF-8 byte by byte.
//
// Whether an expression holds is asked of Hyperscan where that means the same: its time is linear,
// where a search that goes back again and again runs into PCRE2's limits. Elsewhere Hyperscan
// tells, where it can, which texts cannot match (HS_FLAG_PREFILTER), and PCRE2 is asked for the
// rest. Groups are PCRE2's.
//
// Hyperscan compiles when the expression is first prepared, or asked how it will run: most are never
// needed, and PCRE2 has refused the bad ones before.
//
// Threads    Immutable but for that; the scratch is the caller's.
// Cost       A search on PCRE2 takes at most kStepsPerByte steps a byte of text and ten times the
//            match limit, besides PCRE2's own limits, which hold for each place where a match may
//            begin.
// Errors     Compile tells PCRE2's message. A search on PCRE2 that hits a limit is counted and
//            found nothing.
class Regex {
 public:
  static constexpr std::uint64_t kStepsPerByte = 32;

  // Hyperscan is not asked for what weighs more than `compiler_budget` (hyperscan_use.h).
  // It is looked for in `cache`, which may be null.
  [[nodiscard]] static Result<Regex> Compile(const sigma::Regex& source,
                                             std::uint64_t compiler_budget = 1000000,
                                             std::shared_ptr<DatabaseCache> cache = nullptr);

  // Makes `scratch` large enough for Holds.
  [[nodiscard]] Result<void> Prepare(RegexScratch& scratch) const;
  // Whether the expression is found; leaves no groups. Requires: prepared.
  [[nodiscard]] bool Holds(const TextView& text, RegexScratch& scratch) const noexcept;
  // The same on PCRE2, with groups.
  [[nodiscard]] bool Search(const TextView& text, RegexScratch& scratch) const noexcept;
  [[nodiscard]] bool linear() const { return database() != nullptr && exact_; }
  [[nodiscard]] std::uint64_t weight() const noexcept { return weight_; }  // what of it is spent
  [[nodiscard]] bool prefiltered() const { return database() != nullptr && !exact_; }

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
  // For valid UTF-8; null: PCRE2 answers.
  [[nodiscard]] const hs_database_t* database() const;
  struct Deferred;
  struct DeferredDeleter {
    void operator()(Deferred* deferred) const noexcept;
  };
  std::unique_ptr<Deferred, DeferredDeleter> deferred_;  // null: Hyperscan is not asked
  bool exact_ = false;  // what the database finds is found; else PCRE2 has the last word
  std::uint64_t weight_ = 0;
  std::uint32_t group_count_ = 0;
  std::vector<std::pair<std::string, std::uint32_t>> names_;
};

// Compiles each distinct regular expression once.
//
// Limits     Hyperscan compiles up to kMaxWeight in all; further expressions run on PCRE2 alone, so
//            that a file of nothing but expressions still loads in time.
class RegexStore {
 public:
  explicit RegexStore(std::shared_ptr<DatabaseCache> cache = nullptr) : cache_(std::move(cache)) {}

  static constexpr std::uint64_t kMaxWeight = 60000;

  [[nodiscard]] Result<std::shared_ptr<const Regex>> Get(const sigma::Regex& source);
  [[nodiscard]] std::uint32_t max_groups() const noexcept { return max_groups_; }

 private:
  std::shared_ptr<DatabaseCache> cache_;
  std::map<std::string, std::shared_ptr<const Regex>> compiled_;  // by flags and pattern
  std::uint32_t max_groups_ = 0;
  std::uint64_t budget_ = kMaxWeight;
};

}  // namespace faultline
