// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/condition.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace faultline::sigma {
namespace {

const std::vector<std::string> kSearches = {"a", "b", "c", "sel_1", "sel_2", "_hidden"};
const Place kPlace{"f.yml", 3, 10};

bool Evaluate(const Condition& condition, unsigned bits) {
  std::vector<bool> truth;
  for (const Condition::Node& node : condition.nodes) {
    std::size_t held = 0;
    for (const std::uint32_t child : node.children) held += truth.at(child) ? 1U : 0U;
    switch (node.op) {
      case Condition::Op::kSearch: truth.push_back((bits >> node.search & 1U) != 0); break;
      case Condition::Op::kNot: truth.push_back(held == 0); break;
      case Condition::Op::kAnd: truth.push_back(held == node.children.size()); break;
      case Condition::Op::kOr: truth.push_back(held > 0); break;
      case Condition::Op::kAtLeast: truth.push_back(held >= node.at_least); break;
    }
  }
  return truth.back();
}

// The grammar by recursive descent, evaluated while it is read: shares nothing with the parser.
class Oracle {
 public:
  Oracle(const std::vector<std::string>& words, unsigned bits) : words_(words), bits_(bits) {}
  bool Value() { return Or(); }

 private:
  bool Take(const std::string& word) {
    if (at_ >= words_.size() || words_[at_] != word) return false;
    ++at_;
    return true;
  }
  bool Or() {
    bool value = And();
    while (Take("or")) value = And() || value;
    return value;
  }
  bool And() {
    bool value = Not();
    while (Take("and")) value = Not() && value;
    return value;
  }
  bool Not() {
    if (Take("not")) return !Not();
    if (Take("(")) {
      const bool value = Or();
      Take(")");
      return value;
    }
    const bool some = words_.at(at_) == "1";
    if (some || words_.at(at_) == "all") {
      at_ += 3;  // "1 of sel_*"
      const bool first = (bits_ >> 3 & 1U) != 0;
      const bool second = (bits_ >> 4 & 1U) != 0;
      return some ? first || second : first && second;
    }
    return (bits_ >> (words_[at_++][0] - 'a') & 1U) != 0;
  }

  const std::vector<std::string>& words_;
  unsigned bits_;
  std::size_t at_ = 0;
};

void Generate(std::mt19937& random, int depth, std::vector<std::string>& out) {
  const auto pick = static_cast<unsigned>(random() % (depth <= 0 ? 4 : 9));
  if (pick < 3) return out.push_back(std::string(1, static_cast<char>('a' + pick)));
  if (pick == 3) {
    for (const char* word : {random() % 2 == 0 ? "1" : "all", "of", "sel_*"})
      out.emplace_back(word);
  } else if (pick == 4) {
    out.emplace_back("not");
    Generate(random, depth - 1, out);
  } else if (pick == 5) {
    out.emplace_back("(");
    Generate(random, depth - 1, out);
    out.emplace_back(")");
  } else {
    Generate(random, depth - 1, out);
    out.emplace_back(pick == 6 ? "or" : "and");
    Generate(random, depth - 1, out);
  }
}

TEST(Condition, PrecedenceIsThatOfTheGrammar) {
  std::mt19937 random(20261123);
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::string> words;
    Generate(random, 6, words);
    std::string text;
    for (const std::string& word : words) text += word + " ";
    const auto condition = ParseCondition(text, kSearches, kPlace);
    ASSERT_TRUE(condition.has_value()) << text << condition.error().ToString();
    for (unsigned bits = 0; bits < 32; ++bits) {
      ASSERT_EQ(Evaluate(*condition, bits), Oracle(words, bits).Value()) << text << bits;
    }
  }
}

TEST(Condition, WordsInAnyCaseAndSelectors) {
  const auto held = [](const std::string& text, unsigned bits) {
    const auto condition = ParseCondition(text, kSearches, kPlace);
    EXPECT_TRUE(condition.has_value()) << text;
    return condition && Evaluate(*condition, bits);
  };
  EXPECT_TRUE(held("a AND Not b", 1));
  EXPECT_FALSE(held("any of them", 1U << 5));
  EXPECT_TRUE(held("1 of _*", 1U << 5));
  EXPECT_TRUE(held("2 of them", 3));
  EXPECT_FALSE(held("2 of them", 1));
  EXPECT_TRUE(held("ALL OF sel*", 3U << 3));
  EXPECT_TRUE(held("1 of a", 1));
}

TEST(Condition, FaultsPointAtTheWord) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"a and sel1", "f.yml:3:16: unknown search 'sel1'; did you mean 'sel_1'?"},
      {"a | count() > 5",
       "f.yml:3:12: '|' in a condition is not supported; write a correlation (correlation: {type: "
       "event_count, ...})"},
      {"1 of x*", "f.yml:3:15: 'x*' matches no search; use one of a, b, c, sel_1, sel_2, _hidden"},
      {"9 of them",
       "f.yml:3:10: '9 of them' can never hold: it matches 5 searches; write 5 or less"},
      {"(a", "f.yml:3:10: '(' is not closed; add ')'"},
      {"a)", "f.yml:3:11: ')' without '('; remove it"},
      {"a and", "f.yml:3:15: the condition ends early; use one of a, b, c, sel_1, sel_2, _hidden"},
      {"a b", "f.yml:3:12: expected 'and' or 'or', found 'b'; join searches by 'and' or 'or'"},
      {"", "f.yml:3:10: the condition is empty; use one of a, b, c, sel_1, sel_2, _hidden"},
      {"some of them", "f.yml:3:10: unknown quantifier 'some'; use a number, any or all"},
  };
  for (const auto& c : cases) {
    const auto condition = ParseCondition(c.text, kSearches, kPlace);
    ASSERT_FALSE(condition.has_value()) << c.text;
    EXPECT_EQ(condition.error().ToString(), c.error);
  }
}

TEST(Condition, NestingIsLimited) {
  const auto nested = [](int depth) {
    return std::string(depth, '(') + "a" + std::string(depth, ')');
  };
  EXPECT_TRUE(ParseCondition(nested(64), kSearches, kPlace).has_value());
  EXPECT_FALSE(ParseCondition(nested(65), kSearches, kPlace).has_value());
  EXPECT_FALSE(ParseCondition(nested(100'000), kSearches, kPlace).has_value());
}

}  // namespace
}  // namespace faultline::sigma
