// SPDX-License-Identifier: Apache-2.0
//
// State per key and the reorder buffer, each beside what anybody would write first. Every answer is
// proven before it is timed; `vs_` counters are ratios within this run.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "matcher/correlate/correlator.h"
#include "matcher/correlate/operator.h"
#include "matcher/correlate/reorder_buffer.h"
#include "matcher/correlate/timers.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;

constexpr std::size_t kKeys = 1'000'000;
constexpr std::int64_t kHour = 3'600'000'000'000;

// What this thread has worked so far: others that want the machine do not count.
double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
double SecondsSince(double begin) { return Seconds() - begin; }

void Prove(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong answer: %s\n", what);
  std::exit(70);
}

// Bytes that are in use on the heap.
double InUse() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

class Yes final : public Judge {
 public:
  bool Holds(const Candidate&) override { return true; }
};

CorrelationRule Rule(CorrelationType type, std::uint32_t steps, std::int64_t threshold) {
  CorrelationRule rule;
  rule.type = type;
  rule.timespan = std::chrono::nanoseconds(kHour);
  rule.group_by = {"k"};
  for (std::uint32_t i = 0; i < steps; ++i) {
    sigma::Input input;
    input.reference = "r" + std::to_string(i);
    input.group_fields = {"k"};
    rule.inputs.push_back(input);
    sigma::Step step;
    step.name = input.reference;
    step.input = i;
    rule.steps.push_back(step);
  }
  if (threshold > 0) rule.thresholds = {{sigma::Threshold::Op::kGte, threshold}};
  return rule;
}

// Keys of 16 bytes, their numbers far from each other.
std::vector<std::string> Keys(std::size_t count) {
  std::vector<std::string> keys(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i * 7919 % count);
    keys[i] = "host-" + std::string(11 - number.size(), '0') + number;
  }
  return keys;
}

// An operator fed as a correlator feeds it: the key's digest is made anew for each arrival, and the
// keys of up to so many arrivals as a correlator is given at once are told ahead.
class Fed {
 public:
  explicit Fed(CorrelationRule rule)
      : rule_(std::move(rule)),
        op_(MakeOperator(rule_, 0, {4 * kKeys, std::size_t{4} << 30}, &timers_)),
        group_{{"k", ""}} {
    hit_.origin.source.topic = "events";
  }
  // The keys arrive at `time` and each nanosecond after it.
  void Feed(std::span<const std::string> keys, std::int64_t time, std::uint32_t input = 0) {
    while (!keys.empty()) {
      const auto now = keys.first(std::min(keys.size(), Correlator::kAtOnce));
      digests_.clear();
      for (const std::string& key : now) digests_.push_back(DigestBuilder().Add(key).Finish());
      if (now.size() > 1) op_->Prefetch(digests_);
      for (std::size_t i = 0; i < now.size(); ++i) Arrive(now[i], digests_[i], time++, input);
      keys = keys.subspan(now.size());
    }
  }
  [[nodiscard]] std::int64_t fired() const { return fired_; }
  [[nodiscard]] Operator& op() { return *op_; }

 private:
  void Arrive(const std::string& key, const Digest& digest, std::int64_t time,
              std::uint32_t input) {
    hit_.time = EventTime::Raw(time);
    ++hit_.origin.offset;
    group_[0].value = key;
    const InputHit hit{input, &hit_};
    op_->Observe({hit_.time, digest, &group_, {&hit, 1}}, yes_, out_);
    if (!out_.fired) return;
    ++fired_;
    out_ = {};
  }

  CorrelationRule rule_;
  Timers timers_;
  std::unique_ptr<Operator> op_;
  Yes yes_;
  std::vector<NamedValue> group_;
  std::vector<Digest> digests_;
  Hit hit_;
  Outcome out_;
  std::int64_t fired_ = 0;
};

// The yardstick: times per key, those that have expired leave.
class Naive {
 public:
  void Feed(std::span<const std::string> keys, std::int64_t time) {
    for (const std::string& key : keys) {
      std::deque<std::int64_t>& times = windows_[key];
      while (!times.empty() && times.front() < time - kHour) times.pop_front();
      times.push_back(time++);
      if (times.size() > 5) times.pop_front();
      if (times.size() == 5) ++fired_;
    }
  }
  [[nodiscard]] std::int64_t fired() const { return fired_; }

 private:
  std::unordered_map<std::string, std::deque<std::int64_t>> windows_;
  std::int64_t fired_ = 0;
};

struct WindowTimes {
  double insert = 0, update = 0, bytes = 0;
  std::int64_t fired = 0;
};

