// SPDX-License-Identifier: Apache-2.0
#include "exporters/metrics.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/check.h"
#include "exporters/escape.h"
#include "exporters/process_stats.h"

namespace faultline {
namespace {

constexpr std::string_view kPrefix = "faultline_";

prometheus::MetricType TypeOf(MetricType type) noexcept {
  switch (type) {
    case MetricType::kCounter: return prometheus::MetricType::Counter;
    case MetricType::kGauge: return prometheus::MetricType::Gauge;
    case MetricType::kHistogram: break;
  }
  return prometheus::MetricType::Histogram;
}

// Prometheus refuses a whole scrape for one label that is not UTF-8.
std::string Utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeUtf8(text, at);
    AppendUtf8(out, point.code);
    at += point.length;
  }
  return out;
}

void AddTo(prometheus::ClientMetric::Histogram& sum, const HistogramValue& value) {
  FAULTLINE_CHECK(value.counts.size() == value.bounds.size() + 1);
  sum.bucket.resize(value.counts.size());
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < value.counts.size(); ++i) {
    cumulative += value.counts[i];
    const bool last = i == value.bounds.size();
    sum.bucket[i].upper_bound = last ? std::numeric_limits<double>::infinity() : value.bounds[i];
    sum.bucket[i].cumulative_count += cumulative;
  }
  sum.sample_count += cumulative;
  sum.sample_sum += value.sum;
}

double Seconds(EventTime time) { return static_cast<double>(time.nanos()) / 1e9; }

}  // namespace

std::string_view ToString(MetricType type) noexcept {
  switch (type) {
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: break;
  }
  return "histogram";
}

const std::vector<MetricSpec>& MetricTable() {
  using enum MetricType;
  static const std::vector<MetricSpec> table = {
      {"faultline_build_info", kGauge, {"version"}, "Always 1; tells the program's version."},
      {"faultline_start_time_seconds", kGauge, {}, "When the program started, since 1970."},
      // consumer
      {"faultline_events_consumed_total", kCounter, {"topic", "partition"}, "Records read."},
      {"faultline_bytes_consumed_total",
       kCounter,
       {"topic", "partition"},
       "Bytes of the values read."},
      {"faultline_events_invalid_total",
       kCounter,
       {"reason"},
       "Records that are no event: malformed, too deep, too large, empty."},
      {"faultline_consumer_lag_messages",
       kGauge,
       {"topic", "partition"},
       "Records between our position and the partition's end."},
      {"faultline_rebalances_total",
       kCounter,
       {},
       "Changes of the partitions that this process owns."},
      {"faultline_partitions_owned", kGauge, {}, "Input partitions that this process owns."},
      {"faultline_transactions_total",
       kCounter,
       {"result"},
       "Transactions by outcome: committed, aborted, indefinite."},
      {"faultline_transaction_seconds",
       kHistogram,
       {},
       "Time from the begin of a transaction to its commit."},
      {"faultline_producer_replacements_total",
       kCounter,
       {},
       "Producers replaced after an error that left the outcome open."},
      // engine
      {"faultline_events_processed_total", kCounter, {}, "Events looked at by the rules."},
      {"faultline_event_flags_total",
       kCounter,
       {"reason"},
       "Events evaluated although something is odd about them, by what it is."},
      {"faultline_rule_matches_total", kCounter, {"rule_id"}, "Events that a rule held for."},
      {"faultline_filtered_total",
       kCounter,
       {"filter_id"},
       "Events that a filter took from a rule that held for them."},
      {"faultline_prefilter_candidates_total",
       kCounter,
       {},
       "Rules that were looked at because something they need was in the event, or because they "
       "need nothing."},
      {"faultline_regex_fallback_total",
       kCounter,
       {},
       "Values for which a regular expression had to be searched with PCRE2."},
      {"faultline_regex_limits_total",
       kCounter,
       {},
       "Searches that reached a limit of regular expressions or of fieldref; they do not match."},
      {"faultline_windows_open", kGauge, {}, "Windows and chains with at least one event."},
      {"faultline_window_state_bytes", kGauge, {}, "Logical bytes that windows and chains take."},
      {"faultline_window_evictions_total",
       kCounter,
       {},
       "Groups, partial chains and observations dropped for want of room."},
      {"faultline_windows_lost_total",
       kCounter,
       {"reason"},
       "Times that open windows were lost, by the cause: memory_only, they live in memory."},
      {"faultline_reorder_buffered", kGauge, {}, "Matches that wait for the watermark."},
      {"faultline_late_events_total",
       kCounter,
       {"reason"},
       "Matches that came too late to be correlated: watermark or idle."},
      {"faultline_rule_late_total", kCounter, {"rule_id"}, "The same by rule."},
      {"faultline_rule_uncounted_total",
       kCounter,
       {"rule_id", "reason"},
       "Events that a correlation could not count: no_key, a group-by field is missing; no_number, "
       "there is none where one is compared."},
      {"faultline_late_seconds", kHistogram, {}, "How much too late they were, in event time."},
      {"faultline_watermark_delay_seconds",
       kGauge,
       {"topic", "partition"},
       "How far the source's watermark is behind the clock."},
      {"faultline_substituted_times_total",
       kCounter,
       {},
       "Events whose time lay in the future and was replaced."},
      {"faultline_unparsable_times_total", kCounter, {}, "Events without a time of their own."},
      {"faultline_idle_returns_total", kCounter, {}, "Times that an idle source came back."},
      {"faultline_chains_completed_total", kCounter, {}, "Correlations and chains that fired."},
      // alerts
      {"faultline_alerts_total", kCounter, {"rule_id", "level"}, "Alerts raised."},
      {"faultline_alerts_suppressed_total",
       kCounter,
       {},
       "Alerts that were not told: suppress, choose, alerts.max_per_rule."},
      {"faultline_alerts_delivered_total",
       kCounter,
       {},
       "Alerts in transactions that are committed."},
      {"faultline_detection_latency_seconds",
       kHistogram,
       {},
       "Time from the deciding event to the commit of its alert."},
      {"faultline_dead_letters_total", kCounter, {"reason"}, "Records sent to dead letters."},
      {"faultline_records_dropped_total",
       kCounter,
       {"reason"},
       "Records that no topic takes, larger than its limit: alert, dead_letter, late, journal."},
      // rules
      {"faultline_rules_loaded", kGauge, {"kind"}, "Active rules: detection or correlation."},
      {"faultline_rules_rejected", kGauge, {}, "Rules that did not load."},
      {"faultline_reloads_total", kCounter, {"result"}, "Reloads of the rules: ok or failed."},
      {"faultline_config_last_reload_success_timestamp_seconds",
       kGauge,
       {},
       "When the rules were last loaded without an error."},
      // process
      {"process_cpu_seconds_total", kCounter, {}, "User and system CPU time spent."},
      {"process_resident_memory_bytes", kGauge, {}, "Resident memory."},
      {"process_virtual_memory_bytes", kGauge, {}, "Virtual memory."},
      {"process_open_fds", kGauge, {}, "Open file descriptors."},
      {"process_max_fds", kGauge, {}, "Most file descriptors that may be open."},
      {"process_start_time_seconds", kGauge, {}, "When the process started, since 1970."},
  };
  return table;
}

