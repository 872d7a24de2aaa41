// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "matcher/event/text.h"
#include "matcher/signature/field_memo.h"
#include "matcher/signature/rule_set.h"
#include "matcher/signature/rule_set_impl.h"
#include "matcher/signature/text_arena.h"

namespace faultline {
namespace {

constexpr std::size_t kMemoBytes = std::size_t{32} << 20;
// Events of a class after which its witnesses are chosen anew, by what was seen.
constexpr std::uint64_t kChooseAt[] = {512, 4096, 32768};
constexpr std::uint32_t kAbsent = 0;  // verdict on a routing field that is not there

// The values of one field, ready for predicates that are asked one by one.
struct PreparedField {
  std::uint64_t scanned = 0;  // epoch in which its literals were answered
  std::uint64_t decoded = 0;  // ... and in which `texts` was filled
  std::vector<TextView> texts;
};

// A class and what a worker keeps for it.
struct ClassState {
  ClassState(const SignatureClass* the_class, const MatcherOptions& options, MemoBudget* budget,
             std::uint64_t seed)
      : cls(the_class),
        witnesses(options.witnesses),
        truth(cls->predicate_count),
        known(cls->predicate_count),
        fields(cls->plans.size()),
        seen(cls->predicate_count, 0),
        marks(cls->members.size(), 0) {
    for (std::uint32_t p = 0; p < cls->plans.size(); ++p) {
      memos.emplace_back(budget, seed, options.memo);
      if (witnesses && cls->plans[p].witness) eager.push_back(p);
    }
    ChooseWitnesses();
  }

  // Per signature the set of witnesses that was seen least; the first before anything was.
  void ChooseWitnesses();

  const SignatureClass* cls;
  bool witnesses;                     // else every member is always looked at
  Truth truth;                        // what holds for the event at hand
  Truth known;                        // lazy predicates that were evaluated for it
  std::vector<PreparedField> fields;  // per plan
  std::vector<FieldMemo> memos;       // per plan
  std::vector<std::uint32_t> eager;   // plans that hold witnesses
  std::vector<std::uint32_t> always;  // members without witnesses
  // Per predicate the members that wait for it: waiting[first_waiting[id] .. first_waiting[id + 1]).
  std::vector<std::uint32_t> first_waiting, waiting;
  std::vector<std::uint32_t> seen;   // per predicate, how often it held
  std::vector<std::uint64_t> marks;  // per member, epoch in which it was triggered
  std::vector<std::uint32_t> triggered;
  std::uint64_t events = 0;
};

void ClassState::ChooseWitnesses() {
  always.clear();
  std::vector<const SignatureClass::WitnessSet*> chosen(cls->members.size(), nullptr);
  first_waiting.assign(cls->predicate_count + 1, 0);
  for (std::uint32_t m = 0; m < cls->members.size(); ++m) {
    std::uint64_t least = 0;
    for (const SignatureClass::WitnessSet& set : cls->members[m].witnesses) {
      if (!witnesses) break;
      std::uint64_t cost = 0;
      for (const PredicateId id : set) cost += seen[id];
      if (chosen[m] != nullptr && cost >= least) continue;
      chosen[m] = &set;
      least = cost;
    }
    if (chosen[m] == nullptr) {
      always.push_back(m);
      continue;
    }
    for (const PredicateId id : *chosen[m]) ++first_waiting[id + 1];
  }
  for (std::size_t id = 1; id < first_waiting.size(); ++id) {
    first_waiting[id] += first_waiting[id - 1];
  }
  waiting.resize(first_waiting.back());
  std::vector<std::uint32_t> next(first_waiting.begin(), first_waiting.end() - 1);
  for (std::uint32_t m = 0; m < chosen.size(); ++m) {
    if (chosen[m] == nullptr) continue;
    for (const PredicateId id : *chosen[m]) waiting[next[id]++] = m;
  }
}

// A routing field's values and what each means, by number; a worker's own.
struct RouteState {
  RouteState(const RoutingField* the_field, bool memo_wanted, MemoBudget* budget,
             std::uint64_t seed)
      : field(the_field),
        truth(static_cast<std::uint32_t>(field->predicates.size())),
        memo(budget, seed, memo_wanted),
        verdicts(1) {
    if (field->null != kNoPredicate) verdicts[kAbsent].push_back(field->null);
  }

