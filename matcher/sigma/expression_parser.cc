// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/expression.h"
#include "matcher/sigma/expression_lexer.h"
#include "matcher/sigma/expression_tree.h"
#include "matcher/sigma/expression_value.h"

namespace faultline::sigma {
namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr std::size_t kMaxNodes = 256;
constexpr int kMaxDepth = 64;

constexpr const char* kValue = "write a name, a number, a text in quotes or a function";
constexpr const char* kSplit = "split it into computed fields";
constexpr const char* kMeasures = "write numbers, or times and durations";

// What a function takes and gives.
enum class Signature : std::uint8_t {
  kAnyToBool,
  kQuantity,    // a number or a duration, and gives the same
  kQuantities,  // two and more numbers, times or durations, and gives the same
  kSames,       // one and more of one type
  kIf,
  kTextToText,
  kScalarToText,  // a text or number
  kScalarToNumber,
  kAnyToText,
  kSeen,
  kCount
};

struct Function {
  std::string_view name;
  ExprOp op;
  Signature signature;
  std::size_t least, most;
};

constexpr std::size_t kAny = kMaxNodes;
constexpr std::array kFunctions = {
    Function{"exists", ExprOp::kExists, Signature::kAnyToBool, 1, 1},
    Function{"abs", ExprOp::kAbs, Signature::kQuantity, 1, 1},
    Function{"min", ExprOp::kMin, Signature::kQuantities, 2, kAny},
    Function{"max", ExprOp::kMax, Signature::kQuantities, 2, kAny},
    Function{"coalesce", ExprOp::kCoalesce, Signature::kSames, 2, kAny},
    Function{"if", ExprOp::kIf, Signature::kIf, 3, 3},
    Function{"lower", ExprOp::kLower, Signature::kTextToText, 1, 1},
    Function{"upper", ExprOp::kUpper, Signature::kTextToText, 1, 1},
    Function{"squeeze", ExprOp::kSqueeze, Signature::kTextToText, 1, 1},
    Function{"host", ExprOp::kHost, Signature::kTextToText, 1, 1},
    Function{"code32", ExprOp::kCode32, Signature::kScalarToText, 1, 1},
    Function{"number", ExprOp::kNumber, Signature::kScalarToNumber, 1, 1},
    Function{"hex", ExprOp::kHex, Signature::kScalarToNumber, 1, 1},
    Function{"text", ExprOp::kText, Signature::kAnyToText, 1, 1},
    Function{"seen", ExprOp::kName, Signature::kSeen, 1, 1},
    Function{"count", ExprOp::kCountTimes, Signature::kCount, 3, 3},
};

std::string_view InWords(ExprType type) {
  switch (type) {
    case ExprType::kEvent: return "a text of an event";
    case ExprType::kBool: return "true or false";
    case ExprType::kNumber: return "a number";
    case ExprType::kText: return "a text";
    case ExprType::kTime: return "a time";
    case ExprType::kDuration: return "a duration";
    case ExprType::kTimes: return "a register of times";
  }
  return "a value";
}

// Texts of events read as numbers where a number is wanted.
bool IsNumber(ExprType type) { return type == ExprType::kNumber || type == ExprType::kEvent; }
bool IsText(ExprType type) { return type == ExprType::kText || type == ExprType::kEvent; }

// The type of either of two values; nothing where they do not go together.
std::optional<ExprType> Common(ExprType left, ExprType right) {
  if (left == right) return left;
  if ((IsNumber(left) && IsNumber(right)) || (IsText(left) && IsText(right))) {
    return ExprType::kEvent;
  }
  return std::nullopt;
}

std::optional<ExprType> SumType(ExprType left, ExprType right) {
  if (IsNumber(left) && IsNumber(right)) return ExprType::kNumber;
  if (right != ExprType::kDuration) std::swap(left, right);
  if (right != ExprType::kDuration) return std::nullopt;
  if (left == ExprType::kTime || left == ExprType::kDuration) return left;
  return std::nullopt;
}

std::optional<ExprType> DifferenceType(ExprType left, ExprType right) {
  if (left == ExprType::kTime && right == ExprType::kTime) return ExprType::kDuration;
  if (right == ExprType::kTime) return std::nullopt;
  if (left == ExprType::kDuration && right != ExprType::kDuration) return std::nullopt;
  return SumType(left, right);
}

std::optional<ExprType> ProductType(ExprType left, ExprType right) {
  if (IsNumber(left) && IsNumber(right)) return ExprType::kNumber;
  if (left != ExprType::kDuration) std::swap(left, right);
  if (left == ExprType::kDuration && IsNumber(right)) return ExprType::kDuration;
  return std::nullopt;
}

std::optional<ExprType> QuotientType(ExprType left, ExprType right) {
  if (left == ExprType::kDuration && right == ExprType::kDuration) return ExprType::kNumber;
  if (right == ExprType::kDuration) return std::nullopt;
  return ProductType(left, right);
}

std::optional<ExprType> ArithmeticType(ExprOp op, ExprType left, ExprType right) {
  switch (op) {
    case ExprOp::kAdd: return SumType(left, right);
    case ExprOp::kSubtract: return DifferenceType(left, right);
    case ExprOp::kMultiply: return ProductType(left, right);
    default: return QuotientType(left, right);
  }
}

std::optional<ExprOp> ComparisonOf(std::string_view symbol) {
  if (symbol == "==") return ExprOp::kEqual;
  if (symbol == "!=") return ExprOp::kNotEqual;
  if (symbol == "<") return ExprOp::kLess;
  if (symbol == "<=") return ExprOp::kLessOrEqual;
  if (symbol == ">") return ExprOp::kGreater;
  if (symbol == ">=") return ExprOp::kGreaterOrEqual;
  return std::nullopt;
}

// Constants have no names.
struct NoNames final : ExprEnvironment {
  ExprValue Read(const ExprName&) const override { return {}; }
  std::int64_t CountTimes(std::uint32_t, EventTime, EventTime) const override { return 0; }
};

// Recursive descent; every call that may come again inside itself is counted by Deeper.
class Parser {
 public:
  Parser(std::string_view text, const Place& place, const ExprScope& scope)
      : text_(text), place_(place), scope_(scope) {}

