// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/rule.h"
#include "matcher/signature/text_view.h"

namespace faultline {

// A string with wildcards inside, matched against whole values: `*` any run, newline too; `?` one
// code point, one byte where the value is not valid UTF-8.
//
// Threads    Immutable.
// Memory     None per call. Cost: stretches between stars are searched left to right, each once.
class Glob {
 public:
  Glob(const sigma::Pattern& pattern, bool cased);

  [[nodiscard]] bool Matches(const TextView& text) const noexcept;

 private:
  // Literals and single characters between two stars; an empty literal stands for `?`.
  using Stretch = std::vector<std::string>;
  using Stretches = std::vector<Stretch>;  // a star between each two

  [[nodiscard]] static bool Whole(const Stretches& stretches, std::string_view text,
                                  bool utf8) noexcept;

  bool cased_;
  Stretches unicode_;  // raw when cased, else under simple case folding
  Stretches ascii_;    // for text that is not valid UTF-8: raw when cased, else ASCII folding
};

}  // namespace faultline
