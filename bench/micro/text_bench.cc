// SPDX-License-Identifier: Apache-2.0
//
// What a value costs before it is compared: escapes resolved, case folded; times of events; an event
// looked through for pieces of keywords; and an event as text of an alert.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/micro/corpus.h"
#include "exporters/json_writer.h"
#include "matcher/event/text.h"
#include "matcher/event/timestamp.h"
#include "matcher/signature/piece_sieve.h"

namespace faultline::bench {
namespace {

// Values of a field of process creations, as they stand in the payload.
std::vector<RawValue> ValuesOf(std::string_view name) {
  const app::RuleSetPtr rules = WindowsRules();
  Walker walker(&rules->fields());
  std::vector<RawValue> values;
  for (const std::string_view text : Corpus::Creations().events()) {
    if (walker.Begin(text, {}) != WalkFault::kNone) continue;
    while (const Event* const event = walker.Next()) {
      for (const RawValue& value : event->Of(rules->fields().Find(name))) values.push_back(value);
    }
  }
  Prove(!values.empty(), "the corpus has the field");
  return values;
}

const std::vector<RawValue>& CommandLines() {
  static const std::vector<RawValue> values = ValuesOf("CommandLine");
  return values;
}

bool SameLetter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

std::size_t BytesOf(const std::vector<RawValue>& values) {
  std::size_t bytes = 0;
  for (const RawValue& value : values) bytes += value.raw.size();
  return bytes;
}

// Escapes of one letter, resolved plainly; nothing for what has others.
std::string PlainlyDecoded(std::string_view raw) {
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      text += raw[i];
      continue;
    }
    switch (raw[++i]) {
      case 'n': text += '\n'; break;
      case 't': text += '\t'; break;
      case 'r': text += '\r'; break;
      case '"':
      case '\\':
      case '/': text += raw[i]; break;
      default: return {};
    }
  }
  return text;
}

void BM_Decode(benchmark::State& state) {
  std::string buffer;
  for (const RawValue& value : CommandLines()) {
    const std::string plain = PlainlyDecoded(value.raw);
    if (!plain.empty()) Prove(Decode(value, buffer) == plain, "escapes resolved");
  }
  for ([[maybe_unused]] auto _ : state) {
    for (const RawValue& value : CommandLines()) benchmark::DoNotOptimize(Decode(value, buffer));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(BytesOf(CommandLines())));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(CommandLines().size()));
}
BENCHMARK(BM_Decode);

void BM_Fold(benchmark::State& state) {
  std::string buffer;
  for (const RawValue& value : CommandLines()) {
    std::string plain(value.raw);
    bool ascii = true;
    for (char& c : plain) {
      ascii = ascii && static_cast<unsigned char>(c) < 0x80;
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (ascii) Prove(Fold(value.raw, buffer) == plain, "letters folded");
  }
  for ([[maybe_unused]] auto _ : state) {
    for (const RawValue& value : CommandLines()) benchmark::DoNotOptimize(Fold(value.raw, buffer));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(BytesOf(CommandLines())));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(CommandLines().size()));
}
BENCHMARK(BM_Fold);

void BM_Timestamp(benchmark::State& state) {
  const char* const text = "2020-09-04T15:53:59.123Z";
  const auto time = ParseTimestamp(text, {});
  Prove(time && *time == ParseTimestamp("1599234839.123", {}), "the second and its thousandths");
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(ParseTimestamp(text, {}));
}
BENCHMARK(BM_Timestamp);

// Whole records, in which hardly any piece stands; fewer pieces where the CPU has no tables.
void BM_PieceSieve(benchmark::State& state) {
  const auto& events = Corpus::Creations().events();
  std::vector<std::string> pieces = {"imik", "kiwi", "lsad", "dcsy", "rube",
                                     "q1w2", "zxcv", "hjkl", "w0rm"};
  pieces.resize(std::min(pieces.size(), PieceSieve::Most()));
  const PieceSieve sieve(pieces);
  std::size_t bytes = 0, passed = 0;
  for (const std::string_view event : events) {
    const bool holds = std::any_of(pieces.begin(), pieces.end(), [&](const std::string& piece) {
      return std::search(event.begin(), event.end(), piece.begin(), piece.end(), SameLetter) !=
             event.end();
    });
    passed += sieve.MayHold(event) ? 1 : 0;
    Prove(sieve.MayHold(event) || !holds, "no piece is missed");
    bytes += event.size();
  }
  Prove(passed < events.size() / 2, "most records are ruled out");
  for ([[maybe_unused]] auto _ : state) {
    for (const std::string_view event : events) benchmark::DoNotOptimize(sieve.MayHold(event));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}
BENCHMARK(BM_PieceSieve);

// An event as a string of an alert's JSON; what reads JSON reads the same event.
void BM_JsonText(benchmark::State& state) {
  const auto& events = Corpus::Creations().events();
  std::string out, buffer;
  std::size_t bytes = 0;
  for (const std::string_view event : events) {
    out.clear();
    AppendJsonText(out, event);
    const std::string_view inner = std::string_view(out).substr(1, out.size() - 2);
    Prove(Decode({inner, ValueKind::kString}, buffer) == event, "the same event");
    bytes += event.size();
  }
  for ([[maybe_unused]] auto _ : state) {
    for (const std::string_view event : events) {
      out.clear();
      AppendJsonText(out, event);
      benchmark::DoNotOptimize(out.data());
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}
BENCHMARK(BM_JsonText);

}  // namespace
}  // namespace faultline::bench

BENCHMARK_MAIN();