  Result<Expression::Tree> Parse() {
    if (text_.size() > kMaxBytes) {
      return Fail(Fault::kRules, fmt::format("the expression is longer than {} bytes", kMaxBytes),
                  place_, kSplit);
    }
    auto tokens = ReadTokens(text_, place_);
    if (!tokens) return tl::unexpected<Error>(std::move(tokens.error()));
    tokens_ = std::move(*tokens);
    if (tokens_.size() == 1) return Fail(Fault::kRules, "the expression is empty", place_, kValue);
    const Operand root = Or();
    if (!error_ && Now().kind != ExprToken::Kind::kEnd) RefuseRest();
    if (!error_) RefuseTimes(root);
    if (error_) return tl::unexpected<Error>(std::move(*error_));
    Expression::Tree tree;
    tree.text = text_;
    tree.nodes = std::move(nodes_);
    tree.root = root.node;
    tree.names = std::move(names_);
    return tree;
  }

 private:
  // A part that has been read: its node and where it begins.
  struct Operand {
    std::uint32_t node = 0;
    std::size_t at = 0;
  };

  const ExprToken& Now() const { return tokens_[next_]; }
  ExprType TypeOf(Operand operand) const { return nodes_[operand.node].type; }

  bool IsSymbol(std::string_view symbol) const {
    return Now().kind == ExprToken::Kind::kSymbol && Now().text == symbol;
  }
  bool IsWord(std::string_view word) const {
    return Now().kind == ExprToken::Kind::kWord && Now().text == word;
  }
  bool TakeSymbol(std::string_view symbol) {
    if (error_ || !IsSymbol(symbol)) return false;
    ++next_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (error_ || !IsWord(word)) return false;
    ++next_;
    return true;
  }

  void Refuse(std::size_t at, std::string message, std::string remedy) {
    if (error_) return;
    error_ = Error{Fault::kRules, std::move(message), Moved(place_, at), std::move(remedy)};
  }

  void RefuseRest() {
    const ExprToken& token = Now();
    if (IsSymbol(")")) return Refuse(token.at, "')' without '('", "remove it");
    std::string remedy = "join values by and, or, a comparison or + - * /";
    if (next_ > 0 && !token.parts.empty() && !tokens_[next_ - 1].parts.empty()) {
      remedy = "a name with blanks goes into back quotes";
    }
    for (const std::string_view word : {"and", "or"}) {
      const auto same = [](char a, char b) { return (a | 0x20) == b; };
      if (token.text.size() == word.size() &&
          std::equal(token.text.begin(), token.text.end(), word.begin(), same)) {
        remedy = fmt::format("write {}", word);
      }
    }
    Refuse(token.at, fmt::format("expected an operator, found '{}'", token.text),
           std::move(remedy));
  }

