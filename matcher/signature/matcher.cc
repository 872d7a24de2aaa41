// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>

#include "base/check.h"
#include "matcher/event/escapes.h"
#include "matcher/event/text.h"
#include "matcher/signature/class_state.h"
#include "matcher/signature/field_memo.h"
#include "matcher/signature/route_map.h"
#include "matcher/signature/rule_set.h"
#include "matcher/signature/rule_set_impl.h"
#include "matcher/signature/text_arena.h"

namespace faultline {
namespace {

constexpr std::size_t kMemoBytes = std::size_t{32} << 20;
constexpr std::size_t kMostRouting = 512;  // bytes of routing values that are looked up together
constexpr std::uint32_t kAbsent = 0;       // verdict on a routing field that is not there

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
  void Begin(const Event& now) noexcept {
    // Only halves of surrogates make a text invalid whose bytes are valid.
    Begin(&now, {}, now.flags().invalid_utf8 || now.flags().lone_surrogate);
  }
  ClassState& Route(InputScope scope);
  std::size_t JoinRouting(InputScope scope) noexcept;
  ClassState& RouteByVerdicts(InputScope scope);
  std::optional<std::uint32_t> VerdictOn(RouteState& route);
  ClassState& StateOf(const SignatureClass& cls);
  std::span<const std::uint32_t> MatchIn(ClassState& state) noexcept;
  void Trigger() noexcept;
  bool PassesFilters(const SignatureClass::Member& signature) noexcept;
  void TellFilters() noexcept;

  void FetchTriggered() const noexcept;
  bool Holds(ExprId id) noexcept;
  [[gnu::always_inline]] inline bool HoldsEagerly(const ExprPool::Target& leaf) noexcept;
  bool HoldsLazily(std::uint32_t plan, PredicateId id) noexcept;
  bool HoldsReference(std::uint32_t plan, PredicateId id, const FieldRefTest& test) noexcept;
  bool AskLazily(std::uint32_t plan, PredicateId id, const LazyPredicate& predicate) noexcept;
  void Scan(std::uint32_t plan) noexcept;
  void ScanEager() noexcept;
  [[nodiscard]] bool RulesOut(std::uint32_t plan) noexcept;
  [[nodiscard]] const RawValue* Open(std::uint32_t plan) noexcept;
  void ScanOne(const FieldPlan& plan, const RawValue& value) noexcept;
  void ScanOnly(std::uint32_t plan, const RawValue& value) noexcept;
  void ScanMemoised(std::uint32_t plan, const RawValue& value, std::uint64_t hash,
                    bool wanted) noexcept;
  void SetHeld(std::uint32_t plan, FieldMemo::Kept kept) noexcept;
  void ScanLeaves(const FieldPlan& plan) noexcept;
  const std::vector<TextView>& TextsOf(std::uint32_t plan) noexcept;
  void CollectTexts(FieldId field, std::vector<TextView>& texts) noexcept;
  TextView ViewOf(const RawValue& value) noexcept;
  std::optional<std::string> NamedIn(const std::vector<NamedValue>& had, std::string_view name);
  void Compute(const std::string& name, const sigma::Expression& expression,
               std::vector<NamedValue>& out);
  void LookUp(const sigma::Lookup& lookup, std::vector<NamedValue>& out);
  class Names;
  TextView Joined(FieldId field, std::string_view separator);

  std::shared_ptr<const RuleSet> shared;
  const RuleSet::Impl& set;
  MatcherOptions options;
  RegexScratch regex_scratch;
  HsScratch hs_scratch;  // null until a database needs it
  MemoBudget budget{kMemoBytes};
  std::uint64_t seed;
  std::vector<RouteState> routes;
  std::vector<std::uint32_t> route_key;  // verdicts of the event at hand, and its scope
  RouteMap<ClassState> by_key;
  std::array<char, kMostRouting> joined_routing;
  FieldMemo route_memo;  // of those: the number of the state
  std::map<const SignatureClass*, std::unique_ptr<ClassState>> states;
  std::vector<ClassState*> numbered;  // the same by number
  std::vector<PredicateId> held;      // of the routing value at hand
  std::vector<std::uint32_t> matched;
  // A value that a memo is asked for, between its two looks.
  struct Asked {
    std::uint32_t plan;
    RawValue value;
    std::uint64_t hash;
  };
  std::vector<Asked> lookups;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> taken;  // rule, filter that failed it
  std::vector<std::uint32_t> filtered;
  std::vector<TextView> other_texts;  // of the field that a `fieldref` names
  TextArena arena;
  std::string decode_buffer, fold_buffer, number_buffer;

