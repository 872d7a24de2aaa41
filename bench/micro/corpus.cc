// SPDX-License-Identifier: Apache-2.0
#include "bench/micro/corpus.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

namespace faultline::bench {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

[[noreturn]] void Die(std::string_view why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(1);
}

std::filesystem::path DataFolder() {
  const char* const named = std::getenv("FAULTLINE_TEST_DATA");
  return named != nullptr ? named : std::filesystem::path(FAULTLINE_SOURCE) / "../shared/data";
}

}  // namespace

Corpus::Corpus(const std::string& name, std::uint64_t matches) : matches_(matches) {
  const auto file = DataFolder() / "events" / (name + ".ndjson.zst");
  if (auto ok = store_.Add(file.string(), kMaxBytes); !ok) Die(ok.error().ToString());
  store_.Seal();
}

const Corpus& Corpus::Mixed() {
  static const Corpus corpus("windows-mixed", 325);
  return corpus;
}

const Corpus& Corpus::Creations() {
  static const Corpus corpus("windows-process-creation", 834);
  return corpus;
}

app::RuleSetPtr WindowsRules(const std::function<bool(const sigma::DetectionRule&)>& wanted,
                             const std::vector<std::string>& more) {
  std::vector<std::string> paths = {(DataFolder() / "sigmahq/rules/windows").string()};
  for (const std::string& file : more) paths.push_back(FAULTLINE_SOURCE "/bench/micro/" + file);
  auto rules = sigma::LoadRules(paths);
  if (!rules) Die(rules.error().ToString());
  if (wanted) {
    std::erase_if(rules->detections, [&](const auto& rule) { return !wanted(rule); });
  }
  auto compiled = RuleSet::Compile(std::move(*rules), {});
  if (!compiled) Die(compiled.error().ToString());
  return *compiled;
}

void Prove(bool answer, const char* what) {
  if (!answer) Die(std::string("wrong answer: ") + what);
}

}  // namespace faultline::bench