  void RefuseOperand() {
    const ExprToken& token = Now();
    if (token.kind == ExprToken::Kind::kEnd)
      return Refuse(token.at, "the expression ends early", kValue);
    Refuse(token.at, fmt::format("expected a value, found '{}'", token.text), kValue);
  }

  // A register of times is no value.
  void RefuseTimes(Operand operand) {
    if (error_ || TypeOf(operand) != ExprType::kTimes) return;
    Refuse(operand.at, "a register of times has no value of its own",
           "write count(reg.name, from, to)");
  }

  Operand Add(ExprNode node, std::size_t at) {
    if (nodes_.size() == kMaxNodes) {
      Refuse(at, fmt::format("the expression has more than {} parts", kMaxNodes), kSplit);
      return {};
    }
    nodes_.push_back(std::move(node));
    return {static_cast<std::uint32_t>(nodes_.size() - 1), at};
  }

  Operand Constant(ExprValue value, std::size_t at) {
    ExprNode node;
    node.type = sigma::TypeOf(value);
    node.value = std::move(value);
    return Add(std::move(node), at);
  }

  // An operation over operands that were checked; worked out now where they are constants. `sign`
  // is where to point when that gives an error.
  Operand Operation(ExprOp op, ExprType type, const std::vector<Operand>& operands,
                    std::size_t sign) {
    if (error_) return {};
    ExprNode node;
    node.op = op;
    node.type = type;
    bool constant = op != ExprOp::kCountTimes;
    for (const Operand operand : operands) {
      node.children.push_back(operand.node);
      constant = constant && nodes_[operand.node].op == ExprOp::kConstant;
    }
    const Operand whole = Add(std::move(node), operands.front().at);
    if (error_ || !constant) return whole;
    ExprValue value = Evaluate(nodes_, names_, whole.node, NoNames());
    if (std::holds_alternative<ExprError>(value)) {
      Refuse(sign, "this always gives an error: its value does not exist or does not fit",
             "write smaller numbers, and divide by none that is 0");
      return {};
    }
    nodes_[whole.node] = ExprNode();
    nodes_[whole.node].type = type;
    nodes_[whole.node].value = std::move(value);
    return whole;
  }

