// SPDX-License-Identifier: Apache-2.0
#include "app/program.h"
#include "app/signals.h"

int main(int argc, char** argv) {
  faultline::app::BlockSignals();
  return faultline::app::RunProgram(argc, argv);
}
