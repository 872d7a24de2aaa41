// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/event_time.h"
#include "matcher/correlate/operator.h"
#include "matcher/correlate/registers.h"
#include "matcher/sigma/expression.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// What the names of a correlation's expressions stand for, at one point of the order.
//
// Place      Operator, Incidents -> expressions.
// Ownership  Borrows everything; lives on the stack of one evaluation.
// Threads    Confined to its correlator.
class RuleEnvironment final : public sigma::ExprEnvironment {
 public:
  // `registers` may be null: the rule has none.
  RuleEnvironment(const sigma::CorrelationRule& rule, const Registers* registers,
                  const Candidate& candidate)
      : rule_(rule), registers_(registers), candidate_(candidate) {}

  [[nodiscard]] sigma::ExprValue Read(const sigma::ExprName& name) const override;
  [[nodiscard]] std::int64_t CountTimes(std::uint32_t index, EventTime from,
                                        EventTime to) const override;

  // Evaluates the rule's computed fields, in their order; from then on they can be read. What asks for
  // `prev.x` is a matter of the event that fired: it stays as it was then, where `fired` says it.
  void Compute(std::span<const sigma::ExprValue> fired = {});
  [[nodiscard]] const std::vector<sigma::ExprValue>& computed() const noexcept { return computed_; }

 private:
  [[nodiscard]] sigma::ExprValue ReadRegister(std::uint32_t index, bool previous) const;
  [[nodiscard]] sigma::ExprValue ReadEvent(std::string_view field) const;
  // Nothing where a value of the key is absent or an error.
  [[nodiscard]] std::optional<Digest> RegisterKey(std::uint32_t index) const;

  const sigma::CorrelationRule& rule_;
  const Registers* registers_;
  const Candidate& candidate_;
  std::vector<sigma::ExprValue> computed_;
};

// The same for a detection rule's texts: bare names are fields of the event.
class HitEnvironment final : public sigma::ExprEnvironment {
 public:
  explicit HitEnvironment(const Hit& hit) : hit_(hit) {}

  [[nodiscard]] sigma::ExprValue Read(const sigma::ExprName& name) const override;
  [[nodiscard]] std::int64_t CountTimes(std::uint32_t, EventTime, EventTime) const override {
    return 0;
  }

 private:
  const Hit& hit_;
};

// The first value of a hit's captures or fields of that name; null when it has none.
[[nodiscard]] const std::string* FindIn(const Hit& hit, std::string_view name);

[[nodiscard]] sigma::Explain Render(const sigma::Texts& texts,
                                    const sigma::ExprEnvironment& environment);

}  // namespace faultline
