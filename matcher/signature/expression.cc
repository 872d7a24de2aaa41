// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/expression.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/free_memory.h"

namespace faultline {
namespace {

// Nodes of an expression that is put off. Of less it is not told which costs more: what a field that nobody
// has looked at yet holds is dearer than many that are known.
constexpr std::uint32_t kLarge = 64;

std::uint64_t HashOf(const Expr& node, std::span<const ExprId> children) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  std::uint64_t hash =
      (std::uint64_t{node.value} << 3 | static_cast<std::uint64_t>(node.op)) * kOdd;
  for (const ExprId child : children) hash = ((hash ^ (hash >> 29)) + child + 1) * kOdd;
  return hash ^ (hash >> 32);
}

}  // namespace

ExprId ExprPool::Constant(bool value) {
  Expr node;
  node.value = value ? 1 : 0;
  node.keywords_only = true;
  return Intern(node, {});
}

ExprId ExprPool::Predicate(PredicateId id, std::uint32_t plan, bool lazy, bool keyword) {
  Expr node;
  node.op = Expr::Op::kPredicate;
  node.lazy = lazy;
  node.keywords_only = keyword;
  node.value = id;
  node.first = plan;
  return Intern(node, {});
}

ExprId ExprPool::Not(ExprId child) {
  const Expr& inner = nodes_[child];
  if (inner.op == Expr::Op::kNot) return inner.value;
  if (inner.op == Expr::Op::kConstant) return Constant(inner.value == 0);
  Expr node;
  node.op = Expr::Op::kNot;
  node.lazy = inner.lazy;
  node.keywords_only = inner.keywords_only;
  node.value = child;
  return Intern(node, {});
}

ExprId ExprPool::And(std::vector<ExprId> children) {
  return Junction(Expr::Op::kAnd, std::move(children));
}

ExprId ExprPool::Or(std::vector<ExprId> children) {
  return Junction(Expr::Op::kOr, std::move(children));
}

ExprId ExprPool::AtLeast(std::uint32_t count, std::vector<ExprId> children) {
  const auto constant = [this](ExprId child) { return nodes_[child].op == Expr::Op::kConstant; };
  for (const ExprId child : children) {
    if (constant(child) && nodes_[child].value == 1 && count > 0) --count;
  }
  std::erase_if(children, constant);
  if (count == 0) return Constant(true);
  if (count > children.size()) return Constant(false);
  if (count == children.size()) return And(std::move(children));
  if (count == 1) return Or(std::move(children));
  Expr node;
  node.op = Expr::Op::kAtLeast;
  node.value = count;
  return Intern(node, children);
}

// Constants are folded: an empty kAnd is true, an empty kOr false.
ExprId ExprPool::Junction(Expr::Op op, std::vector<ExprId> children) {
  if (children.size() == 1) return children[0];
  const std::uint32_t neutral = op == Expr::Op::kAnd ? 1 : 0;
  std::vector<ExprId> kept;
  for (const ExprId child : children) {
    const Expr& node = nodes_[child];
    if (node.op != Expr::Op::kConstant) {
      kept.push_back(child);
    } else if (node.value != neutral) {
      return child;
    }
  }
  std::sort(kept.begin(), kept.end(), [this](ExprId a, ExprId b) {
    return std::tuple(nodes_[a].lazy, sizes_[a] >= kLarge, a) <
           std::tuple(nodes_[b].lazy, sizes_[b] >= kLarge, b);
  });
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  if (kept.empty()) return Constant(neutral != 0);
  if (kept.size() == 1) return kept[0];
  Expr node;
  node.op = op;
  return Intern(node, kept);
}