  const RoutingField* field;
  Truth truth;
  FieldMemo memo;                                  // value -> its verdict
  std::vector<std::vector<PredicateId>> verdicts;  // what holds, ascending
  std::map<std::vector<PredicateId>, std::uint32_t> numbers;
};

}  // namespace

struct Matcher::Impl {
  Impl(std::shared_ptr<const RuleSet> rules, const MatcherOptions& the_options);

  void Begin(const Event* now, std::span<const RawValue> raw_leaves, bool maybe_bad) noexcept;
  ClassState& Route(InputScope scope);
  std::optional<std::uint32_t> VerdictOn(RouteState& route);
  ClassState& StateOf(const SignatureClass& cls);
  std::span<const std::uint32_t> MatchIn(ClassState& state) noexcept;
  void Trigger() noexcept;
  bool PassesFilters(const SignatureClass::Member& signature) noexcept;
  void TellFilters() noexcept;

  bool Holds(ExprId id) noexcept;
  bool HoldsPredicate(const Expr& expr) noexcept;
  bool HoldsLazily(std::uint32_t plan, PredicateId id) noexcept;
  void Scan(std::uint32_t plan) noexcept;
  void ScanOne(const FieldPlan& plan, const RawValue& value) noexcept;
  void ScanMemoised(const FieldPlan& plan, FieldMemo& memo, const RawValue& value) noexcept;
  void ScanLeaves(const FieldPlan& plan) noexcept;
  const std::vector<TextView>& TextsOf(std::uint32_t plan) noexcept;
  void CollectTexts(FieldId field, std::vector<TextView>& texts) noexcept;
  TextView ViewOf(const RawValue& value) noexcept;

  std::shared_ptr<const RuleSet> shared;
  const RuleSet::Impl& set;
  MatcherOptions options;
  RegexScratch regex_scratch;
  HsScratch hs_scratch;  // null until a database needs it
  MemoBudget budget{kMemoBytes};
  std::vector<RouteState> routes;
  std::vector<std::uint32_t> route_key;  // verdicts of the event at hand, and its scope
  std::unordered_map<std::string, ClassState*> by_key;
  std::map<const SignatureClass*, std::unique_ptr<ClassState>> states;
  std::vector<std::uint32_t> matched;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> taken;  // rule, filter that failed it
  std::vector<std::uint32_t> filtered;
  std::vector<TextView> other_texts;  // of the field that a `fieldref` names
  TextArena arena;
  std::string decode_buffer, fold_buffer, number_buffer;

