// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/measure/event_store.h"
#include "app/measure/match_pass.h"
#include "matcher/sigma/rule.h"

namespace faultline::bench {

// A public corpus (tests/README.md tells where it comes from) with all SigmaHQ Windows rules. Where
// it is not there the program ends, saying so.
//
// Threads    Confined to one thread; loaded once.
class Corpus {
 public:
  static const Corpus& Mixed();
  static const Corpus& Creations();

  [[nodiscard]] const app::EventViews& events() const { return store_.events(); }
  [[nodiscard]] std::size_t bytes() const { return store_.all().size(); }
  [[nodiscard]] std::uint64_t matches() const { return matches_; }  // recorded

 private:
  Corpus(const std::string& name, std::uint64_t matches);

  app::EventStore store_;
  std::uint64_t matches_;
};

// All of SigmaHQ's Windows rules that `wanted` says yes to, with those of `more`, files of this folder;
// compiled.
[[nodiscard]] app::RuleSetPtr WindowsRules(
    const std::function<bool(const sigma::DetectionRule&)>& wanted = {},
    const std::vector<std::string>& more = {});

// The answer comes before the time: without it the program ends.
void Prove(bool answer, const char* what);

}  // namespace faultline::bench