  std::uint64_t candidates = 0;
  std::uint64_t epoch = 0;
  bool measured = false;         // of the event at hand it is counted what holds
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
      seed(std::random_device()()),
      by_key(set.classes->routing().size() + 1),
      route_memo(&budget, seed, options.memo) {
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
  const bool memoised = !maybe_invalid && route.memo.Takes(value, salt);
  const std::uint64_t hash = memoised ? route.memo.HashOf(value, salt) : 0;
  if (memoised) {
    const FieldMemo::Kept known = route.memo.Find(value, hash);
    if (known != FieldMemo::kUnknown) return route.memo.Held(known).front();
  }
  route.truth.Clear();
  if (value.scalar()) {
    route.field->literals.Scan(ViewOf(value), value.kind, hs_scratch, number_buffer, route.truth);
  }
  const PredicateId other =
      value.kind == ValueKind::kNull ? route.field->null : route.field->present;
  if (other != kNoPredicate) route.truth.Set(other);
  if (route.field->exists != kNoPredicate) route.truth.Set(route.field->exists);
  held.assign(route.truth.set().begin(), route.truth.set().end());
  std::sort(held.begin(), held.end());
  const auto [number, added] =
      route.numbers.try_emplace(held, static_cast<std::uint32_t>(route.verdicts.size()));
  if (added) route.verdicts.push_back(held);
  if (memoised) route.memo.Keep(value, hash, {&number->second, 1});
  return number->second;
}

// Routing values that came together before need no verdict on each.
ClassState& Matcher::Impl::Route(InputScope scope) {
  RawValue joined;
  joined.kind = ValueKind::kString;
  joined.raw = {joined_routing.data(), maybe_invalid ? 0 : JoinRouting(scope)};
  if (joined.raw.empty() || !route_memo.Takes(joined, salt)) return RouteByVerdicts(scope);
  const std::uint64_t hash = route_memo.HashOf(joined, salt);
  const FieldMemo::Kept known = route_memo.Find(joined, hash);
  if (known != FieldMemo::kUnknown) return *numbered[route_memo.Held(known).front()];
  ClassState& found = RouteByVerdicts(scope);
  route_memo.Keep(joined, hash, {&found.number, 1});
  return found;
}

// Puts the scope and, of each routing field, kind, size and bytes side by side; gives their size, 0
// where they are too long or a field has several values.
std::size_t Matcher::Impl::JoinRouting(InputScope scope) noexcept {
  char* to = joined_routing.data();
  const char* const end = to + joined_routing.size();
  std::memcpy(to, &scope, sizeof scope);
  to += sizeof scope;
  for (const RouteState& route : routes) {
    RawValue value;
    value.kind = ValueKind::kObject;  // of no scalar: stands for a field that is not there
    const Event::Values values = event->Of(route.field->field);
    if (!values.empty()) {
      auto at = values.begin();
      value = *at;
      if (++at != values.end() || !(value.scalar() || value.kind == ValueKind::kNull)) return 0;
    }
    const auto size = static_cast<std::uint32_t>(value.raw.size());
    if (static_cast<std::size_t>(end - to) < 1 + sizeof size + size) return 0;
    *to++ = static_cast<char>(value.kind);
    std::memcpy(to, &size, sizeof size);
    to = std::copy(value.raw.begin(), value.raw.end(), to + sizeof size);
  }
  return static_cast<std::size_t>(to - joined_routing.data());
}

ClassState& Matcher::Impl::RouteByVerdicts(InputScope scope) {
  route_key.back() = scope;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto verdict = VerdictOn(routes[i]);
    if (!verdict) return StateOf(set.classes->Unfolded(scope));
    route_key[i] = *verdict;
  }
  if (ClassState* const known = by_key.Find(route_key)) return *known;
  held.clear();
  for (std::size_t i = 0; i < routes.size(); ++i) {
    for (const PredicateId number : routes[i].verdicts[route_key[i]]) {
      held.push_back(routes[i].field->predicates[number]);
    }
  }
  std::sort(held.begin(), held.end());
  ClassState& found = StateOf(set.classes->Get(scope, held));
  by_key.Keep(route_key, &found);
  return found;
}

ClassState& Matcher::Impl::StateOf(const SignatureClass& cls) {
  auto& found = states[&cls];
  if (found != nullptr) return *found;
  for (const FieldPlan& plan : cls.plans) {
    FAULTLINE_CHECK(plan.literals.Prepare(hs_scratch).has_value());
    if (plan.cover != nullptr) FAULTLINE_CHECK(plan.cover->Prepare(hs_scratch).has_value());
  }
  found = std::make_unique<ClassState>(&cls, static_cast<std::uint32_t>(numbered.size()), options,
                                       &budget, seed);
  numbered.push_back(found.get());
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
  ScanEager();
  Trigger();
  candidates += in.triggered.size();
  FetchTriggered();
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
  if (measured) {
    for (const PredicateId id : in.truth.set()) ++in.seen.data()[id];
  }
  in.CountEvent();
  in.triggered.assign(in.always.begin(), in.always.end());
  const std::uint32_t* const first = in.first_waiting.data();
  for (const PredicateId id : in.truth.set()) {
    for (std::uint32_t at = first[id]; at < first[id + 1]; ++at) {
      const std::uint32_t member = in.waiting.data()[at];
      if (std::exchange(in.marks.data()[member], epoch) != epoch) in.triggered.push_back(member);
    }
  }
}

// Rules are too many to stay in the nearest cache: what all wait for is asked for at once.
void Matcher::Impl::FetchTriggered() const noexcept {
  const SignatureClass& cls = *state->cls;
  for (const std::uint32_t member : state->triggered) {
    __builtin_prefetch(cls.members.data() + member);
  }
  for (const std::uint32_t member : state->triggered) {
    __builtin_prefetch(&cls.pool[cls.members.data()[member].condition]);
  }
}

bool Matcher::Impl::Holds(ExprId id) noexcept {
  const ExprPool& pool = state->cls->pool;
  const Expr& expr = pool[id];
  const auto holds = [this](ExprId child) { return Holds(child); };
  const auto leaf_holds = [this](const ExprPool::Target& leaf) { return HoldsEagerly(leaf); };
  switch (expr.op) {
    case Expr::Op::kConstant: return expr.value != 0;
    case Expr::Op::kPredicate:
      return expr.lazy ? HoldsLazily(expr.first, expr.value)
                       : HoldsEagerly({expr.value, expr.first});
    case Expr::Op::kNot: return !Holds(expr.value);
    case Expr::Op::kAnd: {
      const auto leaves = pool.leaves(expr);
      const auto rest = pool.children(expr).subspan(leaves.size());
      return std::all_of(leaves.begin(), leaves.end(), leaf_holds) &&
             std::all_of(rest.begin(), rest.end(), holds);
    }
    case Expr::Op::kOr: {
      const auto leaves = pool.leaves(expr);
      const auto rest = pool.children(expr).subspan(leaves.size());
      return std::any_of(leaves.begin(), leaves.end(), leaf_holds) ||
             std::any_of(rest.begin(), rest.end(), holds);
    }
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

bool Matcher::Impl::HoldsEagerly(const ExprPool::Target& leaf) noexcept {
  if (state->fields.data()[leaf.plan].scanned != epoch) Scan(leaf.plan);
  return state->truth.Test(leaf.id);
}

// Of a value that is kept the answer is known from the second time on.
bool Matcher::Impl::HoldsLazily(std::uint32_t plan, PredicateId id) noexcept {
  if (state->known.Test(id)) return state->truth.Test(id);
  state->known.Set(id);
  const FieldPlan& asked = state->cls->plans.data()[plan];
  const std::uint32_t number = id - asked.first_lazy;
  const LazyPredicate& predicate = *asked.lazy.data()[number];
  if (predicate.field_ref() != nullptr) return HoldsReference(plan, id, *predicate.field_ref());
  FieldMemo& memo = state->memos.data()[plan];
  const PreparedField& field = state->fields.data()[plan];
  if (field.scanned != epoch && memo.on() && asked.field != kKeywordField) Scan(plan);
  const std::vector<PredicateId>& needed = asked.needed.data()[number];
  if (!needed.empty() && field.scanned == epoch &&
      std::none_of(needed.begin(), needed.end(),
                   [this](PredicateId part) { return state->truth.Test(part); })) {
    return false;
  }
  bool holds = false;
  const bool kept = field.scanned == epoch && field.kept != FieldMemo::kUnknown;
  if (const auto answer = kept ? memo.Answer(field.kept, number) : std::nullopt) {
    holds = *answer;
  } else {
    const std::uint64_t limits_before = regex_scratch.limits_hit();
    holds = AskLazily(plan, id, predicate);
    // A limit is counted, and told, each time.
    if (kept && regex_scratch.limits_hit() == limits_before) {
      memo.Note(field.kept, number, static_cast<std::uint32_t>(asked.lazy.size()), holds);
    }
  }
  if (holds) state->truth.Set(id);
  return holds;
}

bool Matcher::Impl::HoldsReference(std::uint32_t plan, PredicateId id,
                                   const FieldRefTest& test) noexcept {
  CollectTexts(test.other(), other_texts);
  const FieldRefTest::Answer answer = test.Ask(TextsOf(plan), other_texts, fold_buffer);
  if (answer == FieldRefTest::Answer::kTooMuch) regex_scratch.CountLimit();
  if (answer == FieldRefTest::Answer::kYes) state->truth.Set(id);
  return answer == FieldRefTest::Answer::kYes;
}

bool Matcher::Impl::AskLazily(std::uint32_t plan, PredicateId id,
                              const LazyPredicate& predicate) noexcept {
  if (!std::exchange(state->prepared.data()[id], true)) {
    FAULTLINE_CHECK(predicate.Prepare(regex_scratch).has_value());
  }
  const std::vector<TextView>& texts = TextsOf(plan);
  return std::any_of(texts.begin(), texts.end(),
                     [&](const TextView& text) { return predicate.Holds(text, regex_scratch); });
}

// Asks all memos at once: what one waits for from memory comes while the next is hashed.
void Matcher::Impl::ScanEager() noexcept {
  measured = state->Measured();
  lookups.clear();
  for (const std::uint32_t plan : state->eager) {
    if (measured) {
      ++state->scans.data()[plan];
    } else if (state->sieves.data()[plan] != nullptr && RulesOut(plan)) {
      continue;
    }
    const RawValue* const value = Open(plan);
    if (value == nullptr) continue;
    const FieldMemo& memo = state->memos.data()[plan];
    const std::uint64_t hash = memo.HashOf(*value, salt);
    memo.Fetch(hash);
    lookups.push_back({plan, *value, hash});
  }
  for (const Asked& one : lookups) state->memos.data()[one.plan].FetchRecord(one.hash);
  for (const Asked& one : lookups) ScanMemoised(one.plan, one.value, one.hash, measured);
}

// Whether nothing that a signature waits for stands in a field: what else it holds is answered when asked.
bool Matcher::Impl::RulesOut(std::uint32_t plan) noexcept {
  if (maybe_invalid || event == nullptr) return false;
  const Event::Values values = event->Of(state->cls->plans.data()[plan].field);
  if (values.empty()) return false;
  auto at = values.begin();
  const RawValue& first = *at;
  return ++at == values.end() && first.kind == ValueKind::kString &&
         state->RulesOut(plan, first.raw, event->hidden_ascii());
}

// Answers all literal predicates of a field at once.
void Matcher::Impl::Scan(std::uint32_t number) noexcept {
  PreparedField& field = state->fields.data()[number];
  if (field.idle == epoch) {
    field.scanned = epoch;
    SetHeld(number, field.kept);
    return;
  }
  state->MissedBySieve(number);
  const RawValue* const value = Open(number);
  if (value == nullptr) return;
  ScanMemoised(number, *value, state->memos.data()[number].HashOf(*value, salt), true);
}

// Answers them but for a single value that the memo may know, which is returned.
const RawValue* Matcher::Impl::Open(std::uint32_t number) noexcept {
  const FieldPlan& plan = state->cls->plans.data()[number];
  state->fields.data()[number].scanned = epoch;
  state->fields.data()[number].kept = FieldMemo::kUnknown;
  Truth& truth = state->truth;
  const auto set_if_asked = [&truth](PredicateId id) {
    if (id != kNoPredicate) truth.Set(id);
  };
  if (plan.field == kKeywordField) {
    ScanLeaves(plan);
    return nullptr;
  }
  const Event::Values values = event == nullptr ? Event::Values() : event->Of(plan.field);
  if (values.empty()) {
    set_if_asked(plan.null);
    return nullptr;
  }
  set_if_asked(plan.exists);
  auto at = values.begin();
  const RawValue& first = *at;
  if (++at == values.end() && first.scalar()) {
    set_if_asked(plan.present);
    if (measured && first.raw.size() >= ValueSieve::kShortestValue) ++state->longs.data()[number];
    if (!maybe_invalid && state->memos.data()[number].Takes(first, salt)) return &first;
    ScanOnly(number, first);
    return nullptr;
  }
  for (const RawValue& value : values) {
    set_if_asked(value.kind == ValueKind::kNull ? plan.null : plan.present);
    if (value.scalar()) ScanOne(plan, value);
  }
  return nullptr;
}

void Matcher::Impl::ScanOne(const FieldPlan& plan, const RawValue& value) noexcept {
  plan.literals.Scan(ViewOf(value), value.kind, hs_scratch, number_buffer, state->truth);
}

// The only value of a field: its text is there for whoever asks for it next.
void Matcher::Impl::ScanOnly(std::uint32_t number, const RawValue& value) noexcept {
  PreparedField& field = state->fields.data()[number];
  field.decoded = epoch;
  field.texts.assign(1, ViewOf(value));
  state->cls->plans.data()[number].literals.Scan(field.texts.front(), value.kind, hs_scratch,
                                                 number_buffer, state->truth);
}

// What nobody waits for is left in the memo until somebody asks, unless it is `wanted`.
void Matcher::Impl::ScanMemoised(std::uint32_t number, const RawValue& value, std::uint64_t hash,
                                 bool wanted) noexcept {
  FieldMemo& memo = state->memos.data()[number];
  PreparedField& field = state->fields.data()[number];
  field.kept = memo.Find(value, hash);
  if (field.kept == FieldMemo::kUnknown) {
    const std::size_t before = state->truth.set().size();
    ScanOnly(number, value);
    field.kept = memo.Keep(value, hash, state->truth.set(before));
  } else if (!wanted && state->Idle(number, field.kept)) {
    field.idle = epoch;
    field.scanned = 0;
  } else {
    SetHeld(number, field.kept);
  }
}

void Matcher::Impl::SetHeld(std::uint32_t number, FieldMemo::Kept kept) noexcept {
  for (const PredicateId id : state->memos.data()[number].Held(kept)) state->truth.Set(id);
}

void Matcher::Impl::ScanLeaves(const FieldPlan& plan) noexcept {
  if (event != nullptr && plan.cover != nullptr && !maybe_invalid &&
      !plan.cover->MayHold(*event, arena, hs_scratch.get())) {
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
  text.raw = value.raw;
  if (value.kind == ValueKind::kString && value.raw.find('\\') != value.raw.npos) {
    char* const decoded = arena.Room(value.raw.size() + kDecodeSlack);
    text.raw = arena.Take(DecodeEscapes(value.raw, decoded));
  }
  switch (FoldAscii(text.raw, arena.Room(text.raw.size()))) {
    case AsciiFolding::kSame:
      text.folded = text.raw;
      text.ascii = true;
      break;
    case AsciiFolding::kFolded:
      text.folded = arena.Take(text.raw.size());
      text.ascii = true;
      break;
    case AsciiFolding::kNotAscii: {
      text.folded = Fold(text.raw, fold_buffer);
      if (text.folded.data() == fold_buffer.data()) text.folded = arena.Keep(text.folded);
      text.valid_utf8 = !maybe_invalid || IsValidUtf8(text.raw);
    }
  }
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
  impl_->Begin(event);
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

// All values of the field as one text.
TextView Matcher::Impl::Joined(FieldId field, std::string_view separator) {
  std::string all;
  TextView text;
  for (const RawValue& value : event->Of(field)) {
    if (!value.scalar()) continue;
    const TextView one = ViewOf(value);
    if (text.raw.data() != nullptr) all += separator;
    all += one.raw;
    text.raw = one.raw;
    text.valid_utf8 = text.valid_utf8 && one.valid_utf8;
  }
  text.raw = arena.Keep(all);
  return text;
}

// The value under `name`: had already, else the first of the event's field.
std::optional<std::string> Matcher::Impl::NamedIn(const std::vector<NamedValue>& had,
                                                  std::string_view name) {
  for (const NamedValue& value : had) {
    if (value.name == name) return value.value;
  }
  const FieldId id = set.fields.Find(name);
  if (id == kNoNode) return std::nullopt;
  for (const RawValue& value : event->Of(id)) {
    if (value.scalar()) return std::string(Decode(value, decode_buffer));
  }
  return std::nullopt;
}

// In place of what has the name already.
void Put(std::string_view name, std::string value, std::vector<NamedValue>& out) {
  const auto had = std::find_if(out.begin(), out.end(),
                                [name](const NamedValue& other) { return other.name == name; });
  if (had == out.end()) {
    out.push_back({std::string(name), std::move(value)});
  } else {
    had->value = std::move(value);
  }
}

// What the names of a detection's computed fields stand for: what was taken so far, else the event.
class Matcher::Impl::Names final : public sigma::ExprEnvironment {
 public:
  Names(Impl* impl, const std::vector<NamedValue>& taken) : impl_(impl), taken_(taken) {}

  [[nodiscard]] sigma::ExprValue Read(const sigma::ExprName& name) const override {
    std::optional<std::string> text = impl_->NamedIn(taken_, name.field);
    if (!text) return sigma::ExprAbsent{};
    return std::move(*text);
  }
  [[nodiscard]] std::int64_t CountTimes(std::uint32_t, EventTime, EventTime) const override {
    return 0;  // detections have no registers
  }

 private:
  Impl* impl_;
  const std::vector<NamedValue>& taken_;
};

void Matcher::Impl::Compute(const std::string& name, const sigma::Expression& expression,
                            std::vector<NamedValue>& out) {
  const sigma::ExprValue value = expression.Evaluate(Names(this, out));
  if (std::holds_alternative<sigma::ExprAbsent>(value)) return;
  if (std::holds_alternative<sigma::ExprError>(value)) return;
  Put(name, sigma::ToText(value), out);
}

void Matcher::Impl::LookUp(const sigma::Lookup& lookup, std::vector<NamedValue>& out) {
  const std::optional<std::string> key = NamedIn(out, lookup.from);
  const std::string* const found = key ? lookup.rows->Find(*key, lookup.column) : nullptr;
  if (found != nullptr) {
    Put(lookup.field, *found, out);
  } else if (lookup.otherwise == sigma::Lookup::Default::kText) {
    Put(lookup.field, lookup.text, out);
  } else if (lookup.otherwise == sigma::Lookup::Default::kFrom && key) {
    Put(lookup.field, *key, out);
  }
}

void Matcher::Capture(std::uint32_t rule, const Event& event, std::vector<NamedValue>& out) {
  Impl& impl = *impl_;
  impl.Begin(event);
  for (const CompiledCapture& capture : impl.set.captures[rule]) {
    if (capture.join()) {
      const TextView text = impl.Joined(capture.field(), *capture.join());
      (void)capture.Take(text, impl.regex_scratch, out);
      continue;
    }
    for (const RawValue& value : event.Of(capture.field())) {
      if (value.scalar() && capture.Take(impl.ViewOf(value), impl.regex_scratch, out)) break;
    }
  }
  const sigma::DetectionRule& source = impl.set.rules.detections[rule];
  for (const auto& [name, expression] : source.fields) impl.Compute(name, expression, out);
  for (const sigma::Lookup& lookup : source.lookups) impl.LookUp(lookup, out);
}

void Matcher::Texts(std::string_view field, const Event& event, std::vector<std::string>& out) {
  const FieldId id = impl_->set.fields.Find(field);
  if (id == kNoNode) return;
  for (const RawValue& value : event.Of(id)) {
    if (value.scalar()) out.emplace_back(Decode(value, impl_->decode_buffer));
  }
}

std::span<const std::uint32_t> Matcher::filtered() const noexcept { return impl_->filtered; }

std::uint64_t Matcher::candidates() const noexcept { return impl_->candidates; }
std::uint64_t Matcher::regex_fallbacks() const noexcept { return impl_->regex_scratch.fallbacks(); }
std::uint64_t Matcher::regex_limits_hit() const noexcept {
  return impl_->regex_scratch.limits_hit();
}

}  // namespace faultline
