// SPDX-License-Identifier: Apache-2.0
#include "matcher/engine.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "matcher/correlate/correlator.h"
#include "matcher/correlate/hit_codec.h"
#include "matcher/correlate/key.h"
#include "matcher/correlate/reorder_buffer.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/correlate/watermark.h"
#include "matcher/event/text.h"
#include "matcher/event/timestamp.h"
#include "matcher/flood_guard.h"

namespace faultline {
namespace {

using std::chrono::nanoseconds;

std::string Slice(std::string_view text) { return std::string(text.substr(0, kEventSliceBytes)); }

// Hits wait and windows remember: of a very long text they keep the beginning and a hash of all of it,
// so that different texts stay different.
void Shorten(std::string& text) {
  if (text.size() <= kEventSliceBytes) return;
  const std::string hash = DigestBuilder().Add(text).Finish().Hex();
  std::size_t end = kEventSliceBytes - hash.size() - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;  // a whole character
  text.resize(end);
  text.append("#").append(hash);
  text.shrink_to_fit();
}

std::vector<std::string> Oddities(const EventFlags& flags, bool substituted) {
  std::vector<std::string> names;
  if (flags.invalid_utf8) names.emplace_back("invalid_utf8");
  if (flags.duplicate_key) names.emplace_back("duplicate_key");
  if (flags.byte_order_mark) names.emplace_back("byte_order_mark");
  if (flags.lone_surrogate) names.emplace_back("lone_surrogate");
  if (flags.big_number) names.emplace_back("big_number");
  if (substituted) names.emplace_back("substituted_time");
  return names;
}

std::string MessageFor(WalkFault fault, std::size_t bytes, const Walker::Options& limits) {
  switch (fault) {
    case WalkFault::kNotObject: return "the record is JSON, but no object and no array of objects";
    case WalkFault::kTooDeep: return "nested deeper than " + std::to_string(limits.max_depth);
    case WalkFault::kTooManyFields:
      return "more than " + std::to_string(limits.max_fields) + " fields";
    case WalkFault::kTooLarge:
      return std::to_string(bytes) + " bytes, above max_event_bytes of " +
             std::to_string(limits.max_bytes);
    case WalkFault::kBadEscape: return "a string holds an escape that JSON does not know";
    case WalkFault::kMalformed:
    case WalkFault::kNone: break;
  }
  return "not JSON";
}

std::string TraceparentOf(const Record& record) {
  if (record.details == nullptr) return {};
  for (const Header& header : record.details->Headers()) {
    if (header.name == "traceparent" && header.value) return *header.value;
  }
  return {};
}

// The same rules under a count of their own: each alert shares them, and a count that all workers share
// would have them wait for each other.
std::shared_ptr<const RuleSet> CountedApart(std::shared_ptr<const RuleSet> rules) {
  const RuleSet* set = rules.get();
  return {std::make_shared<std::shared_ptr<const RuleSet>>(std::move(rules)), set};
}

Correlator::Options CorrelatorOptions(const Engine::Options& options, const RuleSet& rules) {
  Correlator::Options chosen;
  chosen.limits.max_keys = options.max_keys;
  chosen.limits.max_bytes =
      options.max_state_bytes / std::max<std::size_t>(rules.correlations().size(), 1);
  chosen.incidents.max_open = options.max_keys;
  chosen.incidents.max_per_rule = options.max_alerts_per_rule;
  chosen.incidents.update_every = options.update_every;
  return chosen;
}

// A state file: magic with its version, checksum of the rest; then where the frontier stood, all that
// the correlators keep, and what floods have hidden.
constexpr std::string_view kStateMagic = "FLSTATE2";

}  // namespace

const std::vector<std::string>& DefaultTimestamps() {
  static const std::vector<std::string> names = {"@timestamp", "TimeCreated", "EventTime",
                                                 "timestamp", "time"};
  return names;
}

struct Engine::Impl {
  // A source and how far it was read.
  struct Source {
    Source(SourceName the_name, const InputOptions& options)
        : name(std::move(the_name)),
          input(options),
          clock({options.lateness, options.max_future, options.idle_after}) {}

