// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "consumer/worker.h"
#include "exporters/kafka_sink.h"
#include "exporters/metrics.h"
#include "matcher/engine.h"
#include "matcher/signature/rule_set.h"

namespace faultline::app {

// The numbers of engines, workers and rules under their names of docs/metrics.md.
//
// Threads    The scraper's; everything read is a counter, an immutable view or under a lock of its
// own.
void TellEngine(const EngineStats& stats, MetricWriter& writer);
void TellWorker(const WorkerView& view, const Clock& clock, MetricWriter& writer);
void TellSink(const KafkaSink& sink, MetricWriter& writer);
void TellRules(const RuleSet& rules, MetricWriter& writer);

}  // namespace faultline::app
