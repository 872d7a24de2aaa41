// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/registers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "matcher/correlate/state_codec.h"
#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using sigma::ExprAbsent;
using sigma::ExprError;
using sigma::ExprValue;
using Fn = sigma::Register::Fn;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// Inputs: 0 is observed, 1 resets, 2 is another.
sigma::CorrelationRule RuleWith(std::vector<sigma::Register> registers) {
  sigma::CorrelationRule rule;
  rule.chain = true;
  rule.group_by = {"u"};
  for (int i = 0; i < 3; ++i) {
    sigma::Input input;
    input.group_fields = {i == 1 ? "user" : "u"};
    input.fields = {"v"};
    rule.inputs.push_back(input);
  }
  rule.registers = std::move(registers);
  return rule;
}

sigma::Register RegisterOf(Fn fn, const std::string& field = "v") {
  sigma::Register reg;
  reg.fn = fn;
  reg.field = field;
  reg.ttl = seconds(10);
  return reg;
}

class Bed {
 public:
  explicit Bed(sigma::CorrelationRule rule, const Operator::Limits& limits = {})
      : rule_(std::move(rule)), registers_(rule_, limits) {}

  using Fields = std::vector<std::pair<std::string, std::vector<std::string>>>;

  Bed& See(EventTime at, const std::vector<std::uint32_t>& inputs, const Fields& fields) {
    Hit hit;
    hit.time = at;
    for (const auto& [name, values] : fields) hit.fields.push_back({name, values});
    std::vector<InputHit> hits;
    for (const std::uint32_t input : inputs) hits.push_back({input, &hit});
    registers_.Observe(at, hits);
    return *this;
  }
  // An event of input 0 for u = "k" with v = `value`.
  Bed& Value(EventTime at, const std::string& value) {
    return See(at, {0}, {{"u", {"k"}}, {"v", {value}}});
  }
  ExprValue Now(EventTime at, const std::vector<std::string>& key = {"k"},
                std::uint32_t index = 0) const {
    return registers_.Read(index, registers_.KeyOf(index, key), at, false);
  }
  ExprValue Before(EventTime at, const std::vector<std::string>& key = {"k"}) const {
    return registers_.Read(0, registers_.KeyOf(0, key), at, true);
  }
  std::string Saved() const {
    StateWriter out;
    registers_.Save(out);
    return out.bytes();
  }
  [[nodiscard]] bool Restore(const std::string& bytes, const Operator::Limits& limits = {}) {
    registers_ = Registers(rule_, limits);
    StateReader in(bytes);
    return registers_.Load(in) && in.AtEnd();
  }
  Registers& registers() { return registers_; }

 private:
  sigma::CorrelationRule rule_;
  Registers registers_;
};

ExprValue Text(const std::string& text) { return text; }
ExprValue Whole(std::int64_t number) { return number; }

TEST(Registers, SayWhatTheirFunctionSays) {
  const struct {
    Fn fn;
    ExprValue first, second, third;
  } table[] = {
      {Fn::kLast, Text("5"), Text("3"), Text("5")},
      {Fn::kFirst, Text("5"), Text("5"), Text("5")},
      {Fn::kMax, Whole(5), Whole(5), Whole(5)},
      {Fn::kMin, Whole(5), Whole(3), Whole(3)},
      {Fn::kSum, Whole(5), Whole(8), Whole(13)},
      {Fn::kCount, Whole(1), Whole(2), Whole(3)},
      {Fn::kDistinct, Whole(1), Whole(2), Whole(2)},
      {Fn::kTimes, ExprAbsent{}, ExprAbsent{}, ExprAbsent{}},
  };
  for (const auto& row : table) {
    Bed bed(RuleWith({RegisterOf(row.fn)}));
    EXPECT_EQ(bed.Now(At(0)), ExprValue(ExprAbsent{}));
    EXPECT_EQ(bed.Value(At(0), "5").Now(At(0)), row.first);
    EXPECT_EQ(bed.Before(At(0)), ExprValue(ExprAbsent{}));
    EXPECT_EQ(bed.Value(At(1), "3").Now(At(1)), row.second);
    EXPECT_EQ(bed.Before(At(1)), row.first);
    EXPECT_EQ(bed.Value(At(2), "5").Now(At(2)), row.third);
    EXPECT_EQ(bed.Before(At(2)), row.second);
    bed.See(At(3), {2}, {{"u", {"k"}}});  // of another rule: nothing new, so nothing before it
    EXPECT_EQ(bed.Before(At(3)), row.third);
  }
}

