// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/regex.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "matcher/signature/hs_compile.h"
#include "matcher/signature/hyperscan_use.h"

namespace faultline {
namespace {

std::string MessageOf(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

std::uint32_t FlagsOf(const sigma::Regex& source) {
  // Never UCP: it would widen \d, \w, \s and \b beyond ASCII. Never \C: it can split a code point.
  // Callouts count steps: PCRE2's own limit starts anew at each place where a match may begin.
  std::uint32_t flags = PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
  if (source.ignore_case) flags |= PCRE2_CASELESS;
  if (source.multi_line) flags |= PCRE2_MULTILINE;
  if (source.dot_all) flags |= PCRE2_DOTALL;
  return flags;
}

Result<PcreCode> CompileWith(const std::string& pattern, std::uint32_t flags) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  PcreCode code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), flags,
                              &error, &offset, nullptr));
  if (code) return code;
  return Fail(Fault::kRules, "the regular expression does not compile: " + MessageOf(error) +
                                 " at character " + std::to_string(offset));
}

// Null where Hyperscan refuses the pattern.
HsDatabase DatabaseOf(const HyperscanPlan& plan, const sigma::Regex& source, DatabaseCache* cache) {
  unsigned flags = HS_FLAG_UTF8 | HS_FLAG_SINGLEMATCH;
  if (plan.use == HyperscanUse::kPrefilter) flags |= HS_FLAG_PREFILTER;
  if (source.ignore_case) flags |= HS_FLAG_CASELESS;
  if (source.multi_line) flags |= HS_FLAG_MULTILINE;
  if (source.dot_all) flags |= HS_FLAG_DOTALL;
  return CompileExpression(plan.pattern, flags, cache);
}

std::vector<std::pair<std::string, std::uint32_t>> NamesOf(const pcre2_code* code) {
  std::uint32_t count = 0;
  std::uint32_t entry_size = 0;
  PCRE2_SPTR table = nullptr;
  pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &count);
  pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
  pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
  std::vector<std::pair<std::string, std::uint32_t>> names;
  for (std::uint32_t i = 0; i < count; ++i) {
    const PCRE2_SPTR entry = table + std::size_t{i} * entry_size;  // two bytes of number, the name
    const std::uint32_t group = static_cast<std::uint32_t>(entry[0]) << 8 | entry[1];
    names.emplace_back(reinterpret_cast<const char*>(entry + 2), group);
  }
  std::sort(names.begin(), names.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  return names;
}

}  // namespace

RegexScratch::RegexScratch(std::uint32_t match_limit, std::uint32_t depth_limit,
                           std::uint32_t groups)
    : context_(pcre2_match_context_create(nullptr)),
      data_(pcre2_match_data_create(groups + 1, nullptr)),
      match_limit_(match_limit) {
  FAULTLINE_CHECK(context_ != nullptr && data_ != nullptr);
  pcre2_set_match_limit(context_.get(), match_limit);
  pcre2_set_depth_limit(context_.get(), depth_limit);
  pcre2_set_heap_limit(context_.get(), kMaxHeapKib);
}

int RegexScratch::CountStep(pcre2_callout_block* /*block*/, void* scratch) noexcept {
  std::uint64_t& left = static_cast<RegexScratch*>(scratch)->steps_left_;
  if (left == 0) return PCRE2_ERROR_MATCHLIMIT;
  --left;
  return 0;
}

// What Hyperscan is given when the expression is first needed.
struct Regex::Deferred {
  sigma::Regex source;
  HyperscanPlan plan;
  std::shared_ptr<DatabaseCache> cache;  // may be null
  std::once_flag once;
  HsDatabase database;  // null where Hyperscan refuses
};

void Regex::DeferredDeleter::operator()(Deferred* deferred) const noexcept { delete deferred; }

const hs_database_t* Regex::database() const {
  if (deferred_ == nullptr) return nullptr;
  Deferred& deferred = *deferred_;
  std::call_once(deferred.once, [&deferred] {
    deferred.database = DatabaseOf(deferred.plan, deferred.source, deferred.cache.get());
  });
  return deferred.database.get();
}

