// SPDX-License-Identifier: Apache-2.0
#include <jemalloc/jemalloc.h>

#include "app/program.h"
#include "app/signals.h"

// jemalloc's settings: what is free goes back to the system also while nothing is allocated.
const char* malloc_conf = "background_thread:true";

int main(int argc, char** argv) {
  faultline::app::BlockSignals();
  return faultline::app::RunProgram(argc, argv);
}