TEST(Registers, KeepForTheirTtlClosed) {
  for (const Fn fn : {Fn::kLast, Fn::kFirst, Fn::kMax, Fn::kSum, Fn::kCount}) {
    Bed bed(RuleWith({RegisterOf(fn)}));
    bed.Value(At(0), "7");
    EXPECT_NE(bed.Now(At(10) - nanoseconds(1)), ExprValue(ExprAbsent{}));
    EXPECT_NE(bed.Now(At(10)), ExprValue(ExprAbsent{}));
    EXPECT_EQ(bed.Now(At(10) + nanoseconds(1)), ExprValue(ExprAbsent{}));
    bed.registers().ExpireBefore(At(10));
    EXPECT_EQ(bed.registers().numbers().keys, 1);
    bed.registers().ExpireBefore(At(10) + nanoseconds(1));
    EXPECT_EQ(bed.registers().numbers().keys, 0);
    EXPECT_EQ(bed.registers().numbers().bytes, 0);
  }
}

TEST(Registers, ForgetOneByOne) {
  Bed first(RuleWith({RegisterOf(Fn::kFirst)}));
  first.Value(At(0), "a").Value(At(5), "b");
  EXPECT_EQ(first.Now(At(10)), Text("a"));
  EXPECT_EQ(first.Now(At(11)), Text("b"));
  Bed highest(RuleWith({RegisterOf(Fn::kMax)}));
  highest.Value(At(0), "9").Value(At(5), "4").Value(At(6), "8");
  EXPECT_EQ(highest.Now(At(11)), Whole(8));
}

TEST(Registers, ResetComesBeforeTakingIn) {
  sigma::Register reg = RegisterOf(Fn::kSum);
  reg.reset = 1;
  Bed bed(RuleWith({reg}));
  bed.Value(At(0), "1").Value(At(1), "2");
  // The resetting rule calls its group field otherwise.
  bed.See(At(2), {0, 1}, {{"u", {"k"}}, {"user", {"k"}}, {"v", {"40"}}});
  EXPECT_EQ(bed.Now(At(2)), Whole(40));
  EXPECT_EQ(bed.Before(At(2)), Whole(3));
  bed.See(At(3), {1}, {{"user", {"other"}}});
  EXPECT_EQ(bed.Now(At(3)), Whole(40));
  bed.See(At(4), {1}, {{"user", {"k"}}});
  EXPECT_EQ(bed.Now(At(4)), ExprValue(ExprAbsent{}));
  EXPECT_EQ(bed.Before(At(4)), Whole(40));
  EXPECT_EQ(bed.registers().numbers().bytes, 0);
}

TEST(Registers, NumbersOnlyWhereNumbersAreWanted) {
  Bed bed(RuleWith({RegisterOf(Fn::kMax)}));
  bed.Value(At(0), "x").Value(At(0), "").See(At(0), {0}, {{"u", {"k"}}});
  EXPECT_EQ(bed.Now(At(0)), ExprValue(ExprAbsent{}));
  EXPECT_EQ(bed.registers().TakeNoNumber(), 3U);
  EXPECT_EQ(bed.registers().TakeNoNumber(), 0U);
  bed.Value(At(1), "2.5").Value(At(1), "2");
  EXPECT_EQ(bed.Now(At(1)), ExprValue(2.5));
  Bed last(RuleWith({RegisterOf(Fn::kLast)}));
  last.See(At(0), {0}, {{"u", {"k"}}});  // no such field: nothing to keep, and nothing odd
  EXPECT_EQ(last.Now(At(0)), ExprValue(ExprAbsent{}));
  EXPECT_EQ(last.registers().TakeNoNumber(), 0U);
}

TEST(Registers, SumsAreExactAndOverflowIsAnError) {
  Bed bed(RuleWith({RegisterOf(Fn::kSum)}));
  bed.Value(At(0), std::to_string(kMost)).Value(At(1), "-5");
  EXPECT_EQ(bed.Now(At(1)), Whole(kMost - 5));
  bed.Value(At(2), "6");
  EXPECT_EQ(bed.Now(At(2)), ExprValue(ExprError{}));
  bed.Value(At(3), "-1");  // in between it was too much; now it is not
  EXPECT_EQ(bed.Now(At(3)), Whole(kMost));
  bed.Value(At(4), "0.5");
  EXPECT_EQ(bed.Now(At(4)), ExprValue(9223372036854775807.5));
}

TEST(Registers, TimeIsAValueToo) {
  sigma::Register reg = RegisterOf(Fn::kMin, "time");
  reg.of_time = true;
  Bed bed(RuleWith({reg}));
  bed.See(At(4), {0}, {{"u", {"k"}}}).See(At(6), {0}, {{"u", {"k"}}});
  EXPECT_EQ(bed.Now(At(6)), ExprValue(At(4)));
}

TEST(Registers, CountTimesIsInclusive) {
  Bed bed(RuleWith({RegisterOf(Fn::kTimes, "")}));
  for (const int second : {1, 2, 3, 5}) bed.See(At(second), {0}, {{"u", {"k"}}});
  const Digest key = bed.registers().KeyOf(0, {"k"});
  EXPECT_EQ(bed.registers().CountTimes(0, key, At(5), At(2), At(5)), 3);
  EXPECT_EQ(bed.registers().CountTimes(0, key, At(5), At(2) + nanoseconds(1), At(4)), 1);
  EXPECT_EQ(bed.registers().CountTimes(0, key, At(12), At(0), At(99)), 3);  // the first is gone
}

