// SPDX-License-Identifier: Apache-2.0
// [TOPIC PARTITIONS]...: starts a broker with these topics, prints its address, lives until
// standard input closes.
#include <cstdio>
#include <cstdlib>

#include "tests/kafka/support/broker.h"

int main(int argc, char** argv) {
  const auto broker = faultline::testing::Broker::Create();
  if (!broker) {
    std::fprintf(stderr, "no broker: %s\n", broker.error().ToString().c_str());
    return 1;
  }
  for (int i = 1; i + 1 < argc; i += 2) (*broker)->CreateTopic(argv[i], std::atoi(argv[i + 1]));
  std::printf("%s\n", (*broker)->address().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
