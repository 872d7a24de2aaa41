// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/event.h"

#include <cstring>

namespace faultline {
namespace {

ValueKind KindOf(char first) noexcept {
  switch (first) {
    case '"': return ValueKind::kString;
    case 't': return ValueKind::kTrue;
    case 'f': return ValueKind::kFalse;
    case 'n': return ValueKind::kNull;
    default: return ValueKind::kNumber;
  }
}

bool IsBlank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

// The walker has checked the grammar: a structural that is no bracket, comma or colon begins a
// scalar, and one with a colon behind it is a key.
std::span<const RawValue> Event::leaves() const {
  if (leaves_known_) return leaves_;
  leaves_known_ = true;
  for (const std::uint32_t* at = structurals_; at != structurals_end_; ++at) {
    const char* const begin = payload_ + *at;
    if (std::strchr("{}[],:", *begin) != nullptr) continue;
    const char* end = payload_ + at[1];  // the last structural closes the object
    if (*end == ':') continue;
    while (IsBlank(end[-1])) --end;
    RawValue leaf;
    leaf.kind = KindOf(*begin);
    leaf.raw = {begin, static_cast<std::size_t>(end - begin)};
    if (leaf.kind == ValueKind::kNull) continue;
    if (leaf.kind == ValueKind::kString) {
      leaf.raw = leaf.raw.substr(1, leaf.raw.size() - 2);
      leaf.escaped = leaf.raw.find('\\') != std::string_view::npos;
    }
    leaves_.push_back(leaf);
  }
  return leaves_;
}

}  // namespace faultline
