// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace faultline {

// `text` with A to Z in lower case, all other bytes as they are: how text that is not valid UTF-8
// compares. The view is into `buffer`.
[[nodiscard]] inline std::string_view AsciiFold(std::string_view text, std::string& buffer) {
  buffer.assign(text);
  for (char& c : buffer) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return buffer;
}

[[nodiscard]] inline std::string AsciiFolded(std::string_view text) {
  std::string folded;
  (void)AsciiFold(text, folded);
  return folded;
}

}  // namespace faultline
