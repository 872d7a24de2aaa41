// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/json_tree.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace faultline::reference {
namespace {

void AppendUtf8(std::uint32_t code, std::string& out) {
  const auto add = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6);
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  }
}

bool Digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Json> Document() {
    std::optional<Json> value = Value();
    Blanks();
    if (at_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  [[nodiscard]] char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void Blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }

  std::optional<Json> Value() {
    Blanks();
    Json json;
    if (Peek() == '{') return Object();
    if (Peek() == '[') return Array();
    if (Peek() == '"') {
      json.kind = Json::Kind::kString;
      if (!String(json.text)) return std::nullopt;
      return json;
    }
    for (const auto& [word, kind] : {std::pair{"null", Json::Kind::kNull},
                                     {"true", Json::Kind::kTrue},
                                     {"false", Json::Kind::kFalse}}) {
      if (!TakeWord(word)) continue;
      json.kind = kind;
      json.text = word;
      return json;
    }
    json.kind = Json::Kind::kNumber;
    if (!Number(json.text)) return std::nullopt;
    return json;
  }

  std::optional<Json> Object() {
    Json json;
    json.kind = Json::Kind::kObject;
    Take('{');
    Blanks();
    if (Take('}')) return json;
    do {
      Blanks();
      std::string key;
      if (!String(key)) return std::nullopt;
      Blanks();
      if (!Take(':')) return std::nullopt;
      std::optional<Json> value = Value();
      if (!value) return std::nullopt;
      json.members.push_back({std::move(key), std::move(*value)});
      Blanks();
    } while (Take(','));
    if (!Take('}')) return std::nullopt;
    return json;
  }

  std::optional<Json> Array() {
    Json json;
    json.kind = Json::Kind::kArray;
    Take('[');
    Blanks();
    if (Take(']')) return json;
    do {
      std::optional<Json> value = Value();
      if (!value) return std::nullopt;
      json.elements.push_back(std::move(*value));
      Blanks();
    } while (Take(','));
    if (!Take(']')) return std::nullopt;
    return json;
  }

  bool Digits() {
    const std::size_t from = at_;
    while (Digit(Peek())) ++at_;
    return at_ > from;
  }

  bool Number(std::string& token) {
    const std::size_t from = at_;
    Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.') && !Digits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      if (!Digits()) return false;
    }
    token = text_.substr(from, at_ - from);
    return true;
  }

  // The four digits of \uXXXX at `at`, which points at the backslash.
  [[nodiscard]] std::optional<std::uint32_t> CodeUnit(std::size_t at) const {
    if (!text_.substr(at).starts_with("\\u") || at + 6 > text_.size()) return std::nullopt;
    std::uint32_t unit = 0;
    for (const char c : text_.substr(at + 2, 4)) {
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
      const int lower = std::tolower(static_cast<unsigned char>(c));
      unit = unit * 16 + static_cast<std::uint32_t>(Digit(c) ? c - '0' : lower - 'a' + 10);
    }
    return unit;
  }

  void Escape(std::string& out) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::optional<std::uint32_t> unit = CodeUnit(at_)) {
      at_ += 6;
      const std::optional<std::uint32_t> next = CodeUnit(at_);
      const bool high = *unit >= 0xD800 && *unit < 0xDC00;
      if (high && next && *next >= 0xDC00 && *next < 0xE000) {
        at_ += 6;
        AppendUtf8(0x10000 + ((*unit - 0xD800) << 10) + (*next - 0xDC00), out);
      } else {
        AppendUtf8(*unit, out);
      }
      return;
    }
    const std::size_t which = kLetters.find(at_ + 1 < text_.size() ? text_[at_ + 1] : '\0');
    if (which == kLetters.npos) {
      out += text_[at_++];  // a backslash that escapes nothing is itself
      return;
    }
    out += kMeanings[which];
    at_ += 2;
  }

  bool String(std::string& out) {
    if (!Take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] == '\\') {
        Escape(out);
      } else {
        out += text_[at_++];
      }
    }
    return Take('"');
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// How many bytes the code point at the start of `text` takes; 0 when it is not well-formed
// (Unicode, table 3-7).
std::size_t CodePointSize(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto in = [](unsigned value, unsigned low, unsigned high) {
    return value >= low && value <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const bool two = in(byte(1), 0x80, 0xBF), three = in(byte(2), 0x80, 0xBF);
  if (in(lead, 0xC2, 0xDF)) return two ? 2 : 0;
  if (in(lead, 0xE0, 0xEF)) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    return in(byte(1), low, high) && three ? 3 : 0;
  }
  if (in(lead, 0xF0, 0xF4)) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
    return in(byte(1), low, high) && three && in(byte(3), 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<Json> ParseJson(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return Parser(text).Document();
}

bool ValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = CodePointSize(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace faultline::reference