  std::uint32_t NameIndex(ExprName name) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end()) return static_cast<std::uint32_t>(found - names_.begin());
    names_.push_back(std::move(name));
    return static_cast<std::uint32_t>(names_.size() - 1);
  }

  Operand Name(ExprName name, ExprType type, std::size_t at) {
    ExprNode node;
    node.op = ExprOp::kName;
    node.type = type;
    node.name = NameIndex(std::move(name));
    return Add(std::move(node), at);
  }

  bool Deeper() {
    if (++depth_ <= kMaxDepth) return !error_;
    Refuse(Now().at, fmt::format("the expression is nested deeper than {} levels", kMaxDepth),
           kSplit);
    return false;
  }

  bool ExpectCondition(Operand operand, std::string_view word) {
    if (error_) return false;
    if (TypeOf(operand) == ExprType::kBool) return true;
    Refuse(operand.at,
           fmt::format("'{}' wants a condition, this is {}", word, InWords(TypeOf(operand))),
           "write a comparison, or exists(...)");
    return false;
  }

  // A run of one operator becomes one node, brackets inside it as well.
  Operand Join(std::string_view word, ExprOp op, Operand (Parser::*inner)()) {
    Operand first = (this->*inner)();
    if (error_ || !IsWord(word)) return first;
    std::vector<Operand> operands;
    const std::size_t sign = Now().at;
    const auto take = [&](Operand operand) {
      if (!ExpectCondition(operand, word)) return;
      if (nodes_[operand.node].op != op) return operands.push_back(operand);
      for (const std::uint32_t child : nodes_[operand.node].children) {
        operands.push_back({child, operand.at});
      }
    };
    take(first);
    while (TakeWord(word)) take((this->*inner)());
    return Operation(op, ExprType::kBool, operands, sign);
  }

  Operand Or() { return Join("or", ExprOp::kOr, &Parser::And); }
  Operand And() { return Join("and", ExprOp::kAnd, &Parser::Not); }

  Operand Not() {
    const std::size_t at = Now().at;
    if (!TakeWord("not")) return Comparison();
    if (!Deeper()) return {};
    const Operand operand = Not();
    --depth_;
    if (!ExpectCondition(operand, "not")) return {};
    return Operation(ExprOp::kNot, ExprType::kBool, {operand}, at);
  }

  Operand Comparison() {
    const Operand left = Sum();
    const auto op =
        Now().kind == ExprToken::Kind::kSymbol ? ComparisonOf(Now().text) : std::nullopt;
    if (error_ || !op) return left;
    const ExprToken& sign = Now();
    ++next_;
    const Operand right = Sum();
    if (error_) return {};
    if (Now().kind == ExprToken::Kind::kSymbol && ComparisonOf(Now().text)) {
      Refuse(Now().at, "a comparison has two sides", "join two comparisons by and");
      return {};
    }
    CheckComparable(sign, *op, TypeOf(left), TypeOf(right));
    return Operation(*op, ExprType::kBool, {left, right}, sign.at);
  }

  void CheckComparable(const ExprToken& sign, ExprOp op, ExprType left, ExprType right) {
    const bool ordered = op != ExprOp::kEqual && op != ExprOp::kNotEqual;
    if (!Common(left, right) || left == ExprType::kTimes) {
      const auto are = [&](ExprType a, ExprType b) {
        return (left == a && right == b) || (left == b && right == a);
      };
      return Refuse(
          sign.at,
          fmt::format("'{}' does not compare {} with {}", sign.text, InWords(left), InWords(right)),
          are(ExprType::kBool, ExprType::kEvent) ? "write the text, for example == 'true'"
          : are(ExprType::kDuration, ExprType::kNumber)
              ? "give the number a unit, for example 30s"
              : "compare numbers with numbers, texts with texts");
    }
    if (!ordered) return;
    if (left == ExprType::kBool) {
      return Refuse(sign.at, fmt::format("'{}' does not order conditions", sign.text),
                    "use == or !=");
    }
    if (left == ExprType::kEvent && right == ExprType::kEvent) {
      Refuse(sign.at,
             fmt::format("'{}' between two texts of events: as numbers or as texts?", sign.text),
             "write number(...) or text(...) around one of them");
    }
  }

  Operand Binary(ExprOp op, const ExprToken& sign, Operand left, Operand right) {
    if (error_) return {};
    const auto type = ArithmeticType(op, TypeOf(left), TypeOf(right));
    if (!type) {
      Refuse(sign.at,
             fmt::format("'{}' does not go with {} and {}", sign.text, InWords(TypeOf(left)),
                         InWords(TypeOf(right))),
             kMeasures);
      return {};
    }
    return Operation(op, *type, {left, right}, sign.at);
  }

  Operand Sum() {
    Operand left = Product();
    while (!error_ && (IsSymbol("+") || IsSymbol("-"))) {
      const ExprToken& sign = Now();
      ++next_;
      left = Binary(sign.text == "+" ? ExprOp::kAdd : ExprOp::kSubtract, sign, left, Product());
    }
    return left;
  }

  Operand Product() {
    Operand left = Unary();
    while (!error_ && (IsSymbol("*") || IsSymbol("/"))) {
      const ExprToken& sign = Now();
      ++next_;
      left = Binary(sign.text == "*" ? ExprOp::kMultiply : ExprOp::kDivide, sign, left, Unary());
    }
    return left;
  }

  Operand Unary() {
    const std::size_t at = Now().at;
    if (!TakeSymbol("-")) return Primary();
    if (Now().text == "9223372036854775808") {
      ++next_;
      return Constant(std::numeric_limits<std::int64_t>::min(), at);
    }
    if (!Deeper()) return {};
    const Operand operand = Unary();
    --depth_;
    if (error_) return {};
    if (!IsNumber(TypeOf(operand)) && TypeOf(operand) != ExprType::kDuration) {
      Refuse(at, fmt::format("'-' does not go with {}", InWords(TypeOf(operand))), kMeasures);
      return {};
    }
    const bool span = TypeOf(operand) == ExprType::kDuration;
    return Operation(ExprOp::kNegate, span ? ExprType::kDuration : ExprType::kNumber, {operand},
                     at);
  }

  Operand Primary() {
    if (error_) return {};
    const ExprToken& token = Now();
    if (token.kind == ExprToken::Kind::kConstant) {
      ++next_;
      if (token.text == "9223372036854775808") {
        Refuse(token.at, fmt::format("{} does not fit into 64 bits", token.text),
               fmt::format("write {}.0", token.text));
        return {};
      }
      return Constant(token.value, token.at);
    }
    if (IsSymbol("(")) return Bracket();
    const bool name = token.kind == ExprToken::Kind::kName;
    if (token.kind == ExprToken::Kind::kWord) {
      for (const std::string_view word : {"and", "or", "not"}) {
        if (token.text == word) return RefuseOperand(), Operand{};
      }
      if (token.text == "true" || token.text == "false") {
        ++next_;
        return Constant(token.text == "true", token.at);
      }
    } else if (!name) {
      return RefuseOperand(), Operand{};
    }
    ++next_;
    return !name && IsSymbol("(") ? Call(token) : Variable(token);
  }

  Operand Bracket() {
    const std::size_t open = Now().at;
    ++next_;
    if (!Deeper()) return {};
    const Operand inner = Or();
    --depth_;
    if (!error_ && !TakeSymbol(")")) {
      Refuse(Now().kind == ExprToken::Kind::kEnd ? open : Now().at,
             Now().kind == ExprToken::Kind::kEnd
                 ? "'(' is not closed"
                 : fmt::format("expected an operator or ')', found '{}'", Now().text),
             "add ')'");
    }
    return {inner.node, open};
  }

  Operand Variable(const ExprToken& token) {
    auto found = scope_.Find(token.parts);
    if (!found) {
      Error& error = found.error();
      Refuse(token.at, std::move(error.message), std::move(error.remedy));
      return {};
    }
    if (auto* value = std::get_if<ExprValue>(&found->what)) {
      return Constant(std::move(*value), token.at);
    }
    return Name(std::move(std::get<ExprName>(found->what)), found->type, token.at);
  }

  Operand Call(const ExprToken& token) {
    const auto function =
        std::find_if(kFunctions.begin(), kFunctions.end(),
                     [&](const Function& known) { return known.name == token.text; });
    if (function == kFunctions.end()) {
      std::vector<std::string_view> known;
      for (const Function& one : kFunctions) known.push_back(one.name);
      Refuse(token.at, fmt::format("unknown function '{}'", token.text),
             DidYouMeanOrOneOf(token.text, known));
      return {};
    }
    ++next_;  // "("
    if (function->signature == Signature::kSeen) return Seen(token);
    if (!Deeper()) return {};
    const std::vector<Operand> arguments = Arguments(token);
    --depth_;
    if (error_) return {};
    CheckCount(token, *function, arguments.size());
    if (function->op == ExprOp::kCountTimes) return CountTimes(token, arguments);
    for (const Operand argument : arguments) RefuseTimes(argument);
    const auto type = ResultType(token, function->signature, arguments);
    if (!type) return {};
    return Operation(function->op, *type, arguments, token.at);
  }

  std::vector<Operand> Arguments(const ExprToken& function) {
    std::vector<Operand> arguments;
    if (TakeSymbol(")")) return arguments;
    do {
      arguments.push_back(Or());
    } while (TakeSymbol(","));
    if (!error_ && !TakeSymbol(")")) {
      Refuse(Now().at, fmt::format("expected ',' or ')' in {}(...)", function.text), "add ')'");
    }
    return arguments;
  }

  void CheckCount(const ExprToken& token, const Function& function, std::size_t given) {
    if (given >= function.least && given <= function.most) return;
    Refuse(token.at,
           fmt::format("{} takes {}{} argument{}, here {} {}", function.name,
                       function.most == kAny ? "at least " : "", function.least,
                       function.least == 1 ? "" : "s", given == 1 ? "is" : "are",
                       given == 0 ? "none" : fmt::format("{}", given)),
           "give it as many");
  }

  Operand Seen(const ExprToken& token) {
    const ExprToken& step = Now();
    if (step.parts.size() != 1) {
      Refuse(step.at, "seen(...) wants the name of a step", "write the name alone");
      return {};
    }
    ++next_;
    auto name = scope_.FindStep(step.parts.front());
    if (!name) {
      Refuse(step.at, std::move(name.error().message), std::move(name.error().remedy));
      return {};
    }
    if (!TakeSymbol(")")) Refuse(Now().at, "expected ')' behind the name of a step", "add ')'");
    if (error_) return {};
    return Name(std::move(*name), ExprType::kBool, token.at);
  }

  Operand CountTimes(const ExprToken& token, const std::vector<Operand>& arguments) {
    if (error_) return {};
    const Operand times = arguments[0];
    if (TypeOf(times) != ExprType::kTimes) {
      Refuse(times.at,
             fmt::format("count wants a register of times, this is {}", InWords(TypeOf(times))),
             "declare a register with fn: times");
      return {};
    }
    for (const Operand end : {arguments[1], arguments[2]}) {
      if (TypeOf(end) == ExprType::kTime) continue;
      Refuse(end.at,
             fmt::format("count counts from a time to a time, this is {}", InWords(TypeOf(end))),
             "write step.time, time, or one of them - 10m");
    }
    const std::uint32_t name = nodes_[times.node].name;
    const Operand count =
        Operation(ExprOp::kCountTimes, ExprType::kNumber, {arguments[1], arguments[2]}, token.at);
    if (!error_) nodes_[count.node].name = name;
    return count;
  }

  void RefuseArgument(const ExprToken& function, Operand argument, std::string_view wanted) {
    Refuse(argument.at,
           fmt::format("{} wants {}, this is {}", function.text, wanted, InWords(TypeOf(argument))),
           wanted == "a text" ? "write text(...) around it" : "give it one");
  }

  std::optional<ExprType> ResultType(const ExprToken& function, Signature signature,
                                     const std::vector<Operand>& arguments) {
    if (error_) return std::nullopt;
    const ExprType first = TypeOf(arguments.front());
    switch (signature) {
      case Signature::kAnyToBool: return ExprType::kBool;
      case Signature::kAnyToText: return ExprType::kText;
      case Signature::kQuantity:
        if (IsNumber(first)) return ExprType::kNumber;
        if (first == ExprType::kDuration) return first;
        RefuseArgument(function, arguments.front(), "a number or a duration");
        return std::nullopt;
      case Signature::kTextToText:
        if (IsText(first)) return ExprType::kText;
        RefuseArgument(function, arguments.front(), "a text");
        return std::nullopt;
      case Signature::kScalarToText:
      case Signature::kScalarToNumber:
        if (!IsText(first) && !IsNumber(first)) {
          RefuseArgument(function, arguments.front(), "a text or a number");
          return std::nullopt;
        }
        return signature == Signature::kScalarToText ? ExprType::kText : ExprType::kNumber;
      case Signature::kIf:
        if (!ExpectCondition(arguments.front(), "if")) return std::nullopt;
        return CommonType(function, {arguments[1], arguments[2]});
      case Signature::kQuantities: return QuantityType(function, arguments);
      default: return CommonType(function, arguments);
    }
  }

  std::optional<ExprType> CommonType(const ExprToken& function,
                                     const std::vector<Operand>& arguments) {
    ExprType type = TypeOf(arguments.front());
    for (const Operand argument : arguments) {
      const auto both = Common(type, TypeOf(argument));
      if (!both) {
        Refuse(argument.at,
               fmt::format("{} gives values of one type, here are {} and {}", function.text,
                           InWords(type), InWords(TypeOf(argument))),
               "write number(...) or text(...) around one of them");
        return std::nullopt;
      }
      type = *both;
    }
    return type;
  }

  std::optional<ExprType> QuantityType(const ExprToken& function,
                                       const std::vector<Operand>& arguments) {
    for (const Operand argument : arguments) {
      const ExprType type = TypeOf(argument);
      if (IsNumber(type) || type == ExprType::kTime || type == ExprType::kDuration) continue;
      RefuseArgument(function, argument, "numbers, times or durations");
      return std::nullopt;
    }
    const auto type = CommonType(function, arguments);
    return type == ExprType::kEvent ? ExprType::kNumber : type;
  }

  std::string_view text_;
  const Place& place_;
  const ExprScope& scope_;
  std::vector<ExprToken> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
  std::vector<ExprNode> nodes_;
  std::vector<ExprName> names_;
  std::optional<Error> error_;
};

}  // namespace

Result<Expression> Expression::Parse(std::string_view text, const Place& place,
                                     const ExprScope& scope) {
  auto tree = Parser(text, place, scope).Parse();
  if (!tree) return tl::unexpected<Error>(std::move(tree.error()));
  return Expression(std::make_shared<const Tree>(std::move(*tree)));
}

}  // namespace faultline::sigma
