// SPDX-License-Identifier: Apache-2.0
// Any bytes as an expression, and as a text with expressions in it: refused at a place, or a value.
// What is worked out while rules load equals what is worked out for an event: each expression is read
// twice, once with names and once with constants of the same values in their place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matcher/sigma/expression.h"

namespace {

using namespace faultline;
using namespace faultline::sigma;

const std::map<std::string, std::pair<ExprType, ExprValue>, std::less<>>& Values() {
  static const std::map<std::string, std::pair<ExprType, ExprValue>, std::less<>> values = {
      {"n", {ExprType::kNumber, std::int64_t{7}}},
      {"m", {ExprType::kNumber, std::numeric_limits<std::int64_t>::min()}},
      {"d", {ExprType::kNumber, 0.5}},
      {"x", {ExprType::kText, std::string("0x1F")}},
      {"y", {ExprType::kBool, true}},
      {"s", {ExprType::kTime, EventTime::Raw(1'700'000'000'000'000'000)}},
      {"w", {ExprType::kDuration, std::chrono::nanoseconds(90'000'000'001)}},
      {"e", {ExprType::kEvent, std::string("-12.5e1")}},
      {"a", {ExprType::kEvent, ExprAbsent{}}},
      {"r", {ExprType::kTimes, ExprAbsent{}}},
  };
  return values;
}

class Scope final : public ExprScope, public ExprEnvironment {
 public:
  explicit Scope(bool constants) : constants_(constants) {}

  Result<Found> Find(const std::vector<std::string>& parts) const override {
    const auto found = Values().find(parts.back());
    if (found == Values().end()) return Fail(Fault::kRules, "unknown name");
    const auto& [type, value] = found->second;
    if (constants_ && type != ExprType::kEvent && type != ExprType::kTimes) {
      return Found{value, type};
    }
    ExprName name;
    name.field = parts.back();
    return Found{name, type};
  }
  Result<ExprName> FindStep(std::string_view) const override {
    ExprName name;
    name.kind = ExprName::Kind::kSeen;
    return name;
  }
  ExprValue Read(const ExprName& name) const override {
    return name.kind == ExprName::Kind::kSeen ? ExprValue(true)
                                              : Values().find(name.field)->second.second;
  }
  std::int64_t CountTimes(std::uint32_t, EventTime from, EventTime to) const override {
    return to < from ? 0 : 1;
  }

 private:
  bool constants_;
};

// The types that a value may have, by the type that was told when it was read.
bool Allowed(ExprType type, const ExprValue& value) {
  if (std::holds_alternative<ExprAbsent>(value) || std::holds_alternative<ExprError>(value)) {
    return true;
  }
  switch (type) {
    case ExprType::kEvent: return true;
    case ExprType::kBool: return std::holds_alternative<bool>(value);
    case ExprType::kNumber:
      return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
    case ExprType::kText: return std::holds_alternative<std::string>(value);
    case ExprType::kTime: return std::holds_alternative<EventTime>(value);
    case ExprType::kDuration: return std::holds_alternative<std::chrono::nanoseconds>(value);
    case ExprType::kTimes: break;
  }
  return false;
}

void CheckError(const Error& error, std::string_view text) {
  if (error.message.empty() || error.place.line != 3) std::abort();
  if (error.place.column < 5) std::abort();
  if (error.place.column > 5 + static_cast<int>(text.size())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Scope variables(false);
  const Scope constants(true);
  const auto written = Expression::Parse(text, Place{"fuzz", 3, 5}, variables);
  if (!written) {
    CheckError(written.error(), text);
  } else {
    const ExprValue value = written->Evaluate(variables);
    if (!Allowed(written->type(), value)) std::abort();
    if (value != written->Evaluate(variables)) std::abort();
    const auto folded = Expression::Parse(text, Place{"fuzz", 3, 5}, constants);
    if (folded && folded->Evaluate(constants) != value) std::abort();
    if (!folded && folded.error().message.find("always gives an error") == std::string::npos) {
      std::abort();
    }
    const auto again = Expression::Parse(" ( " + std::string(text) + "\n)", {}, variables);
    if (again && again->semantics() != written->semantics()) std::abort();
  }
  const auto parsed = Template::Parse(text, Place{"fuzz", 3, 5}, variables);
  if (!parsed) {
    CheckError(parsed.error(), text);
  } else {
    static_cast<void>(parsed->Render(variables));
  }
  return 0;
}
