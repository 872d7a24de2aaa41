// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "matcher/signature/truth.h"

namespace faultline {

using ExprId = std::uint32_t;

// A boolean expression over predicates: nodes in one vector, children before parents.
struct Expr {
  enum class Op : std::uint8_t { kConstant, kPredicate, kNot, kAnd, kOr, kAtLeast };
  Op op = Op::kConstant;
  bool lazy = false;           // somewhere below lies a lazy predicate
  bool keywords_only = false;  // nothing below asks for a field
  // kConstant: 0 or 1; kPredicate: its id; kAtLeast: how many; kNot: the child; kAnd, kOr, once sealed:
  // how many of the children, the first ones, are predicates that are not lazy.
  std::uint32_t value = 0;
  std::uint32_t first =
      0;  // kAnd, kOr, kAtLeast: their children in the pool; kPredicate: its field's plan
  std::uint32_t count = 0;
};

// All expressions of a rule set; the same expression has the same number everywhere.
//
// Order      Children of kAnd and kOr are sorted so that lazy ones come last, before these large
//            ones; once sealed, so that the predicates of a field that are not lazy come first, in a row.
// Threads    Built once, then immutable.
class ExprPool {
 public:
  [[nodiscard]] ExprId Constant(bool value);
  // `plan` is where the predicate's field is found at evaluation.
  [[nodiscard]] ExprId Predicate(PredicateId id, std::uint32_t plan, bool lazy, bool keyword);
  [[nodiscard]] ExprId Not(ExprId child);
  [[nodiscard]] ExprId And(std::vector<ExprId> children);
  [[nodiscard]] ExprId Or(std::vector<ExprId> children);
  // A child that stands twice counts twice.
  [[nodiscard]] ExprId AtLeast(std::uint32_t count, std::vector<ExprId> children);

  [[nodiscard]] const Expr& operator[](ExprId id) const noexcept { return nodes_.data()[id]; }
  [[nodiscard]] std::span<const ExprId> children(const Expr& expr) const noexcept {
    return {children_.data() + expr.first, expr.count};
  }
  struct Target {
    PredicateId id = 0;
    std::uint32_t plan = 0;
  };
  // Gives predicates their final numbers and plans; nothing is added from here on.
  void Seal(const std::vector<Target>& targets);
  // The first children of a kAnd or kOr, as its `value` says. Requires: sealed.
  [[nodiscard]] std::span<const Target> leaves(const Expr& expr) const noexcept {
    return {leaves_.data() + expr.first, expr.value};
  }

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

 private:
  [[nodiscard]] ExprId Junction(Expr::Op op, std::vector<ExprId> children);
  [[nodiscard]] ExprId Intern(Expr node, const std::vector<ExprId>& children);
  [[nodiscard]] bool Is(ExprId id, const Expr& node, const std::vector<ExprId>& children) const;
  void Grow();

  static constexpr ExprId kFree = 0xffffffff;

  std::vector<Expr> nodes_;
  std::vector<ExprId> children_;
  std::vector<Target> leaves_;        // of children_, where they are such predicates; once sealed
  std::vector<std::uint32_t> sizes_;  // of nodes_, with all that lies below; until sealed
  std::vector<ExprId> slots_;         // by hash of content, at most half full; used while building
};

// Copies expressions from one pool into another, predicates with a known answer replaced by it and
// all that follows from them folded away.
//
// Threads    Confined to one thread; both pools outlive it.
class ExprFolder {
 public:
  // The answer of a predicate where it is known: 0 or 1, else kUnknown. By its number in `from`.
  static constexpr std::uint8_t kUnknown = 2;
  ExprFolder(const ExprPool* from, const std::vector<std::uint8_t>* answers, ExprPool* to)
      : from_(from), answers_(answers), to_(to), done_(from->size(), kNone) {}

  [[nodiscard]] ExprId Fold(ExprId id);

 private:
  static constexpr ExprId kNone = 0xffffffff;
  [[nodiscard]] ExprId FoldNode(const Expr& expr);

  const ExprPool* from_;
  const std::vector<std::uint8_t>* answers_;  // empty: none is known
  ExprPool* to_;
  std::vector<ExprId> done_;  // per node of `from`
};

}  // namespace faultline