// Feeds each of `keys` once to both, a block at a time in turns, so that a busy moment of the machine
// meets both; the seconds that each took are added to `insert` or `update` of its times.
template <class Ours, class Theirs>
void Round(const std::vector<std::string>& keys, std::int64_t& time, double WindowTimes::*which,
           Ours& ours, WindowTimes& our_times, Theirs& theirs, WindowTimes& their_times) {
  constexpr std::size_t kBlock = 10'000;
  for (std::size_t begin = 0; begin < keys.size(); begin += kBlock) {
    const auto feed = [&](auto& windows, WindowTimes& times) {
      const double before = Seconds();
      windows.Feed(std::span(keys).subspan(begin, kBlock), time + static_cast<std::int64_t>(begin));
      times.*which += Seconds() - before;
    };
    feed(ours, our_times);
    feed(theirs, their_times);
  }
  time += static_cast<std::int64_t>(keys.size());
}

// What windows of one event each take.
template <class Windows, class... Arguments>
double BytesOf(const std::vector<std::string>& keys, Arguments... arguments) {
  const double before = InUse();
  Windows windows(arguments...);
  windows.Feed(keys, 0);
  return InUse() - before;
}

// A million windows of event_count, threshold 5, with one event each; then three more for each, in
// other orders; and the same by hand.
void BM_MillionWindows(benchmark::State& state) {
  std::vector<std::string> keys = Keys(kKeys);
  std::mt19937_64 random(1);
  WindowTimes ours, theirs;
  for ([[maybe_unused]] auto _ : state) {
    Fed windows(Rule(CorrelationType::kEventCount, 1, 5));
    Naive naive;
    std::int64_t time = 0;
    Round(keys, time, &WindowTimes::insert, windows, ours, naive, theirs);
    for (int round = 0; round < 3; ++round) {
      std::shuffle(keys.begin(), keys.end(), random);
      keys = std::vector<std::string>(keys);  // in a row again, so that only windows are looked for
      malloc_trim(0);  // ... and nobody pays for tidying up what the old ones leave
      Round(keys, time, &WindowTimes::update, windows, ours, naive, theirs);
    }
    Prove(windows.fired() == 0 && naive.fired() == 0, "four events are no five");
    WindowTimes last;
    Round(keys, time, &WindowTimes::update, windows, last, naive, last);
    Prove(windows.fired() == static_cast<std::int64_t>(kKeys) && naive.fired() == windows.fired(),
          "each window fires at its fifth event");
    ours.update /= 3;
    theirs.update /= 3;
    ours.bytes = BytesOf<Fed>(keys, Rule(CorrelationType::kEventCount, 1, 5));
    theirs.bytes = BytesOf<Naive>(keys);
  }
  const auto keys_as_double = static_cast<double>(kKeys);
  state.counters["insert_ns"] = ours.insert / keys_as_double * 1e9;
  state.counters["update_ns"] = ours.update / keys_as_double * 1e9;
  state.counters["bytes_per_key"] = ours.bytes / keys_as_double;
  state.counters["map_insert_ns"] = theirs.insert / keys_as_double * 1e9;
  state.counters["map_update_ns"] = theirs.update / keys_as_double * 1e9;
  state.counters["map_bytes_per_key"] = theirs.bytes / keys_as_double;
  state.counters["vs_map_insert"] = theirs.insert / ours.insert;
  state.counters["vs_map_update"] = theirs.update / ours.update;
  state.counters["vs_map_memory"] = theirs.bytes / ours.bytes;
}
BENCHMARK(BM_MillionWindows)->Unit(benchmark::kMillisecond)->Iterations(1);

// Cost of an arrival that comes alone, by the number of keys.
void BM_WindowArrival(benchmark::State& state) {
  const std::vector<std::string> keys = Keys(static_cast<std::size_t>(state.range(0)));
  Fed windows(Rule(CorrelationType::kEventCount, 1, 5));
  windows.Feed(keys, 0);
  auto time = static_cast<std::int64_t>(keys.size());
  Prove(windows.op().numbers().keys == state.range(0), "a window for each key");
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    windows.Feed({&keys[next], 1}, time++);
    if (++next == keys.size()) next = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_WindowArrival)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);

// 100,000 chains of four steps, three of them bound; then all are completed.
void BM_OpenChains(benchmark::State& state) {
  constexpr std::size_t kChains = 100'000;
  const std::vector<std::string> keys = Keys(kChains);
  double open = 0, complete = 0, bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    Fed chains(Rule(CorrelationType::kTemporalOrdered, 4, 0));
    const double before = InUse();
    std::int64_t time = 0;
    double begin = Seconds();
    for (std::uint32_t step = 0; step < 3; ++step) {
      chains.Feed(keys, time, step);
      time += static_cast<std::int64_t>(kChains);
    }
    open = SecondsSince(begin);
    bytes = InUse() - before;
    Prove(chains.op().numbers().keys == static_cast<std::int64_t>(kChains), "all chains are open");
    begin = Seconds();
    chains.Feed(keys, time, 3);
    complete = SecondsSince(begin);
    Prove(chains.fired() == static_cast<std::int64_t>(kChains), "every chain fires");
  }
  state.counters["step_ns"] = open / (3 * kChains) * 1e9;
  state.counters["last_step_ns"] = complete / kChains * 1e9;
  state.counters["bytes_per_chain"] = bytes / kChains;
}
BENCHMARK(BM_OpenChains)->Unit(benchmark::kMillisecond)->Iterations(1);

