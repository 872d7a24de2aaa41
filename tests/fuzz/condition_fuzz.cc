// SPDX-License-Identifier: Apache-2.0
// The first line names searches, the rest is a condition: refused, or true for the same events as a
// recursive parser that evaluates while it reads.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/condition.h"

namespace {

using faultline::sigma::Condition;

constexpr std::string_view kBlanks = " \t\n\r";

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    if (kBlanks.find(c) != kBlanks.npos) {
      inside = false;
    } else if (c == '(' || c == ')' || c == '|') {
      words.emplace_back(1, c);
      inside = false;
    } else {
      if (!inside) words.emplace_back();
      words.back() += c;
      inside = true;
    }
  }
  return words;
}

bool Fits(std::string_view pattern, std::string_view name) {
  std::vector<bool> ends(name.size() + 1, false);  // ends[i]: the pattern so far fits name[0, i)
  ends[0] = true;
  for (const char c : pattern) {
    std::vector<bool> next(name.size() + 1, false);
    for (std::size_t i = 0; i <= name.size(); ++i) {
      if (c == '*') {
        next[i] = ends[i] || (i > 0 && next[i - 1]);
      } else {
        next[i] = i > 0 && ends[i - 1] && name[i - 1] == c;
      }
    }
    ends = std::move(next);
  }
  return ends[name.size()];
}

// or < and < not < of < parentheses, straight from the grammar.
class Oracle {
 public:
  Oracle(std::string_view text, const std::vector<std::string>& names, unsigned truth)
      : words_(Words(text)), names_(names), truth_(truth) {}

  // False: no condition.
  bool Read(bool& holds) {
    holds = Or();
    return !bad_ && at_ == words_.size();
  }

 private:
  [[nodiscard]] std::string Lower(std::size_t at) const {
    std::string word = at < words_.size() ? words_[at] : std::string();
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return word;
  }
  [[nodiscard]] bool Truth(std::size_t search) const {
    return ((truth_ >> (search % 32)) & 1) != 0;
  }

  bool Or() {
    bool holds = And();
    while (Lower(at_) == "or") {
      ++at_;
      holds = And() || holds;
    }
    return holds;
  }
  bool And() {
    bool holds = Not();
    while (Lower(at_) == "and") {
      ++at_;
      holds = Not() && holds;
    }
    return holds;
  }
  bool Not() {
    bool negated = false;
    for (; Lower(at_) == "not"; ++at_) negated = !negated;
    return Of() != negated;
  }
  bool Of() {
    if (at_ >= words_.size()) return Bad();
    const std::string word = words_[at_];
    const std::string lower = Lower(at_);
    if (word == "(") {
      ++at_;
      const bool holds = Or();
      if (at_ >= words_.size() || words_[at_] != ")") return Bad();
      ++at_;
      return holds;
    }
    for (const std::string_view reserved : {")", "|", "and", "or", "of"}) {
      if (lower == reserved) return Bad();
    }
    if (Lower(at_ + 1) == "of") return Selector(lower);
    ++at_;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == word) return Truth(i);
    }
    return Bad();
  }
  bool Selector(const std::string& quantifier) {
    at_ += 2;
    if (at_ >= words_.size() || words_[at_].find_first_of("()|") == 0) return Bad();
    const std::string pattern = Lower(at_) == "them" ? "*" : words_[at_];
    ++at_;
    std::size_t found = 0;
    std::size_t held = 0;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i][0] == '_' && pattern[0] != '_') continue;
      if (!Fits(pattern, names_[i])) continue;
      ++found;
      held += Truth(i) ? 1 : 0;
    }
    std::size_t least = 1;
    if (quantifier == "all") {
      least = found;
    } else if (quantifier != "any") {
      if (quantifier.size() > 6 || quantifier.find_first_not_of("0123456789") != quantifier.npos) {
        return Bad();
      }
      least = std::strtoul(quantifier.c_str(), nullptr, 10);
    }
    if (found == 0 || least == 0 || least > found) return Bad();
    return held >= least;
  }
  bool Bad() {
    bad_ = true;
    at_ = words_.size() + 1;
    return false;
  }

  std::vector<std::string> words_;
  const std::vector<std::string>& names_;
  unsigned truth_;
  std::size_t at_ = 0;
  bool bad_ = false;
};

bool Holds(const Condition& condition, unsigned truth) {
  std::vector<bool> held;
  for (const Condition::Node& node : condition.nodes) {
    std::size_t count = 0;
    for (const std::uint32_t child : node.children) {
      if (child >= held.size()) std::abort();
      count += held[child] ? 1 : 0;
    }
    switch (node.op) {
      case Condition::Op::kSearch: held.push_back(((truth >> (node.search % 32)) & 1) != 0); break;
      case Condition::Op::kNot: held.push_back(count == 0); break;
      case Condition::Op::kAnd: held.push_back(count == node.children.size()); break;
      case Condition::Op::kOr: held.push_back(count > 0); break;
      case Condition::Op::kAtLeast: held.push_back(count >= node.at_least); break;
    }
  }
  return held.back();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  std::vector<std::string> names;
  for (std::string& word : Words(input.substr(0, end))) {
    bool fresh = true;  // names are keys of a map
    for (const std::string& name : names) fresh = fresh && name != word;
    if (fresh) names.push_back(std::move(word));
  }
  const std::string_view text = input.substr(end);
  const faultline::Place place{"fuzz", 1, 1};
  const auto condition = faultline::sigma::ParseCondition(text, names, place);
  if (!condition) {
    const std::string& message = condition.error().message;
    if (message.find("nested deeper") != message.npos ||
        message.find("too large") != message.npos) {
      return 0;
    }
  }
  for (const unsigned truth : {0u, ~0u, 0x55555555u, 0x33333333u, 0x0f0f0f0fu, 0x12345678u}) {
    bool holds = false;
    const bool good = Oracle(text, names, truth).Read(holds);
    if (good != condition.has_value()) {
      std::fprintf(stderr, "%s\n", good ? condition.error().ToString().c_str() : "not refused");
      std::abort();
    }
    if (good && holds != Holds(*condition, truth)) std::abort();
  }
  return 0;
}
