// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "matcher/engine.h"
#include "matcher/event/walker.h"
#include "matcher/signature/rule_set.h"

namespace faultline {
namespace {

using Kind = sigma::Pattern::Kind;
using Op = sigma::Condition::Op;

sigma::Item Is(std::string field, std::string text) {
  sigma::Item item;
  item.field = std::move(field);
  item.choices.push_back({sigma::Pattern{{{Kind::kLiteral, std::move(text)}}}});
  return item;
}

// One search of one item; `negated`: "not" of it.
template <class RuleOrFilter>
void SetBody(RuleOrFilter& rule, sigma::Item item, bool negated = false) {
  rule.searches.push_back({"s", {{std::move(item)}}, {}});
  sigma::Condition condition;
  condition.nodes.push_back({Op::kSearch, 0, 0, {}});
  if (negated) condition.nodes.push_back({Op::kNot, 0, 0, {0}});
  rule.conditions.push_back(std::move(condition));
}

sigma::DetectionRule RuleOf(std::string id, sigma::Item item, std::vector<std::uint32_t> filters) {
  sigma::DetectionRule rule;
  rule.meta.id = std::move(id);
  rule.filters = std::move(filters);
  SetBody(rule, std::move(item));
  return rule;
}

sigma::Filter FilterOf(std::string id, sigma::Item item, bool negated) {
  sigma::Filter filter;
  filter.meta.id = std::move(id);
  SetBody(filter, std::move(item), negated);
  return filter;
}

// Rules "plain" and "twice" on a = x; "svc" takes out user svc, "home" narrows to site home.
sigma::RuleCollection Rules() {
  sigma::RuleCollection rules;
  rules.filters.push_back(FilterOf("svc", Is("user", "svc"), true));
  rules.filters.push_back(FilterOf("home", Is("site", "home"), false));
  rules.detections.push_back(RuleOf("free", Is("a", "x"), {}));
  rules.detections.push_back(RuleOf("plain", Is("a", "x"), {0}));
  rules.detections.push_back(RuleOf("twice", Is("a", "x"), {0, 1}));
  return rules;
}

using Indices = std::vector<std::uint32_t>;

struct Answer {
  Indices matched, filtered;
};

Answer AnswerOf(sigma::RuleCollection rules, const std::string& payload) {
  const auto set = RuleSet::Compile(std::move(rules), {}).value();
  Walker walker(&set->fields());
  Matcher matcher(set);
  EXPECT_EQ(walker.Begin(payload, {}), WalkFault::kNone);
  const auto matched = matcher.Match(*walker.Next());
  const auto filtered = matcher.filtered();
  return {{matched.begin(), matched.end()}, {filtered.begin(), filtered.end()}};
}

TEST(Filters, AreAndedToTheirRulesAndToldWhenTheyTakeSomething) {
  const Answer both = AnswerOf(Rules(), R"({"a":"x","user":"svc"})");
  EXPECT_EQ(both.matched, (Indices{0}));
  EXPECT_EQ(both.filtered, (Indices{0, 1}));
  const Answer narrowed = AnswerOf(Rules(), R"({"a":"x","user":"bob"})");
  EXPECT_EQ(narrowed.matched, (Indices{0, 1}));
  EXPECT_EQ(narrowed.filtered, (Indices{1}));
  const Answer none = AnswerOf(Rules(), R"({"a":"x","site":"home"})");
  EXPECT_EQ(none.matched, (Indices{0, 1, 2}));
  EXPECT_EQ(none.filtered, (Indices{}));
  const Answer other = AnswerOf(Rules(), R"({"a":"y","user":"svc"})");
  EXPECT_EQ(other.matched, (Indices{}));
  EXPECT_EQ(other.filtered, (Indices{})) << "nothing held that could be taken out";
}

TEST(Filters, UseTheFieldNamesOfTheLogAndARuleKeptInOneMeaningLostNothing) {
  sigma::RuleCollection rules;
  rules.filters.push_back(FilterOf("svc", Is("user", "svc"), true));
  rules.detections.push_back(RuleOf("r", Is("a", "x"), {0}));
  sigma::LogSourceAlternative renamed, plain;
  renamed.renames.emplace_back("user", "account");
  rules.detections[0].sources = sigma::LogSourceAlternatives({renamed});
  EXPECT_EQ(AnswerOf(rules, R"({"a":"x","account":"svc"})").filtered, (Indices{0}));
  EXPECT_EQ(AnswerOf(rules, R"({"a":"x","user":"svc"})").matched, (Indices{0}));
  rules.detections[0].sources = sigma::LogSourceAlternatives({renamed, plain});
  const Answer kept = AnswerOf(rules, R"({"a":"x","account":"svc"})");
  EXPECT_EQ(kept.matched, (Indices{0}));
  EXPECT_EQ(kept.filtered, (Indices{}));
}

TEST(Filters, AFilterWhoseExpressionDoesNotCompileIsRejectedAndTheOthersStay) {
  sigma::RuleCollection rules = Rules();
  sigma::Regex bad;
  bad.pattern = "a(b";
  rules.filters[0].searches[0].alternatives[0][0].choices = {{bad}};
  rules.report.push_back({"svc", "", "", "filter", 0, sigma::RuleState::kActive, "", {}, {}});
  const auto set = RuleSet::Compile(rules, {}).value();
  ASSERT_EQ(set->filters().size(), 1u);
  EXPECT_EQ(set->filters()[0].meta.id, "home");
  EXPECT_EQ(set->detections()[1].filters, (Indices{}));
  EXPECT_EQ(set->detections()[2].filters, (Indices{0}));
  EXPECT_EQ(set->report()[0].state, sigma::RuleState::kRejected);
  EXPECT_EQ(set->errors().size(), 1u);
}

TEST(Filters, TheEngineCountsTheEventsThatEachTookOut) {
  Engine engine(RuleSet::Compile(Rules(), {}).value(), {});
  const SourceId source = engine.AddSource({"t", 0}, {}, nullptr, {});
  std::int64_t offset = 0;
  for (const char* payload : {R"({"a":"x","user":"svc"})", R"({"a":"x","user":"bob"})",
                              R"({"a":"y","user":"svc"})", R"([{"a":"x"},{"a":"x"}])"}) {
    Record record;
    record.source = source;
    record.offset = offset++;
    record.payload = payload;
    Output out;
    engine.Process(record, {}, out);
  }
  std::vector<std::pair<std::string, std::int64_t>> counted;
  engine.stats()->ForEachFilter([&counted](const std::string& id, const Counter& events) {
    counted.emplace_back(id, events.value());
  });
  const std::vector<std::pair<std::string, std::int64_t>> expected{{"home", 4}, {"svc", 1}};
  EXPECT_EQ(counted, expected);
}

}  // namespace
}  // namespace faultline
