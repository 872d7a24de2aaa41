// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/expression.h"

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace faultline::sigma {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// Bare names are what the tests give them: an event's text, or a value of another type.
class Names final : public ExprScope, public ExprEnvironment {
 public:
  std::map<std::string, std::pair<ExprType, ExprValue>> values;
  std::map<std::string, ExprValue> settings;

  Result<Found> Find(const std::vector<std::string>& parts) const override {
    std::string name;
    for (const std::string& part : parts) name += (name.empty() ? "" : ".") + part;
    if (parts.front() == "settings" && parts.size() == 2) {
      const auto setting = settings.find(parts[1]);
      if (setting == settings.end()) return Fail(Fault::kRules, "unknown setting", {}, "none");
      return Found{setting->second, ExprType::kNumber};
    }
    const auto found = values.find(name);
    if (found == values.end()) return Fail(Fault::kRules, "unknown name '" + name + "'");
    ExprName known;
    known.field = name;
    return Found{known, found->second.first};
  }

  Result<ExprName> FindStep(std::string_view step) const override {
    if (step != "fault") return Fail(Fault::kRules, "unknown step", {}, "did you mean 'fault'?");
    ExprName name;
    name.kind = ExprName::Kind::kSeen;
    return name;
  }

  ExprValue Read(const ExprName& name) const override {
    if (name.kind == ExprName::Kind::kSeen) return true;
    return values.at(name.field).second;
  }

  std::int64_t CountTimes(std::uint32_t, EventTime from, EventTime to) const override {
    return (to - from).count();
  }
};

EventTime At(std::int64_t second) { return EventTime::Raw(second * 1'000'000'000); }

Names Usual() {
  Names names;
  const auto event = [&](const std::string& name, const std::string& text) {
    names.values[name] = {ExprType::kEvent, text};
  };
  event("ten", "10");
  event("nine", "9");
  event("half", "0.5");
  event("huge", "9007199254740993");
  event("word", "Abc");
  event("host", "DB01.example.org");
  event("four", "10.0.0.1");
  event("six", "fe80::1");
  event("code", "0x80070005");
  event("a.b", "dotted");
  event("Some Field", "odd");
  event("@timestamp", "at");
  event("Some", "");
  names.values["none"] = {ExprType::kEvent, ExprAbsent{}};
  names.values["broken"] = {ExprType::kNumber, ExprError{}};
  names.values["seven"] = {ExprType::kNumber, std::int64_t{7}};
  names.values["most"] = {ExprType::kNumber, kMost};
  names.values["least"] = {ExprType::kNumber, std::numeric_limits<std::int64_t>::min()};
  names.values["text"] = {ExprType::kText, std::string("10")};
  names.values["yes"] = {ExprType::kBool, true};
  names.values["start"] = {ExprType::kTime, At(60)};
  names.values["end"] = {ExprType::kTime, At(100)};
  names.values["span"] = {ExprType::kDuration, nanoseconds(minutes(10))};
  names.values["reg"] = {ExprType::kTimes, ExprAbsent{}};
  names.settings["limit"] = std::int64_t{5};
  names.settings["window"] = nanoseconds(hours(1));
  return names;
}

// What `text` gives; a load error as its message.
std::string Give(const std::string& text) {
  const Names names = Usual();
  const auto expression = Expression::Parse(text, Place{"f", 1, 1}, names);
  if (!expression) return expression.error().ToString();
  const ExprValue value = expression->Evaluate(names);
  return std::holds_alternative<ExprAbsent>(value) ? "absent" : ToText(value);
}

using Cases = std::vector<std::pair<std::string, std::string>>;

void ExpectAll(const Cases& cases) {
  for (const auto& [text, wanted] : cases) EXPECT_EQ(Give(text), wanted) << text;
}

TEST(Expression, BindsAsWritten) {
  ExpectAll({{"1 + 2 * 3", "7"},
             {"(1 + 2) * 3", "9"},
             {"10 - 3 - 2", "5"},
             {"12 / 3 / 2", "2"},
             {"-2 * -3", "6"},
             {"- -2", "2"},
             {"not true or true", "true"},
             {"not 1 == 2", "true"},
             {"true or true and false", "true"},
             {"(true or true) and false", "false"},
             {"1 + 1 == 2 and 2 > 1", "true"},
             {"not not false", "false"}});
}

TEST(Expression, WholeNumbersAreExactOrAnError) {
  ExpectAll({{"most", "9223372036854775807"},
             {"most + 1", "(error)"},
             {"least - 1", "(error)"},
             {"-least", "(error)"},
             {"abs(least)", "(error)"},
             {"most * 2", "(error)"},
             {"least / -seven * 0 + least / (seven - 8)", "(error)"},
             {"seven / (seven - 7)", "(error)"},
             {"seven / 0.0", "(error)"},
             {"7 / 0",
              "f:1:3: this always gives an error: its value does not exist or does not fit; write "
              "smaller numbers, and divide by none that is 0"},
             {"-9223372036854775808", "-9223372036854775808"},
             {"9223372036854775807 - most", "0"},
             {"most - 1 + 1", "9223372036854775807"},
             {"seven / 7", "1"},
             {"seven / 2", "3.5"},
             {"seven + 0.5", "7.5"},
             {"huge == 9007199254740993", "true"},
             {"huge == 9007199254740992", "false"},
             {"huge > 9007199254740992.0", "true"},
             {"most < 9223372036854775808.0", "true"},
             {"0.1 + 0.2", "0.3"},
             {"1.0", "1"},
             {"1e3", "1000"}});
}

TEST(Expression, AnErrorOrNothingGoesOnAndComparesFalse) {
  ExpectAll({{"none + 1", "absent"},
             {"1 + none", "absent"},
             {"broken + none", "(error)"},
             {"none == none", "false"},
             {"none != 1", "false"},
             {"broken == broken", "false"},
             {"broken < 1 or broken >= 1", "false"},
             {"not none == 1", "true"},
             {"exists(none) or exists(broken)", "false"},
             {"exists(word)", "true"},
             {"coalesce(none, broken, 3)", "3"},
             {"coalesce(none, broken)", "(error)"},
             {"coalesce(broken, none)", "absent"},
             {"min(1, none)", "absent"},
             {"max(none, 1, broken)", "(error)"},
             {"lower(none)", "absent"},
             {"upper(none)", "absent"},
             {"squeeze(none)", "absent"},
             {"text(none)", "absent"},
             {"if(none == 1, 1, 2)", "2"},
             {"word + 1", "(error)"},
             {"count(reg, start, start + none * 1s)", "absent"}});
}

TEST(Expression, TextsOfEventsAreNumbersOnlyBesideNumbers) {
  ExpectAll({{"ten == 10", "true"},         {"ten == 10.0", "true"},
             {"ten > 9", "true"},           {"ten > number(nine)", "true"},
             {"ten > text(nine)", "false"}, {"ten == text", "true"},
             {"ten == '10'", "true"},       {"ten == '10.0'", "false"},
             {"word == 1", "false"},        {"word != 1", "false"},
             {"word != 'abc'", "true"},     {"word == 'Abc'", "true"},
             {"word < 'Abd'", "true"},      {"ten - nine", "1"},
             {"ten * half", "5"},           {"max(ten, nine)", "10"},
             {"min(ten, 2.5)", "2.5"},      {"number(word)", "(error)"},
             {"number(half)", "0.5"},       {"coalesce(none, 0) < 1", "true"}});
}

TEST(Expression, ReadsNames) {
  ExpectAll(
      {{"a.b", "dotted"},
       {"`a.b`", "dotted"},
       {"`Some Field`", "odd"},
       {"@timestamp", "at"},
       {"seen(fault)", "true"},
       {"seen(falt)", "f:1:6: unknown step; did you mean 'fault'?"},
       {"settings.limit + 1", "6"},
       {"settings.window * 2", "2h"},
       {"1 + settings.limits", "f:1:5: unknown setting; none"},
       {"disk-fault == 1",
        "f:1:1: 'disk-fault' is a name or a difference; write `disk-fault` or disk - fault"},
       {"ten -nine", "1"},
       {"ten - nine-1", "f:1:7: 'nine-1' is a name or a difference; write `nine-1` or nine - 1"},
       {"Some Field",
        "f:1:6: expected an operator, found 'Field'; a name with blanks goes into back quotes"}});
}

TEST(Expression, KnowsTimesAndDurations) {
  ExpectAll({{"end - start", "40s"},
             {"start + 90m", "1970-01-01T01:31:00.000Z"},
             {"10m + start == start + 10m", "true"},
             {"end - 10m < start", "true"},
             {"end - start < 1m", "true"},
             {"span / 2", "5m"},
             {"2 * span", "20m"},
             {"span * 1.5", "15m"},
             {"span / 4m", "2.5"},
             {"-span", "-10m"},
             {"abs(-span)", "10m"},
             {"max(start, end) == end", "true"},
             {"min(1h, 30m)", "30m"},
             {"span / 0", "(error)"},
             {"1w * most", "(error)"},
             {"count(reg, start, end)", "40000000000"}});
}

TEST(Expression, WorksFunctionsOut) {
  ExpectAll({{"lower(word)", "abc"},
             {"upper(host(host))", "DB01"},
             {"upper('aß z')", "Aß Z"},
             {"squeeze(' a\t\r\n b  c ')", "a b c"},
             {"squeeze(' \t')", ""},
             {"host(host)", "db01"},
             {"host(four)", "10.0.0.1"},
             {"host(six)", "fe80::1"},
             {"host('DB02')", "db02"},
             {"code32(code)", "80070005"},
             {"code32('80070005')", "80070005"},
             {"code32('-2147024891')", "80070005"},
             {"code32('2147942405')", "80070005"},
             {"code32(-2147024891)", "80070005"},
             {"code32(80070005)", "04c5c575"},
             {"code32('5')", "00000005"},
             {"code32('0x5')", "00000005"},
             {"code32('8007000X')",
              "f:1:1: this always gives an error: its value does not exist or does not fit; write "
              "smaller numbers, and divide by none that is 0"},
             {"code32(most)", "(error)"},
             {"code32(word)", "(error)"},
             {"hex('0xfF')", "255"},
             {"hex('7fffffffffffffff') == most", "true"},
             {"hex(word)", "2748"},
             {"hex(host)", "(error)"},
             {"text(1.5)", "1.5"},
             {"text(yes)", "true"},
             {"text(span)", "10m"},
             {"if(yes, 'a', 'b')", "a"},
             {"abs(-3) + abs(2.5)", "5.5"}});
}

TEST(Expression, RefusesWithThePlace) {
  ExpectAll(
      {{"",
        "f:1:1: the expression is empty; write a name, a number, a text in quotes or a function"},
       {"  ",
        "f:1:1: the expression is empty; write a name, a number, a text in quotes or a function"},
       {"1 +",
        "f:1:4: the expression ends early; write a name, a number, a text in quotes or a function"},
       {"(1", "f:1:1: '(' is not closed; add ')'"},
       {"1)", "f:1:2: ')' without '('; remove it"},
       {"1 2",
        "f:1:3: expected an operator, found '2'; join values by and, or, a comparison or + - * /"},
       {"yes AND yes", "f:1:5: expected an operator, found 'AND'; write and"},
       {"yes and",
        "f:1:8: the expression ends early; write a name, a number, a text in quotes or a function"},
       {"and yes",
        "f:1:1: expected a value, found 'and'; write a name, a number, a text in quotes or a "
        "function"},
       {"ten = 1", "f:1:5: '=' is no operator; write =="},
       {"!yes", "f:1:1: '!' is no operator; write not"},
       {"yes && yes", "f:1:5: '&&' is no operator; write and"},
       {"ten $ 1", "f:1:5: unexpected '$'; texts go into quotes, odd names into back quotes"},
       {"'abc", "f:1:1: the text is not closed by '; add '"},
       {"`abc", "f:1:1: the name is not closed by `; write a name between two back quotes"},
       {"10x",
        "f:1:1: '10x' is no number and no duration; durations are a whole number and one of s, m, "
        "h, d, w, M, y"},
       {"9223372036854775808",
        "f:1:1: 9223372036854775808 does not fit into 64 bits; write 9223372036854775808.0"},
       {"1 - 9223372036854775808",
        "f:1:5: 9223372036854775808 does not fit into 64 bits; write 9223372036854775808.0"},
       {"9223372036854775807 + 1",
        "f:1:21: this always gives an error: its value does not exist or does not fit; write "
        "smaller numbers, and divide by none that is 0"},
       {"wrod == 1", "f:1:1: unknown name 'wrod'"},
       {"lowr(word)", "f:1:1: unknown function 'lowr'; did you mean 'lower'?"},
       {"abs()", "f:1:1: abs takes 1 argument, here are none; give it as many"},
       {"min(1)", "f:1:1: min takes at least 2 arguments, here is 1; give it as many"},
       {"abs(1", "f:1:6: expected ',' or ')' in abs(...); add ')'"},
       {"1 < 2 < 3", "f:1:7: a comparison has two sides; join two comparisons by and"},
       {"seven and yes",
        "f:1:1: 'and' wants a condition, this is a number; write a comparison, or exists(...)"},
       {"not word",
        "f:1:5: 'not' wants a condition, this is a text of an event; write a comparison, or "
        "exists(...)"},
       {"if(1, 2, 3)",
        "f:1:4: 'if' wants a condition, this is a number; write a comparison, or exists(...)"},
       {"seven == 'a'",
        "f:1:7: '==' does not compare a number with a text; compare numbers with numbers, texts "
        "with texts"},
       {"span > 30",
        "f:1:6: '>' does not compare a duration with a number; give the number a unit, for example "
        "30s"},
       {"word == true",
        "f:1:6: '==' does not compare a text of an event with true or false; write the text, for "
        "example == 'true'"},
       {"yes < true", "f:1:5: '<' does not order conditions; use == or !="},
       {"ten < nine",
        "f:1:5: '<' between two texts of events: as numbers or as texts?; write number(...) or "
        "text(...) around one of them"},
       {"start + end",
        "f:1:7: '+' does not go with a time and a time; write numbers, or times and durations"},
       {"start - 1",
        "f:1:7: '-' does not go with a time and a number; write numbers, or times and durations"},
       {"1s - start",
        "f:1:4: '-' does not go with a duration and a time; write numbers, or times and durations"},
       {"1 / 1s",
        "f:1:3: '/' does not go with a number and a duration; write numbers, or times and "
        "durations"},
       {"-start", "f:1:1: '-' does not go with a time; write numbers, or times and durations"},
       {"'a' + 'b'",
        "f:1:5: '+' does not go with a text and a text; write numbers, or times and durations"},
       {"if(yes, 1, 'a')",
        "f:1:12: if gives values of one type, here are a number and a text; write number(...) or "
        "text(...) around one of them"},
       {"lower(1)", "f:1:7: lower wants a text, this is a number; write text(...) around it"},
       {"min(word, 'a')",
        "f:1:11: min wants numbers, times or durations, this is a text; give it one"},
       {"reg",
        "f:1:1: a register of times has no value of its own; write count(reg.name, from, to)"},
       {"exists(reg)",
        "f:1:8: a register of times has no value of its own; write count(reg.name, from, to)"},
       {"count(ten, start, end)",
        "f:1:7: count wants a register of times, this is a text of an event; declare a register "
        "with fn: times"},
       {"count(reg, 1, end)",
        "f:1:12: count counts from a time to a time, this is a number; write step.time, time, or "
        "one of them - 10m"},
       {"seen(fault.x)", "f:1:6: seen(...) wants the name of a step; write the name alone"}});
}

TEST(Expression, KeepsToItsLimits) {
  const std::string deep(64, '(');
  EXPECT_EQ(Give(deep + "1" + std::string(64, ')')), "1");
  EXPECT_EQ(
      Give("(" + deep + "1" + std::string(65, ')')),
      "f:1:66: the expression is nested deeper than 64 levels; split it into computed fields");
  std::string sum = "seven";
  for (int i = 0; i < 127; ++i) sum += "+seven";
  EXPECT_EQ(Give(sum), "896");
  EXPECT_EQ(Give(sum + "+seven"),
            "f:1:1: the expression has more than 256 parts; split it into computed fields");
  EXPECT_EQ(Give("'" + std::string(4094, 'x') + "'"), std::string(4094, 'x'));
  EXPECT_EQ(Give("'" + std::string(4095, 'x') + "'"),
            "f:1:1: the expression is longer than 4096 bytes; split it into computed fields");
}

TEST(Expression, MeansTheSameWhateverTheSpacing) {
  const Names names = Usual();
  const auto digest = [&](const std::string& text) {
    return Expression::Parse(text, {}, names)->semantics().Hex();
  };
  EXPECT_EQ(digest("ten==1 and yes and word=='a'"),
            digest("( ten == 1 ) and (yes and word == \"a\")"));
  EXPECT_EQ(digest("ten + settings.limit"), digest("ten + (2 + 3)"));
  EXPECT_NE(digest("ten + 1"), digest("ten - 1"));
  EXPECT_NE(digest("ten + 1"), digest("nine + 1"));
  EXPECT_NE(digest("ten == 1"), digest("ten == '1'"));
  EXPECT_NE(digest("ten - (nine - 1)"), digest("ten - nine - 1"));
}

TEST(Expression, TellsItsNamesAndConstants) {
  const Names names = Usual();
  const auto expression =
      Expression::Parse("ten + nine - ten > 1s / 1s and seen(fault)", {}, names);
  ASSERT_TRUE(expression) << expression.error().ToString();
  ASSERT_EQ(expression->names().size(), 3U);
  EXPECT_EQ(expression->names()[0].field, "ten");
  EXPECT_EQ(expression->type(), ExprType::kBool);
  EXPECT_FALSE(expression->constant());
  const auto constant = Expression::Parse("1 > 2", {}, names);
  ASSERT_TRUE(constant->constant());
  EXPECT_EQ(*constant->constant(), ExprValue(false));
  EXPECT_FALSE(constant->Holds(names));
  EXPECT_TRUE(Expression().empty());
  EXPECT_EQ(Expression().Evaluate(names), ExprValue(ExprAbsent{}));
}

TEST(ToText, IsReadable) {
  EXPECT_EQ(ToText(ExprAbsent{}), "");
  EXPECT_EQ(ToText(ExprError{}), "(error)");
  EXPECT_EQ(ToText(true), "true");
  EXPECT_EQ(ToText(1.0 / 3.0), "0.333333333333333");
  EXPECT_EQ(ToText(nanoseconds(minutes(90))), "1h30m");
  EXPECT_EQ(ToText(nanoseconds(hours(25) + seconds(1))), "1d1h1s");
  EXPECT_EQ(ToText(nanoseconds(0)), "0s");
  EXPECT_EQ(ToText(nanoseconds(1'500'000'000)), "1.5s");
  EXPECT_EQ(ToText(nanoseconds(-1)), "-0.000000001s");
  EXPECT_EQ(ToText(nanoseconds::min()), "-106751d23h47m16.854775808s");
  EXPECT_EQ(ToText(At(0)), "1970-01-01T00:00:00.000Z");
}

TEST(NumberOf, ReadsDecimalTextAlone) {
  const auto number = [](const std::string& text) { return NumberOf(text); };
  EXPECT_EQ(number("-12"), ExprValue(std::int64_t{-12}));
  EXPECT_EQ(number("007"), ExprValue(std::int64_t{7}));
  EXPECT_EQ(number("1.5e1"), ExprValue(15.0));
  EXPECT_EQ(number("9223372036854775808"), ExprValue(9223372036854775808.0));
  for (const std::string text :
       {"", "-", "+1", ".5", "5.", "1e", "0x1", " 1", "1 ", "NaN", "inf"}) {
    EXPECT_EQ(number(text), ExprValue(text)) << text;
  }
  EXPECT_EQ(number("1e999"), ExprValue(ExprError{}));
}

TEST(Template, RendersValuesAsData) {
  const Names names = Usual();
  const auto render = [&](const std::string& text) {
    const auto parsed = Template::Parse(text, Place{"f", 1, 1}, names);
    return parsed ? parsed->Render(names) : parsed.error().ToString();
  };
  EXPECT_EQ(render("plain"), "plain");
  EXPECT_EQ(render("{{ten}} of {{ ten + 1 }}: {{none}}{{broken}}"), "10 of 11: (error)");
  EXPECT_EQ(render("{{'{{ten}}'}}"), "{{ten}}");
  EXPECT_EQ(render("a}} {b}"), "a}} {b}");
  EXPECT_EQ(render("ab {{ten"), "f:1:4: '{{' is not closed by '}}'; add '}}'");
  EXPECT_EQ(
      render("ab {{}}"),
      "f:1:6: the expression is empty; write a name, a number, a text in quotes or a function");
  EXPECT_EQ(render("ab {{ tne }}"), "f:1:7: unknown name 'tne'");
  const auto parsed = Template::Parse("{{ten}} {{nine}} {{ten + 1}}", {}, names);
  EXPECT_EQ(parsed->names().size(), 2U);
  EXPECT_EQ(parsed->source(), "{{ten}} {{nine}} {{ten + 1}}");
  EXPECT_TRUE(Template().empty());
}

}  // namespace
}  // namespace faultline::sigma
