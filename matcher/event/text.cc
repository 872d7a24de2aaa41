// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/text.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include <simdjson.h>

#include "matcher/event/escapes.h"
#include "matcher/event/lanes.h"

namespace faultline {
namespace {

struct FoldRange {
  char32_t first;
  char32_t last;
  std::uint32_t stride;  // every code point, or every other one
  std::int32_t delta;
};

constexpr FoldRange kFoldRanges[] = {
#include "matcher/event/fold_table.inc"
};

constexpr bool IsUpper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
constexpr bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr char Lower(char c) noexcept { return IsUpper(c) ? static_cast<char>(c | 0x20) : c; }

// The code point at `at` of valid UTF-8; `at` moves behind it.
char32_t NextCodePoint(std::string_view text, std::size_t& at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const char32_t lead = byte(at);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t code = size == 1 ? lead : lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) code = (code << 6) | (byte(at + i) & 0x3fu);
  at += size;
  return code;
}

// Of valid UTF-8: whether the folding of a code point beyond ASCII is another one. Signs, as in the
// names of products, have none.
bool FoldsBeyondAscii(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text.data()[at]) < 0x80) {
      ++at;
      continue;
    }
    const char32_t code = NextCodePoint(text, at);
    if (FoldCodePoint(code) != code) return true;
  }
  return false;
}

std::string_view FoldUnicode(std::string_view text, std::string& buffer) {
  buffer.clear();
  for (std::size_t at = 0; at < text.size();) {
    AppendUtf8(FoldCodePoint(NextCodePoint(text, at)), buffer);
  }
  return buffer;
}

}  // namespace

std::string_view Decode(const RawValue& value, std::string& buffer) {
  if (value.kind != ValueKind::kString || value.raw.find('\\') == value.raw.npos) return value.raw;
  DecodeEscapes(value.raw, buffer);
  return buffer;
}

char32_t FoldCodePoint(char32_t code) noexcept {
  if (code < 0x80) return static_cast<char32_t>(Lower(static_cast<char>(code)));
  const auto* range = std::lower_bound(std::begin(kFoldRanges), std::end(kFoldRanges), code,
                                       [](const FoldRange& r, char32_t c) { return r.last < c; });
  if (range == std::end(kFoldRanges) || code < range->first) return code;
  if ((code - range->first) % range->stride != 0) return code;
  return static_cast<char32_t>(static_cast<std::int32_t>(code) + range->delta);
}

AsciiFolding FoldAscii(std::string_view text, char* out) noexcept {
  const auto upper = [](const Lanes& lanes) { return (lanes >= 'A') & (lanes <= 'Z'); };
  Lanes all{}, folded{};
  std::size_t at = 0;
  for (; at + kLanes <= text.size(); at += kLanes) {
    const Lanes lanes = LoadLanes(text.data() + at);
    const Lanes high = upper(lanes);
    StoreLanes(out + at, lanes | (high & 0x20));
    all |= lanes;
    folded |= high;
  }
  bool ascii = !AnyNegative(all), changed = AnyNegative(folded);
  for (; at < text.size(); ++at) {
    out[at] = Lower(text[at]);
    ascii = ascii && static_cast<unsigned char>(text[at]) < 0x80;
    changed = changed || out[at] != text[at];
  }
  if (!ascii) return AsciiFolding::kNotAscii;
  return changed ? AsciiFolding::kFolded : AsciiFolding::kSame;
}

std::string_view Fold(std::string_view text, std::string& buffer) {
  if (buffer.size() < text.size()) buffer.resize(text.size());
  const AsciiFolding folding = FoldAscii(text, buffer.data());
  if (folding == AsciiFolding::kSame) return text;
  const std::string_view folded(buffer.data(), text.size());
  if (folding == AsciiFolding::kFolded) return folded;
  if (IsValidUtf8(text) && FoldsBeyondAscii(text)) return FoldUnicode(text, buffer);
  return folded == text ? text : folded;
}

bool IsValidUtf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

bool CanonicalNumber(std::string_view text, std::string& canonical) {
  constexpr int kMaxExponent = 9999;
  constexpr std::int64_t kPlainDigits = 20;  // integers up to this size are written out
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return text.substr(from, at - from);
  };
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) ++at;
  const std::string_view whole = digits();
  if (whole.empty()) return false;
  std::string_view fraction;
  if (at < text.size() && text[at] == '.') {
    ++at;
    fraction = digits();
    if (fraction.empty()) return false;
  }
  std::int64_t exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const bool minus = at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const std::string_view power = digits();
    if (power.empty()) return false;
    for (const char c : power) {
      exponent = exponent * 10 + (c - '0');
      if (exponent > kMaxExponent) return false;
    }
    if (minus) exponent = -exponent;
  }
  if (at != text.size()) return false;

  // The value is (all digits) * 10^exponent; then without zeros on either side.
  canonical.assign(negative ? "-" : "");
  const std::size_t sign = canonical.size();
  canonical.append(whole).append(fraction);
  exponent -= static_cast<std::int64_t>(fraction.size());
  const std::size_t first = canonical.find_first_not_of('0', sign);
  if (first == std::string::npos) {
    canonical.assign("0");
    return true;
  }
  canonical.erase(sign, first - sign);
  const std::size_t last = canonical.find_last_not_of('0');
  exponent += static_cast<std::int64_t>(canonical.size() - last - 1);
  canonical.resize(last + 1);
  const auto size = static_cast<std::int64_t>(canonical.size() - sign);
  if (exponent >= 0 && size + exponent <= kPlainDigits) {
    canonical.append(static_cast<std::size_t>(exponent), '0');
  } else {
    canonical.append("e").append(std::to_string(exponent));
  }
  return true;
}

}  // namespace faultline
