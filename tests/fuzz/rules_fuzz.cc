// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of rules: each document of it active or rejected with its reason; what is
// active runs.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "matcher/event/walker.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/rule_set.h"

namespace {

using faultline::sigma::ReportEntry;
using faultline::sigma::RuleState;

void CheckReport(const std::vector<ReportEntry>& report) {
  for (const ReportEntry& entry : report) {
    const bool rejected = entry.state == RuleState::kRejected;
    if (rejected != entry.error.has_value()) std::abort();
    if (rejected && (entry.reason.empty() || entry.error->place.file != "fuzz")) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sigma::RuleCollection rules = sigma::LoadRulesFromText(text, "fuzz");
  CheckReport(rules.report);
  auto compiled = RuleSet::Compile(std::move(rules), {});
  if (!compiled) std::abort();
  CheckReport((*compiled)->report());
  Matcher matcher(*compiled);
  Walker walker(&(*compiled)->fields());
  Walker::Options options;
  for (
      const std::string_view payload :
      {R"({"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\a.exe","n":[]})",
       R"({"a":"-e \u212A whoami","b":7,"c":null,"d":{"e":[{"f":"10.0.0.1"},true]}})"}) {
    if (walker.Begin(payload, options) != WalkFault::kNone) std::abort();
    while (const Event* event = walker.Next()) {
      for (const std::uint32_t rule : matcher.Match(*event)) {
        if (rule >= (*compiled)->detections().size()) std::abort();
        std::vector<NamedValue> captured;
        matcher.Capture(rule, *event, captured);
      }
    }
    static_cast<void>(matcher.MatchRaw(payload));
  }
  return 0;
}
