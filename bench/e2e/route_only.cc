// SPDX-License-Identifier: Apache-2.0
//
// faultline_route_only CONFIG: what `faultline run -c CONFIG` does, but for the matching. Records
// are consumed, walked and routed to their class; offsets are committed in transactions.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <utility>

#include "app/commands/common.h"
#include "app/service.h"
#include "app/signals.h"
#include "base/log.h"

namespace faultline::app {
namespace {

Result<WorkerEnd> Run(const char* file) {
  ConfigFlags flags;
  flags.files = {file};
  const Result<Config> config = LoadConfig(flags);
  if (!config) return tl::unexpected<Error>(config.error());
  const Result<RuleSetPtr> rules = UsableRuleSet(*config, {}, {});
  if (!rules) return tl::unexpected<Error>(rules.error());
  Service::Options options;
  options.config = *config;
  options.rules = *rules;
  options.matching.route_only = true;
  const auto service = Service::Start(std::move(options));
  if (!service) return tl::unexpected<Error>(service.error());
  Log(LogLevel::kInfo, "started", "http=" + (*service)->http_address());
  while (true) {
    if (WaitForSignal(std::chrono::milliseconds(100)) == SIGTERM) (*service)->Stop();
    if (const auto end = (*service)->Ended()) return *end;
  }
}

}  // namespace
}  // namespace faultline::app

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: faultline_route_only CONFIG\n", stderr);
    return 64;
  }
  faultline::app::BlockSignals();
  const auto end = faultline::app::Run(argv[1]);
  if (end) return 0;
  std::fprintf(stderr, "%s\n", end.error().ToString().c_str());
  return 1;
}