    SourceName name;
    InputOptions input;
    SourceClock clock;
    std::vector<FieldId> timestamps;
    InputScope scope = kUndeclared;
    // Journalled returns from idleness: from that offset on, hits below that frontier are late.
    std::map<std::int64_t, OrderPoint> returns;
    FloodGuard::Lane* flood = nullptr;     // the engine's; never null
    EventTime resumed = EventTime::Min();  // the frontier when it last came back from idleness
    std::int64_t next = 0;                 // the next record to read
    std::int64_t below = 0;                // P: nothing below is emitted again
    bool idle = false;
  };

  // One event on its way: what its hits and alerts have in common.
  struct Arrival {
    const Record* record;
    const Source* source;
    const Event* event;  // null for a record that is no JSON
    std::string_view text;
    std::uint32_t index;
    SourceClock::Verdict when;
    std::optional<EventTime> highest;  // of the source, before the record
    bool again;                        // below P: heard before, nothing is emitted
  };

  Impl(std::shared_ptr<const RuleSet> the_rules, const Options& the_options)
      : options(the_options),
        rules(CountedApart(std::move(the_rules))),
        walker(&rules->fields()),
        matcher(rules, options.matching),
        correlator(rules, CorrelatorOptions(options, *rules)),
        floods(options.match_only ? 0 : options.max_alerts_per_rule),
        stats(options.stats ? options.stats : std::make_shared<EngineStats>()),
        counters(stats->engine) {
    PrepareRules();
  }

  void PrepareRules();
  void Prepare(Source& source);  // for the rules as they are now
  Source& Arrive(const Record& record, Output& out);
  std::optional<EventTime> OwnTime(const Source& source, const Event& event);
  SourceClock::Verdict Date(Source& source, const Record& record, const Event& event,
                            const ReadEdge& edge, Output& out);
  void KeepDamaged(const Record& record, Source& source, WalkFault fault, Output& out);
  void CountFault(WalkFault fault);
  void CountOddities(const EventFlags& flags);
  void CountLateness(const SourceClock::Verdict& when);
  void Emit(std::span<const std::uint32_t> matched, const Arrival& arrival, Output& out);
  void TellMatch(Hit hit, const Source& source, Output& out);
  Hit HitOf(std::uint32_t rule, const Arrival& arrival);
  [[nodiscard]] const OrderPoint& BarOf(const Source& source, std::int64_t offset) const;
  void Offer(Hit hit, const Arrival& arrival, Output& out);
  void TellLate(const Hit& hit, const char* cause, nanoseconds by, Output& out);

  [[nodiscard]] bool AllIdle() const;
  [[nodiscard]] bool BelowP() const;
  [[nodiscard]] EventTime LowestLiveWatermark() const;
  void Advance(Output& out);
  void Release(EventTime goal, Output& out);
  void CountCorrelations();
  [[nodiscard]] static EventTime ReachedBy(const Source& source);
  void EndFloods(Source& source, EventTime reached, Output& out);
  void TellFloods(const std::vector<FloodGuard::Flood>& ended, Output& out);