Result<Regex> Regex::Compile(const sigma::Regex& source, std::uint64_t compiler_budget,
                             std::shared_ptr<DatabaseCache> cache) {
  const std::uint32_t flags = FlagsOf(source);
  Result<PcreCode> text_code = CompileWith(source.pattern, flags | PCRE2_UTF);
  if (!text_code) return tl::unexpected<Error>(text_code.error());
  Result<PcreCode> bytes_code = CompileWith(source.pattern, flags);
  // A pattern that names code points above 255 has no meaning on bytes: valid stretches are
  // searched.
  if (!bytes_code) {
    bytes_code = CompileWith(source.pattern, flags | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF);
  }
  if (!bytes_code) return tl::unexpected<Error>(bytes_code.error());
  Regex regex;
  pcre2_pattern_info(text_code->get(), PCRE2_INFO_CAPTURECOUNT, &regex.group_count_);
  regex.names_ = NamesOf(text_code->get());
  regex.text_code_ = std::move(*text_code);
  regex.bytes_code_ = std::move(*bytes_code);
  HyperscanPlan plan = PlanForHyperscan(source);
  if (plan.use == HyperscanUse::kNone || plan.weight > compiler_budget) return regex;
  regex.exact_ = plan.use == HyperscanUse::kExact;
  regex.weight_ = plan.weight;
  regex.deferred_.reset(new Deferred{source, std::move(plan), std::move(cache), {}, {}});
  return regex;
}

Result<void> Regex::Prepare(RegexScratch& scratch) const {
  return GrowScratch(database(), scratch.hs_scratch_);
}

bool Regex::Holds(const TextView& text, RegexScratch& scratch) const noexcept {
  const hs_database_t* const asked = deferred_ == nullptr ? nullptr : deferred_->database.get();
  if (asked != nullptr && text.valid_utf8) {
    const auto stop = [](unsigned, unsigned long long, unsigned long long, unsigned,
                         void*) noexcept -> int { return 1; };
    const char* start = text.raw.empty() ? "" : text.raw.data();
    const hs_error_t code = hs_scan(asked, start, static_cast<unsigned>(text.raw.size()), 0,
                                    scratch.hs_scratch_.get(), stop, nullptr);
    FAULTLINE_CHECK(code == HS_SUCCESS || code == HS_SCAN_TERMINATED);
    if (exact_ || code == HS_SUCCESS) return code == HS_SCAN_TERMINATED;
  }
  ++scratch.fallbacks_;
  return Search(text, scratch);
}

bool Regex::Search(const TextView& text, RegexScratch& scratch) const noexcept {
  const pcre2_code* code = text.valid_utf8 ? text_code_.get() : bytes_code_.get();
  const std::uint32_t flags = text.valid_utf8 ? PCRE2_NO_UTF_CHECK : 0;
  const char* start = text.raw.empty() ? "" : text.raw.data();
  scratch.steps_left_ = 10 * scratch.match_limit_ + kStepsPerByte * text.raw.size();
  pcre2_set_callout(scratch.context_.get(), RegexScratch::CountStep, &scratch);
  const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(start), text.raw.size(), 0,
                                flags, scratch.data_.get(), scratch.context_.get());
  if (found < PCRE2_ERROR_PARTIAL) ++scratch.limits_hit_;
  return found >= 0;
}

std::string_view Regex::Group(const TextView& text, std::uint32_t group,
                              const RegexScratch& scratch) noexcept {
  if (group >= pcre2_get_ovector_count(scratch.data_.get())) return {};
  const PCRE2_SIZE* pairs = pcre2_get_ovector_pointer(scratch.data_.get());
  const PCRE2_SIZE first = pairs[2 * group];
  const PCRE2_SIZE last = pairs[2 * group + 1];
  // \K in a look-ahead can put the end before the start.
  if (first == PCRE2_UNSET || last < first) return {};
  return text.raw.substr(first, last - first);
}

Result<std::shared_ptr<const Regex>> RegexStore::Get(const sigma::Regex& source) {
  const std::string key = std::to_string(FlagsOf(source)) + ':' + source.pattern;
  if (const auto known = compiled_.find(key); known != compiled_.end()) return known->second;
  Result<Regex> regex = Regex::Compile(source, budget_, cache_);
  if (!regex) return tl::unexpected<Error>(regex.error());
  budget_ -= regex->weight();
  max_groups_ = std::max(max_groups_, regex->group_count());
  return compiled_.emplace(key, std::make_shared<const Regex>(std::move(*regex))).first->second;
}

}  // namespace faultline