// Hits of eight sources, with 100,000 waiting: in order, and each up to so many hits too late. They
// are made a batch at a time, as the matcher makes them, while the clock stands; it runs once the
// buffer is full.
class LateHits {
 public:
  static constexpr std::size_t kHits = 2'048'000;
  static constexpr std::int64_t kWaiting = 100'000;
  static constexpr std::size_t kTimed = kHits - kWaiting;

  explicit LateHits(std::uint64_t late) : late_(late), random_(1) {}

  // Gives each to push(entry) and has take(time) release what lies before `time`; seconds.
  template <class Push, class Take>
  double Run(Push push, Take take) {
    double seconds = 0;
    std::vector<ReorderBuffer::Entry> batch(kBatch);
    for (std::size_t i = 0; i < kHits; i += kBatch) {
      for (std::size_t j = 0; j < kBatch; ++j) batch[j] = Entry(i + j);
      const double begin = Seconds();
      for (std::size_t j = 0; j < kBatch; ++j) {
        push(std::move(batch[j]));
        if (j % 64 == 0) take(EventTime::Raw(static_cast<std::int64_t>(i + j) - kWaiting));
      }
      if (i > static_cast<std::size_t>(kWaiting)) seconds += SecondsSince(begin);
    }
    const double begin = Seconds();
    take(EventTime::Max());
    return seconds + SecondsSince(begin);
  }

 private:
  static constexpr std::size_t kBatch = 256;
  static_assert(kHits % kBatch == 0);

  ReorderBuffer::Entry Entry(std::size_t i) {
    ReorderBuffer::Entry entry;
    entry.source = static_cast<SourceId>(i % 8);
    entry.hit.time = EventTime::Raw(static_cast<std::int64_t>(i - random_() % (late_ + 1)));
    entry.hit.origin = {
        {"events", static_cast<std::int32_t>(i % 8)}, static_cast<std::int64_t>(i / 8), 0};
    return entry;
  }

  std::uint64_t late_;
  std::mt19937_64 random_;
};

void BM_ReorderBuffer(benchmark::State& state) {
  const auto late = static_cast<std::uint64_t>(state.range(0));
  double ours = 0, theirs = 0;
  for ([[maybe_unused]] auto _ : state) {
    ReorderBuffer buffer;
    std::uint64_t order = 0;
    std::size_t left = 0;
    EventTime last = EventTime::Min();
    ours =
        LateHits(late).Run([&](ReorderBuffer::Entry&& entry) { buffer.Push(std::move(entry)); },
                           [&](EventTime goal) {
                             while (true) {
                               const std::vector<Hit> hits =
                                   buffer.PopBefore(OrderPoint::Before(goal), Correlator::kAtOnce);
                               if (hits.empty()) return;
                               for (const Hit& hit : hits) {
                                 Prove(last <= hit.time, "hits leave in order");
                                 last = hit.time;
                                 order = order * 31 + static_cast<std::uint64_t>(hit.origin.offset);
                               }
                               left += hits.size();
                             }
                           });
    Prove(left == LateHits::kHits, "every hit leaves once");

    std::map<OrderPoint, ReorderBuffer::Entry> sorted;
    std::uint64_t expected = 0;
    theirs = LateHits(late).Run(
        [&](ReorderBuffer::Entry&& entry) {
          OrderPoint point = entry.hit.point();
          sorted.emplace(std::move(point), std::move(entry));
        },
        [&](EventTime goal) {
          while (!sorted.empty() && sorted.begin()->first < OrderPoint::Before(goal)) {
            expected =
                expected * 31 + static_cast<std::uint64_t>(sorted.begin()->first.origin.offset);
            sorted.erase(sorted.begin());
          }
        });
    Prove(order == expected, "the order is that of a sorted map");
  }
  state.counters["hits_per_s"] = static_cast<double>(LateHits::kTimed) / ours;
  state.counters["map_hits_per_s"] = static_cast<double>(LateHits::kTimed) / theirs;
  state.counters["vs_map"] = theirs / ours;
}
BENCHMARK(BM_ReorderBuffer)
    ->ArgName("late")
    ->Arg(0)
    ->Arg(1'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

}  // namespace
}  // namespace faultline

BENCHMARK_MAIN();
