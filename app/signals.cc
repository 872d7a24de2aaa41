// SPDX-License-Identifier: Apache-2.0
#include "app/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <ctime>

#include "app/exit_code.h"

namespace faultline::app {
namespace {

constexpr std::chrono::milliseconds kLook{100};  // how soon an Interrupt sees its own end

sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = OurSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int WaitForSignal(std::chrono::milliseconds timeout) {
  const sigset_t set = OurSignals();
  timespec wait{};
  wait.tv_sec = timeout.count() / 1000;
  wait.tv_nsec = timeout.count() % 1000 * 1'000'000;
  const int number = sigtimedwait(&set, nullptr, &wait);
  return number > 0 ? number : 0;
}

Interrupt::Interrupt(std::chrono::milliseconds grace)
    : thread_([this, grace](const std::stop_token& ended) {
        std::chrono::milliseconds since_request{0};
        while (!ended.stop_requested()) {
          const int number = WaitForSignal(kLook);
          if (source_.stop_requested()) since_request += kLook;
          const bool again = number != 0 && source_.stop_requested();
          if (again || since_request > grace || number == SIGHUP) _exit(kExitInterrupted);
          if (number != 0) source_.request_stop();
        }
      }) {}

}  // namespace faultline::app
