// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/condition.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"

namespace faultline::sigma {
namespace {

constexpr std::size_t kMaxNesting = 64;
constexpr std::size_t kMaxSize = 100'000;  // nodes and children; bounds '1 of *' over many searches

constexpr const char* kPattern = "write '1 of them', or '1 of name*'";
constexpr const char* kSplit = "write several rules";
constexpr std::size_t kMaxSteps = 2'000'000;  // characters looked at by patterns like 'sel_*'

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// `*` stands for any characters; everything else for itself. Linear but for backing up to the last
// star; no name fits once `steps` are used up.
bool Fits(std::string_view pattern, std::string_view name, std::size_t& steps) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = pattern.npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (steps == 0) return false;
    --steps;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != pattern.npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

struct Word {
  std::string_view text;
  std::size_t at = 0;
};

std::vector<Word> Split(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < text.size();) {
    if (IsBlank(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    const auto single = [](char c) { return c == '(' || c == ')' || c == '|'; };
    if (!single(text[i])) {
      while (end < text.size() && !IsBlank(text[end]) && !single(text[end])) ++end;
    }
    words.push_back({text.substr(i, end - i), i});
    i = end;
  }
  return words;
}

// An operator-precedence parser with stacks of its own; runs of one operator become one node.
class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& searches, const Place& place,
         std::string_view what)
      : searches_(searches), place_(place), what_(what), words_(Split(text)) {}

  Result<Condition> Parse() {
    if (words_.empty()) return Fail(Fault::kRules, "the condition is empty", place_, Suggest({}));
    while (at_ < words_.size() && !error_) {
      if (want_operand_) {
        Operand();
      } else {
        Operator();
      }
    }
    if (!error_ && want_operand_) Refuse("the condition ends early", EndPlace(), Suggest({}));
    if (!error_) Finish();
    if (error_) return tl::unexpected<Error>(std::move(*error_));
    return std::move(condition_);
  }

 private:
  enum class Mark : std::uint8_t { kParenthesis, kOr, kAnd, kNot };  // by rising precedence
  struct Pending {
    Mark mark;
    std::size_t at = 0;
  };

  Place At(std::size_t offset) const {
    Place place = place_;
    if (place.column > 0) place.column += static_cast<int>(offset);
    return place;
  }
  Place EndPlace() const {
    const Word& last = words_.back();
    return At(last.at + last.text.size());
  }

  void Refuse(std::string message, Place place, std::string remedy) {
    if (!error_)
      error_ = Error{Fault::kRules, std::move(message), std::move(place), std::move(remedy)};
  }

  void Operand() {
    const Word& word = words_[at_];
    const std::string lower = Lower(word.text);
    if (word.text == "(") {
      Open(Mark::kParenthesis, word);
    } else if (lower == "not") {
      Open(Mark::kNot, word);
    } else if (word.text == "|") {
      RefusePipe(word);
    } else if (word.text == ")" || lower == "and" || lower == "or" || lower == "of") {
      Refuse(fmt::format("expected a {}, found '{}'", what_, word.text), At(word.at), Suggest({}));
    } else if (at_ + 1 < words_.size() && Lower(words_[at_ + 1].text) == "of") {
      Selector(word, lower);
    } else {
      Name(word);
    }
  }

  void Open(Mark mark, const Word& word) {
    if (++nesting_ > kMaxNesting) {
      return Refuse(fmt::format("the condition is nested deeper than {} levels", kMaxNesting),
                    At(word.at), "name searches alike and write '1 of name*' or 'all of name*'");
    }
    pending_.push_back({mark, word.at});
    ++at_;
  }

  void Operator() {
    const Word& word = words_[at_];
    const std::string lower = Lower(word.text);
    if (word.text == ")") return Close(word);
    if (word.text == "|") return RefusePipe(word);
    if (lower != "and" && lower != "or") {
      return Refuse(fmt::format("expected 'and' or 'or', found '{}'", word.text), At(word.at),
                    "join searches by 'and' or 'or'");
    }
    const Mark mark = lower == "and" ? Mark::kAnd : Mark::kOr;
    while (!pending_.empty() && pending_.back().mark > mark) Reduce();
    pending_.push_back({mark, word.at});
    want_operand_ = true;
    ++at_;
  }

  void Close(const Word& word) {
    while (!pending_.empty() && pending_.back().mark != Mark::kParenthesis) Reduce();
    if (pending_.empty()) return Refuse("')' without '('", At(word.at), "remove it");
    pending_.pop_back();
    --nesting_;
    ++at_;
  }

  void RefusePipe(const Word& word) {
    Refuse("'|' in a condition is not supported", At(word.at),
           "write a correlation (correlation: {type: event_count, ...})");
  }

  void Name(const Word& word) {
    const auto found = std::find(searches_.begin(), searches_.end(), word.text);
    if (found != searches_.end()) {
      Push(SearchNode(static_cast<std::uint32_t>(found - searches_.begin())));
      ++at_;
      return;
    }
    const std::string lower = Lower(word.text);
    if (lower == "them") {
      return Refuse("'them' needs '1 of', 'any of' or 'all of'", At(word.at), "write '1 of them'");
    }
    Refuse(fmt::format("unknown {} '{}'", what_, word.text), At(word.at), Suggest(word.text));
  }

