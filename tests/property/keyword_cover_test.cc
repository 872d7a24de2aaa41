// SPDX-License-Identifier: Apache-2.0
// What the keyword cover turns away holds no keyword, however a record spells its texts; and it
// turns away much of what holds none. The texts are made first and spelled then, so what they hold
// is known without reading JSON.
#include "matcher/signature/keyword_cover.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"

namespace faultline::testing {
namespace {

constexpr std::uint64_t kSeed = 20261128;
constexpr char32_t kLongS = 0x17f, kKelvin = 0x212a;

using Random = std::mt19937_64;

// How a record spells its texts.
enum class Writer {
  kPlain,   // ASCII as \u never
  kHiding,  // any character as \u now and then
  kOdd      // what folds to ASCII too, as it is and as \u
};

std::string Utf8(std::u32string_view text) {
  std::string bytes;
  for (const char32_t code : text) {
    const auto put = [&bytes](char32_t byte) { bytes += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0 | (code >> 6));
      put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      put(0xe0 | (code >> 12));
      put(0x80 | ((code >> 6) & 0x3f));
      put(0x80 | (code & 0x3f));
    } else {
      put(0xf0 | (code >> 18));
      put(0x80 | ((code >> 12) & 0x3f));
      put(0x80 | ((code >> 6) & 0x3f));
      put(0x80 | (code & 0x3f));
    }
  }
  return bytes;
}

// The folding of the letters that are used here.
char32_t Folded(char32_t code) {
  if (code >= U'A' && code <= U'Z') return code - U'A' + U'a';
  if (code == U'\u00c9') return U'\u00e9';
  if (code == kLongS) return U's';
  return code == kKelvin ? U'k' : code;
}

std::u32string Folded(std::u32string text) {
  for (char32_t& code : text) code = Folded(code);
  return text;
}

std::u32string AnyCase(std::u32string text, Writer writer, Random& random) {
  for (char32_t& code : text) {
    const bool other = random() % 3 == 0;
    if (other && code >= U'a' && code <= U'z') code -= U'a' - U'A';
    if (other && code == U'\u00e9') code = U'\u00c9';
    if (writer != Writer::kOdd || random() % 4 != 0) continue;
    if (Folded(code) == U's') code = kLongS;
    if (Folded(code) == U'k') code = kKelvin;
  }
  return text;
}

std::u32string Syllable(Random& random) {
  static const std::vector<std::u32string> kSyllables{
      U"kiwi", U"mimi",  U"::",  U":",   U"sek",  U"ask",     U"ls\\",         U"\\",
      U"\\\\", U"\"",    U"/",   U"\n",  U"\t",   U"\u007f",  U"\u00e9",       U"\u4e2d",
      U"u003", U"\\u00", U"dru", U"mim", U"misc", U"127.0.0", U"\U0001f600 x", U"/etc/"};
  return kSyllables[random() % kSyllables.size()];
}

std::u32string Syllables(std::size_t least, std::size_t most, Random& random) {
  std::u32string text;
  for (std::size_t left = least + random() % (most - least + 1); left > 0; --left) {
    text += Syllable(random);
  }
  return text;
}

void Escape(char32_t unit, Random& random, std::string& json) {
  json += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) {
    const std::string_view digits = random() % 2 == 0 ? "0123456789abcdef" : "0123456789ABCDEF";
    json += digits[(unit >> shift) & 0xf];
  }
}

void Spell(char32_t code, Writer writer, Random& random, std::string& json) {
  static const std::u32string kShort = U"\"\\/\b\f\n\r\t";
  const bool hide = writer != Writer::kPlain && random() % 6 == 0;
  const std::size_t simple = kShort.find(code);
  if (code >= 0x10000 && random() % 2 == 0) {
    Escape(0xd800 + ((code - 0x10000) >> 10), random, json);
    Escape(0xdc00 + ((code - 0x10000) & 0x3ff), random, json);
  } else if (code < 0x10000 && hide) {
    Escape(code, random, json);
  } else if (simple != kShort.npos && (code != U'/' || random() % 2 == 0)) {
    json += '\\';
    json += "\"\\/bfnrt"[simple];
  } else {
    json += Utf8({&code, 1});
  }
}

std::string Spelled(const std::u32string& text, Writer writer, Random& random) {
  std::string json = "\"";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool bad = text.compare(at, 2, U"\\m") == 0 || text.compare(at, 2, U"\\:") == 0;
    if (bad && random() % 3 == 0) {  // a bad escape stands for itself
      json += Utf8(text.substr(at++, 2));
    } else {
      Spell(text[at], writer, random, json);
    }
  }
  return json + '"';
}

struct Keyword {
  std::u32string text;
  bool cased = false;

