// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/lazy.h"

#include <optional>

#include "base/check.h"
#include "matcher/event/timestamp.h"
#include "matcher/sigma/network.h"
#include "matcher/signature/time_part.h"

namespace faultline {
namespace {

struct Asking {
  const TextView& text;
  RegexScratch& scratch;

  bool operator()(const Glob& glob) const noexcept { return glob.Matches(text); }
  bool operator()(const std::shared_ptr<const Regex>& regex) const noexcept {
    return regex->Holds(text, scratch);
  }
  bool operator()(const sigma::Network& network) const noexcept {
    const auto address = sigma::ParseAddress(text.raw);
    return address && Contains(network, *address);
  }
  bool operator()(const ComparisonTest& test) const noexcept { return test.Holds(text.raw); }
  bool operator()(const sigma::TimePart& part) const noexcept {
    const std::optional<EventTime> time = ParseTimestamp(text.raw);
    return time && InOrder(PartOf(*time, part.unit) <=> part.number, part.order);
  }
  bool operator()(const FieldRefTest& /*test*/) const noexcept { return false; }
};

}  // namespace

ComparisonTest::ComparisonTest(const sigma::Comparison& comparison)
    : order_(comparison.order), text_(comparison.number.text) {
  FAULTLINE_CHECK(ParseDecimal(text_).has_value());  // the loader refuses all other text
}

bool ComparisonTest::Holds(std::string_view text) const noexcept {
  const std::optional<Decimal> number = ParseDecimal(text);
  return number && InOrder(Compare(*number, *ParseDecimal(text_)), order_);
}

void LazyPredicate::Compile() const {
  const auto* regex = std::get_if<std::shared_ptr<const Regex>>(&test_);
  if (regex != nullptr) static_cast<void>((*regex)->linear());
}

Result<void> LazyPredicate::Prepare(RegexScratch& scratch) const {
  const auto* regex = std::get_if<std::shared_ptr<const Regex>>(&test_);
  return regex == nullptr ? Result<void>{} : (*regex)->Prepare(scratch);
}

bool LazyPredicate::Holds(const TextView& text, RegexScratch& scratch) const noexcept {
  return std::visit(Asking{text, scratch}, test_);
}

}  // namespace faultline
