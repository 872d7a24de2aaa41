// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/expression_lexer.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "matcher/sigma/correlation.h"

namespace faultline::sigma {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool StartsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@' || c == '#' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool ContinuesName(char c) { return StartsName(c) || IsDigit(c); }

class Lexer {
 public:
  Lexer(std::string_view text, const Place& place) : text_(text), place_(place) {}

  Result<std::vector<ExprToken>> Read() {
    while (!error_) {
      while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
      if (at_ == text_.size()) break;
      ReadOne();
    }
    if (error_) return tl::unexpected<Error>(std::move(*error_));
    Push(ExprToken::Kind::kEnd, at_);
    return std::move(tokens_);
  }

 private:
  void Refuse(std::size_t at, std::string message, std::string remedy) {
    if (error_) return;
    error_ = Error{Fault::kRules, std::move(message), Moved(place_, at), std::move(remedy)};
  }

  ExprToken& Push(ExprToken::Kind kind, std::size_t start) {
    ExprToken token;
    token.kind = kind;
    token.at = start;
    token.text = text_.substr(start, at_ - start);
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }

  void ReadOne() {
    const char c = text_[at_];
    if (IsDigit(c)) return ReadNumber();
    if (c == '\'' || c == '"') return ReadQuoted(c);
    if (StartsName(c) || c == '`') return ReadName();
    ReadSymbol();
  }

  bool BehindName() const {
    if (tokens_.empty()) return false;
    const ExprToken& last = tokens_.back();
    return !last.parts.empty() && last.at + last.text.size() == at_;
  }

  // Of a name with a hyphen, or of a difference.
  void RefuseHyphen() {
    const std::size_t first = tokens_.back().at;
    std::size_t end = at_;
    while (end < text_.size() && (ContinuesName(text_[end]) || text_[end] == '-')) ++end;
    const std::string_view left = text_.substr(first, at_ - first);
    const std::string_view right = text_.substr(at_ + 1, end - at_ - 1);
    Refuse(first, fmt::format("'{}-{}' is a name or a difference", left, right),
           fmt::format("write `{0}-{1}` or {0} - {1}", left, right));
  }

  void ReadSymbol() {
    const std::size_t start = at_;
    const std::string_view two = text_.substr(at_, 2);
    for (const auto& [wrong, right] :
         {std::pair<std::string_view, std::string_view>{"&&", "and"}, {"||", "or"}, {"<>", "!="}}) {
      if (two == wrong) {
        return Refuse(start, fmt::format("'{}' is no operator", wrong),
                      fmt::format("write {}", right));
      }
    }
    if (text_[start] == '-' && BehindName() && start + 1 < text_.size() &&
        (ContinuesName(text_[start + 1]) || text_[start + 1] == '`')) {
      return RefuseHyphen();
    }
    const bool pair = two == "==" || two == "!=" || two == "<=" || two == ">=";
    if (pair || std::string_view("<>+-*/(),").find(text_[at_]) != std::string_view::npos) {
      at_ += pair ? 2 : 1;
      Push(ExprToken::Kind::kSymbol, start);
      return;
    }
    if (text_[at_] == '=') return Refuse(start, "'=' is no operator", "write ==");
    if (text_[at_] == '!') return Refuse(start, "'!' is no operator", "write not");
    const char c = text_[at_];
    Refuse(start,
           c > ' ' && c < 0x7f
               ? fmt::format("unexpected '{}'", c)
               : fmt::format("unexpected byte {:#04x}", static_cast<unsigned char>(c)),
           "texts go into quotes, odd names into back quotes");
  }

  void SkipDigits() {
    while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
  }

  void ReadNumber() {
    const std::size_t start = at_;
    SkipDigits();
    if (at_ + 1 < text_.size() && text_[at_] == '.' && IsDigit(text_[at_ + 1])) {
      ++at_;
      SkipDigits();
    }
    while (at_ < text_.size() && ContinuesName(text_[at_])) ++at_;
    const std::string_view all = text_.substr(start, at_ - start);
    if (const auto span = ParseTimespan(all)) {
      Push(ExprToken::Kind::kConstant, start).value = *span;
      return;
    }
    ExprValue value = NumberOf(std::string(all));
    if (std::holds_alternative<std::string>(value)) {
      return Refuse(start, fmt::format("'{}' is no number and no duration", all),
                    "durations are a whole number and one of s, m, h, d, w, M, y");
    }
    if (std::holds_alternative<double>(value) && all.find_first_of(".eE") == all.npos) {
      // The least whole number is read as minus and this.
      const bool negated = !tokens_.empty() && tokens_.back().text == "-";
      if (!negated || all != "9223372036854775808") {
        return Refuse(start, fmt::format("{} does not fit into 64 bits", all),
                      fmt::format("write {}.0", all));
      }
    }
    Push(ExprToken::Kind::kConstant, start).value = std::move(value);
  }

  void ReadQuoted(char quote) {
    const std::size_t start = at_;
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) {
      return Refuse(start, fmt::format("the text is not closed by {}", quote),
                    fmt::format("add {}", quote));
    }
    at_ = end + 1;
    Push(ExprToken::Kind::kConstant, start).value =
        std::string(text_.substr(start + 1, end - start - 1));
  }

  void ReadName() {
    const std::size_t start = at_;
    std::vector<std::string> parts;
    do {
      if (!parts.empty()) ++at_;  // the dot
      parts.push_back(ReadPart());
      if (error_) return;
    } while (at_ + 1 < text_.size() && text_[at_] == '.' &&
             (ContinuesName(text_[at_ + 1]) || text_[at_ + 1] == '`'));
    const bool word = parts.size() == 1 && text_[start] != '`';
    Push(word ? ExprToken::Kind::kWord : ExprToken::Kind::kName, start).parts = std::move(parts);
  }

  std::string ReadPart() {
    const std::size_t start = at_;
    if (text_[at_] != '`') {
      while (at_ < text_.size() && ContinuesName(text_[at_])) ++at_;
      return std::string(text_.substr(start, at_ - start));
    }
    const std::size_t end = text_.find('`', at_ + 1);
    if (end == text_.npos || end == start + 1) {
      Refuse(start, end == text_.npos ? "the name is not closed by `" : "the name is empty",
             "write a name between two back quotes");
      return {};
    }
    at_ = end + 1;
    return std::string(text_.substr(start + 1, end - start - 1));
  }

  std::string_view text_;
  const Place& place_;
  std::size_t at_ = 0;
  std::vector<ExprToken> tokens_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::vector<ExprToken>> ReadTokens(std::string_view text, const Place& place) {
  return Lexer(text, place).Read();
}

Place Moved(const Place& place, std::size_t offset) {
  Place moved = place;
  if (moved.column > 0) moved.column += static_cast<int>(offset);
  return moved;
}

}  // namespace faultline::sigma
