// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/text.h"

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "matcher/event/escapes.h"

namespace faultline {
namespace {

std::string Folded(std::string_view text) {
  std::string buffer;
  return std::string(Fold(text, buffer));
}

TEST(Decode, GivesTheTokenOfWhatIsNoString) {
  std::string buffer;
  EXPECT_EQ(Decode({"-1.50", ValueKind::kNumber}, buffer), "-1.50");
  EXPECT_EQ(Decode({"true", ValueKind::kTrue}, buffer), "true");
  EXPECT_EQ(Decode({R"(a\\b)", ValueKind::kString}, buffer), R"(a\b)");
}

TEST(Decode, CopiesNothingWhereNothingIsEscaped) {
  const std::string_view raw = "plain";
  std::string buffer;
  EXPECT_EQ(Decode({raw, ValueKind::kString}, buffer).data(), raw.data());
}

TEST(Fold, FoldsAsciiAndBeyondOneToOne) {
  EXPECT_EQ(Folded("C:\\Windows\\SYSTEM32[@`{"), "c:\\windows\\system32[@`{");
  EXPECT_EQ(Folded("\xc3\x89T\xc3\x89"), "\xc3\xa9t\xc3\xa9");  // É
  EXPECT_EQ(Folded("\xe2\x84\xaa"), "k");                       // Kelvin sign
  EXPECT_EQ(Folded("\xc5\xbf"), "s");                           // long s
  EXPECT_EQ(Folded("\xe1\xba\x9e"), "\xc3\x9f");                // capital sharp s
  EXPECT_EQ(Folded("\xc3\x9f"), "\xc3\x9f");                    // sharp s stays one letter
  EXPECT_EQ(Folded("\xc4\xb0"), "\xc4\xb0");                    // dotted capital I folds fully only
  EXPECT_EQ(Folded("\xc8\xba"), "\xe2\xb1\xa5");                // grows by a byte
  EXPECT_EQ(Folded("Word\xc2\xae IX"), "word\xc2\xae ix");      // a sign has no case
}

TEST(Fold, TextThatIsNoUtf8FoldsAsBytes) {
  EXPECT_EQ(Folded("A\xff\xc3\x89"), "a\xff\xc3\x89");
  EXPECT_EQ(Folded("\xed\xa0\x80Q"), "\xed\xa0\x80q");
}

TEST(Fold, CopiesNothingWhereNothingFolds) {
  std::string buffer;
  for (const std::string_view text : {"lower case", "\xc3\xa9t\xc3\xa9", "A\xff"}) {
    const bool same = Fold(text, buffer).data() == text.data();
    EXPECT_EQ(same, text[0] != 'A') << text;
  }
}

// A pattern without case, and where it matches: the oracle of folding.
class Caseless {
 public:
  explicit Caseless(const std::string& pattern)
      : code_(pcre2_compile(Bytes(pattern), pattern.size(), PCRE2_UTF | PCRE2_CASELESS, &error_,
                            &offset_, nullptr)),
        data_(pcre2_match_data_create(1, nullptr)) {}
  Caseless(const Caseless&) = delete;
  Caseless& operator=(const Caseless&) = delete;
  ~Caseless() {
    pcre2_match_data_free(data_);
    pcre2_code_free(code_);
  }

  // All matches in `text`, which is valid UTF-8.
  std::vector<std::string> In(const std::string& text) const {
    std::vector<std::string> found;
    for (std::size_t at = 0;
         at < text.size() && pcre2_match(code_, Bytes(text), text.size(), at, PCRE2_NO_UTF_CHECK,
                                         data_, nullptr) >= 0;) {
      const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_);
      found.push_back(text.substr(ends[0], ends[1] - ends[0]));
      at = ends[1];
    }
    return found;
  }

 private:
  static PCRE2_SPTR Bytes(const std::string& text) {
    return reinterpret_cast<PCRE2_SPTR>(text.data());
  }

  int error_ = 0;
  PCRE2_SIZE offset_ = 0;
  pcre2_code* code_;
  pcre2_match_data* data_;
};

std::string Utf8(char32_t code) {
  std::string text;
  AppendUtf8(code, text);
  return text;
}

// All that we fold, and all letters with case, marks, letter numbers and symbols: each matches
// without case exactly those that fold to the same.
TEST(Fold, AgreesWithPcre2) {
  const Caseless candidate("\\p{L&}|\\p{M}|\\p{Nl}|[\\x{2100}-\\x{2fff}]");
  std::map<char32_t, std::size_t> class_size;
  std::vector<char32_t> codes;
  std::string all;
  for (char32_t code = 0; code <= 0x10ffff; ++code) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const std::string text = Utf8(code);
    ++class_size[FoldCodePoint(code)];
    if (FoldCodePoint(code) == code && candidate.In(text).empty()) continue;
    codes.push_back(code);
    all += text;
  }
  ASSERT_GT(codes.size(), 4000u);
  for (const char32_t code : codes) {
    char pattern[16];
    std::snprintf(pattern, sizeof pattern, "\\x{%x}", static_cast<unsigned>(code));
    const std::vector<std::string> equal = Caseless(pattern).In(all);
    EXPECT_EQ(equal.size(), class_size[FoldCodePoint(code)]) << pattern;
    for (const std::string& text : equal) EXPECT_EQ(Folded(text), Folded(Utf8(code))) << pattern;
  }
}

TEST(CanonicalNumber, GivesEqualNumbersOneSpelling) {
  const std::vector<std::vector<std::string>> equal{
      {"1", "1.0", "01", "10e-1", "1e0", "0.1e1", "0001.000"},
      {"0", "-0", "0.0", "0e9999", "00"},
      {"-2.5", "-25e-1", "-0.25e+1", "-02.50"},
      {"100", "1e2", "1E2", "100.00"},
      {"18446744073709551615", "18446744073709551615.0"},
      {"18446744073709551616", "18446744073709551616e0"},
      {"1e9999", "10e9998"},
      {"123456789012345678901234567890", "12345678901234567890123456789e1"}};
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < equal.size(); ++i) {
    for (const std::string& text : equal[i]) {
      std::string canonical = "old";
      ASSERT_TRUE(CanonicalNumber(text, canonical)) << text;
      const auto [it, fresh] = seen.emplace(canonical, i);
      EXPECT_EQ(it->second, i) << text << " as " << canonical;
      EXPECT_EQ(fresh, text == equal[i].front()) << text << " as " << canonical;
    }
  }
  EXPECT_EQ(seen.count("1"), 1u);
  EXPECT_EQ(seen.count("0"), 1u);
  EXPECT_EQ(seen.count("100"), 1u);
}

TEST(CanonicalNumber, RefusesWhatIsNoDecimalText) {
  for (const char* text :
       {"", "-", "+5", ".5", "5.", " 5", "5 ", "0x1", "01x", "1e", "1e+", "e5", "1e10000",
        "1e-10000", "1e99999999999999999999", "--1", "1.5.2", "NaN"}) {
    std::string canonical;
    EXPECT_FALSE(CanonicalNumber(text, canonical)) << text;
  }
}

}  // namespace
}  // namespace faultline
