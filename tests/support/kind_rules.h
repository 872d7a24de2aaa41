// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace faultline::testing {

// A rule for each letter: `a` has the name "a" and the id "rule-a" and matches events of {"kind": "a"}.
// More documents may follow.
inline std::string KindRules(std::string_view letters) {
  std::string text;
  for (const char letter : letters) {
    text += fmt::format(R"(title: {0}
name: {0}
id: rule-{0}
logsource: {{category: test}}
detection: {{s: {{kind: {0}}}, condition: s}}
---
)",
                        letter);
  }
  return text;
}

}  // namespace faultline::testing
