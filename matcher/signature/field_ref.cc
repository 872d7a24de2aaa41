// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/field_ref.h"

#include <string.h>  // memmem: linear, where std::string_view::find is not

#include <string_view>

#include "matcher/signature/ascii.h"

namespace faultline {
namespace {

bool Related(sigma::TextMatch how, std::string_view left, std::string_view right) {
  switch (how) {
    case sigma::TextMatch::kEquals: return left == right;
    case sigma::TextMatch::kContains:
      return memmem(left.data(), left.size(), right.data(), right.size()) != nullptr;
    case sigma::TextMatch::kStartsWith: return left.starts_with(right);
    case sigma::TextMatch::kEndsWith: return left.ends_with(right);
  }
  return false;
}

}  // namespace

FieldRefTest::Answer FieldRefTest::Ask(const std::vector<TextView>& these,
                                       const std::vector<TextView>& those,
                                       std::string& buffer) const noexcept {
  constexpr std::size_t kPair = 16;  // what a pair costs besides its bytes
  std::size_t work = 0;
  for (const TextView& left : these) {
    for (const TextView& right : those) {
      if (Holds(left, right, buffer)) return Answer::kYes;
      work += kPair + left.raw.size() + right.raw.size();
      if (work > kMaxWork) return Answer::kTooMuch;
    }
  }
  return Answer::kNo;
}

bool FieldRefTest::Holds(const TextView& left, const TextView& right,
                         std::string& buffer) const noexcept {
  if (cased_) return Related(how_, left.raw, right.raw);
  if (left.valid_utf8 == right.valid_utf8) return Related(how_, left.folded, right.folded);
  // What is not UTF-8 is folded as ASCII; so must its partner be.
  if (left.valid_utf8) return Related(how_, AsciiFold(left.raw, buffer), right.folded);
  return Related(how_, left.folded, AsciiFold(right.raw, buffer));
}

}  // namespace faultline
