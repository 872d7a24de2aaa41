// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "matcher/sigma/rule.h"

namespace faultline::testing {

// Random regular expressions over few letters, most of them such that PCRE2 takes them, and texts
// of the same letters: groups of all kinds, references back, look-arounds, classes, anchors, flags;
// case beyond ASCII, line ends of many kinds, bytes that are no UTF-8.
//
// Order      The same seed gives the same sequence.
class RegexGenerator {
 public:
  explicit RegexGenerator(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] sigma::Regex Expression();
  [[nodiscard]] std::string Text();

 private:
  [[nodiscard]] std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }
  [[nodiscard]] bool OneIn(std::uint64_t n) { return Below(n) == 0; }
  [[nodiscard]] std::string Alternatives(int depth);
  [[nodiscard]] std::string Atom(int depth);
  [[nodiscard]] std::string Letter();

  std::mt19937_64 random_;
  bool ascii_ = true;  // the expression at hand keeps to ASCII
};

}  // namespace faultline::testing
