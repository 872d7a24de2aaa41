// SPDX-License-Identifier: Apache-2.0
//
// The whole engine with all SigmaHQ Windows rules and one correlation that counts every event: what a
// record costs with 1,000 keys and with 1,000,000. Both engines take turns, so that the ratio is one
// of the same moments.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/micro/corpus.h"
#include "matcher/engine.h"

namespace faultline::bench {
namespace {

constexpr std::size_t kKeyLength = 16;
constexpr std::size_t kBlock = 10'000;  // records in a turn

// What this thread has worked so far: others that want the machine do not count.
double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The corpus with a key in front of each event, to be written over.
std::vector<std::string> Payloads(const Corpus& corpus) {
  std::vector<std::string> payloads;
  for (const std::string_view event : corpus.events()) {
    payloads.push_back("{\"bench_key\":\"" + std::string(kKeyLength, '0') + "\"," +
                       std::string(event.substr(1)));
  }
  return payloads;
}

// An engine that reads the corpus over and over, with `keys` keys in an order that no cache likes.
class Reader {
 public:
  Reader(const app::RuleSetPtr& rules, std::uint64_t keys)
      : keys_(keys), payloads_(Payloads(Corpus::Mixed())), engine_(rules, OptionsFor(keys)) {
    InputOptions input;
    input.timestamp = {"bench_time"};  // there is none: the record's own stands
    input.lateness = std::chrono::microseconds(1);
    source_ = engine_.AddSource({"events", 0}, input, nullptr, {});
  }

  // Seconds that `records` take.
  double Read(std::size_t records) {
    Record record;
    record.source = source_;
    record.timestamp_kind = TimestampKind::kCreateTime;
    const double begin = Seconds();
    for (std::size_t i = 0; i < records; ++i, ++read_) {
      std::string& payload = payloads_[read_ % payloads_.size()];
      WriteKey(read_ * 7919 % keys_, payload);
      record.payload = payload;
      record.offset = static_cast<std::int64_t>(read_);
      record.timestamp = EventTime::Raw(static_cast<std::int64_t>(read_) * 1000);
      engine_.Process(record, {}, out_);
      alerts_ += out_.alerts.size();
      out_.Clear();
    }
    return Seconds() - begin;
  }
  [[nodiscard]] std::int64_t windows() const { return engine_.correlator().numbers().windows_open; }

 private:
  static Engine::Options OptionsFor(std::uint64_t keys) {
    Engine::Options options;
    options.max_keys = 2 * keys;
    options.max_state_bytes = std::size_t{4} << 30;
    options.max_alerts_per_rule = 0;
    return options;
  }
  static void WriteKey(std::uint64_t key, std::string& payload) {
    char* digit = payload.data() + std::string_view("{\"bench_key\":\"").size() + kKeyLength;
    for (std::size_t i = 0; i < kKeyLength; ++i, key /= 10) {
      *--digit = static_cast<char>('0' + key % 10);
    }
  }

  std::uint64_t keys_;
  std::vector<std::string> payloads_;
  Engine engine_;
  SourceId source_ = 0;
  std::size_t read_ = 0;
  std::uint64_t alerts_ = 0;
  Output out_;
};

void BM_RecordByKeys(benchmark::State& state) {
  constexpr std::uint64_t kFew = 1'000, kMany = 1'000'000;
  const app::RuleSetPtr rules = WindowsRules({}, {"keys.yml"});
  std::vector<double> few_times, many_times, ratios;
  for ([[maybe_unused]] auto _ : state) {
    Reader few(rules, kFew), many(rules, kMany);
    few.Read(kMany + kBlock);  // the last ones wait in the reorder buffer
    many.Read(kMany + kBlock);
    Prove(few.windows() == kFew && many.windows() == kMany, "a window for each key");
    for (int turn = 0; turn < 20; ++turn) {
      few_times.push_back(few.Read(kBlock));
      many_times.push_back(many.Read(kBlock));
      ratios.push_back(many_times.back() / few_times.back());
    }
  }
  const auto median = [](std::vector<double>& of) {
    std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
    return of[of.size() / 2];
  };
  state.counters["ns_1000_keys"] = median(few_times) / kBlock * 1e9;
  state.counters["ns_1000000_keys"] = median(many_times) / kBlock * 1e9;
  state.counters["many_vs_few"] = median(ratios);
}
BENCHMARK(BM_RecordByKeys)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace faultline::bench

BENCHMARK_MAIN();
