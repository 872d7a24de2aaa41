// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "matcher/event/text.h"
#include "matcher/signature/rule_set.h"
#include "matcher/signature/rule_set_impl.h"
#include "matcher/signature/text_arena.h"

namespace faultline {
namespace {

// The values of one field, ready for predicates; valid while `epoch` is the matcher's.
struct PreparedField {
  std::uint64_t epoch = 0;
  std::vector<TextView> texts;
};

}  // namespace

struct Matcher::Impl {
  explicit Impl(std::shared_ptr<const RuleSet> rules);

  void Begin(const Event* now, std::span<const RawValue> leaves_now,
             bool bytes_may_be_invalid) noexcept;
  std::span<const std::uint32_t> MatchSignatures(InputScope scope, bool raw_only) noexcept;

  bool Holds(ExprId id) noexcept;
  bool HoldsPredicate(const Expr& expr) noexcept;
  bool HoldsLazily(const FieldPlan& plan, const PreparedField& field, PredicateId id) noexcept;
  void Prepare(const FieldPlan& plan, PreparedField& field) noexcept;
  TextView ViewOf(const RawValue& value) noexcept;

  std::shared_ptr<const RuleSet> shared;
  const RuleSet::Impl& set;
  RegexScratch regex_scratch;
  HsScratch hs_scratch;  // null when no field has literals to scan for
  struct Scope {
    sigma::LogSource source;
    std::vector<std::uint32_t> classes;  // those that apply, ascending
  };
  std::vector<Scope> scopes;  // index = InputScope
  Truth truth;           // literal predicates of prepared fields; lazy ones that are known
  Truth known;           // lazy predicates that were evaluated for this event
  std::vector<PreparedField> prepared;  // per plan
  std::vector<std::uint32_t> matched;
  TextArena arena;
  std::string decode_buffer, fold_buffer, number_buffer;

