// SPDX-License-Identifier: Apache-2.0
#include "matcher/flat_json.h"

#include <charconv>

#include <fmt/format.h>

namespace faultline {
namespace {

void AppendUtf8(std::string& out, std::uint32_t point) {
  const auto byte = [&out](std::uint32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | point >> 6);
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3F));
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
}

// The byte that the one-letter escape stands for; 0 for none.
char ShortEscape(char letter) noexcept {
  switch (letter) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::optional<std::int64_t> FlatJson::Value::Integer() const noexcept {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (kind != Kind::kNumber || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

FlatJson::FlatJson(std::string_view text) noexcept : text_(text) {}

void FlatJson::Blanks() noexcept {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n')) {
    ++at_;
  }
}

bool FlatJson::Take(char wanted) noexcept {
  Blanks();
  if (at_ >= text_.size() || text_[at_] != wanted) return false;
  ++at_;
  return true;
}

bool FlatJson::Damage() noexcept {
  damaged_ = done_ = true;
  return false;
}

bool FlatJson::Close() noexcept {
  Blanks();
  damaged_ = at_ != text_.size();
  done_ = true;
  return false;
}

bool FlatJson::Next(Value& value) {
  if (done_) return false;
  if (end_ == 0) {
    end_ = Take('{') ? '}' : Take('[') ? ']' : '\0';
    if (end_ == 0) return Damage();
  }
  if (Take(end_)) return Close();
  if (!first_ && !Take(',')) return Damage();
  first_ = false;
  value = Value{};
  if (end_ == '}') {
    bool cut = false;
    if (!Take('"') || !String(value.key, cut) || cut || !Take(':')) return Damage();
  }
  return Scalar(value) || Damage();
}

bool FlatJson::Scalar(Value& value) {
  Blanks();
  if (at_ >= text_.size()) return false;
  const char first = text_[at_];
  if (first == '"') {
    ++at_;
    value.kind = Kind::kString;
    return String(value.text, value.cut);
  }
  if (first == '{' || first == '[') {
    value.kind = Kind::kNested;
    return Nested(value.text);
  }
  const std::size_t begin = at_;
  while (at_ < text_.size() && std::string_view(",]} \t\r\n").find(text_[at_]) == text_.npos) ++at_;
  value.text = text_.substr(begin, at_ - begin);
  if (value.text == "null") {
    value.kind = Kind::kNull;
  } else if (value.text == "true" || value.text == "false") {
    value.kind = Kind::kBool;
  } else if (first == '-' || (first >= '0' && first <= '9')) {
    value.kind = Kind::kNumber;
  } else {
    return false;
  }
  return true;
}

bool FlatJson::String(std::string& out, bool& cut) {
  while (at_ < text_.size()) {
    const std::size_t stop = text_.find_first_of("\"\\", at_);
    out.append(text_.substr(at_, stop - at_));
    if (stop == std::string_view::npos) break;
    at_ = stop + 1;
    if (text_[stop] == '"') return true;
    if (at_ == text_.size()) break;
    if (!Escape(out)) {
      if (text_.size() - stop < 12) break;  // the text's end may have cut the escape
      return false;
    }
  }
  at_ = text_.size();
  cut = true;
  return true;
}

bool FlatJson::Escape(std::string& out) {
  const char letter = text_[at_++];
  if (const char plain = ShortEscape(letter); plain != 0) {
    out.push_back(plain);
    return true;
  }
  if (letter != 'u') return false;
  const auto high = Hex4();
  if (!high) return false;
  std::uint32_t point = *high;
  if (point >= 0xD800 && point < 0xDC00 && text_.substr(at_, 2) == "\\u") {
    const std::size_t back = at_;
    at_ += 2;
    const auto low = Hex4();
    if (low && *low >= 0xDC00 && *low < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (*low - 0xDC00);
    } else {
      at_ = back;  // a lone surrogate stands by itself, as three bytes
    }
  }
  AppendUtf8(out, point);
  return true;
}

std::optional<std::uint32_t> FlatJson::Hex4() noexcept {
  if (text_.size() - at_ < 4) return std::nullopt;
  std::uint32_t value = 0;
  const char* const begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, begin + 4, value, 16);
  if (error != std::errc() || end != begin + 4) return std::nullopt;
  at_ += 4;
  return value;
}

// Skips to the bracket that closes the one at hand; brackets within strings do not count.
bool FlatJson::Nested(std::string& out) {
  const std::size_t begin = at_;
  std::size_t depth = 0;
  bool quoted = false;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (quoted) {
      if (c == '\\') ++at_;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      ++at_;
      out = text_.substr(begin, at_ - begin);
      return true;
    }
  }
  return false;
}

}  // namespace faultline
