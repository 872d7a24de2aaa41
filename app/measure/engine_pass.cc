// SPDX-License-Identifier: Apache-2.0
#include "app/measure/engine_pass.h"

#include <utility>

#include <fmt/format.h>

#include "base/fetch_ahead.h"
#include "base/hash.h"

namespace faultline::app {
namespace {

Engine::Options MatchOnly(Engine::Options options) {
  options.match_only = true;
  return options;
}

}  // namespace

void BenchAnswer::Add(std::uint64_t event, std::string_view rule) {
  ++matches;
  digest[0] += Hash64(rule, event);
  digest[1] += Hash64(rule, ~event);
}

void BenchAnswer::Add(const BenchAnswer& other) {
  matches += other.matches;
  digest[0] += other.digest[0];
  digest[1] += other.digest[1];
}

std::string BenchAnswer::DigestText() const {
  return fmt::format("{:016x}{:016x}", digest[0], digest[1]);
}

EnginePass::EnginePass(RuleSetPtr rules, const InputOptions& input, Engine::Options options)
    : engine_(std::move(rules), MatchOnly(std::move(options))),
      source_(engine_.AddSource(SourceName{"bench", 0}, input, nullptr, {})) {}

BenchAnswer EnginePass::Run(const EventViews& events, const Share& share) {
  BenchAnswer answer;
  share.ForEachBlock(events.size(), [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      Record record;
      record.source = source_;
      record.offset = next_++;
      record.payload = events[i];
      output_.Clear();
      if (i + 1 < first + count) FetchAhead(events[i + 1]);
      engine_.Process(record, ReadEdge{}, output_);
      for (const Alert& alert : output_.alerts) answer.Add(i, IdentityOf(*alert.rule));
      if (answer.matches > 0 && on_first_match) std::exchange(on_first_match, nullptr)();
    }
  });
  return answer;
}

}  // namespace faultline::app
