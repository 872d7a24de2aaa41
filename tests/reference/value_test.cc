// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/value_test.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <variant>

namespace faultline::reference {
namespace {

using Kind = sigma::Pattern::Kind;

// Far above the engine's own, so that an expression that takes long here still gets its true
// answer.
constexpr std::uint32_t kMatchLimit = 10000000, kDepthLimit = 10000000;

// A PCRE2 pattern over code points, and its twin over bytes for values that are no UTF-8.
class Pcre {
 public:
  Pcre(const std::string& pattern, std::uint32_t flags, bool limited)
      : text_(Compile(pattern, flags | PCRE2_UTF)),
        bytes_(Compile(pattern, flags)),
        data_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    if (bytes_ == nullptr) {
      bytes_ = Compile(pattern, flags | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF);
    }
    if (text_ == nullptr) throw std::invalid_argument("bad pattern: " + pattern);
    if (!limited) return;
    pcre2_set_match_limit(context_, kMatchLimit);
    pcre2_set_depth_limit(context_, kDepthLimit);
  }
  Pcre(const Pcre&) = delete;
  Pcre& operator=(const Pcre&) = delete;
  ~Pcre() {
    pcre2_code_free(text_);
    pcre2_code_free(bytes_);
    pcre2_match_data_free(data_);
    pcre2_match_context_free(context_);
  }

  [[nodiscard]] bool Found(const std::string& text) const {
    const pcre2_code* code = ValidUtf8(text) ? text_ : bytes_;
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data_,
                       context_) >= 0;
  }

 private:
  static pcre2_code* Compile(const std::string& pattern, std::uint32_t flags) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    return pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), flags,
                         &error, &offset, nullptr);
  }

  pcre2_code* text_;
  pcre2_code* bytes_;
  pcre2_match_data* data_;
  pcre2_match_context* context_;
};

std::string Quoted(const std::string& literal) {
  std::string quoted;
  for (const char c : literal) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       static_cast<unsigned char>(c) >= 0x80;
    if (c == '\0') {
      quoted += "\\x00";
    } else {
      quoted += plain ? "" : "\\";
      quoted += c;
    }
  }
  return quoted;
}

// Anchored where no star stands; `.` takes newlines.
std::string AsRegex(const sigma::Pattern& pattern, bool keyword) {
  const auto& tokens = pattern.tokens;
  const bool open_start = keyword || (!tokens.empty() && tokens.front().kind == Kind::kAny);
  const bool open_end = keyword || (!tokens.empty() && tokens.back().kind == Kind::kAny);
  std::string regex = open_start ? "" : "\\A";
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool outer = i == 0 || i + 1 == tokens.size();
    if (tokens[i].kind == Kind::kAny) regex += outer ? "" : ".*";
    if (tokens[i].kind == Kind::kOne) regex += '.';
    if (tokens[i].kind == Kind::kLiteral) regex += Quoted(tokens[i].text);
  }
  return regex + (open_end ? "" : "\\z");
}

bool Scalar(const Json& json) {
  return json.kind != Json::Kind::kNull && json.kind != Json::Kind::kArray &&
         json.kind != Json::Kind::kObject;
}

bool Null(const Json* json) { return json->kind == Json::Kind::kNull; }

bool OnlyStar(const sigma::Pattern& pattern) {
  return pattern.tokens.size() == 1 && pattern.tokens[0].kind == Kind::kAny;
}

sigma::Pattern Plain(std::string text) { return {{{Kind::kLiteral, std::move(text)}}}; }

bool AllDigits(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Cuts `text` at the first of `marks`; the rest goes to `tail`. False when none is there.
bool CutAt(std::string& text, const char* marks, std::string& tail) {
  const std::size_t at = text.find_first_of(marks);
  if (at == text.npos) return false;
  tail = text.substr(at + 1);
  text.resize(at);
  return true;
}

}  // namespace

