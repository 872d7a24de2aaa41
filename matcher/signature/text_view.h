// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace faultline {

// One scalar value as predicates see it: decoded, and folded besides.
//
// Ownership  Views into the payload or the matcher's arena; dies with the event.
struct TextView {
  std::string_view raw;  // decoded text of a string, else the token
  std::string_view
      folded;  // the same under simple case folding; ASCII folding where not valid UTF-8
  bool valid_utf8 = true;
  bool ascii = false;  // known to hold nothing but ASCII
};

}  // namespace faultline
