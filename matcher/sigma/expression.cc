// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/expression.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "matcher/sigma/expression_tree.h"
#include "matcher/sigma/expression_value.h"

namespace faultline::sigma {
namespace {

// Recursion as deep as the tree, which the parser limits.
class Evaluator {
 public:
  Evaluator(const std::vector<ExprNode>& nodes, const std::vector<ExprName>& names,
            const ExprEnvironment& environment)
      : nodes_(nodes), names_(names), environment_(environment) {}

  ExprValue Value(std::uint32_t index) const {
    const ExprNode& node = nodes_[index];
    switch (node.op) {
      case ExprOp::kConstant: return node.value;
      case ExprOp::kName: return environment_.Read(names_[node.name]);
      case ExprOp::kOr: return AnyIs(node, true);
      case ExprOp::kAnd: return !AnyIs(node, false);
      case ExprOp::kNot: return !Holds(node.children[0]);
      case ExprOp::kEqual:
      case ExprOp::kNotEqual:
      case ExprOp::kLess:
      case ExprOp::kLessOrEqual:
      case ExprOp::kGreater:
      case ExprOp::kGreaterOrEqual: return Compared(node);
      case ExprOp::kAdd: return Add(Child(node, 0), Child(node, 1));
      case ExprOp::kSubtract: return Subtract(Child(node, 0), Child(node, 1));
      case ExprOp::kMultiply: return Multiply(Child(node, 0), Child(node, 1));
      case ExprOp::kDivide: return Divide(Child(node, 0), Child(node, 1));
      case ExprOp::kNegate: return Negate(Child(node, 0));
      case ExprOp::kExists: return IsThere(Child(node, 0));
      case ExprOp::kAbs: return Absolute(Child(node, 0));
      case ExprOp::kMin: return Least(Children(node));
      case ExprOp::kMax: return Greatest(Children(node));
      case ExprOp::kCoalesce: return FirstThere(node);
      case ExprOp::kIf: return Child(node, Holds(node.children[0]) ? 1 : 2);
      case ExprOp::kLower: return LowerOf(Child(node, 0));
      case ExprOp::kUpper: return UpperOf(Child(node, 0));
      case ExprOp::kSqueeze: return SqueezedOf(Child(node, 0));
      case ExprOp::kHost: return HostOf(Child(node, 0));
      case ExprOp::kCode32: return Code32Of(Child(node, 0));
      case ExprOp::kNumber: return StrictNumberOf(Child(node, 0));
      case ExprOp::kHex: return HexOf(Child(node, 0));
      case ExprOp::kText: return TextOf(Child(node, 0));
      case ExprOp::kCountTimes: return CountTimes(node);
    }
    return ExprError{};
  }

 private:
  ExprValue Child(const ExprNode& node, std::size_t child) const {
    return Value(node.children[child]);
  }

  std::vector<ExprValue> Children(const ExprNode& node) const {
    std::vector<ExprValue> values;
    for (const std::uint32_t child : node.children) values.push_back(Value(child));
    return values;
  }

  bool Holds(std::uint32_t index) const {
    const ExprValue value = Value(index);
    const auto* held = std::get_if<bool>(&value);
    return held != nullptr && *held;
  }

  bool AnyIs(const ExprNode& node, bool wanted) const {
    return std::any_of(node.children.begin(), node.children.end(),
                       [&](std::uint32_t child) { return Holds(child) == wanted; });
  }

  bool Compared(const ExprNode& node) const {
    const auto order = Compare(Child(node, 0), Child(node, 1));
    if (!order) return false;
    switch (node.op) {
      case ExprOp::kEqual: return *order == 0;
      case ExprOp::kNotEqual: return *order != 0;
      case ExprOp::kLess: return *order < 0;
      case ExprOp::kLessOrEqual: return *order <= 0;
      case ExprOp::kGreater: return *order > 0;
      default: return *order >= 0;
    }
  }

  ExprValue FirstThere(const ExprNode& node) const {
    ExprValue value;
    for (const std::uint32_t child : node.children) {
      value = Value(child);
      if (IsThere(value)) break;
    }
    return value;
  }

  ExprValue CountTimes(const ExprNode& node) const {
    const ExprValue from = Child(node, 0);
    const ExprValue to = Child(node, 1);
    for (const ExprValue& end : {from, to}) {
      if (std::holds_alternative<ExprError>(end)) return end;
    }
    const auto* first = std::get_if<EventTime>(&from);
    const auto* last = std::get_if<EventTime>(&to);
    if (first == nullptr || last == nullptr) return ExprAbsent{};
    return environment_.CountTimes(names_[node.name].index, *first, *last);
  }