  [[nodiscard]] bool In(const std::u32string& leaf) const {
    return cased ? leaf.find(text) != leaf.npos : Folded(leaf).find(Folded(text)) != leaf.npos;
  }
};

struct Record {
  std::string json;
  std::vector<std::u32string> leaves;
};

Record MadeRecord(const std::vector<Keyword>& keywords, Writer writer, Random& random) {
  Record record;
  record.json = "{";
  for (std::size_t left = 1 + random() % 6; left > 0; --left) {
    std::u32string leaf = Syllables(0, 4, random);
    const Keyword& keyword = keywords[random() % keywords.size()];
    if (random() % 12 == 0) {
      leaf += AnyCase(keyword.text, keyword.cased ? Writer::kPlain : writer, random);
    } else if (random() % 3 == 0) {  // nearly
      leaf += keyword.text.substr(0, random() % keyword.text.size());
    }
    leaf += AnyCase(Syllables(0, 4, random), writer, random);
    record.json += Spelled(Syllables(0, 1, random), writer, random) +
                   ": [{\"a\": " + Spelled(leaf, writer, random) + (left == 1 ? "}]" : "}], ");
    record.leaves.push_back(std::move(leaf));
  }
  record.json += "}";
  return record;
}

Predicate Asked(const Keyword& keyword) {
  const sigma::Pattern pattern{{{sigma::Pattern::Kind::kLiteral, Utf8(keyword.text)}}};
  return MakePredicate(kKeywordField, pattern, keyword.cased);
}

// Keywords that have a cover, which is put into `cover`.
std::vector<Keyword> MadeKeywords(Random& random, std::unique_ptr<const KeywordCover>& cover) {
  std::vector<Keyword> keywords;
  for (cover = nullptr; cover == nullptr;) {
    keywords.clear();
    std::vector<Predicate> predicates;
    for (std::size_t left = 1 + random() % 12; left > 0; --left) {
      keywords.push_back({Syllables(3, 5, random) + U"kiw", random() % 5 == 0});
      predicates.push_back(Asked(keywords.back()));
    }
    std::vector<const Predicate*> refs;
    for (const Predicate& predicate : predicates) refs.push_back(&predicate);
    cover = KeywordCover::Create(refs, nullptr).value();
  }
  return keywords;
}

struct Tally {
  int held = 0, empty = 0, turned_away = 0, hidden = 0;
};

// What `sets` sets of keywords say to records of one writer.
Tally Tried(Writer writer, int sets) {
  Random random(kSeed);
  FieldTable table;
  Walker walker(&table);
  TextArena arena;
  Tally tally;
  for (int i = 0; i < sets; ++i) {
    std::unique_ptr<const KeywordCover> cover;
    const std::vector<Keyword> keywords = MadeKeywords(random, cover);
    HsScratch scratch;
    EXPECT_TRUE(cover->Prepare(scratch).has_value());
    for (int j = 0; j < 200; ++j) {
      const Record record = MadeRecord(keywords, writer, random);
      EXPECT_EQ(walker.Begin(record.json, {}), WalkFault::kNone) << record.json;
      const Event* const event = walker.Next();
      if (event == nullptr) continue;
      const bool holds = std::any_of(keywords.begin(), keywords.end(), [&](const Keyword& keyword) {
        return std::any_of(record.leaves.begin(), record.leaves.end(),
                           [&](const std::u32string& leaf) { return keyword.In(leaf); });
      });
      arena.Clear();
      const bool may = cover->MayHold(*event, arena, scratch.get());
      EXPECT_TRUE(may || !holds) << record.json;
      tally.held += holds ? 1 : 0;
      tally.empty += holds ? 0 : 1;
      tally.turned_away += may ? 0 : 1;
      tally.hidden += event->hidden_ascii().empty() ? 0 : 1;
    }
  }
  return tally;
}

TEST(KeywordCoverProperty, TurnsAwayNothingThatHoldsAKeywordPlainlySpelled) {
  const Tally tally = Tried(Writer::kPlain, 100);
  EXPECT_EQ(tally.hidden, 0);
  EXPECT_GT(tally.held, 1000);
  EXPECT_GT(tally.turned_away, tally.empty / 3);
}

TEST(KeywordCoverProperty, TurnsAwayNothingThatHidesAKeywordInEscapes) {
  const Tally tally = Tried(Writer::kHiding, 100);
  EXPECT_GT(tally.hidden, 10000);
  EXPECT_GT(tally.held, 1000);
  EXPECT_GT(tally.turned_away, tally.empty / 3);
}

TEST(KeywordCoverProperty, TurnsAwayNothingThatHoldsAKeywordWithLettersThatFoldToAscii) {
  const Tally tally = Tried(Writer::kOdd, 100);
  EXPECT_GT(tally.held, 1000);
  EXPECT_GT(tally.turned_away, 0);
}

}  // namespace
}  // namespace faultline::testing
