// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace faultline::app {

// The whole command line: parses, runs the one command, gives the exit code.
[[nodiscard]] int RunProgram(int argc, const char* const* argv);

}  // namespace faultline::app
