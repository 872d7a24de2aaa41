// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/glob.h"

#include "matcher/event/text.h"
#include "matcher/signature/ascii.h"

namespace faultline {
namespace {

constexpr std::size_t kNo = std::string_view::npos;

bool Continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// The start of the next character after `at`; requires at < text.size().
std::size_t After(std::string_view text, std::size_t at, bool utf8) {
  ++at;
  while (utf8 && at < text.size() && Continues(text[at])) ++at;
  return at;
}

// The start of the character that ends at `at`; requires at > 0.
std::size_t Before(std::string_view text, std::size_t at, bool utf8) {
  --at;
  while (utf8 && at > 0 && Continues(text[at])) --at;
  return at;
}

using Stretch = std::vector<std::string>;

// Where `stretch` ends when it begins at `at`; kNo when it does not.
std::size_t MatchForward(const Stretch& stretch, std::string_view text, std::size_t at, bool utf8) {
  for (const std::string& part : stretch) {
    if (part.empty()) {
      if (at >= text.size()) return kNo;
      at = After(text, at, utf8);
    } else {
      if (text.substr(at, part.size()) != part) return kNo;
      at += part.size();
    }
  }
  return at;
}

// Where `stretch` begins when it ends with the text, not before `from`; kNo when it does not.
std::size_t MatchEnd(const Stretch& stretch, std::string_view text, std::size_t from, bool utf8) {
  std::size_t at = text.size();
  for (auto part = stretch.rbegin(); part != stretch.rend(); ++part) {
    if (part->empty()) {
      if (at <= from) return kNo;
      at = Before(text, at, utf8);
    } else {
      if (at - from < part->size()) return kNo;
      at -= part->size();
      if (text.substr(at, part->size()) != *part) return kNo;
    }
  }
  return at;
}

// The end of the leftmost place of `stretch` at or after `from`; kNo when there is none.
std::size_t FindForward(const Stretch& stretch, std::string_view text, std::size_t from,
                        bool utf8) {
  if (stretch.empty()) return from;
  const std::string& head = stretch.front();
  for (std::size_t at = from;; at = After(text, at, utf8)) {
    if (!head.empty()) at = text.find(head, at);
    if (at >= text.size()) return kNo;
    if (const std::size_t end = MatchForward(stretch, text, at, utf8); end != kNo) return end;
  }
}

Stretch FoldedStretch(const Stretch& stretch, bool unicode) {
  Stretch folded;
  std::string buffer;
  for (const std::string& part : stretch) {
    folded.push_back(unicode ? std::string(Fold(part, buffer)) : AsciiFolded(part));
  }
  return folded;
}

}  // namespace

Glob::Glob(const sigma::Pattern& pattern, bool cased) : cased_(cased) {
  Stretches raw(1);
  for (const sigma::Pattern::Token& token : pattern.tokens) {
    switch (token.kind) {
      case sigma::Pattern::Kind::kLiteral: raw.back().push_back(token.text); break;
      case sigma::Pattern::Kind::kOne: raw.back().emplace_back(); break;
      case sigma::Pattern::Kind::kAny: raw.emplace_back(); break;
    }
  }
  for (const Stretch& stretch : raw) {
    unicode_.push_back(cased ? stretch : FoldedStretch(stretch, true));
    ascii_.push_back(cased ? stretch : FoldedStretch(stretch, false));
  }
}

bool Glob::Matches(const TextView& text) const noexcept {
  return Whole(text.valid_utf8 ? unicode_ : ascii_, cased_ ? text.raw : text.folded,
               text.valid_utf8);
}

bool Glob::Whole(const Stretches& stretches, std::string_view text, bool utf8) noexcept {
  std::size_t at = MatchForward(stretches.front(), text, 0, utf8);
  if (stretches.size() == 1) return at == text.size();
  for (std::size_t i = 1; at != kNo && i + 1 < stretches.size(); ++i) {
    at = FindForward(stretches[i], text, at, utf8);
  }
  return at != kNo && MatchEnd(stretches.back(), text, at, utf8) != kNo;
}

}  // namespace faultline
