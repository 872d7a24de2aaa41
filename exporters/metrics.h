// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/event_time.h"

namespace faultline {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };
[[nodiscard]] std::string_view ToString(MetricType type) noexcept;

// One line of the table of metrics: docs/metrics.md shows the same.
struct MetricSpec {
  std::string_view name;  // in full
  MetricType type = MetricType::kCounter;
  std::vector<std::string_view> labels;  // in this order
  std::string_view help;
};

// Every metric there is, in the order of the page.
[[nodiscard]] const std::vector<MetricSpec>& MetricTable();

// What a histogram holds: counts[i] values in (bounds[i-1], bounds[i]], counts.back() above all
// bounds.
struct HistogramValue {
  std::vector<double> bounds;         // ascending
  std::vector<std::uint64_t> counts;  // bounds.size() + 1
  double sum = 0;
};

// Takes the numbers of one scrape.
//
// Place      collectors of app/ -> [MetricWriter] -> Metrics::Render.
// Names      Without the prefix "faultline_". A name, type or label that the table does not have is
//            a mistake of ours and aborts.
// Sums       A counter or histogram written twice with equal labels adds up (each worker writes its
//            own); of a gauge the last value stands.
class MetricWriter {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  MetricWriter();
  ~MetricWriter();
  MetricWriter(const MetricWriter&) = delete;
  MetricWriter& operator=(const MetricWriter&) = delete;

  void Counter(std::string_view name, Labels labels, double value);
  void Gauge(std::string_view name, Labels labels, double value);
  // Requires: equal bounds at each call of one name.
  void Histogram(std::string_view name, Labels labels, const HistogramValue& value);

 private:
  friend class Metrics;
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

// All numbers as Prometheus text (format 0.0.4), gathered anew at each scrape.
//
// Place      counters of workers -> collectors -> [Metrics] -> GET /metrics.
// Threads    Any; scrapes take turns. Collectors run in the scraper's thread, so they read
//            counters, atomics or what they lock themselves.
// Ownership  Keeps the collectors; what they refer to outlives this.
class Metrics {
 public:
  using Collector = std::function<void(MetricWriter&)>;

  // `version` and `started` become build_info and start_time_seconds.
  Metrics(std::string version, EventTime started);

  void Add(Collector collector);
  // The text; families without a series are left out.
  [[nodiscard]] std::string Render() const;

 private:
  std::string version_;
  EventTime started_;
  mutable std::mutex mutex_;  // guards collectors_
  std::vector<Collector> collectors_;
};

}  // namespace faultline
