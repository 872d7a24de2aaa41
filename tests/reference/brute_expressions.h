// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/reference/brute_chains.h"

namespace faultline::reference {

// What names stand for.
class ChainNames {
 public:
  virtual ~ChainNames() = default;
  [[nodiscard]] virtual ChainValue Read(const ChainExpr& name) const = 0;
  [[nodiscard]] virtual std::int64_t CountTimes(const std::string& reg, std::int64_t from,
                                                std::int64_t to) const = 0;
};

[[nodiscard]] ChainValue Evaluate(const ChainExpr& expression, const ChainNames& names);
[[nodiscard]] bool IsTrue(const ChainValue& value);
// A text that reads as a decimal number as that number; anything else as it is.
[[nodiscard]] ChainValue AsNumber(const ChainValue& value);
[[nodiscard]] bool IsNumber(const ChainValue& value);
[[nodiscard]] double AsDecimal(const ChainValue& number);
// The sum; an error where whole numbers do not fit into 64 bits.
[[nodiscard]] ChainValue Add(const ChainValue& a, const ChainValue& b);
// -1, 0, 1 of two numbers.
[[nodiscard]] int CompareNumbers(const ChainValue& a, const ChainValue& b);
[[nodiscard]] std::string Show(const ChainValue& value);
[[nodiscard]] std::string Render(const ChainText& text, const ChainNames& names);

}  // namespace faultline::reference
