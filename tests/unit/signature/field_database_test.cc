// SPDX-License-Identifier: Apache-2.0
// The ways in which literals of a field are found, few and many, in short texts and long ones, against
// std::string's search.
#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/signature/field_database.h"

namespace faultline {
namespace {

constexpr PredicateKind kKinds[] = {PredicateKind::kContains, PredicateKind::kStartsWith,
                                    PredicateKind::kEndsWith, PredicateKind::kExact};

bool Holds(const Predicate& predicate, const std::string& text) {
  switch (predicate.kind) {
    case PredicateKind::kContains: return text.find(predicate.text) != text.npos;
    case PredicateKind::kStartsWith: return text.starts_with(predicate.text);
    case PredicateKind::kEndsWith: return text.ends_with(predicate.text);
    default: return text == predicate.text;
  }
}

TEST(FieldDatabase, FindsAllThatHolds) {
  std::mt19937_64 random(20261128);
  const auto made_of = [&random](std::string_view letters, std::size_t size) {
    std::string made;
    while (made.size() < size) made += letters[random() % letters.size()];
    return made;
  };
  std::size_t held = 0;
  for (const std::size_t number : {3u, 40u, 300u, 1500u}) {
    for (int round = 0; round < 6; ++round) {
      std::set<std::tuple<PredicateKind, bool, std::string>> distinct;
      while (distinct.size() < number) {
        const PredicateKind kind = kKinds[random() % (round == 0 ? 3 : 4)];
        const bool cased = random() % 4 == 0;
        distinct.emplace(kind, cased,
                         made_of(cased ? "aB\\.=" : "ab\\.=", 1 + random() % (4 + 3 * round)));
      }
      std::vector<Predicate> predicates;
      for (const auto& [kind, cased, text] : distinct) {
        predicates.push_back({0, kind, cased, text, text, {}, 0});
      }
      std::vector<const Predicate*> refs;
      for (const Predicate& predicate : predicates) refs.push_back(&predicate);
      const auto field = FieldDatabase::Create(refs, 0, nullptr);
      ASSERT_TRUE(field.has_value());
      HsScratch scratch;
      ASSERT_TRUE(field->Prepare(scratch).has_value());
      std::string buffer;
      for (int i = 0; i < 200; ++i) {
        // Of all sizes; some end with what a rule looks for.
        std::string raw = made_of("aAbB\\.=", random() % (i % 2 == 0 ? 24 : 600));
        if (i % 3 == 0) raw += predicates[random() % predicates.size()].text;
        std::string folded = raw;
        for (char& c : folded) c = c == 'A' || c == 'B' ? static_cast<char>(c - 'A' + 'a') : c;
        TextView text;
        text.raw = raw;
        text.folded = folded;
        text.ascii = true;
        Truth truth(static_cast<std::uint32_t>(predicates.size()));
        field->Scan(text, ValueKind::kString, scratch, buffer, truth);
        for (PredicateId id = 0; id < predicates.size(); ++id) {
          const Predicate& predicate = predicates[id];
          const bool holds = Holds(predicate, predicate.cased ? raw : folded);
          ASSERT_EQ(truth.Test(id), holds)
              << predicate.text << " in " << raw << ", kind " << static_cast<int>(predicate.kind);
          held += holds ? 1 : 0;
        }
      }
    }
  }
  EXPECT_GT(held, 10'000u);
}

}  // namespace
}  // namespace faultline