TEST(Registers, ByFieldsOfTheirEvents) {
  sigma::Register reg = RegisterOf(Fn::kLast);
  reg.by_group = false;
  reg.by = {{"cluster", {}}, {"name", {}}};
  Bed bed(RuleWith({reg}));
  bed.See(At(0), {0}, {{"cluster", {"c"}}, {"name", {"n"}}, {"v", {"node1"}}});
  bed.See(At(1), {0}, {{"cluster", {"c"}}, {"v", {"nobody"}}});  // without a `by` field
  EXPECT_EQ(bed.Now(At(1), {"c", "n"}), Text("node1"));
  EXPECT_EQ(bed.Now(At(1), {"cn", ""}), ExprValue(ExprAbsent{}));
  EXPECT_EQ(bed.registers().numbers().keys, 1);
  bed.See(At(2), {0}, {{"cluster", {"p", "q"}}, {"name", {"n"}}, {"v", {"both"}}});
  EXPECT_EQ(bed.Now(At(2), {"p", "n"}), Text("both"));
  EXPECT_EQ(bed.Now(At(2), {"q", "n"}), Text("both"));
}

TEST(Registers, StandApart) {
  Bed bed(RuleWith({RegisterOf(Fn::kCount), RegisterOf(Fn::kSum)}));
  bed.Value(At(0), "20").Value(At(1), "30");
  EXPECT_EQ(bed.Now(At(1), {"k"}, 0), Whole(2));
  EXPECT_EQ(bed.Now(At(1), {"k"}, 1), Whole(50));
}

TEST(Registers, KeepAtMostSoManyObservations) {
  sigma::Register reg = RegisterOf(Fn::kFirst);
  Bed bed(RuleWith({reg}));
  const auto most = static_cast<int>(Registers::kMaxObservations);
  for (int i = 0; i < most; ++i) bed.Value(At(0), std::to_string(i));
  EXPECT_EQ(bed.registers().numbers().evictions, 0U);
  EXPECT_EQ(bed.Now(At(0)), Text("0"));
  bed.Value(At(0), "more");
  EXPECT_EQ(bed.registers().numbers().evictions, 1U);
  EXPECT_EQ(bed.Now(At(0)), Text("1"));
  EXPECT_EQ(bed.Before(At(0)), Text("0"));
}

TEST(Registers, EvictTheKeyTouchedLeastRecently) {
  Operator::Limits limits;
  limits.max_keys = 2;
  Bed bed(RuleWith({RegisterOf(Fn::kLast)}), limits);
  const auto see = [&bed](int second, const std::string& key) {
    bed.See(At(second), {0}, {{"u", {key}}, {"v", {key}}});
  };
  see(0, "a");
  see(1, "b");
  see(2, "a");
  see(3, "c");
  EXPECT_EQ(bed.Now(At(3), {"a"}), Text("a"));
  EXPECT_EQ(bed.Now(At(3), {"b"}), ExprValue(ExprAbsent{}));
  EXPECT_EQ(bed.registers().numbers().evictions, 1U);
}

TEST(Registers, BigTextsMeetTheByteCap) {
  Operator::Limits limits;
  limits.max_bytes = 10'000;
  Bed bed(RuleWith({RegisterOf(Fn::kDistinct)}), limits);
  for (int i = 0; i < 20; ++i) {
    bed.See(At(i), {0}, {{"u", {std::to_string(i)}}, {"v", {std::string(3000, 'x')}}});
    EXPECT_LE(bed.registers().numbers().bytes, 10'000);
  }
  EXPECT_EQ(bed.registers().numbers().keys, 3);
}

TEST(Registers, RefuseStateThatIsCutOrOfAnotherShape) {
  Bed bed(RuleWith({RegisterOf(Fn::kSum), RegisterOf(Fn::kFirst), RegisterOf(Fn::kTimes, "")}));
  bed.Value(At(0), "1").Value(At(1), "2.5").See(At(2), {0}, {{"u", {"l"}}, {"v", {"3"}}});
  const std::string bytes = bed.Saved();
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(bed.Restore(bytes.substr(0, cut))) << cut;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {  // any other byte: refused or loaded
    std::string other = bytes;
    other[at] = static_cast<char>(other[at] ^ 0xFF);
    (void)bed.Restore(other);
    bed.Value(At(3), "1");
    (void)bed.Now(At(3));
  }
  ASSERT_TRUE(bed.Restore(bytes));
  EXPECT_EQ(bed.Saved(), bytes);
  EXPECT_EQ(bed.Now(At(2)), ExprValue(3.5));
}

}  // namespace
}  // namespace faultline