  std::uint64_t epoch = 0;
  const Event* event = nullptr;  // null: bytes that are no JSON
  std::span<const RawValue> leaves;
  bool maybe_invalid = false;  // some text of the event may not be valid UTF-8
};

Matcher::Impl::Impl(std::shared_ptr<const RuleSet> rules)
    : shared(std::move(rules)),
      set(shared->impl()),
      regex_scratch(set.options.match_limit, set.options.depth_limit, set.max_groups),
      truth(set.truth_bits),
      known(set.truth_bits),
      prepared(set.plans.size()) {
  for (const FieldPlan& plan : set.plans) {
    FAULTLINE_CHECK(plan.literals.Prepare(hs_scratch).has_value());
    for (const LazyPredicate& lazy : plan.lazy) {
      FAULTLINE_CHECK(lazy.Prepare(regex_scratch).has_value());
    }
  }
  matched.reserve(set.rules.detections.size() * 2);
}

void Matcher::Impl::Begin(const Event* now, std::span<const RawValue> leaves_now,
                          bool bytes_may_be_invalid) noexcept {
  ++epoch;
  event = now;
  leaves = leaves_now;
  maybe_invalid = bytes_may_be_invalid;
  arena.Clear();
}

// class -> true predicates -> signatures -> rules. A class's gate is asked once; its signatures
// then pull in, field by field, what they ask for: a field that no signature comes to is never
// scanned. Routing by folded discriminators takes the place of the loop over classes, a memo that
// of Prepare's scan, witnesses that of the loop over signatures.
std::span<const std::uint32_t> Matcher::Impl::MatchSignatures(InputScope scope,
                                                              bool raw_only) noexcept {
  matched.clear();
  for (const std::uint32_t index : scopes[scope].classes) {
    const SignatureClass& cls = set.classes[index];
    if (!Holds(cls.gate)) continue;
    for (const Signature& signature : cls.signatures) {
      if (raw_only && !signature.raw) continue;
      if (Holds(signature.body)) matched.push_back(signature.rule);
    }
  }
  std::sort(matched.begin(), matched.end());
  matched.erase(std::unique(matched.begin(), matched.end()), matched.end());
  return matched;
}

bool Matcher::Impl::Holds(ExprId id) noexcept {
  const Expr& expr = set.pool[id];
  switch (expr.op) {
    case Expr::Op::kConstant: return expr.value != 0;
    case Expr::Op::kPredicate: return HoldsPredicate(expr);
    case Expr::Op::kNot: return !Holds(expr.value);
    case Expr::Op::kAnd:
      for (const ExprId child : set.pool.children(expr)) {
        if (!Holds(child)) return false;
      }
      return true;
    case Expr::Op::kOr:
      for (const ExprId child : set.pool.children(expr)) {
        if (Holds(child)) return true;
      }
      return false;
    case Expr::Op::kAtLeast: {
      std::uint32_t holding = 0;
      for (const ExprId child : set.pool.children(expr)) {
        if (Holds(child) && ++holding == expr.value) return true;
      }
      return false;
    }
  }
  return false;
}

bool Matcher::Impl::HoldsPredicate(const Expr& expr) noexcept {
  const FieldPlan& plan = set.plans[expr.first];
  PreparedField& field = prepared[expr.first];
  if (field.epoch != epoch) Prepare(plan, field);
  if (expr.lazy) return HoldsLazily(plan, field, expr.value);
  return truth.Test(expr.value);
}

bool Matcher::Impl::HoldsLazily(const FieldPlan& plan, const PreparedField& field,
                                PredicateId id) noexcept {
  if (known.Test(id)) return truth.Test(id);
  known.Set(id);
  const LazyPredicate& predicate = plan.lazy[id - plan.first_lazy];
  for (const TextView& text : field.texts) {
    if (!predicate.Holds(text, regex_scratch)) continue;
    truth.Set(id);
    return true;
  }
  return false;
}

// Answers all literal predicates of a field at once.
void Matcher::Impl::Prepare(const FieldPlan& plan, PreparedField& field) noexcept {
  field.epoch = epoch;
  field.texts.clear();
  truth.Clear(plan.first, plan.count);
  known.Clear(plan.first, plan.count);
  bool null = true, present = false;
  const auto add = [&](const RawValue& value) {
    present = present || value.kind != ValueKind::kNull;
    null = null || value.kind == ValueKind::kNull;
    if (!value.scalar()) return;
    const TextView text = ViewOf(value);
    plan.literals.Scan(text, value.kind, hs_scratch.get(), number_buffer, truth);
    field.texts.push_back(text);
  };
  if (plan.field == kKeywordField) {
    for (const RawValue& leaf : leaves) add(leaf);
  } else if (event != nullptr) {
    const Event::Values values = event->Of(plan.field);
    null = values.empty();
    for (const RawValue& value : values) add(value);
  }
  if (null && plan.null != kNoPredicate) truth.Set(plan.null);
  if (present && plan.present != kNoPredicate) truth.Set(plan.present);
}

TextView Matcher::Impl::ViewOf(const RawValue& value) noexcept {
  TextView text;
  text.raw = Decode(value, decode_buffer);
  if (text.raw.data() == decode_buffer.data()) text.raw = arena.Keep(text.raw);
  text.folded = Fold(text.raw, fold_buffer);
  if (text.folded.data() == fold_buffer.data()) text.folded = arena.Keep(text.folded);
  // Only an escape can make a text invalid in a record whose bytes are valid.
  const bool suspect = maybe_invalid || (value.escaped && value.raw.find("\\u") != value.raw.npos);
  text.valid_utf8 = !suspect || IsValidUtf8(text.raw);
  return text;
}

Matcher::Matcher(std::shared_ptr<const RuleSet> rules)
    : impl_(std::make_unique<Impl>(std::move(rules))) {
  FAULTLINE_CHECK(ScopeOf({}) == kUndeclared);
}
Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;

InputScope Matcher::ScopeOf(const sigma::LogSource& source) {
  for (InputScope scope = 0; scope < impl_->scopes.size(); ++scope) {
    if (impl_->scopes[scope].source == source) return scope;
  }
  const auto& inputs = impl_->set.options.inputs;
  FAULTLINE_CHECK(source == sigma::LogSource{} ||
                  std::find(inputs.begin(), inputs.end(), source) != inputs.end());
  Impl::Scope scope{source, {}};
  for (std::uint32_t i = 0; i < impl_->set.classes.size(); ++i) {
    if (AppliesTo(impl_->set.classes[i], source)) scope.classes.push_back(i);
  }
  impl_->scopes.push_back(std::move(scope));
  return static_cast<InputScope>(impl_->scopes.size() - 1);
}

std::span<const std::uint32_t> Matcher::Match(const Event& event, InputScope scope) noexcept {
  impl_->Begin(&event, event.leaves(), event.flags().invalid_utf8);
  return impl_->MatchSignatures(scope, false);
}

std::span<const std::uint32_t> Matcher::MatchRaw(std::string_view bytes,
                                                 InputScope scope) noexcept {
  RawValue line;
  line.raw = bytes;
  line.kind = ValueKind::kString;
  impl_->Begin(nullptr, {&line, 1}, true);
  const std::span<const std::uint32_t> matched = impl_->MatchSignatures(scope, true);
  impl_->leaves = {};
  return matched;
}

void Matcher::Capture(std::uint32_t rule, const Event& event, std::vector<NamedValue>& out) {
  Impl& impl = *impl_;
  impl.Begin(&event, event.leaves(), event.flags().invalid_utf8);
  for (const CompiledCapture& capture : impl.set.captures[rule]) {
    for (const RawValue& value : event.Of(capture.field())) {
      if (value.scalar() && capture.Take(impl.ViewOf(value), impl.regex_scratch, out)) break;
    }
  }
}

void Matcher::Texts(std::string_view field, const Event& event, std::vector<std::string>& out) {
  const FieldId id = impl_->set.fields.Find(field);
  if (id == kNoNode) return;
  for (const RawValue& value : event.Of(id)) {
    if (value.scalar()) out.emplace_back(Decode(value, impl_->decode_buffer));
  }
}

std::uint64_t Matcher::regex_limits_hit() const noexcept {
  return impl_->regex_scratch.limits_hit();
}

}  // namespace faultline