  std::uint64_t seed;
  std::uint64_t epoch = 0;
  std::uint64_t salt = 0;        // of the memos
  ClassState* state = nullptr;   // of the event at hand
  const Event* event = nullptr;  // null: bytes that are no JSON
  std::span<const RawValue> line;
  bool maybe_invalid = false;  // some text of the event may not be valid UTF-8
};

Matcher::Impl::Impl(std::shared_ptr<const RuleSet> rules, const MatcherOptions& the_options)
    : shared(std::move(rules)),
      set(shared->impl()),
      options(the_options),
      regex_scratch(set.options.match_limit, set.options.depth_limit, set.max_groups),
      seed(std::random_device()()) {
  for (const RoutingField& field : set.classes->routing()) {
    routes.emplace_back(&field, options.memo, &budget, seed);
  }
  route_key.resize(routes.size() + 1);
  matched.reserve(set.rules.detections.size() * 2);
}

void Matcher::Impl::Begin(const Event* now, std::span<const RawValue> raw_leaves,
                          bool maybe_bad) noexcept {
  ++epoch;
  if (options.cold) salt = epoch;
  event = now;
  line = raw_leaves;
  maybe_invalid = maybe_bad;
  arena.Clear();
}

// ---------------------------------------------------------------------------------- event -> class

// What the field's value means; nothing where it has several.
std::optional<std::uint32_t> Matcher::Impl::VerdictOn(RouteState& route) {
  const Event::Values values = event->Of(route.field->field);
  if (values.empty()) return kAbsent;
  auto at = values.begin();
  const RawValue& value = *at;
  if (++at != values.end()) return std::nullopt;
  const bool memoised = route.memo.on() && !maybe_invalid;
  if (memoised) {
    if (const auto known = route.memo.Find(value, salt)) return known->front();
  }
  route.truth.Clear();
  if (value.scalar()) {
    route.field->literals.Scan(ViewOf(value), value.kind, hs_scratch.get(), number_buffer,
                               route.truth);
  }
  const PredicateId other =
      value.kind == ValueKind::kNull ? route.field->null : route.field->present;
  if (other != kNoPredicate) route.truth.Set(other);
  if (route.field->exists != kNoPredicate) route.truth.Set(route.field->exists);
  std::vector<PredicateId> held(route.truth.set().begin(), route.truth.set().end());
  std::sort(held.begin(), held.end());
  const auto [number, added] =
      route.numbers.emplace(held, static_cast<std::uint32_t>(route.verdicts.size()));
  if (added) route.verdicts.push_back(std::move(held));
  if (memoised) route.memo.Keep(value, {&number->second, 1});
  return number->second;
}

ClassState& Matcher::Impl::Route(InputScope scope) {
  route_key.back() = scope;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto verdict = VerdictOn(routes[i]);
    if (!verdict) return StateOf(set.classes->Unfolded(scope));
    route_key[i] = *verdict;
  }
  const std::string_view key(reinterpret_cast<const char*>(route_key.data()),
                             route_key.size() * sizeof route_key[0]);
  decode_buffer.assign(key);
  const auto known = by_key.find(decode_buffer);
  if (known != by_key.end()) return *known->second;
  std::vector<PredicateId> held;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    for (const PredicateId number : routes[i].verdicts[route_key[i]]) {
      held.push_back(routes[i].field->predicates[number]);
    }
  }
  std::sort(held.begin(), held.end());
  ClassState& found = StateOf(set.classes->Get(scope, held));
  by_key.emplace(std::string(key), &found);
  return found;
}

ClassState& Matcher::Impl::StateOf(const SignatureClass& cls) {
  auto& found = states[&cls];
  if (found != nullptr) return *found;
  for (const FieldPlan& plan : cls.plans) {
    FAULTLINE_CHECK(plan.literals.Prepare(hs_scratch).has_value());
    if (plan.cover != nullptr) FAULTLINE_CHECK(plan.cover->Prepare(hs_scratch).has_value());
    for (const LazyPredicate* const lazy : plan.lazy) {
      FAULTLINE_CHECK(lazy->Prepare(regex_scratch).has_value());
    }
  }
  found = std::make_unique<ClassState>(&cls, options, &budget, seed);
  return *found;
}

// -------------------------------------------------------------------------------- class -> matches

// class -> true literals -> triggered signatures -> rules
std::span<const std::uint32_t> Matcher::Impl::MatchIn(ClassState& in) noexcept {
  state = &in;
  matched.clear();
  filtered.clear();
  if (in.cls->members.empty()) return matched;
  in.truth.Clear();
  in.known.Clear();
  for (const std::uint32_t plan : in.eager) Scan(plan);
  Trigger();
  for (const std::uint32_t member : in.triggered) {
    const SignatureClass::Member& signature = in.cls->members[member];
    if (Holds(signature.condition) && PassesFilters(signature)) {
      matched.push_back(signature.rule);
    }
  }
  std::sort(matched.begin(), matched.end());
  matched.erase(std::unique(matched.begin(), matched.end()), matched.end());
  TellFilters();
  return matched;
}

// Asks all of them, so that each that fails is counted.
bool Matcher::Impl::PassesFilters(const SignatureClass::Member& signature) noexcept {
  bool passed = true;
  for (const FilterUse& use : signature.filters) {
    if (Holds(use.body)) continue;
    taken.emplace_back(signature.rule, use.filter);
    passed = false;
  }
  return passed;
}

