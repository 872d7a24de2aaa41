// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/encodings.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace faultline::sigma {
namespace {

struct WordRange {
  char32_t first;
  char32_t last;
};

constexpr WordRange kWordRanges[] = {
#include "matcher/sigma/word_table.inc"
};

bool IsWord(char32_t code) {
  if (code < 0x80) {
    return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') ||
           (code >= 'a' && code <= 'z') || code == '_';
  }
  const auto* const range =
      std::lower_bound(std::begin(kWordRanges), std::end(kWordRanges), code,
                       [](const WordRange& one, char32_t value) { return one.last < value; });
  return range != std::end(kWordRanges) && range->first <= code;
}

// The code point at `at`, which moves behind it; nothing, and one byte on, where there is none.
std::optional<char32_t> NextCodePoint(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const char32_t lead = byte(at++);
  if (lead < 0x80) return lead;
  const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at < more) return std::nullopt;
  char32_t code = lead & (0x3fU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xc0U) != 0x80) return std::nullopt;
    code = code << 6U | (byte(at + i) & 0x3fU);
  }
  constexpr std::array<char32_t, 4> kLeast = {0, 0x80, 0x800, 0x10000};
  if (code < kLeast[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    return std::nullopt;
  }
  at += more;
  return code;
}

// The places of dashes in a literal, as ExpandDashes means them.
std::vector<std::size_t> Dashes(std::string_view text) {
  std::vector<std::size_t> places;
  bool word = false;  // what stands before `at`
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t here = at;
    const auto code = NextCodePoint(text, at);
    if (!word && (text[here] == '-' || text[here] == '/') && at < text.size()) {
      std::size_t behind = at;
      const auto next = NextCodePoint(text, behind);
      if (next && IsWord(*next)) places.push_back(here);
    }
    word = code && IsWord(*code);
  }
  return places;
}

void AddUnit(std::string& out, char32_t unit, Utf16 order) {
  const char low = static_cast<char>(unit & 0xffU);
  const char high = static_cast<char>(unit >> 8U & 0xffU);
  out += order == Utf16::kLittle ? low : high;
  out += order == Utf16::kLittle ? high : low;
}

}  // namespace

std::size_t CountDashes(const Pattern& pattern) {
  std::size_t count = 0;
  for (const Pattern::Token& token : pattern.tokens) count += Dashes(token.text).size();
  return count;
}

std::vector<Pattern> ExpandDashes(const Pattern& pattern) {
  constexpr std::array<std::string_view, 5> kDashes = {"-", "/", "\u2013", "\u2014", "\u2015"};
  std::vector<Pattern> patterns = {pattern};
  for (std::size_t i = 0; i < pattern.tokens.size(); ++i) {
    const std::vector<std::size_t> places = Dashes(pattern.tokens[i].text);
    // From the last place on, so that those before keep their offsets.
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
      std::vector<Pattern> more;
      for (const Pattern& one : patterns) {
        for (const std::string_view dash : kDashes) {
          more.push_back(one);
          more.back().tokens[i].text.replace(*place, 1, dash);
        }
      }
      patterns = std::move(more);
    }
  }
  return patterns;
}

std::string EncodeBase64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t size = std::min<std::size_t>(3, bytes.size() - at);
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (i < size ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= size ? kDigits[group >> (18 - 6 * i) & 0x3fU] : '=';
    }
  }
  return out;
}

std::array<std::string, 3> Base64Slices(std::string_view bytes) {
  constexpr std::array<std::size_t, 3> kStart = {0, 2, 3};
  constexpr std::array<std::size_t, 3> kCutEnd = {0, 3, 2};
  std::array<std::string, 3> slices;
  for (std::size_t shift = 0; shift < slices.size(); ++shift) {
    const std::string text = EncodeBase64(std::string(shift, ' ').append(bytes));
    const std::size_t end = text.size() - kCutEnd[(bytes.size() + shift) % 3];
    slices[shift] = text.substr(kStart[shift], end - kStart[shift]);
  }
  return slices;
}

std::optional<std::string> ToUtf16(std::string_view utf8, Utf16 order) {
  std::string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto code = NextCodePoint(utf8, at);
    if (!code) return std::nullopt;
    if (*code < 0x10000) {
      AddUnit(out, *code, order);
    } else {
      AddUnit(out, 0xd800 + ((*code - 0x10000) >> 10U), order);
      AddUnit(out, 0xdc00 + ((*code - 0x10000) & 0x3ffU), order);
    }
  }
  return out;
}

bool IsDecimal(std::string_view text) noexcept {
  const auto digits = [&] {
    const std::size_t size = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(size);
    return size;
  };
  const auto take = [&](std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == any_of.npos) return false;
    text.remove_prefix(1);
    return true;
  };
  take("-");
  if (digits() == 0) return false;
  if (take(".") && digits() == 0) return false;
  if (take("eE")) {
    take("+-");
    const std::size_t exponent = digits();
    if (exponent == 0 || exponent > 4) return false;
  }
  return text.empty();
}

}  // namespace faultline::sigma
