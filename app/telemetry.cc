// SPDX-License-Identifier: Apache-2.0
#include "app/telemetry.h"

#include <algorithm>
#include <string>
#include <utility>

namespace faultline::app {
namespace {

constexpr double kNanosPerSecond = 1e9;

double Number(const Counter& counter) { return static_cast<double>(counter.value()); }
double Seconds(const Counter& nanos) { return Number(nanos) / kNanosPerSecond; }

void TellReasons(MetricWriter& writer, std::string_view name,
                 std::initializer_list<std::pair<std::string_view, const Counter*>> reasons) {
  for (const auto& [reason, counter] : reasons) {
    writer.Counter(name, {{"reason", reason}}, Number(*counter));
  }
}

// A sum and a count without buckets.
HistogramValue Summed(const Counter& nanos, const Counter& count) {
  HistogramValue value;
  value.counts = {static_cast<std::uint64_t>(count.value())};
  value.sum = Seconds(nanos);
  return value;
}

void TellLateness(const EngineCounters& engine, MetricWriter& writer) {
  HistogramValue late;
  late.bounds = {10, 60, 600, 3600, 86400};
  for (const Counter* const bucket : {&engine.late_le_10s, &engine.late_le_1m, &engine.late_le_10m,
                                      &engine.late_le_1h, &engine.late_le_1d, &engine.late_more}) {
    late.counts.push_back(static_cast<std::uint64_t>(bucket->value()));
  }
  late.sum = Seconds(engine.late_nanos_sum);
  writer.Histogram("late_seconds", {}, late);
  TellReasons(writer, "late_events_total",
              {{"watermark", &engine.late_events}, {"idle", &engine.late_idle}});
}

}  // namespace

void TellEngine(const EngineStats& stats, MetricWriter& writer) {
  const EngineCounters& engine = stats.engine;
  writer.Counter("events_processed_total", {}, Number(engine.events));
  for (const char* const name : {"events_invalid_total", "dead_letters_total"}) {
    TellReasons(writer, name,
                {{"json", &engine.invalid_json},
                 {"not_object", &engine.invalid_not_object},
                 {"depth", &engine.invalid_depth},
                 {"fields", &engine.invalid_fields},
                 {"size", &engine.invalid_size},
                 {"escape", &engine.invalid_escape}});
  }
  TellReasons(writer, "events_invalid_total",
              {{"tombstone", &engine.tombstones}, {"blank", &engine.blank}});
  TellReasons(writer, "event_flags_total",
              {{"invalid_utf8", &engine.flags_invalid_utf8},
               {"duplicate_key", &engine.flags_duplicate_key},
               {"byte_order_mark", &engine.flags_byte_order_mark},
               {"lone_surrogate", &engine.flags_lone_surrogate},
               {"big_number", &engine.flags_big_number}});
  TellLateness(engine, writer);
  writer.Counter("substituted_times_total", {}, Number(engine.substituted));
  writer.Counter("unparsable_times_total", {}, Number(engine.unparsable_times));
  writer.Counter("idle_returns_total", {}, Number(engine.returns));
  writer.Counter("chains_completed_total", {}, Number(engine.chains_completed));
  writer.Counter("prefilter_candidates_total", {}, Number(engine.prefilter_candidates));
  writer.Counter("regex_fallback_total", {}, Number(engine.regex_fallbacks));
  writer.Counter("regex_limits_total", {}, Number(engine.regex_limits));
  writer.Counter("alerts_suppressed_total", {}, Number(engine.alerts_suppressed));
  writer.Gauge("windows_open", {}, Number(engine.windows_open));
  writer.Gauge("window_state_bytes", {}, Number(engine.window_state_bytes));
  writer.Counter("window_evictions_total", {}, Number(engine.window_evictions));
  writer.Gauge("reorder_buffered", {}, Number(engine.reorder_buffered));
  stats.ForEachRule([&writer](const std::string& id, sigma::Level level, const RuleCounters& rule) {
    if (rule.matches.value() > 0) {
      writer.Counter("rule_matches_total", {{"rule_id", id}}, Number(rule.matches));
    }
    if (rule.late.value() > 0) {
      writer.Counter("rule_late_total", {{"rule_id", id}}, Number(rule.late));
    }
    for (const auto& [reason, counter] :
         {std::pair("no_key", &rule.no_key), std::pair("no_number", &rule.no_number)}) {
      if (counter->value() == 0) continue;
      writer.Counter("rule_uncounted_total", {{"rule_id", id}, {"reason", reason}},
                     Number(*counter));
    }
    // At zero where it matters: increase() would miss the first alert of a series that appears with
    // it.
    if (rule.alerts.value() > 0 || level >= sigma::Level::kHigh) {
      writer.Counter("alerts_total", {{"rule_id", id}, {"level", sigma::ToString(level)}},
                     Number(rule.alerts));
    }
  });
  stats.ForEachFilter([&writer](const std::string& id, const Counter& events) {
    writer.Counter("filtered_total", {{"filter_id", id}}, Number(events));
  });
}

void TellWorker(const WorkerView& view, const Clock& clock, MetricWriter& writer) {
  for (const auto& [source, partition] : view.partitions) {
    const std::string number = std::to_string(source.partition);
    const MetricWriter::Labels labels = {{"topic", source.topic}, {"partition", number}};
    writer.Counter("events_consumed_total", labels, Number(partition.records));
    writer.Counter("bytes_consumed_total", labels, Number(partition.bytes));
    writer.Gauge("consumer_lag_messages", labels, Number(partition.lag));
    const EventTime watermark = EventTime::Raw(partition.watermark.value());
    if (watermark.finite()) {
      const auto delay = std::max(clock.Now() - watermark, std::chrono::nanoseconds(0));
      writer.Gauge("watermark_delay_seconds", labels,
                   static_cast<double>(delay.count()) / kNanosPerSecond);
    }
  }
  const WorkerCounters& worker = view.worker;
  writer.Gauge("partitions_owned", {}, static_cast<double>(view.partitions.size()));
  writer.Counter("rebalances_total", {}, Number(worker.rebalances));
  writer.Counter("transactions_total", {{"result", "committed"}}, Number(worker.committed));
  writer.Counter("transactions_total", {{"result", "aborted"}}, Number(worker.aborted));
  writer.Histogram("transaction_seconds", {}, Summed(worker.commit_nanos, worker.committed));
  writer.Counter("producer_replacements_total", {}, Number(worker.producer_rebuilds));
  writer.Counter("windows_lost_total", {{"reason", "memory_only"}}, Number(worker.windows_lost));
  writer.Counter("alerts_delivered_total", {}, Number(worker.alerts_delivered));
  writer.Histogram("detection_latency_seconds", {},
                   Summed(worker.latency_nanos, worker.alerts_delivered));
}

void TellSink(const KafkaSink& sink, MetricWriter& writer) {
  const KafkaSink::Counters& counters = sink.counters();
  TellReasons(writer, "records_dropped_total",
              {{"alert", &counters.dropped_alerts},
               {"dead_letter", &counters.dropped_dead_letters},
               {"late", &counters.dropped_late},
               {"journal", &counters.dropped_journal}});
}

void TellRules(const RuleSet& rules, MetricWriter& writer) {
  writer.Gauge("rules_loaded", {{"kind", "detection"}},
               static_cast<double>(rules.detections().size()));
  writer.Gauge("rules_loaded", {{"kind", "correlation"}},
               static_cast<double>(rules.correlations().size()));
  const auto rejected =
      std::count_if(rules.report().begin(), rules.report().end(),
                    [](const auto& entry) { return entry.state == sigma::RuleState::kRejected; });
  writer.Gauge("rules_rejected", {}, static_cast<double>(rejected));
}

}  // namespace faultline::app
