// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/pattern.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace faultline::sigma {
namespace {

using Kind = Pattern::Kind;

void AddLiteral(Pattern& pattern, char c) {
  if (pattern.tokens.empty() || pattern.tokens.back().kind != Kind::kLiteral) {
    pattern.tokens.push_back({Kind::kLiteral, {}});
  }
  pattern.tokens.back().text.push_back(c);
}

void AddWildcard(Pattern& pattern, char c) {
  if (c == '?') {
    pattern.tokens.push_back({Kind::kOne, {}});
  } else if (pattern.tokens.empty() || pattern.tokens.back().kind != Kind::kAny) {
    pattern.tokens.push_back({Kind::kAny, {}});
  }
}

bool IsSpecial(char c) { return c == '*' || c == '?' || c == '\\'; }

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// Builds the expression of a template, token by token.
class TemplateWriter {
 public:
  TemplateWriter(std::string_view text, const std::vector<std::string>& names)
      : text_(text), names_(names) {}

  Result<std::string> Write() {
    while (at_ < text_.size()) {
      if (auto error = Token()) return Fail(Fault::kRules, std::move(*error));
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (!used_[i]) {
        return Fail(Fault::kRules,
                    fmt::format("the template has no %{} for '{}'", i + 1, names_[i]));
      }
    }
    return std::move(out_);
  }

 private:
  std::optional<std::string> Token() {
    const char c = text_[at_];
    if (IsSpace(c)) {
      Space();
    } else if (c == '%' && at_ + 1 < text_.size() && text_[at_ + 1] == '%') {
      Literal('%');
      at_ += 2;
    } else if (c == '%' && at_ + 1 < text_.size() && text_[at_ + 1] >= '1' &&
               text_[at_ + 1] <= '9') {
      return Placeholder(static_cast<std::size_t>(text_[at_ + 1] - '1'));
    } else {
      Literal(c);
      ++at_;
    }
    return std::nullopt;
  }

  void Space() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    out_ += "\\s+";
  }

  void Literal(char c) {
    const bool plain = IsWord(c) || (static_cast<unsigned char>(c) & 0x80) != 0;
    if (!plain) out_ += '\\';
    out_ += c;
  }

  std::optional<std::string> Placeholder(std::size_t number) {
    if (number >= names_.size()) {
      return fmt::format("the template has %{}, but 'as' names {}", number + 1, names_.size());
    }
    at_ += 2;
    const std::string& name = names_[number];
    if (used_[number]) {
      out_ += fmt::format("\\k<{}>", name);
    } else if (at_ == text_.size()) {
      out_ += fmt::format("(?<{}>[^\\r\\n]*[^\\s])", name);
    } else {
      out_ += fmt::format("(?<{}>.*?)", name);
    }
    used_[number] = true;
    return std::nullopt;
  }

  std::string_view text_;
  const std::vector<std::string>& names_;
  std::size_t at_ = 0;
  std::array<bool, 9> used_{};
  std::string out_ = "(?is)";
};

}  // namespace

Pattern ParsePattern(std::string_view text) {
  Pattern pattern;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && IsSpecial(text[i + 1])) {
      AddLiteral(pattern, text[++i]);
    } else if (c == '*' || c == '?') {
      AddWildcard(pattern, c);
    } else {
      AddLiteral(pattern, c);
    }
  }
  return pattern;
}

Pattern LiteralPattern(std::string_view text) {
  Pattern pattern;
  if (!text.empty()) pattern.tokens.push_back({Kind::kLiteral, std::string(text)});
  return pattern;
}

void OpenStart(Pattern& pattern) {
  if (!pattern.tokens.empty() && pattern.tokens.front().kind == Kind::kAny) return;
  pattern.tokens.insert(pattern.tokens.begin(), {Kind::kAny, {}});
}

void OpenEnd(Pattern& pattern) { AddWildcard(pattern, '*'); }

Result<std::string> TemplateToPcre(std::string_view text, const std::vector<std::string>& names) {
  text = Trim(text);
  if (text.empty()) return Fail(Fault::kRules, "the template is empty");
  if (names.size() > 9) return Fail(Fault::kRules, "a template has at most 9 placeholders");
  return TemplateWriter(text, names).Write();
}

std::vector<std::string> GroupNames(std::string_view regex) {
  std::vector<std::string> names;
  bool in_class = false;
  for (std::size_t i = 0; i < regex.size(); ++i) {
    if (regex[i] == '\\') {
      ++i;
    } else if (in_class || regex[i] == '[') {
      in_class = regex[i] != ']';
    } else if (regex.substr(i, 2) == "(?") {
      std::size_t at = i + 2;
      if (at < regex.size() && regex[at] == 'P') ++at;
      if (at >= regex.size() || (regex[at] != '<' && regex[at] != '\'')) continue;
      const std::size_t end = regex.find(regex[at] == '<' ? '>' : '\'', at + 1);
      if (end == regex.npos) continue;
      const std::string_view name = regex.substr(at + 1, end - at - 1);
      if (IsCaptureName(name)) names.emplace_back(name);
    }
  }
  return names;
}

bool IsCaptureName(std::string_view name) noexcept {
  if (name.empty() || name.size() > 32 || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), IsWord);
}

}  // namespace faultline::sigma