std::string DecimalOf(const std::string& text) {
  std::string whole = text, fraction, exponent;
  const bool negative = whole.starts_with("-");
  if (negative) whole.erase(0, 1);
  long power = 0;
  if (CutAt(whole, "eE", exponent)) {
    const bool down = exponent.starts_with("-");
    if (down || exponent.starts_with("+")) exponent.erase(0, 1);
    if (!AllDigits(exponent)) return {};
    exponent.erase(0, std::min(exponent.find_first_not_of('0'), exponent.size() - 1));
    if (exponent.size() > 4) return {};
    power = std::strtol(exponent.c_str(), nullptr, 10) * (down ? -1 : 1);
  }
  if (CutAt(whole, ".", fraction) && !AllDigits(fraction)) return {};
  if (!AllDigits(whole)) return {};
  std::string digits = whole + fraction;
  power -= static_cast<long>(fraction.size());
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  while (digits.ends_with('0')) {
    digits.pop_back();
    ++power;
  }
  if (digits.empty()) return "0";
  return (negative ? "-" : "+") + digits + "e" + std::to_string(power);
}

struct ValueTest::Impl {
  enum class What { kNull, kPresent, kNumber, kText };
  What what = What::kText;
  std::string number;          // DecimalOf the rule's number
  std::unique_ptr<Pcre> pcre;  // kText

  void Text(const sigma::Pattern& pattern, bool cased, bool keyword) {
    if (OnlyStar(pattern) && !keyword) {
      what = What::kPresent;
      return;
    }
    pcre = std::make_unique<Pcre>(AsRegex(pattern, keyword),
                                  PCRE2_DOTALL | (cased ? 0 : PCRE2_CASELESS), false);
  }
  void Expression(const sigma::Regex& regex) {
    pcre = std::make_unique<Pcre>(regex.pattern,
                                  (regex.ignore_case ? PCRE2_CASELESS : 0) |
                                      (regex.multi_line ? PCRE2_MULTILINE : 0) |
                                      (regex.dot_all ? PCRE2_DOTALL : 0),
                                  true);
  }
  [[nodiscard]] bool HoldsFor(const Json& value) const {
    if (!Scalar(value)) return false;
    if (what == What::kText) return pcre->Found(value.text);
    const bool numeric = value.kind == Json::Kind::kNumber || value.kind == Json::Kind::kString;
    return numeric && DecimalOf(value.text) == number;
  }
};

ValueTest::ValueTest(const sigma::Value& value, bool cased, bool keyword)
    : impl_(std::make_unique<Impl>()) {
  if (std::holds_alternative<sigma::Null>(value)) {
    impl_->what = Impl::What::kNull;
  } else if (const auto* boolean = std::get_if<sigma::Bool>(&value)) {
    impl_->Text(Plain(boolean->value ? "true" : "false"), cased, keyword);
  } else if (const auto* number = std::get_if<sigma::Number>(&value)) {
    impl_->number = DecimalOf(number->text);
    if (keyword || impl_->number.empty()) {
      impl_->Text(Plain(number->text), cased, keyword);
    } else {
      impl_->what = Impl::What::kNumber;
    }
  } else if (const auto* pattern = std::get_if<sigma::Pattern>(&value)) {
    impl_->Text(*pattern, cased, keyword);
  } else {
    impl_->Expression(std::get<sigma::Regex>(value));
  }
}
ValueTest::~ValueTest() = default;
ValueTest::ValueTest(ValueTest&&) noexcept = default;

bool ValueTest::Holds(const FieldValues& values) const {
  switch (impl_->what) {
    case Impl::What::kNull:
      return values.empty() || std::any_of(values.begin(), values.end(), Null);
    case Impl::What::kPresent: return !std::all_of(values.begin(), values.end(), Null);
    case Impl::What::kNumber:
    case Impl::What::kText: break;
  }
  return std::any_of(values.begin(), values.end(),
                     [this](const Json* value) { return impl_->HoldsFor(*value); });
}

}  // namespace faultline::reference