struct MetricWriter::Impl {
  struct Family {
    prometheus::MetricFamily out;
    std::map<std::vector<std::string>, std::size_t> series;  // label values to place in out.metric
  };

  std::vector<Family> families{MetricTable().size()};  // in the order of the table

  // The series of `name` with these labels; made when it is not there.
  prometheus::ClientMetric& Series(const std::string& name, MetricType type, Labels labels) {
    const std::vector<MetricSpec>& table = MetricTable();
    const auto spec = std::find_if(table.begin(), table.end(),
                                   [&name](const MetricSpec& s) { return s.name == name; });
    FAULTLINE_CHECK(spec != table.end() && spec->type == type);
    FAULTLINE_CHECK(
        std::equal(labels.begin(), labels.end(), spec->labels.begin(), spec->labels.end(),
                   [](const auto& label, std::string_view n) { return label.first == n; }));
    Family& family = families[static_cast<std::size_t>(spec - table.begin())];
    family.out.name = spec->name;
    family.out.help = spec->help;
    family.out.type = TypeOf(type);
    return Place(family, labels);
  }

  static prometheus::ClientMetric& Place(Family& family, Labels labels) {
    std::vector<std::string> values;
    for (const auto& label : labels) values.push_back(Utf8(label.second));
    const auto [found, fresh] = family.series.try_emplace(values, family.out.metric.size());
    if (!fresh) return family.out.metric[found->second];
    prometheus::ClientMetric& metric = family.out.metric.emplace_back();
    auto value = values.begin();
    for (const auto& label : labels) {
      metric.label.push_back({std::string(label.first), std::move(*value++)});
    }
    return metric;
  }

  void Process(const ProcessStats& stats) {
    const auto gauge = [this](const char* name, std::optional<double> value) {
      if (value) Series(name, MetricType::kGauge, {}).gauge.value = *value;
    };
    if (stats.cpu_seconds) {
      Series("process_cpu_seconds_total", MetricType::kCounter, {}).counter.value =
          *stats.cpu_seconds;
    }
    gauge("process_resident_memory_bytes", stats.resident_bytes);
    gauge("process_virtual_memory_bytes", stats.virtual_bytes);
    gauge("process_open_fds", stats.open_fds);
    gauge("process_max_fds", stats.max_fds);
    gauge("process_start_time_seconds", stats.start_time_seconds);
  }

  [[nodiscard]] std::string Text() && {
    std::vector<prometheus::MetricFamily> all;
    for (Family& family : families) {
      if (!family.out.metric.empty()) all.push_back(std::move(family.out));
    }
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, all);
    return std::move(text).str();
  }
};

MetricWriter::MetricWriter() : impl_(std::make_unique<Impl>()) {}
MetricWriter::~MetricWriter() = default;

void MetricWriter::Counter(std::string_view name, Labels labels, double value) {
  const std::string full = std::string(kPrefix).append(name);
  impl_->Series(full, MetricType::kCounter, labels).counter.value += value;
}

void MetricWriter::Gauge(std::string_view name, Labels labels, double value) {
  const std::string full = std::string(kPrefix).append(name);
  impl_->Series(full, MetricType::kGauge, labels).gauge.value = value;
}

void MetricWriter::Histogram(std::string_view name, Labels labels, const HistogramValue& value) {
  const std::string full = std::string(kPrefix).append(name);
  AddTo(impl_->Series(full, MetricType::kHistogram, labels).histogram, value);
}

Metrics::Metrics(std::string version, EventTime started)
    : version_(std::move(version)), started_(started) {}

void Metrics::Add(Collector collector) {
  const std::lock_guard lock(mutex_);
  collectors_.push_back(std::move(collector));
}

std::string Metrics::Render() const {
  const std::lock_guard lock(mutex_);
  MetricWriter writer;
  writer.Gauge("build_info", {{"version", version_}}, 1);
  writer.Gauge("start_time_seconds", {}, Seconds(started_));
  for (const Collector& collector : collectors_) collector(writer);
  writer.impl_->Process(ReadProcessStats());
  return std::move(*writer.impl_).Text();
}

}  // namespace faultline