ExprId ExprPool::Intern(Expr node, const std::vector<ExprId>& children) {
  if (2 * (nodes_.size() + 1) > slots_.size()) Grow();
  std::size_t slot = HashOf(node, children) & (slots_.size() - 1);
  for (; slots_[slot] != kFree; slot = (slot + 1) & (slots_.size() - 1)) {
    if (Is(slots_[slot], node, children)) return slots_[slot];
  }
  if (!children.empty()) {
    node.first = static_cast<std::uint32_t>(children_.size());
    node.count = static_cast<std::uint32_t>(children.size());
    node.keywords_only = true;
    for (const ExprId child : children) {
      node.lazy = node.lazy || nodes_[child].lazy;
      node.keywords_only = node.keywords_only && nodes_[child].keywords_only;
    }
    children_.insert(children_.end(), children.begin(), children.end());
  }
  std::uint64_t size = node.op == Expr::Op::kNot ? sizes_[node.value] : 1;
  for (const ExprId child : children) size += sizes_[child];
  sizes_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(size, kFree)));
  slots_[slot] = static_cast<ExprId>(nodes_.size());
  nodes_.push_back(node);
  return slots_[slot];
}

bool ExprPool::Is(ExprId id, const Expr& node, const std::vector<ExprId>& children) const {
  const Expr& known = nodes_[id];
  return known.op == node.op && known.value == node.value && known.count == children.size() &&
         std::equal(children.begin(), children.end(), this->children(known).begin());
}

void ExprPool::Grow() {
  constexpr std::size_t kFewest = 64;
  slots_.assign(std::max(kFewest, 2 * slots_.size()), kFree);
  for (ExprId id = 0; id < nodes_.size(); ++id) {
    const Expr& node = nodes_[id];
    const auto of = node.count == 0 ? std::span<const ExprId>() : children(node);
    std::size_t slot = HashOf(node, of) & (slots_.size() - 1);
    while (slots_[slot] != kFree) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = id;
  }
}

ExprId ExprFolder::Fold(ExprId id) {
  if (done_[id] == kNone) done_[id] = FoldNode((*from_)[id]);
  return done_[id];
}

ExprId ExprFolder::FoldNode(const Expr& expr) {
  if (expr.op == Expr::Op::kConstant) return to_->Constant(expr.value != 0);
  if (expr.op == Expr::Op::kNot) return to_->Not(Fold(expr.value));
  if (expr.op == Expr::Op::kPredicate) {
    const std::uint8_t answer = answers_->empty() ? kUnknown : (*answers_)[expr.value];
    if (answer != kUnknown) return to_->Constant(answer != 0);
    return to_->Predicate(expr.value, expr.first, expr.lazy, expr.keywords_only);
  }
  std::vector<ExprId> children;
  for (const ExprId child : from_->children(expr)) {
    children.push_back(Fold(child));
    const Expr& folded = (*to_)[children.back()];
    const bool decided =
        folded.op == Expr::Op::kConstant && ((expr.op == Expr::Op::kAnd && folded.value == 0) ||
                                             (expr.op == Expr::Op::kOr && folded.value == 1));
    if (decided) return children.back();
  }
  if (expr.op == Expr::Op::kAnd) return to_->And(std::move(children));
  if (expr.op == Expr::Op::kOr) return to_->Or(std::move(children));
  return to_->AtLeast(expr.value, std::move(children));
}

void ExprPool::Seal(const std::vector<Target>& targets) {
  for (Expr& node : nodes_) {
    if (node.op != Expr::Op::kPredicate) continue;
    node.first = targets[node.value].plan;
    node.value = targets[node.value].id;
  }
  leaves_.resize(children_.size());
  for (Expr& node : nodes_) {
    if (node.op != Expr::Op::kAnd && node.op != Expr::Op::kOr) continue;
    const auto first = children_.begin() + node.first;
    const auto rest = std::stable_partition(first, first + node.count, [this](ExprId child) {
      return nodes_[child].op == Expr::Op::kPredicate && !nodes_[child].lazy;
    });
    std::sort(first, rest,
              [this](ExprId a, ExprId b) { return nodes_[a].value < nodes_[b].value; });
    std::transform(first, rest, leaves_.begin() + node.first, [this](ExprId child) {
      return Target{nodes_[child].value, nodes_[child].first};
    });
    node.value = static_cast<std::uint32_t>(rest - first);
  }
  FreeMemory(slots_);
  FreeMemory(sizes_);
}

}  // namespace faultline
