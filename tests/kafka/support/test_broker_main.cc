// SPDX-License-Identifier: Apache-2.0
// Starts a broker, prints its address, lives until standard input closes.
#include <cstdio>

#include "tests/kafka/support/broker.h"

int main() {
  const auto broker = faultline::testing::Broker::Create();
  if (!broker) {
    std::fprintf(stderr, "no broker: %s\n", broker.error().ToString().c_str());
    return 1;
  }
  std::printf("%s\n", (*broker)->address().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
