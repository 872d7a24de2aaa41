// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace faultline::app {

// What the program's exit code tells a script. The numbers are a promise.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFindings = 1;   // alerts with --fail-on, failed tests, differences
inline constexpr int kExitRules = 2;      // rules do not load
inline constexpr int kExitLint = 3;       // lint only
inline constexpr int kExitUsage = 64;     // the command line
inline constexpr int kExitBroker = 69;    // broker not available
inline constexpr int kExitInternal = 70;  // our own mistake
inline constexpr int kExitIo = 74;        // input or output
inline constexpr int kExitDrain = 75;     // drain limit passed before the last commit was known
inline constexpr int kExitConfig = 78;    // configuration
inline constexpr int kExitInterrupted = 130;

[[nodiscard]] constexpr int ExitCodeOf(Fault fault) noexcept {
  switch (fault) {
    case Fault::kUsage: return kExitUsage;
    case Fault::kConfig: return kExitConfig;
    case Fault::kRules: return kExitRules;
    case Fault::kBroker: return kExitBroker;
    case Fault::kIo: return kExitIo;
    case Fault::kData: return kExitIo;
    case Fault::kInternal: break;
  }
  return kExitInternal;
}

}  // namespace faultline::app