// A rule that holds in another meaning of its log source lost nothing.
void Matcher::Impl::TellFilters() noexcept {
  for (const auto& [rule, filter] : taken) {
    if (!std::binary_search(matched.begin(), matched.end(), rule)) filtered.push_back(filter);
  }
  taken.clear();
  std::sort(filtered.begin(), filtered.end());
  filtered.erase(std::unique(filtered.begin(), filtered.end()), filtered.end());
}

void Matcher::Impl::Trigger() noexcept {
  ClassState& in = *state;
  ++in.events;
  if (std::find(std::begin(kChooseAt), std::end(kChooseAt), in.events) != std::end(kChooseAt)) {
    in.ChooseWitnesses();
  }
  in.triggered.assign(in.always.begin(), in.always.end());
  for (const PredicateId id : in.truth.set()) {
    ++in.seen[id];
    for (std::uint32_t at = in.first_waiting[id]; at < in.first_waiting[id + 1]; ++at) {
      const std::uint32_t member = in.waiting[at];
      if (std::exchange(in.marks[member], epoch) != epoch) in.triggered.push_back(member);
    }
  }
}

bool Matcher::Impl::Holds(ExprId id) noexcept {
  const ExprPool& pool = state->cls->pool;
  const Expr& expr = pool[id];
  switch (expr.op) {
    case Expr::Op::kConstant: return expr.value != 0;
    case Expr::Op::kPredicate: return HoldsPredicate(expr);
    case Expr::Op::kNot: return !Holds(expr.value);
    case Expr::Op::kAnd:
      for (const ExprId child : pool.children(expr)) {
        if (!Holds(child)) return false;
      }
      return true;
    case Expr::Op::kOr:
      for (const ExprId child : pool.children(expr)) {
        if (Holds(child)) return true;
      }
      return false;
    case Expr::Op::kAtLeast: {
      std::uint32_t holding = 0;
      for (const ExprId child : pool.children(expr)) {
        if (Holds(child) && ++holding == expr.value) return true;
      }
      return false;
    }
  }
  return false;
}

bool Matcher::Impl::HoldsPredicate(const Expr& expr) noexcept {
  if (expr.lazy) return HoldsLazily(expr.first, expr.value);
  if (state->fields[expr.first].scanned != epoch) Scan(expr.first);
  return state->truth.Test(expr.value);
}

bool Matcher::Impl::HoldsLazily(std::uint32_t plan, PredicateId id) noexcept {
  if (state->known.Test(id)) return state->truth.Test(id);
  state->known.Set(id);
  const FieldPlan& asked = state->cls->plans[plan];
  const LazyPredicate& predicate = *asked.lazy[id - asked.first_lazy];
  if (const FieldRefTest* const test = predicate.field_ref()) {
    CollectTexts(test->other(), other_texts);
    const FieldRefTest::Answer answer = test->Ask(TextsOf(plan), other_texts, fold_buffer);
    if (answer == FieldRefTest::Answer::kTooMuch) regex_scratch.CountLimit();
    if (answer == FieldRefTest::Answer::kYes) state->truth.Set(id);
    return answer == FieldRefTest::Answer::kYes;
  }
  for (const TextView& text : TextsOf(plan)) {
    if (!predicate.Holds(text, regex_scratch)) continue;
    state->truth.Set(id);
    return true;
  }
  return false;
}

// Answers all literal predicates of a field at once.
void Matcher::Impl::Scan(std::uint32_t number) noexcept {
  const FieldPlan& plan = state->cls->plans[number];
  PreparedField& field = state->fields[number];
  field.scanned = epoch;
  if (plan.field == kKeywordField) return ScanLeaves(plan);
  if (event == nullptr) {
    if (plan.null != kNoPredicate) state->truth.Set(plan.null);
    return;
  }
  const Event::Values values = event->Of(plan.field);
  if (values.empty()) {
    if (plan.null != kNoPredicate) state->truth.Set(plan.null);
    return;
  }
  if (plan.exists != kNoPredicate) state->truth.Set(plan.exists);
  auto at = values.begin();
  const RawValue& first = *at;
  if (++at == values.end() && first.scalar()) {
    if (plan.present != kNoPredicate) state->truth.Set(plan.present);
    return ScanMemoised(plan, state->memos[number], first);
  }
  for (const RawValue& value : values) {
    const PredicateId is = value.kind == ValueKind::kNull ? plan.null : plan.present;
    if (is != kNoPredicate) state->truth.Set(is);
    if (value.scalar()) ScanOne(plan, value);
  }
}