  Options options;
  std::shared_ptr<const RuleSet> rules;  // CountedApart
  Walker walker;
  Matcher matcher;
  Correlator correlator;
  std::vector<std::vector<std::string>> hit_fields;  // per detection: what its hits must bring
  std::vector<std::optional<Source>> sources;        // index = SourceId; nothing: removed
  FloodGuard floods;
  ReorderBuffer waiting;
  OrderPoint frontier = OrderPoint::Before(EventTime::Min());  // up to it everything has acted
  // Only a source whose watermark it has not passed can let it go on. Not so while one is read again, and
  // once sources have come, gone or returned.
  bool settled = false;
  std::optional<nanoseconds>
      idle_at;  // steady time up to which the idle clock has moved the frontier
  std::shared_ptr<EngineStats> stats;
  EngineCounters& counters;                  // of stats
  std::vector<RuleCounters*> rule_counters;  // of stats: detections first, then correlations
  std::vector<Counter*> filter_counters;     // of stats
  // Of the matchers and correlators that Reload replaced.
  std::uint64_t candidates_before = 0, fallbacks_before = 0, limits_before = 0;
  Correlator::Numbers told_before;
  std::string buffer;
  std::vector<std::string> texts;  // of one field
  std::vector<Notice> notices;
};

// ---------------------------------------------------------------------------------------- rules

void Engine::Impl::PrepareRules() {
  const auto& detections = rules->detections();
  hit_fields.assign(detections.size(), {});
  for (std::uint32_t rule = 0; rule < detections.size(); ++rule) {
    std::set<std::string> names(detections[rule].hit_fields.begin(),
                                detections[rule].hit_fields.end());
    for (const sigma::ExprName& name : sigma::NamesOf(detections[rule].texts)) {
      if (name.kind == sigma::ExprName::Kind::kEvent) names.insert(name.field);
    }
    hit_fields[rule].assign(names.begin(), names.end());
  }
  rule_counters.clear();
  const auto count = [this](const sigma::Metadata& meta) {
    rule_counters.push_back(stats->Of(IdentityOf(meta), meta.level));
  };
  for (const auto& rule : detections) count(rule.meta);
  for (const auto& rule : rules->correlations()) count(rule.meta);
  filter_counters.clear();
  for (const auto& filter : rules->filters()) {
    filter_counters.push_back(stats->OfFilter(IdentityOf(filter.meta)));
  }
}

void Engine::Impl::Prepare(Source& source) {
  source.scope = matcher.ScopeOf(source.input.logsource);
  const auto& names = source.input.timestamp.empty() ? DefaultTimestamps() : source.input.timestamp;
  source.timestamps.clear();
  for (const std::string& name : names) {
    const FieldId field = rules->fields().Find(name);
    if (field != kNoNode) source.timestamps.push_back(field);
  }
}

// ---------------------------------------------------------------------------------------- arrival

Engine::Impl::Source& Engine::Impl::Arrive(const Record& record, Output& out) {
  FAULTLINE_CHECK(record.source < sources.size() && sources[record.source]);
  Source& source = *sources[record.source];
  if (record.offset >= source.below) {
    counters.records.Add();
    counters.bytes.Add(static_cast<std::int64_t>(record.payload.size()));
    if (source.idle) {  // live again, before this record is judged
      source.idle = false;
      settled = false;
      idle_at.reset();  // the idle clock starts anew when all are idle again
      counters.returns.Add();
      source.resumed = std::max(source.resumed, frontier.time);
      JournalEntry entry;
      entry.kind = JournalEntry::Kind::kReturn;
      entry.source = source.name;
      entry.offset = record.offset;
      entry.domain = options.domain;
      entry.frontier = frontier;
      out.journal.push_back(std::move(entry));
    }
  }
  source.next = record.offset + 1;
  source.clock.Forget(record.offset);
  const auto after = source.returns.upper_bound(record.offset);
  if (after != source.returns.begin()) {
    source.resumed = std::max(source.resumed, std::prev(after)->second.time);
  }
  return source;
}

std::optional<EventTime> Engine::Impl::OwnTime(const Source& source, const Event& event) {
  for (const FieldId field : source.timestamps) {
    for (const RawValue& value : event.Of(field)) {
      if (value.kind != ValueKind::kString && value.kind != ValueKind::kNumber) continue;
      const auto time = ParseTimestamp(Decode(value, buffer), source.input.zone);
      if (time) return time;
    }
  }
  return std::nullopt;
}

SourceClock::Verdict Engine::Impl::Date(Source& source, const Record& record, const Event& event,
                                        const ReadEdge& edge, Output& out) {
  const bool again = record.offset < source.below;
  const auto own = OwnTime(source, event);
  const SourceClock::Verdict when = source.clock.Take(
      {record.offset, event.index(), own, record.timestamp_kind, record.timestamp},
      again ? std::nullopt : edge.now, edge.steady);
  if (when.by_clock) {
    JournalEntry entry;
    entry.source = source.name;
    entry.offset = record.offset;
    entry.index = event.index();
    entry.time = when.time;
    out.journal.push_back(std::move(entry));
  }
  if (again) return when;
  counters.events.Add();
  if (!own) counters.unparsable_times.Add();
  if (when.substituted) counters.substituted.Add();
  CountOddities(event.flags());
  CountLateness(when);
  return when;
}

void Engine::Impl::CountOddities(const EventFlags& flags) {
  if (flags.invalid_utf8) counters.flags_invalid_utf8.Add();
  if (flags.duplicate_key) counters.flags_duplicate_key.Add();
  if (flags.byte_order_mark) counters.flags_byte_order_mark.Add();
  if (flags.lone_surrogate) counters.flags_lone_surrogate.Add();
  if (flags.big_number) counters.flags_big_number.Add();
}

void Engine::Impl::CountLateness(const SourceClock::Verdict& when) {
  if (when.late_by.count() > counters.lateness_needed_nanos.value()) {
    counters.lateness_needed_nanos.Set(when.late_by.count());
  }
  if (!when.late) return;
  counters.late_events.Add();
  counters.late_nanos_sum.Add(when.late_by.count());
  const std::pair<nanoseconds, Counter*> buckets[] = {
      {std::chrono::seconds(10), &counters.late_le_10s},
      {std::chrono::minutes(1), &counters.late_le_1m},
      {std::chrono::minutes(10), &counters.late_le_10m},
      {std::chrono::hours(1), &counters.late_le_1h},
      {std::chrono::hours(24), &counters.late_le_1d}};
  for (const auto& [bound, counter] : buckets) {
    if (when.late_by <= bound) return counter->Add();
  }
  counters.late_more.Add();
}

void Engine::Impl::CountFault(WalkFault fault) {
  switch (fault) {
    case WalkFault::kNone: return;
    case WalkFault::kMalformed: return counters.invalid_json.Add();
    case WalkFault::kNotObject: return counters.invalid_not_object.Add();
    case WalkFault::kTooDeep: return counters.invalid_depth.Add();
    case WalkFault::kTooManyFields: return counters.invalid_fields.Add();
    case WalkFault::kTooLarge: return counters.invalid_size.Add();
    case WalkFault::kBadEscape: return counters.invalid_escape.Add();
  }
}

// No event: a dead letter; the keyword rules look at the raw bytes all the same. The time is the
// record's, or the source's highest so far: it moves no watermark.
void Engine::Impl::KeepDamaged(const Record& record, Source& source, WalkFault fault, Output& out) {
  const bool again = record.offset < source.below;
  if (!again) {
    CountFault(fault);
    out.dead_letter = DeadLetter{std::string(ToString(fault)),
                                 MessageFor(fault, record.payload.size(), source.input.walk)};
  }
  Arrival arrival{&record, &source, nullptr, record.payload, 0, {}, source.clock.highest(), again};
  arrival.when.time = record.timestamp_kind != TimestampKind::kNone
                          ? record.timestamp
                          : source.clock.highest().value_or(EventTime{});
  arrival.when.late = arrival.when.time < source.clock.watermark();
  arrival.when.substituted = true;
  const std::string_view scanned = record.payload.substr(0, source.input.walk.max_bytes);
  Emit(matcher.MatchRaw(scanned, source.scope), arrival, out);
}

// ---------------------------------------------------------------------------------------- matches

// match -> alert, hit, or both
void Engine::Impl::Emit(std::span<const std::uint32_t> matched, const Arrival& arrival,
                        Output& out) {
  std::uint32_t ordinal = 0;
  for (const std::uint32_t filter : matcher.filtered()) {
    if (!arrival.again) filter_counters[filter]->Add();
  }
  for (const std::uint32_t rule : matched) {
    if (!arrival.again) rule_counters[rule]->matches.Add();
    const bool hit_wanted = !options.match_only && correlator.Refers(rule);
    const bool alert_wanted =
        (options.match_only || !rules->detections()[rule].silent) && !arrival.again;
    if (!hit_wanted && !alert_wanted) continue;
    Hit hit = HitOf(rule, arrival);
    if (!hit_wanted) {
      TellMatch(std::move(hit), *arrival.source, out);
      continue;
    }
    if (alert_wanted) TellMatch(hit, *arrival.source, out);
    hit.ordinal = ordinal++;
    Offer(std::move(hit), arrival, out);
  }
}

void Engine::Impl::TellMatch(Hit hit, const Source& source, Output& out) {
  const EventTime highest = source.clock.highest().value_or(EventTime::Min());
  if (!floods.Tells(*source.flood, hit, {ReachedBy(source), highest})) {
    counters.alerts_suppressed.Add();
    return;
  }
  rule_counters[hit.rule]->alerts.Add();
  out.alerts.push_back(AlertOf(rules, std::move(hit)));
}

Hit Engine::Impl::HitOf(std::uint32_t rule, const Arrival& arrival) {
  Hit hit;
  hit.rule = rule;
  hit.time = arrival.when.time;
  hit.origin = {arrival.source->name, arrival.record->offset, arrival.index};
  hit.event = Slice(arrival.text);
  hit.traceparent = TraceparentOf(*arrival.record);
  if (arrival.event == nullptr) {
    hit.flags = Oddities({}, arrival.when.substituted);
    hit.flags.emplace_back("not_json");
    return hit;
  }
  hit.flags = Oddities(arrival.event->flags(), arrival.when.substituted);
  matcher.Capture(rule, *arrival.event, hit.captures);
  for (NamedValue& capture : hit.captures) Shorten(capture.value);
  for (const std::string& name : hit_fields[rule]) {
    texts.clear();
    matcher.Texts(name, *arrival.event, texts);
    HitField field{name, {}};
    for (std::string& text : texts) {  // no more are ever asked for
      if (field.values.size() == kMaxKeysPerHit) break;
      Shorten(text);
      if (std::find(field.values.begin(), field.values.end(), text) == field.values.end()) {
        field.values.push_back(std::move(text));
      }
    }
    if (!field.values.empty()) hit.fields.push_back(std::move(field));
  }
  return hit;
}

void Engine::Impl::TellLate(const Hit& hit, const char* cause, nanoseconds by, Output& out) {
  rule_counters[hit.rule]->late.Add();
  out.late.push_back(
      {IdentityOf(rules->detections()[hit.rule].meta), cause, hit.origin, hit.time, by});
}

// What a hit of that record must lie behind: the frontier, or, in a replay, where the frontier
// stood when the source returned from idleness.
const OrderPoint& Engine::Impl::BarOf(const Source& source, std::int64_t offset) const {
  const auto after = source.returns.upper_bound(offset);
  if (after == source.returns.begin()) return frontier;
  return std::max(frontier, std::prev(after)->second);
}

void Engine::Impl::Offer(Hit hit, const Arrival& arrival, Output& out) {
  if (arrival.when.late) {
    if (!arrival.again) TellLate(hit, "watermark", arrival.when.late_by, out);
    return;
  }
  const OrderPoint point = hit.point();
  const OrderPoint& bar = BarOf(*arrival.source, hit.origin.offset);
  if (!(bar < point)) {  // at or below the frontier nothing enters
    if (!arrival.again && point < bar) {
      counters.late_idle.Add();
      TellLate(hit, "idle", bar.time - hit.time, out);
    }
    return;
  }
  if (!arrival.again) counters.hits.Add();
  if (options.hits_as_bytes) {
    std::optional<Hit> passed = DecodeHit(EncodeHit(hit));
    FAULTLINE_CHECK(passed.has_value());
    hit = std::move(*passed);
  }
  waiting.Push({std::move(hit), arrival.record->source, arrival.highest});
}

// ---------------------------------------------------------------------------------------- release

bool Engine::Impl::AllIdle() const {
  bool any = false;
  for (const auto& source : sources) {
    if (!source) continue;
    if (!source->idle) return false;
    any = true;
  }
  return any;
}

// Some source is still read again: the buffer only fills.
bool Engine::Impl::BelowP() const {
  return std::any_of(sources.begin(), sources.end(),
                     [](const auto& source) { return source && source->next < source->below; });
}

EventTime Engine::Impl::LowestLiveWatermark() const {
  std::optional<EventTime> lowest;
  for (const auto& source : sources) {
    if (!source || source->idle) continue;
    const EventTime watermark = source->clock.watermark();
    lowest = lowest ? std::min(*lowest, watermark) : watermark;
  }
  return lowest.value_or(EventTime::Min());
}

void Engine::Impl::Advance(Output& out) {
  if (BelowP()) return;
  Release(LowestLiveWatermark(), out);
  settled = true;
}

// hit -> window -> alert, for everything before `goal`, in the total order.
void Engine::Impl::Release(EventTime goal, Output& out) {
  const OrderPoint end = OrderPoint::Before(goal);
  if (!(frontier < end)) return;
  bool moved = false;
  while (true) {
    const std::vector<Hit> hits = waiting.PopBefore(end, Correlator::kAtOnce);
    if (hits.empty()) break;
    correlator.Observe(hits, notices);
    frontier = std::max(frontier, hits.back().point());
    moved = true;
  }
  if (correlator.AdvanceTo(goal, notices)) moved = true;
  frontier = std::max(frontier, end);
  for (const Notice& notice : notices) {
    out.alerts.push_back(AlertOf(rules, notice, options.max_evidence));
    rule_counters[rules->detections().size() + notice.correlation]->alerts.Add();
  }
  notices.clear();
  for (auto& source : sources) {  // no record of theirs tells that an hour is over
    if (source && source->idle) EndFloods(*source, goal, out);
  }
  if (moved) CountCorrelations();
}

// The point that the source has passed: its watermark, or where it was overtaken while it was idle.
EventTime Engine::Impl::ReachedBy(const Source& source) {
  return std::max(source.clock.watermark(), source.resumed);
}

void Engine::Impl::EndFloods(Source& source, EventTime reached, Output& out) {
  if (source.flood->Ended(reached)) TellFloods(floods.End(*source.flood, reached), out);
}

void Engine::Impl::TellFloods(const std::vector<FloodGuard::Flood>& ended, Output& out) {
  for (const FloodGuard::Flood& flood : ended) {
    const std::uint32_t rule = flood.last.rule;
    out.alerts.push_back(FloodedAlertOf(rules, flood.last, flood.first, flood.due, flood.hidden));
    rule_counters[rule]->alerts.Add();
  }
}

void Engine::Impl::CountCorrelations() {
  for (const std::uint32_t correlation : correlator.TakeKeyless()) {
    rule_counters[rules->detections().size() + correlation]->no_key.Add();
  }
  for (const std::uint32_t correlation : correlator.TakeNumberless()) {
    rule_counters[rules->detections().size() + correlation]->no_number.Add();
  }
  const Correlator::Numbers numbers = correlator.numbers();
  counters.windows_open.Set(numbers.windows_open);
  counters.window_state_bytes.Set(numbers.state_bytes);
  counters.window_evictions.Set(told_before.evictions + numbers.evictions);
  counters.alerts_suppressed.Set(told_before.suppressed + numbers.suppressed + floods.hidden());
  counters.chains_completed.Set(told_before.edges + numbers.edges);
}

// ---------------------------------------------------------------------------------------- Engine

Engine::Engine(std::shared_ptr<const RuleSet> rules, const Options& options)
    : impl_(std::make_unique<Impl>(std::move(rules), options)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

SourceId Engine::AddSource(const SourceName& name, const InputOptions& input,
                           const SourcePosition* restored,
                           const std::vector<JournalEntry>& journal) {
  Impl::Source source(name, input);
  source.flood = impl_->floods.LaneOf(name);
  impl_->Prepare(source);
  if (restored != nullptr) {
    source.clock.Restore(restored->highest);
    source.next = restored->committed;
    source.below = restored->position;
    source.idle = restored->idle;
    source.resumed = restored->frontier.time;  // beyond the watermark only where it was overtaken
    impl_->frontier = std::max(impl_->frontier, restored->frontier);
  }
  for (const JournalEntry& entry : journal) {
    if (entry.source != name) continue;
    if (entry.kind == JournalEntry::Kind::kSubstitution) {
      source.clock.Remember(entry.offset, entry.index, entry.time);
    } else if (entry.domain == impl_->options.domain) {
      source.returns[entry.offset] = entry.frontier;  // for one offset the last entry counts
    }
  }
  impl_->sources.emplace_back(std::move(source));
  impl_->settled = false;
  return static_cast<SourceId>(impl_->sources.size() - 1);
}

void Engine::RemoveSource(SourceId source) {
  FAULTLINE_CHECK(source < impl_->sources.size());
  impl_->sources[source].reset();
  impl_->settled = false;
  impl_->waiting.Filter(
      [source](const ReorderBuffer::Entry& entry) { return entry.source != source; });
}

// record -> event -> match -> alert, hit -> reorder buffer -> window -> alert
void Engine::Process(const Record& record, const ReadEdge& edge, Output& out) noexcept {
  Impl& e = *impl_;
  Impl::Source& source = e.Arrive(record, out);
  const bool again = record.offset < source.below;
  const std::optional<EventTime> highest = source.clock.highest();
  const EventTime before = source.clock.watermark();
  e.EndFloods(source, source.resumed, out);

  if (record.tombstone) {
    if (!again) e.counters.tombstones.Add();
  } else {
    const WalkFault fault = e.walker.Begin(record.payload, source.input.walk);
    if (fault != WalkFault::kNone) e.KeepDamaged(record, source, fault, out);
    if (fault == WalkFault::kNone && e.walker.blank() && !again) e.counters.blank.Add();
    while (const Event* event = e.walker.Next()) {  // one, but for a root array
      const SourceClock::Verdict when = e.Date(source, record, *event, edge, out);
      const Impl::Arrival arrival{&record,        &source, event,   event->text(),
                                  event->index(), when,    highest, again};
      e.Emit(e.matcher.Match(*event, source.scope), arrival, out);
    }
  }
  e.EndFloods(source, Impl::ReachedBy(source), out);
  const bool holds_up = !e.settled || !(e.frontier.time < before);
  if (!e.options.match_only && holds_up) e.Advance(out);
  e.counters.reorder_buffered.Set(static_cast<std::int64_t>(e.waiting.size()));
  e.counters.prefilter_candidates.Set(
      static_cast<std::int64_t>(e.candidates_before + e.matcher.candidates()));
  e.counters.regex_fallbacks.Set(
      static_cast<std::int64_t>(e.fallbacks_before + e.matcher.regex_fallbacks()));
  e.counters.regex_limits.Set(
      static_cast<std::int64_t>(e.limits_before + e.matcher.regex_limits_hit()));
}

void Engine::AtEnd(SourceId id, std::int64_t next_offset, nanoseconds steady,
                   Output& out) noexcept {
  Impl::Source& source = *impl_->sources[id];
  source.next = std::max(source.next, next_offset);
  source.clock.AtEnd(steady);
  impl_->Advance(out);
}

void Engine::MarkIdle(SourceId id, nanoseconds steady, Output& out) noexcept {
  Impl::Source& source = *impl_->sources[id];
  if (source.idle || source.next < source.below) return;
  source.idle = true;
  if (impl_->AllIdle()) impl_->idle_at = steady;
  impl_->Advance(out);
}

void Engine::Tick(nanoseconds steady, Output& out) noexcept {
  Impl& e = *impl_;
  if (!e.AllIdle() || e.BelowP()) return;
  if (!e.idle_at) e.idle_at = steady;  // restored as idle: the downtime adds nothing
  EventTime base = e.frontier.time;
  for (const auto& source : e.sources) {
    if (source) base = std::max(base, source->clock.watermark());
  }
  const nanoseconds passed = steady - *e.idle_at;
  e.idle_at = steady;
  if (base != EventTime::Min()) e.Release(base + passed, out);
}

void Engine::Finish(Output& out) noexcept {
  impl_->Release(EventTime::Max(), out);
  impl_->TellFloods(impl_->floods.EndAll(), out);
}

void Engine::FinishPart(Output& out) noexcept {
  std::optional<EventTime> highest;
  for (const auto& source : impl_->sources) {
    if (source) highest = std::max(highest, source->clock.highest());
  }
  if (highest) impl_->Release(*highest + nanoseconds(1), out);
}

EventTime Engine::WatermarkOf(SourceId source) const noexcept {
  return impl_->sources[source]->clock.watermark();
}

bool Engine::IdleSource(SourceId source) const noexcept { return impl_->sources[source]->idle; }

bool Engine::Ahead(SourceId id) const noexcept {
  const Impl::Source& source = *impl_->sources[id];
  const EventTime lowest = impl_->LowestLiveWatermark();
  const EventTime mine = source.clock.watermark();
  if (source.idle || mine <= lowest || lowest == EventTime::Min()) return false;
  return mine - lowest > impl_->options.max_skew ||
         impl_->waiting.size() >= impl_->options.max_waiting;
}

EventTime Engine::frontier_time() const noexcept { return impl_->frontier.time; }

std::vector<SourcePosition> Engine::Positions() const {
  std::vector<SourcePosition> positions;
  for (SourceId id = 0; id < impl_->sources.size(); ++id) {
    if (!impl_->sources[id]) continue;
    const Impl::Source& source = *impl_->sources[id];
    const ReorderBuffer::Entry* oldest = impl_->waiting.Oldest(id);
    SourcePosition position;
    position.source = source.name;
    position.committed = oldest != nullptr ? oldest->hit.origin.offset : source.next;
    position.position = std::max(source.next, source.below);
    position.highest = oldest != nullptr ? oldest->highest : source.clock.highest();
    position.idle = source.idle;
    position.frontier = impl_->frontier;
    positions.push_back(std::move(position));
  }
  return positions;
}

std::string Engine::SaveState() const {
  StateWriter body;
  body.Text(impl_->rules->revision());
  Save(impl_->frontier, body);
  body.Text(impl_->correlator.Save(impl_->frontier.time));
  impl_->floods.Save(*impl_->rules, body);
  StateWriter out;
  out.U64(Hash64(body.bytes()));
  return std::string(kStateMagic) + out.bytes() + body.bytes();
}

Result<void> Engine::LoadState(std::string_view bytes) {
  const auto refuse = [](const char* why) {
    return Fail(Fault::kData, why, {}, "take another state file, or start without one");
  };
  if (!bytes.starts_with(kStateMagic)) return refuse("this is no state of faultline");
  bytes.remove_prefix(kStateMagic.size());
  StateReader in(bytes);
  const std::uint64_t checksum = in.U64();
  if (!in.ok() || Hash64(bytes.substr(8)) != checksum) return refuse("the state is damaged");
  const std::string revision = in.Text();
  const OrderPoint frontier = LoadPoint(in);
  const std::string state = in.Text();
  FloodGuard floods = impl_->floods;
  floods.Load(*impl_->rules, in);
  if (!in.ok() || !in.AtEnd() || !impl_->correlator.Load(state)) {
    return refuse("the state does not fit these rules or this version");
  }
  impl_->floods = std::move(floods);
  impl_->frontier = std::max(impl_->frontier, frontier);
  return {};
}

const Correlator& Engine::correlator() const noexcept { return impl_->correlator; }

void Engine::Reload(std::shared_ptr<const RuleSet> rules) {
  Impl& e = *impl_;
  const std::shared_ptr<const RuleSet> old = std::exchange(e.rules, CountedApart(std::move(rules)));
  e.walker = Walker(&e.rules->fields());
  e.candidates_before += e.matcher.candidates();
  e.fallbacks_before += e.matcher.regex_fallbacks();
  e.limits_before += e.matcher.regex_limits_hit();
  e.matcher = Matcher(e.rules, e.options.matching);
  const Correlator::Numbers told = e.correlator.numbers();
  e.told_before.evictions += told.evictions;
  e.told_before.suppressed += told.suppressed;
  e.told_before.edges += told.edges;
  const std::string state = e.correlator.Save(e.frontier.time);
  e.correlator = Correlator(e.rules, CorrelatorOptions(e.options, *e.rules));
  FAULTLINE_CHECK(e.correlator.Load(state));  // what means the same goes on
  StateWriter counted;
  e.floods.Save(*old, counted);
  StateReader counts(counted.bytes());
  e.floods.Load(*e.rules, counts);
  FAULTLINE_CHECK(counts.ok());
  e.PrepareRules();
  for (auto& source : e.sources) {
    if (source) e.Prepare(*source);
  }
  const auto& before = old->detections();
  const auto& now = e.rules->detections();
  e.waiting.Filter([&](ReorderBuffer::Entry& entry) {
    const sigma::DetectionRule& rule = before[entry.hit.rule];
    const auto same = std::find_if(now.begin(), now.end(), [&rule](const auto& candidate) {
      return IdentityOf(candidate.meta) == IdentityOf(rule.meta) &&
             candidate.semantics == rule.semantics;
    });
    if (same == now.end()) return false;
    entry.hit.rule = static_cast<std::uint32_t>(same - now.begin());
    return e.correlator.Refers(entry.hit.rule);
  });
}

const RuleSet& Engine::rules() const noexcept { return *impl_->rules; }
const EngineCounters& Engine::counters() const noexcept { return impl_->stats->engine; }
const std::shared_ptr<EngineStats>& Engine::stats() const noexcept { return impl_->stats; }

RuleCounters* EngineStats::Of(const std::string& rule_id, sigma::Level level) {
  const std::lock_guard lock(mutex_);
  Entry& entry = rules_[rule_id];
  entry.level = level;
  return &entry.counters;
}

Counter* EngineStats::OfFilter(const std::string& filter_id) {
  const std::lock_guard lock(mutex_);
  return &filters_[filter_id];
}

void EngineStats::ForEachFilter(
    const std::function<void(const std::string&, const Counter&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, counter] : filters_) visit(id, counter);
}

void EngineStats::ForEachRule(
    const std::function<void(const std::string&, sigma::Level, const RuleCounters&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : rules_) visit(id, entry.level, entry.counters);
}

}  // namespace faultline
