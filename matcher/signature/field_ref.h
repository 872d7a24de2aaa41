// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/text_view.h"

namespace faultline {

// `fieldref`: some text of one field against some text of another.
//
// Threads    Immutable.
// Cost       Linear in the two texts of a pair; of the pairs of two arrays up to kMaxWork bytes are
//            looked at.
class FieldRefTest {
 public:
  static constexpr std::size_t kMaxWork = std::size_t{256} << 20;

  FieldRefTest(FieldId other, sigma::TextMatch how, bool cased)
      : other_(other), how_(how), cased_(cased) {}

  [[nodiscard]] FieldId other() const noexcept { return other_; }

  enum class Answer : std::uint8_t { kNo, kYes, kTooMuch };
  // `buffer` is scratch whose capacity is kept.
  [[nodiscard]] Answer Ask(const std::vector<TextView>& these, const std::vector<TextView>& those,
                           std::string& buffer) const noexcept;

 private:
  [[nodiscard]] bool Holds(const TextView& left, const TextView& right,
                           std::string& buffer) const noexcept;

  FieldId other_;
  sigma::TextMatch how_;
  bool cased_;
};

}  // namespace faultline