  std::string Suggest(std::string_view word) const {
    return DidYouMeanOrOneOf(word, {searches_.begin(), searches_.end()});
  }

  void Selector(const Word& word, const std::string& quantifier) {
    std::uint32_t at_least = 0;
    const bool all = quantifier == "all";
    if (!all && !Quantity(quantifier, at_least)) {
      return Refuse(fmt::format("unknown quantifier '{}'", word.text), At(word.at),
                    "use a number, any or all");
    }
    if (at_ + 2 >= words_.size()) {
      at_ += 2;
      return Refuse("'of' needs a pattern or 'them'", EndPlace(), kPattern);
    }
    const Word& pattern = words_[at_ + 2];
    if (pattern.text == "(" || pattern.text == ")" || pattern.text == "|") {
      return Refuse("'of' needs a pattern or 'them'", At(pattern.at), kPattern);
    }
    Choose(pattern, all, at_least);
  }

  static bool Quantity(const std::string& quantifier, std::uint32_t& at_least) {
    if (quantifier == "any") return (at_least = 1) == 1;
    if (quantifier.empty() || quantifier.size() > 6) return false;
    for (const char c : quantifier) {
      if (c < '0' || c > '9') return false;
      at_least = at_least * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return at_least > 0;
  }

  // Names that start with `_` are left out unless the pattern does too.
  std::vector<std::uint32_t> Matching(std::string_view pattern) {
    const std::string_view wanted = Lower(pattern) == "them" ? std::string_view("*") : pattern;
    std::vector<std::uint32_t> found;
    for (std::size_t i = 0; i < searches_.size(); ++i) {
      const bool hidden = searches_[i].starts_with('_') && !wanted.starts_with('_');
      if (!hidden && Fits(wanted, searches_[i], steps_))
        found.push_back(static_cast<std::uint32_t>(i));
    }
    return found;
  }

  void Choose(const Word& pattern, bool all, std::uint32_t at_least) {
    const std::vector<std::uint32_t> found = Matching(pattern.text);
    if (steps_ == 0) return Refuse("the condition is too large", At(pattern.at), kSplit);
    if (found.empty()) {
      return Refuse(fmt::format("'{}' matches no {}", pattern.text, what_), At(pattern.at),
                    Suggest(pattern.text));
    }
    if (!all && at_least > found.size()) {
      return Refuse(fmt::format("'{} of {}' can never hold: it matches {} searches", at_least,
                                pattern.text, found.size()),
                    At(words_[at_].at), fmt::format("write {} or less", found.size()));
    }
    Condition::Node node;
    node.op = all ? Condition::Op::kAnd : Condition::Op::kAtLeast;
    if (!all && at_least == 1) node.op = Condition::Op::kOr;
    if (node.op == Condition::Op::kAtLeast) node.at_least = at_least;
    size_ += 2 * found.size();
    if (size_ > kMaxSize) return Refuse("the condition is too large", At(pattern.at), kSplit);
    for (const std::uint32_t search : found) node.children.push_back(SearchNode(search));
    Push(Add(std::move(node)));
    at_ += 3;
  }

  std::uint32_t Add(Condition::Node node) {
    condition_.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(condition_.nodes.size() - 1);
  }

  std::uint32_t SearchNode(std::uint32_t search) {
    Condition::Node node;
    node.search = search;
    return Add(std::move(node));
  }

  void Push(std::uint32_t node) {
    operands_.push_back(node);
    want_operand_ = false;
    size_ += 2;
    if (size_ > kMaxSize) Refuse("the condition is too large", place_, kSplit);
  }

  // Takes the topmost operator, with all equal ones right below it, off the stack.
  void Reduce() {
    const Mark mark = pending_.back().mark;
    std::size_t operands = 1;
    do {
      pending_.pop_back();
      if (mark == Mark::kNot) {
        --nesting_;
      } else {
        ++operands;
      }
    } while (mark != Mark::kNot && !pending_.empty() && pending_.back().mark == mark);
    Condition::Node node;
    node.op = mark == Mark::kNot   ? Condition::Op::kNot
              : mark == Mark::kAnd ? Condition::Op::kAnd
                                   : Condition::Op::kOr;
    node.children.assign(operands_.end() - static_cast<std::ptrdiff_t>(operands), operands_.end());
    operands_.resize(operands_.size() - operands);
    operands_.push_back(Add(std::move(node)));
  }

  void Finish() {
    while (!pending_.empty()) {
      if (pending_.back().mark == Mark::kParenthesis) {
        return Refuse("'(' is not closed", At(pending_.back().at), "add ')'");
      }
      Reduce();
    }
  }

  const std::vector<std::string>& searches_;
  const Place& place_;
  std::string_view what_;
  std::vector<Word> words_;
  std::size_t at_ = 0;  // the next word
  bool want_operand_ = true;
  std::size_t nesting_ = 0;
  std::size_t size_ = 0;
  std::size_t steps_ = kMaxSteps;  // left for matching patterns with names
  Condition condition_;
  std::vector<std::uint32_t> operands_;
  std::vector<Pending> pending_;
  std::optional<Error> error_;
};

}  // namespace

Result<Condition> ParseCondition(std::string_view text, const std::vector<std::string>& searches,
                                 const Place& place, std::string_view what) {
  return Parser(text, searches, place, what).Parse();
}

}  // namespace faultline::sigma
