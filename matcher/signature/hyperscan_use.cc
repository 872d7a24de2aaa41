// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/hyperscan_use.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace faultline {
namespace {

constexpr std::uint64_t kMaxWeight = 400;

bool Letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool Digit(char c) { return c >= '0' && c <= '9'; }
bool HexDigit(char c) { return Digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool Ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// The flags of a group "(?flags)" or "(?flags:"; nothing where it is none of these.
std::optional<std::string_view> GroupFlags(std::string_view after) {
  const std::size_t end = after.find_first_not_of("ims");
  if (end == std::string_view::npos || (after[end] != ')' && after[end] != ':')) {
    return std::nullopt;
  }
  return after.substr(0, end);
}

// `after` stands behind "(?". Look-arounds, atomic and named groups are groups to a prefilter.
HyperscanUse UseOfGroup(std::string_view after) {
  if (const auto flags = GroupFlags(after)) {
    const bool multi_line = flags->find('m') != std::string_view::npos;
    return multi_line ? HyperscanUse::kPrefilter : HyperscanUse::kExact;
  }
  for (const std::string_view known : {"=", "!", "<", ">", "P<", "'"}) {
    if (after.starts_with(known)) return HyperscanUse::kPrefilter;
  }
  return HyperscanUse::kNone;
}

// `after` stands behind a backslash. No group's text: a prefilter asks the group itself once more,
// and "(\b)a\1" would never match.
HyperscanUse UseOfEscape(std::string_view after) {
  constexpr std::string_view kShared = "dDwWsSbBnrtfAz";  // the same to both; any punctuation is
  if (after.empty()) return HyperscanUse::kNone;
  const char c = after[0];
  if (!Letter(c) && !Digit(c)) return HyperscanUse::kExact;
  if (kShared.find(c) != std::string_view::npos) return HyperscanUse::kExact;
  const char next = after.size() > 1 ? after[1] : '\0';
  if (c == 'x' && after.size() > 2 && next >= '0' && next <= '7' && HexDigit(after[2])) {
    return HyperscanUse::kExact;  // one ASCII character
  }
  return HyperscanUse::kNone;
}

// Hyperscan's folding beyond ASCII lags behind; multi-line anchors differ after a last newline;
// properties have other versions; some escapes mean something else.
HyperscanUse UseOf(const sigma::Regex& source) {
  const std::string_view pattern = source.pattern;
  HyperscanUse use = source.multi_line ? HyperscanUse::kPrefilter : HyperscanUse::kExact;
  bool ignore_case = source.ignore_case, ascii = true;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const std::string_view after = pattern.substr(i + 1);
    if (c == '\0') return HyperscanUse::kNone;
    ascii = ascii && Ascii(c);
    if (c == '(' && after.starts_with("*")) return HyperscanUse::kNone;
    if (c == '[' && after.starts_with(":")) return HyperscanUse::kNone;
    if (c == '(' && after.starts_with("?")) {
      use = std::min(use, UseOfGroup(after.substr(1)));
      const auto flags = GroupFlags(after.substr(1));
      ignore_case = ignore_case || (flags && flags->find('i') != std::string_view::npos);
    }
    if (c == '\\') {
      use = std::min(use, UseOfEscape(after));
      ++i;
    }
  }
  if (ascii) return use;
  return ignore_case ? HyperscanUse::kNone : std::min(use, HyperscanUse::kPrefilter);
}

// A repeat "{m}", "{m,}" or "{m,n}" at the start of `text`.
struct Repeat {
  std::size_t length = 0;  // of its text; 0: there is none
  std::uint64_t most = 0;
};

Repeat RepeatAt(std::string_view text) {
  constexpr std::uint64_t kCap = 100000;  // above what either library takes
  std::size_t at = 1;
  const auto number = [&] {
    std::uint64_t value = 0;
    for (; at < text.size() && Digit(text[at]); ++at) {
      value = std::min(kCap, value * 10 + static_cast<std::uint64_t>(text[at] - '0'));
    }
    return value;
  };
  std::uint64_t most = number();
  if (at == 1) return {};
  if (at < text.size() && text[at] == ',') {
    ++at;
    most = std::max(most, number());
  }
  return at < text.size() && text[at] == '}' ? Repeat{at + 1, most} : Repeat{};
}

// The length of the class at the start of `text`, brackets included.
std::size_t ClassLength(std::string_view text) {
  std::size_t at = 1;
  if (at < text.size() && text[at] == '^') ++at;
  if (at < text.size() && text[at] == ']') ++at;
  for (; at < text.size() && text[at] != ']'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// A class that takes characters beyond ASCII becomes many states in UTF-8.
std::uint64_t ClassWeight(std::string_view text) {
  constexpr std::uint64_t kNarrow = 1, kWide = 8;
  const bool wide = text.starts_with("[^") || !std::all_of(text.begin(), text.end(), Ascii) ||
                    text.find("\\D") != std::string_view::npos ||
                    text.find("\\W") != std::string_view::npos ||
                    text.find("\\S") != std::string_view::npos;
  return wide ? kWide : kNarrow;
}

// Walks a pattern once: how many states it stands for, and the same pattern with great repeats as
// "*", which finds all that it finds and more.
class Weigher {
 public:
  explicit Weigher(std::string_view pattern) : pattern_(pattern) {
    while (at_ < pattern_.size()) Step();
    Flush();
    for (const std::uint64_t weight : open_) total_ = std::min(kCap, total_ + weight);
  }

  [[nodiscard]] std::uint64_t weight() const { return total_; }
  [[nodiscard]] const std::string& weaker() const { return weaker_; }

 private:
  static constexpr std::uint64_t kCap = 1000000, kGreat = 8;

  void Take(std::size_t length) {
    weaker_ += pattern_.substr(at_, length);
    at_ += length;
  }
  void Flush() {
    open_.back() = std::min(kCap, open_.back() + last_);
    last_ = 0;
  }
  void Atom(std::size_t length, std::uint64_t weight) {
    Flush();
    last_ = weight;
    Take(length);
  }
  void Multiply(std::uint64_t times) {
    last_ = std::min(kCap, last_ * std::max<std::uint64_t>(1, times));
  }

  void Step() {
    const std::string_view rest = pattern_.substr(at_);
    switch (rest[0]) {
      case '\\': return Atom(std::min<std::size_t>(2, rest.size()), ClassWeight(rest.substr(0, 2)));
      case '[': return Atom(ClassLength(rest), ClassWeight(rest.substr(0, ClassLength(rest))));
      case '.': return Atom(1, ClassWeight("[^"));
      case '(':
        Flush();
        open_.push_back(1);
        return Take(1);
      case ')':
        Flush();
        if (open_.size() > 1) {
          last_ = open_.back();
          open_.pop_back();
        }
        return Take(1);
      case '|': Flush(); return Take(1);
      case '?': return Take(1);
      case '*':
      case '+': Multiply(2); return Take(1);
      case '{': break;
      default: return Atom(1, ClassWeight(rest.substr(0, 1)));
    }
    const Repeat repeat = RepeatAt(rest);
    if (repeat.length == 0) return Atom(1, 1);
    Multiply(repeat.most);
    if (repeat.most <= kGreat) return Take(repeat.length);
    weaker_ += '*';
    at_ += repeat.length;
    if (at_ < pattern_.size() && pattern_[at_] == '+') ++at_;  // possessive: finds less
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::vector<std::uint64_t> open_{0};  // weights of the groups that are open, outermost first
  std::uint64_t last_ = 0;              // of the last atom, not yet in its group
  std::uint64_t total_ = 0;
  std::string weaker_;
};

}  // namespace

HyperscanPlan PlanForHyperscan(const sigma::Regex& source) {
  const HyperscanUse use = UseOf(source);
  if (use == HyperscanUse::kNone) return {};
  const Weigher whole(source.pattern);
  if (whole.weight() <= kMaxWeight) return {use, source.pattern, whole.weight()};
  const Weigher weaker(whole.weaker());
  if (weaker.weight() > kMaxWeight) return {};
  return {HyperscanUse::kPrefilter, whole.weaker(), weaker.weight()};
}

}  // namespace faultline