  const std::vector<ExprNode>& nodes_;
  const std::vector<ExprName>& names_;
  const ExprEnvironment& environment_;
};

void AddTo(DigestBuilder& out, const ExprValue& value) {
  out.Add(static_cast<std::int64_t>(value.index()));
  if (const auto* held = std::get_if<bool>(&value)) out.Add(std::int64_t{*held});
  if (const auto* whole = std::get_if<std::int64_t>(&value)) out.Add(*whole);
  if (const auto* decimal = std::get_if<double>(&value)) {
    out.Add(std::bit_cast<std::int64_t>(*decimal));
  }
  if (const auto* text = std::get_if<std::string>(&value)) out.Add(*text);
  if (const auto* time = std::get_if<EventTime>(&value)) out.Add(time->nanos());
  if (const auto* span = std::get_if<std::chrono::nanoseconds>(&value)) {
    out.Add(std::int64_t{span->count()});
  }
}

void AddTo(DigestBuilder& out, const ExprName& name) {
  out.Add(static_cast<std::int64_t>(name.kind)).Add(std::int64_t{name.index}).Add(name.field);
}

void AddTo(DigestBuilder& out, const Expression::Tree& tree, std::uint32_t index) {
  const ExprNode& node = tree.nodes[index];
  out.Add(static_cast<std::int64_t>(node.op));
  out.Add(static_cast<std::int64_t>(node.children.size()));
  if (node.op == ExprOp::kConstant) AddTo(out, node.value);
  if (node.op == ExprOp::kName || node.op == ExprOp::kCountTimes) AddTo(out, tree.names[node.name]);
  for (const std::uint32_t child : node.children) AddTo(out, tree, child);
}

// Behind the "}}" that closes what begins at `at`, quoted ones passed over; npos where none does.
std::size_t ClosingBraces(std::string_view text, std::size_t at) {
  char quote = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"' || c == '`') {
      quote = c;
    } else if (text.substr(at, 2) == "}}") {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

ExprValue Evaluate(const std::vector<ExprNode>& nodes, const std::vector<ExprName>& names,
                   std::uint32_t root, const ExprEnvironment& environment) {
  return Evaluator(nodes, names, environment).Value(root);
}

Expression Expression::OfName(ExprName name, ExprType type) {
  auto tree = std::make_shared<Tree>();
  tree->text = name.field;
  tree->names.push_back(std::move(name));
  ExprNode node;
  node.op = ExprOp::kName;
  node.type = type;
  tree->nodes.push_back(std::move(node));
  return Expression(std::move(tree));
}

ExprValue Expression::Evaluate(const ExprEnvironment& environment) const {
  if (empty()) return ExprAbsent{};
  return sigma::Evaluate(tree_->nodes, tree_->names, tree_->root, environment);
}

bool Expression::Holds(const ExprEnvironment& environment) const {
  const ExprValue value = Evaluate(environment);
  const auto* held = std::get_if<bool>(&value);
  return held != nullptr && *held;
}

ExprType Expression::type() const noexcept {
  return empty() ? ExprType::kEvent : tree_->nodes[tree_->root].type;
}

std::optional<ExprValue> Expression::constant() const {
  if (empty() || tree_->nodes[tree_->root].op != ExprOp::kConstant) return std::nullopt;
  return tree_->nodes[tree_->root].value;
}

const std::string& Expression::text() const noexcept {
  static const std::string none;
  return empty() ? none : tree_->text;
}

void ExprNames::Add(const std::vector<ExprName>& names) {
  for (const ExprName& name : names) {
    if (known_.insert(name).second) names_.push_back(name);
  }
}

const std::vector<ExprName>& Expression::names() const noexcept {
  static const std::vector<ExprName> none;
  return empty() ? none : tree_->names;
}

Digest Expression::semantics() const {
  DigestBuilder out;
  if (!empty()) AddTo(out, *tree_, tree_->root);
  return out.Finish();
}

Result<Template> Template::Parse(std::string_view text, const Place& place,
                                 const ExprScope& scope) {
  Template parsed;
  parsed.source_ = text;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = text.find("{{", at);
    const std::string_view literal = text.substr(at, open == text.npos ? open : open - at);
    if (!literal.empty()) parsed.parts_.emplace_back(std::string(literal));
    if (open == text.npos) return parsed;
    Place inside = place;
    if (inside.column > 0) inside.column += static_cast<int>(open);
    const std::size_t close = ClosingBraces(text, open + 2);
    if (close == text.npos)
      return Fail(Fault::kRules, "'{{' is not closed by '}}'", inside, "add '}}'");
    if (inside.column > 0) inside.column += 2;
    auto expression = Expression::Parse(text.substr(open + 2, close - open - 2), inside, scope);
    if (!expression) return tl::unexpected<Error>(std::move(expression.error()));
    parsed.parts_.emplace_back(std::move(*expression));
    at = close + 2;
  }
}

std::string Template::Render(const ExprEnvironment& environment) const {
  std::string text;
  for (const auto& part : parts_) {
    const auto* literal = std::get_if<std::string>(&part);
    text +=
        literal != nullptr ? *literal : ToText(std::get<Expression>(part).Evaluate(environment));
  }
  return text;
}

void Template::AddNames(ExprNames& names) const {
  for (const auto& part : parts_) {
    if (const auto* expression = std::get_if<Expression>(&part)) names.Add(expression->names());
  }
}

std::vector<ExprName> Template::names() const {
  ExprNames names;
  AddNames(names);
  return std::move(names).Take();
}

}  // namespace faultline::sigma
