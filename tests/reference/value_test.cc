// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/value_test.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include "tests/reference/typed_values.h"

namespace faultline::reference {
namespace {

using Kind = sigma::Pattern::Kind;

// Far above the engine's own, so that an expression that takes long here still gets its true
// answer.
constexpr std::uint32_t kMatchLimit = 10000000, kDepthLimit = 10000000;

// A PCRE2 pattern over code points, and its twin over bytes for values that are no UTF-8.
class Pcre {
 public:
  // Without `utf8` values are bytes, whatever they are.
  Pcre(const std::string& pattern, std::uint32_t flags, bool limited, bool utf8 = true)
      : text_(Compile(pattern, utf8 ? flags | PCRE2_UTF : flags)),
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

bool AllUtf8(const sigma::Pattern& pattern) {
  return std::all_of(pattern.tokens.begin(), pattern.tokens.end(),
                     [](const sigma::Pattern::Token& token) { return ValidUtf8(token.text); });
}

sigma::Pattern Plain(std::string text) { return {{{Kind::kLiteral, std::move(text)}}}; }

// Whether `left` equals, contains, begins or ends with `right`.
bool Related(const Json& left, const Json& right, sigma::TextMatch how, bool cased) {
  using sigma::TextMatch;
  const bool open_start = how == TextMatch::kContains || how == TextMatch::kEndsWith;
  const bool open_end = how == TextMatch::kContains || how == TextMatch::kStartsWith;
  const std::string regex =
      (open_start ? "" : "\\A") + Quoted(right.text) + (open_end ? "" : "\\z");
  const bool utf8 = !cased && ValidUtf8(left.text) && ValidUtf8(right.text);
  return Pcre(regex, PCRE2_DOTALL | (cased ? 0 : PCRE2_CASELESS), false, utf8).Found(left.text);
}

}  // namespace

struct ValueTest::Impl {
  enum class What { kNull, kPresent, kExists, kAbsent, kOneByOne, kFieldRef };
  What what = What::kOneByOne;
  std::function<bool(const Json&)> holds;  // kOneByOne: for one scalar value
  sigma::FieldRef ref;                     // kFieldRef
  bool cased = false;
  bool keyword = false;

  void operator()(const sigma::Null& /*value*/) { what = What::kNull; }
  void operator()(const sigma::Exists& value) {
    what = value.wanted ? What::kExists : What::kAbsent;
  }
  void operator()(const sigma::Bool& value) { (*this)(Plain(value.value ? "true" : "false")); }
  void operator()(const sigma::Number& value) {
    const std::string number = DecimalOf(value.text);
    if (keyword || number.empty()) return (*this)(Plain(value.text));
    holds = [number](const Json& json) { return NumberOf(json) == number; };
  }
  void operator()(const sigma::Pattern& pattern) {
    if (OnlyStar(pattern) && !keyword) {
      what = What::kPresent;
      return;
    }
    const auto pcre = std::make_shared<Pcre>(AsRegex(pattern, keyword),
                                             PCRE2_DOTALL | (cased ? 0 : PCRE2_CASELESS), false,
                                             AllUtf8(pattern));
    holds = [pcre](const Json& json) { return pcre->Found(json.text); };
  }
  void operator()(const sigma::Regex& regex) {
    const auto pcre = std::make_shared<Pcre>(regex.pattern,
                                             (regex.ignore_case ? PCRE2_CASELESS : 0) |
                                                 (regex.multi_line ? PCRE2_MULTILINE : 0) |
                                                 (regex.dot_all ? PCRE2_DOTALL : 0),
                                             true);
    holds = [pcre](const Json& json) { return pcre->Found(json.text); };
  }
  void operator()(const sigma::Network& value) {
    const NetworkBits network = BitsOfNetwork(value);
    holds = [network](const Json& json) {
      const std::string bits = BitsOfAddress(json.text);
      return bits.size() == (network.v6 ? 128 : 32) && bits.starts_with(network.bits);
    };
  }
  void operator()(const sigma::Comparison& value) {
    const std::string number = DecimalOf(value.number.text);
    const sigma::Order order = value.order;
    holds = [number, order](const Json& json) {
      const std::string found = NumberOf(json);
      return !found.empty() && Stands(CompareDecimals(found, number), order);
    };
  }
  void operator()(const sigma::TimePart& value) {
    holds = [value](const Json& json) {
      const std::optional<std::int64_t> part = TimePartOf(json.text, value.unit);
      if (!part) return false;
      return Stands(*part < value.number ? -1 : *part > value.number ? 1 : 0, value.order);
    };
  }
  void operator()(const sigma::FieldRef& value) {
    what = What::kFieldRef;
    ref = value;
  }

  static std::string NumberOf(const Json& json) {
    const bool numeric = json.kind == Json::Kind::kNumber || json.kind == Json::Kind::kString;
    return numeric ? DecimalOf(json.text) : std::string();
  }
};

ValueTest::ValueTest(const sigma::Value& value, bool cased, bool keyword)
    : impl_(std::make_unique<Impl>()) {
  impl_->cased = cased;
  impl_->keyword = keyword;
  std::visit(*impl_, value);
}
ValueTest::~ValueTest() = default;
ValueTest::ValueTest(ValueTest&&) noexcept = default;

const std::string& ValueTest::other_field() const { return impl_->ref.field; }

bool ValueTest::Holds(const FieldValues& values, const FieldValues& others) const {
  const auto any = [&values](const auto& holds) {
    return std::any_of(values.begin(), values.end(),
                       [&holds](const Json* value) { return Scalar(*value) && holds(*value); });
  };
  switch (impl_->what) {
    case Impl::What::kNull:
      return values.empty() || std::any_of(values.begin(), values.end(), Null);
    case Impl::What::kPresent: return !std::all_of(values.begin(), values.end(), Null);
    case Impl::What::kExists: return !values.empty();
    case Impl::What::kAbsent: return values.empty();
    case Impl::What::kOneByOne: return any(impl_->holds);
    case Impl::What::kFieldRef: break;
  }
  return any([&](const Json& left) {
    return std::any_of(others.begin(), others.end(), [&](const Json* right) {
      return Scalar(*right) && Related(left, *right, impl_->ref.how, impl_->cased);
    });
  });
}

}  // namespace faultline::reference