void Matcher::Impl::ScanOne(const FieldPlan& plan, const RawValue& value) noexcept {
  plan.literals.Scan(ViewOf(value), value.kind, hs_scratch.get(), number_buffer, state->truth);
}

void Matcher::Impl::ScanMemoised(const FieldPlan& plan, FieldMemo& memo,
                                 const RawValue& value) noexcept {
  if (!memo.on() || maybe_invalid) return ScanOne(plan, value);
  if (const auto held = memo.Find(value, salt)) {
    for (const PredicateId id : *held) state->truth.Set(id);
    return;
  }
  const std::size_t before = state->truth.set().size();
  ScanOne(plan, value);
  memo.Keep(value, state->truth.set(before));
}

void Matcher::Impl::ScanLeaves(const FieldPlan& plan) noexcept {
  if (event != nullptr && plan.cover != nullptr && !maybe_invalid &&
      !plan.cover->MayHold(event->text(), hs_scratch.get())) {
    return;
  }
  const std::span<const RawValue> leaves = event == nullptr ? line : event->leaves();
  if (!leaves.empty() && plan.present != kNoPredicate) state->truth.Set(plan.present);
  for (const RawValue& leaf : leaves) ScanOne(plan, leaf);
}

const std::vector<TextView>& Matcher::Impl::TextsOf(std::uint32_t number) noexcept {
  PreparedField& field = state->fields[number];
  if (field.decoded == epoch) return field.texts;
  field.decoded = epoch;
  CollectTexts(state->cls->plans[number].field, field.texts);
  return field.texts;
}

void Matcher::Impl::CollectTexts(FieldId field, std::vector<TextView>& texts) noexcept {
  texts.clear();
  if (field == kKeywordField) {
    for (const RawValue& leaf : event == nullptr ? line : event->leaves()) {
      texts.push_back(ViewOf(leaf));
    }
  } else if (event != nullptr) {
    for (const RawValue& value : event->Of(field)) {
      if (value.scalar()) texts.push_back(ViewOf(value));
    }
  }
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

Matcher::Matcher(std::shared_ptr<const RuleSet> rules, MatcherOptions options)
    : impl_(std::make_unique<Impl>(std::move(rules), options)) {}
Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;

InputScope Matcher::ScopeOf(const sigma::LogSource& source) {
  const auto& inputs = impl_->set.options.inputs;
  FAULTLINE_CHECK(source == sigma::LogSource{} ||
                  std::find(inputs.begin(), inputs.end(), source) != inputs.end());
  return impl_->set.classes->ScopeOf(source);
}

std::span<const std::uint32_t> Matcher::Match(const Event& event, InputScope scope) noexcept {
  impl_->Begin(&event, {}, event.flags().invalid_utf8);
  ClassState& routed = impl_->Route(scope);
  if (impl_->options.route_only) return {};
  return impl_->MatchIn(routed);
}

std::span<const std::uint32_t> Matcher::MatchRaw(std::string_view bytes,
                                                 InputScope scope) noexcept {
  RawValue line;
  line.raw = bytes;
  line.kind = ValueKind::kString;
  impl_->Begin(nullptr, {&line, 1}, true);
  const auto matched = impl_->MatchIn(impl_->StateOf(impl_->set.classes->Raw(scope)));
  impl_->line = {};
  return matched;
}

void Matcher::Capture(std::uint32_t rule, const Event& event, std::vector<NamedValue>& out) {
  Impl& impl = *impl_;
  impl.Begin(&event, {}, event.flags().invalid_utf8);
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

std::span<const std::uint32_t> Matcher::filtered() const noexcept { return impl_->filtered; }

std::uint64_t Matcher::regex_fallbacks() const noexcept { return impl_->regex_scratch.fallbacks(); }
std::uint64_t Matcher::regex_limits_hit() const noexcept {
  return impl_->regex_scratch.limits_hit();
}

}  // namespace faultline
