// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace faultline {
namespace {

constexpr int kLinesPerSpan = 20;
constexpr std::chrono::seconds kSpan{10};

struct Budget {
  std::chrono::steady_clock::time_point since{};
  int written = 0;
  std::uint64_t hidden = 0;
};

struct Logger {
  std::mutex mutex;
  std::map<std::string, Budget, std::less<>> budgets;  // event names are literals of ours: few
  std::shared_ptr<spdlog::logger> out;

  Logger()
      : out(std::make_shared<spdlog::logger>("faultline",
                                             std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    out->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    out->flush_on(spdlog::level::info);
  }

  // How many lines were hidden before this one; -1 when this one is to be hidden too.
  std::int64_t Admit(std::string_view event) {
    const std::lock_guard lock(mutex);
    auto it = budgets.find(event);
    if (it == budgets.end()) it = budgets.emplace(std::string(event), Budget{}).first;
    Budget& budget = it->second;
    const auto now = std::chrono::steady_clock::now();
    if (now - budget.since >= kSpan) {
      budget.since = now;
      budget.written = 0;
    }
    if (budget.written == kLinesPerSpan) {
      ++budget.hidden;
      return -1;
    }
    ++budget.written;
    return static_cast<std::int64_t>(std::exchange(budget.hidden, 0));
  }
};

Logger& TheLogger() {
  static Logger* const logger = new Logger;  // outlives every static that might still log
  return *logger;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: break;
  }
  return spdlog::level::err;
}

}  // namespace

void Log(LogLevel level, std::string_view event, std::string_view details) noexcept {
  try {
    Logger& logger = TheLogger();
    if (!logger.out->should_log(ToSpdlog(level))) return;
    const std::int64_t hidden = logger.Admit(event);
    if (hidden < 0) return;
    std::string line(event);
    if (!details.empty()) line.append(" ").append(details);
    if (hidden > 0) line += fmt::format(" hidden_before={}", hidden);
    logger.out->log(ToSpdlog(level), "{}", line);
  } catch (...) {
    // A log line that cannot be written must not take the pipeline down.
  }
}

void SetLogLevel(LogLevel level) noexcept { TheLogger().out->set_level(ToSpdlog(level)); }

std::string LogValue(std::string_view text) {
  bool plain = !text.empty();
  for (const char c : text) {
    plain = plain && static_cast<unsigned char>(c) > 0x20 && c != '"' && c != '\\' && c != 0x7f;
  }
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
      quoted.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

}  // namespace faultline
