// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/event.h"

#include <algorithm>
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

std::span<const RawValue> Event::leaves() const {
  if (leaves_known_) return leaves_;
  leaves_known_ = true;
  if (hidden_ == nullptr) {
    FindLeaves();
  } else {
    FindLeavesNotHidden();
  }
  return leaves_;
}

// The walker has checked the grammar: a structural that is no bracket, comma or colon begins a
// scalar, and one with a colon behind it is a key.
void Event::FindLeaves() const {
  for (const std::uint32_t* at = structurals_; at != structurals_end_; ++at) {
    const char* const begin = payload_ + *at;
    if (std::strchr("{}[],:", *begin) != nullptr) continue;
    const char* const end = payload_ + at[1];  // the last structural closes the object
    if (*end != ':') AddLeaf(begin, end);
  }
}

// The same with the path of each value; what lies below an array has the array's.
void Event::FindLeavesNotHidden() const {
  std::string path;
  std::vector<std::size_t> open{0};  // length of the path in front of each open container
  std::size_t hidden = 0;            // how many containers were open where something hidden began
  const auto is_hidden = [&] {
    return std::find(hidden_->begin(), hidden_->end(), path) != hidden_->end();
  };
  for (const std::uint32_t* at = structurals_; at != structurals_end_; ++at) {
    const char* const begin = payload_ + *at;
    if (*begin == '{' || *begin == '[') {
      if (hidden == 0 && is_hidden()) hidden = open.size() + 1;
      open.push_back(path.size());
    } else if (*begin == '}' || *begin == ']') {
      path.resize(open.back());
      open.pop_back();
      if (open.size() < hidden) hidden = 0;
    } else if (*begin != ',' && *begin != ':') {
      const char* const end = payload_ + at[1];
      if (*end == ':') {
        const std::string_view quoted(begin, static_cast<std::size_t>(end - begin));
        path.resize(open.back());
        if (!path.empty()) path += '.';
        path += quoted.substr(1, quoted.rfind('"') - 1);
      } else if (hidden == 0 && !is_hidden()) {
        AddLeaf(begin, end);
      }
    }
  }
}

void Event::AddLeaf(const char* begin, const char* end) const {
  while (IsBlank(end[-1])) --end;
  RawValue leaf;
  leaf.kind = KindOf(*begin);
  leaf.raw = {begin, static_cast<std::size_t>(end - begin)};
  if (leaf.kind == ValueKind::kNull) return;
  if (leaf.kind == ValueKind::kString) {
    leaf.raw = leaf.raw.substr(1, leaf.raw.size() - 2);
  }
  leaves_.push_back(leaf);
}

}  // namespace faultline
