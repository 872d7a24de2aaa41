// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/brute_expressions.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace faultline::reference {
namespace {

using Kind = ChainValue::Kind;
using Op = ChainExpr::Op;
__extension__ using Wide = __int128;

bool Gone(const ChainValue& value) {
  return value.kind == Kind::kAbsent || value.kind == Kind::kError;
}

ChainValue Fit(Wide value, Kind kind) {
  if (value > std::numeric_limits<std::int64_t>::max() ||
      value < std::numeric_limits<std::int64_t>::min()) {
    return ChainValue::Error();
  }
  return {kind, static_cast<std::int64_t>(value), 0, {}};
}

ChainValue Finite(double value) {
  return std::isfinite(value) ? ChainValue::Decimal(value) : ChainValue::Error();
}

ChainValue Arithmetic(Op op, const ChainValue& left, const ChainValue& right) {
  if (left.kind == Kind::kError || right.kind == Kind::kError) return ChainValue::Error();
  if (Gone(left) || Gone(right)) return {};
  const ChainValue a = AsNumber(left), b = AsNumber(right);
  if (IsNumber(a) && IsNumber(b)) {
    if (a.kind == Kind::kWhole && b.kind == Kind::kWhole) {
      switch (op) {
        case Op::kAdd: return Fit(Wide{a.whole} + b.whole, Kind::kWhole);
        case Op::kSubtract: return Fit(Wide{a.whole} - b.whole, Kind::kWhole);
        case Op::kMultiply: return Fit(Wide{a.whole} * b.whole, Kind::kWhole);
        default: break;
      }
      if (b.whole == 0) return ChainValue::Error();
      if (Wide{a.whole} % b.whole == 0) return Fit(Wide{a.whole} / b.whole, Kind::kWhole);
    }
    const double x = AsDecimal(a), y = AsDecimal(b);
    switch (op) {
      case Op::kAdd: return Finite(x + y);
      case Op::kSubtract: return Finite(x - y);
      case Op::kMultiply: return Finite(x * y);
      default: return y == 0 ? ChainValue::Error() : Finite(x / y);
    }
  }
  const Wide x = a.whole, y = b.whole;
  if (a.kind == Kind::kTime && b.kind == Kind::kTime && op == Op::kSubtract) {
    return Fit(x - y, Kind::kSpan);
  }
  if (a.kind == Kind::kSpan && b.kind == Kind::kSpan && op != Op::kMultiply && op != Op::kDivide) {
    return Fit(op == Op::kAdd ? x + y : x - y, Kind::kSpan);
  }
  if (a.kind == Kind::kTime && b.kind == Kind::kSpan && op != Op::kMultiply && op != Op::kDivide) {
    return Fit(op == Op::kAdd ? x + y : x - y, Kind::kTime);
  }
  return ChainValue::Error();
}

bool Ordered(Op op, int order) {
  switch (op) {
    case Op::kEqual: return order == 0;
    case Op::kNotEqual: return order != 0;
    case Op::kLess: return order < 0;
    case Op::kLessOrEqual: return order <= 0;
    case Op::kGreater: return order > 0;
    default: return order >= 0;
  }
}

bool Compare(Op op, const ChainValue& left, const ChainValue& right) {
  if (Gone(left) || Gone(right)) return false;
  if (left.kind == Kind::kText && right.kind == Kind::kText) {
    return Ordered(op, left.text.compare(right.text) < 0   ? -1
                       : left.text.compare(right.text) > 0 ? 1
                                                           : 0);
  }
  const ChainValue a = AsNumber(left), b = AsNumber(right);
  if (IsNumber(a) && IsNumber(b)) return Ordered(op, CompareNumbers(a, b));
  if (a.kind != b.kind || a.kind == Kind::kText) return false;
  return Ordered(op, a.whole < b.whole ? -1 : a.whole > b.whole ? 1 : 0);
}

ChainValue Least(const ChainExpr& expression, const ChainNames& names, int wanted) {
  const ChainValue a = AsNumber(Evaluate(expression.args[0], names));
  const ChainValue b = AsNumber(Evaluate(expression.args[1], names));
  if (a.kind == Kind::kError || b.kind == Kind::kError) return ChainValue::Error();
  if (Gone(a) || Gone(b)) return {};
  if (!IsNumber(a) || !IsNumber(b)) return ChainValue::Error();
  return CompareNumbers(b, a) == wanted ? b : a;
}

ChainValue Call(const ChainExpr& expression, const ChainNames& names) {
  const auto at = [&](std::size_t i) { return Evaluate(expression.args[i], names); };
  switch (expression.op) {
    case Op::kExists: return ChainValue::Bool(!Gone(at(0)));
    case Op::kMin: return Least(expression, names, -1);
    case Op::kMax: return Least(expression, names, 1);
    case Op::kIf: return IsTrue(at(0)) ? at(1) : at(2);
    case Op::kText: {
      const ChainValue value = at(0);
      return Gone(value) ? value : ChainValue::Text(Show(value));
    }
    case Op::kCoalesce: {
      ChainValue value;
      for (const ChainExpr& each : expression.args) {
        value = Evaluate(each, names);
        if (!Gone(value)) break;
      }
      return value;
    }
    default: break;
  }
  ChainValue value = at(0);
  if (Gone(value)) return value;
  if (expression.op == Op::kLower) {
    for (char& c : value.text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return value;
  }
  value = AsNumber(value);
  if (!IsNumber(value)) return ChainValue::Error();
  if (expression.op == Op::kNumber) return value;
  const bool negate = expression.op == Op::kNegate || AsDecimal(value) < 0;
  return negate ? Arithmetic(Op::kSubtract, ChainValue::Whole(0), value) : value;
}

std::string ShowSpan(std::int64_t nanos) {
  if (nanos == 0) return "0s";
  std::string text = nanos < 0 ? "-" : "";
  Wide rest = nanos < 0 ? -Wide{nanos} : Wide{nanos};
  const std::pair<const char*, Wide> units[] = {
      {"d", Wide{86'400'000'000'000}}, {"h", Wide{3'600'000'000'000}}, {"m", Wide{60'000'000'000}}};
  for (const auto& [unit, size] : units) {
    if (rest >= size) text += std::to_string(static_cast<std::int64_t>(rest / size)) + unit;
    rest %= size;
  }
  if (rest > 0) {
    const auto left = static_cast<std::int64_t>(rest);
    std::string fraction = std::to_string(1'000'000'000 + left % 1'000'000'000).substr(1);
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
    text += std::to_string(left / 1'000'000'000) + (fraction.empty() ? "" : "." + fraction) + "s";
  }
  return text;
}

class FieldNames final : public ChainNames {
 public:
  explicit FieldNames(const ChainFields& fields) : fields_(fields) {}
  [[nodiscard]] ChainValue Read(const ChainExpr& name) const override {
    const auto found = fields_.find(name.name);
    if (found == fields_.end() || found->second.empty()) return {};
    return ChainValue::Text(found->second.front());
  }
  [[nodiscard]] std::int64_t CountTimes(const std::string&, std::int64_t,
                                        std::int64_t) const override {
    return 0;
  }

 private:
  const ChainFields& fields_;
};

}  // namespace

bool IsTrue(const ChainValue& value) { return value.kind == Kind::kBool && value.whole == 1; }

bool IsNumber(const ChainValue& value) {
  return value.kind == Kind::kWhole || value.kind == Kind::kDecimal;
}

double AsDecimal(const ChainValue& number) {
  return number.kind == Kind::kWhole ? static_cast<double>(number.whole) : number.decimal;
}

ChainValue AsNumber(const ChainValue& value) {
  if (value.kind != Kind::kText || value.text.empty()) return value;
  const std::string& text = value.text;
  std::size_t at = text[0] == '-' ? 1 : 0;
  std::size_t digits = 0, points = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (std::isdigit(static_cast<unsigned char>(text[i])) != 0) {
      ++digits;
    } else if (text[i] == '.' && i > at && i + 1 < text.size()) {
      ++points;
    } else {
      return value;
    }
  }
  if (digits == 0 || points > 1) return value;
  if (points == 0) {
    std::int64_t whole = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), whole).ec == std::errc()) {
      return ChainValue::Whole(whole);
    }
  }
  return ChainValue::Decimal(std::strtod(text.c_str(), nullptr));
}

ChainValue Add(const ChainValue& a, const ChainValue& b) { return Arithmetic(Op::kAdd, a, b); }

int CompareNumbers(const ChainValue& a, const ChainValue& b) {
  if (a.kind == Kind::kWhole && b.kind == Kind::kWhole) {
    return a.whole < b.whole ? -1 : a.whole > b.whole ? 1 : 0;
  }
  const long double x = a.kind == Kind::kWhole ? static_cast<long double>(a.whole) : a.decimal;
  const long double y = b.kind == Kind::kWhole ? static_cast<long double>(b.whole) : b.decimal;
  return x < y ? -1 : x > y ? 1 : 0;
}

ChainValue Evaluate(const ChainExpr& expression, const ChainNames& names) {
  const auto at = [&](std::size_t i) { return Evaluate(expression.args[i], names); };
  switch (expression.op) {
    case Op::kLiteral: return expression.literal;
    case Op::kStepField:
    case Op::kStepTime:
    case Op::kStepCount:
    case Op::kSeen:
    case Op::kRegister:
    case Op::kPrevious:
    case Op::kName:
    case Op::kMatched:
    case Op::kTotal:
    case Op::kTime:
    case Op::kValue:
    case Op::kCount: return names.Read(expression);
    case Op::kCountTimes: {
      const ChainValue from = at(0), to = at(1);
      if (Gone(from)) return from;
      if (Gone(to)) return to;
      return ChainValue::Whole(names.CountTimes(expression.name, from.whole, to.whole));
    }
    case Op::kNot: return ChainValue::Bool(!IsTrue(at(0)));
    case Op::kAnd: return ChainValue::Bool(IsTrue(at(0)) && IsTrue(at(1)));
    case Op::kOr: return ChainValue::Bool(IsTrue(at(0)) || IsTrue(at(1)));
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessOrEqual:
    case Op::kGreater:
    case Op::kGreaterOrEqual: return ChainValue::Bool(Compare(expression.op, at(0), at(1)));
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kDivide: return Arithmetic(expression.op, at(0), at(1));
    default: return Call(expression, names);
  }
}

ChainValue Evaluate(const ChainExpr& expression, const ChainFields& fields) {
  return Evaluate(expression, FieldNames(fields));
}

std::string Show(const ChainValue& value) {
  switch (value.kind) {
    case Kind::kAbsent: return {};
    case Kind::kError: return "(error)";
    case Kind::kBool: return value.whole == 1 ? "true" : "false";
    case Kind::kWhole: return std::to_string(value.whole);
    case Kind::kText: return value.text;
    case Kind::kSpan: return ShowSpan(value.whole);
    case Kind::kDecimal: {
      char text[64];
      std::snprintf(text, sizeof text, "%.15g", value.decimal);
      return text;
    }
    case Kind::kTime: break;
  }
  return std::to_string(value.whole) + "ns";  // generated texts show no times
}

std::string Render(const ChainText& text, const ChainNames& names) {
  if (text.texts.empty()) return {};
  std::string out = text.texts[0];
  for (std::size_t i = 0; i < text.expressions.size(); ++i) {
    out += Show(Evaluate(text.expressions[i], names)) + text.texts[i + 1];
  }
  return out;
}

}  // namespace faultline::reference
