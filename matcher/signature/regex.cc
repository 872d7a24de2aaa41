// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/regex.h"

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"
#include "matcher/sigma/cost.h"

namespace faultline {
namespace {

std::string MessageOf(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

std::uint32_t FlagsOf(const sigma::Regex& source) {
  // Never UCP: it would widen \d, \w, \s and \b beyond ASCII. Never \C: it can split a code point.
  std::uint32_t flags = PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
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

// Escapes that mean the same to both libraries; any punctuation does.
constexpr std::string_view kSharedEscapes = "dDwWsSbBnrtfAz";

// Whether a group that begins with "(?" is one that both libraries read alike.
bool SharedGroup(std::string_view after) {
  return after.starts_with(":") || after.starts_with("i)") || after.starts_with("i:");
}

bool Letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool Digit(char c) { return c >= '0' && c <= '9'; }

// Whether Hyperscan, if it takes the pattern, takes it as PCRE2 does. Its folding beyond ASCII
// lags behind; multi-line anchors differ after a last newline; properties have other versions.
bool MeansTheSame(const sigma::Regex& source) {
  if (source.multi_line || source.pattern.find('\0') != std::string::npos) return false;
  const std::string_view pattern = source.pattern;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (static_cast<unsigned char>(c) >= 0x80) return false;
    if (c == '(' && pattern.substr(i + 1).starts_with("*")) return false;
    if (c == '(' && pattern.substr(i + 1).starts_with("?") && !SharedGroup(pattern.substr(i + 2))) {
      return false;
    }
    if (c == '[' && pattern.substr(i + 1).starts_with(":")) return false;
    if (c != '\\') continue;
    if (++i == pattern.size()) return false;
    const bool named = Letter(pattern[i]) || Digit(pattern[i]);
    if (named && kSharedEscapes.find(pattern[i]) == std::string_view::npos) return false;
  }
  return true;
}

// Null where PCRE2 has to answer.
HsDatabase LinearDatabase(const sigma::Regex& source) {
  if (!MeansTheSame(source)) return nullptr;
  if (sigma::ExpandedSize(source.pattern) > sigma::kLargestForHyperscan) return nullptr;
  unsigned flags = HS_FLAG_UTF8 | HS_FLAG_SINGLEMATCH;
  if (source.ignore_case) flags |= HS_FLAG_CASELESS;
  if (source.dot_all) flags |= HS_FLAG_DOTALL;
  hs_database_t* database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const hs_error_t code =
      hs_compile(source.pattern.c_str(), flags, HS_MODE_BLOCK, nullptr, &database, &raw_error);
  const HsCompileError error(raw_error);
  return HsDatabase(code == HS_SUCCESS ? database : nullptr);
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
      data_(pcre2_match_data_create(groups + 1, nullptr)) {
  FAULTLINE_CHECK(context_ != nullptr && data_ != nullptr);
  pcre2_set_match_limit(context_.get(), match_limit);
  pcre2_set_depth_limit(context_.get(), depth_limit);
}

Result<Regex> Regex::Compile(const sigma::Regex& source) {
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
  regex.database_ = LinearDatabase(source);
  return regex;
}

Result<void> Regex::Prepare(RegexScratch& scratch) const {
  if (database_ == nullptr) return {};
  hs_scratch_t* grown = scratch.hs_scratch_.release();
  const hs_error_t code = hs_alloc_scratch(database_.get(), &grown);
  scratch.hs_scratch_.reset(grown);
  if (code == HS_SUCCESS) return {};
  return Fail(Fault::kInternal, "Hyperscan has no memory for its scratch");
}

bool Regex::Holds(const TextView& text, RegexScratch& scratch) const noexcept {
  if (database_ == nullptr || !text.valid_utf8) return Search(text, scratch);
  const auto stop = [](unsigned, unsigned long long, unsigned long long, unsigned,
                       void*) noexcept -> int { return 1; };
  const char* start = text.raw.empty() ? "" : text.raw.data();
  const hs_error_t code = hs_scan(database_.get(), start, static_cast<unsigned>(text.raw.size()), 0,
                                  scratch.hs_scratch_.get(), stop, nullptr);
  FAULTLINE_CHECK(code == HS_SUCCESS || code == HS_SCAN_TERMINATED);
  return code == HS_SCAN_TERMINATED;
}

bool Regex::Search(const TextView& text, RegexScratch& scratch) const noexcept {
  const pcre2_code* code = text.valid_utf8 ? text_code_.get() : bytes_code_.get();
  const std::uint32_t flags = text.valid_utf8 ? PCRE2_NO_UTF_CHECK : 0;
  const char* start = text.raw.empty() ? "" : text.raw.data();
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
  Result<Regex> regex = Regex::Compile(source);
  if (!regex) return tl::unexpected<Error>(regex.error());
  max_groups_ = std::max(max_groups_, regex->group_count());
  return compiled_.emplace(key, std::make_shared<const Regex>(std::move(*regex))).first->second;
}

}  // namespace faultline
