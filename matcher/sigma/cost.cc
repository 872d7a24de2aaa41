// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/cost.h"

#include <algorithm>
#include <variant>

#include "matcher/sigma/reading.h"

namespace faultline::sigma {
namespace {

constexpr std::size_t kWide = 8;        // `.` in UTF-8 has about that many states
constexpr std::size_t kLeastSize = 20;  // what any expression costs besides its size
constexpr std::string_view kSplit = "split the file";

// False where less than `count` is left.
bool Take(std::size_t& left, std::size_t count) {
  if (count > left) return false;
  left -= count;
  return true;
}

std::size_t Times(std::size_t size, std::size_t count) {
  if (size == 0 || count == 0) return size;
  return size > kLargestSize / count ? kLargestSize : size * count;
}

// Reads an expression once, without judging it.
class Sizer {
 public:
  explicit Sizer(std::string_view regex) : regex_(regex) {}

  std::size_t Size() {
    while (at_ < regex_.size()) {
      switch (regex_[at_]) {
        case '(':
          Put(0);
          outer_.push_back(total_);
          total_ = 0;
          ++at_;
          break;
        case ')': Close(); break;
        case '[': Class(); break;
        case '\\': Escape(); break;
        case '{': Repeat(); break;
        case '.':
          Put(kWide);
          ++at_;
          break;
        default:
          Put(std::string_view("|*+?^$").find(regex_[at_]) == std::string_view::npos ? 1 : 0);
          ++at_;
      }
    }
    while (!outer_.empty()) Close();
    return total_ = std::min(total_ + last_, kLargestSize);
  }

 private:
  // A new part; a sign that changes the last one is none.
  void Put(std::size_t size) {
    if (size == 0 && regex_[at_] != '(') return;
    total_ = std::min(total_ + last_, kLargestSize);
    last_ = size;
  }

  void Close() {
    if (at_ < regex_.size()) ++at_;
    if (outer_.empty()) return;
    last_ = std::min(total_ + last_, kLargestSize);
    total_ = outer_.back();
    outer_.pop_back();
  }

  void Class() {
    const std::size_t begin = at_++;
    if (at_ < regex_.size() && regex_[at_] == '^') ++at_;
    if (at_ < regex_.size() && regex_[at_] == ']') ++at_;
    while (at_ < regex_.size() && regex_[at_] != ']') at_ += regex_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, regex_.size());
    const std::string_view text = regex_.substr(begin, at_ - begin);
    const bool narrow = text.find_first_of("^\\") == text.npos &&
                        std::all_of(text.begin(), text.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    Put(narrow ? 1 : kWide);
  }

  void Escape() {
    const char letter = at_ + 1 < regex_.size() ? regex_[at_ + 1] : '\\';
    Put(std::string_view("DWSNXRPpHV").find(letter) == std::string_view::npos ? 1 : kWide);
    at_ = std::min(at_ + 2, regex_.size());
  }

  std::size_t Number() {
    std::size_t number = 0;
    for (; at_ < regex_.size() && regex_[at_] >= '0' && regex_[at_] <= '9'; ++at_) {
      number = std::min(number * 10 + static_cast<std::size_t>(regex_[at_] - '0'), kLargestSize);
    }
    return number;
  }

  void Repeat() {
    ++at_;
    std::size_t most = Number();
    if (at_ < regex_.size() && regex_[at_] == ',') {
      ++at_;
      most = std::max(most, Number());
    }
    if (at_ < regex_.size() && regex_[at_] == '}') ++at_;
    last_ = Times(last_, std::max<std::size_t>(most, 1));
  }

  std::string_view regex_;
  std::size_t at_ = 0;
  std::size_t total_ = 0;  // of this group, without its last part
  std::size_t last_ = 0;   // what a repeat would repeat
  std::vector<std::size_t> outer_;
};

void ChargePattern(const Pattern& pattern, bool keyword, const Place& place, Reading& reading) {
  CompileBudget* const budget = reading.compile_budget();
  const bool within = keyword || pattern.tokens.size() > 1;
  if (budget != nullptr &&
      !(Take(budget->tokens, pattern.tokens.size()) && Take(budget->literals, within ? 1 : 0))) {
    reading.Refuse("the rules of this file look for too many texts within others", place,
                   std::string(kSplit));
  }
}

}  // namespace

std::size_t ExpandedSize(std::string_view regex) { return Sizer(regex).Size(); }

void ChargeRegex(const Regex& regex, const Place& place, Reading& reading) {
  const std::size_t size = ExpandedSize(regex.pattern);
  const std::size_t compiled = size > kLargestForHyperscan ? 0 : size;
  const std::size_t cost = kLeastSize * kLeastSize + compiled * compiled / 4;
  CompileBudget* const budget = reading.compile_budget();
  if (budget != nullptr && !Take(budget->expressions, cost)) {
    reading.Refuse("the regular expressions of this file cost too much to compile", place,
                   std::string(kSplit));
  }
}

void ChargeFields(const std::vector<std::string>& names, const Place& place, Reading& reading) {
  CompileBudget* const budget = reading.compile_budget();
  if (budget == nullptr) return;
  for (const std::string& name : names) {
    if (budget->known_fields.find(name) != budget->known_fields.end()) continue;
    const auto dots = static_cast<std::size_t>(std::count(name.begin(), name.end(), '.'));
    if (!Take(budget->fields, 1 + dots)) {
      return reading.Refuse("the rules of this file name too many fields", place,
                            std::string(kSplit));
    }
    budget->known_fields.insert(name);
  }
}

void ChargeSearches(const std::vector<Search>& searches, Reading& reading) {
  for (const Search& search : searches) {
    for (const auto& items : search.alternatives) {
      for (const Item& item : items) {
        ChargeFields({item.field}, item.place, reading);
        for (const Choice& choice : item.choices) {
          for (const Value& value : choice) {
            if (const auto* pattern = std::get_if<Pattern>(&value)) {
              ChargePattern(*pattern, item.field.empty(), item.place, reading);
            } else if (const auto* regex = std::get_if<Regex>(&value)) {
              ChargeRegex(*regex, item.place, reading);
            } else if (const auto* other = std::get_if<FieldRef>(&value)) {
              ChargeFields({other->field}, item.place, reading);
            }
          }
        }
      }
    }
  }
}

}  // namespace faultline::sigma
