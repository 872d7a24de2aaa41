// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace faultline {

// The answer of a health check: fine, or why not.
struct HealthStatus {
  bool ok = true;
  std::vector<std::string> causes;  // for people; empty where ok
};

// The small HTTP server: GET and HEAD of /metrics, /livez and /readyz (200, or 503 with the causes
// as JSON); 404 and 405 for all else.
//
// Place      Metrics, health of app/ -> [HttpServer] -> Prometheus, the kubelet, people.
// Threads    One thread of its own (libmicrohttpd's, all signals blocked) that runs the handlers.
// Memory     At most kMaxConnections connections of kConnectionBytes each, and the answers.
// Caps       A connection that says nothing for 10 s is closed. From kEvictAt connections on, each
//            newcomer closes the oldest one: clients that dawdle make way, so a thousand of them do
//            not delay a scrape.
// Ownership  Keeps the handlers; what they refer to outlives this.
// Errors     Start: kConfig for a bad address, kIo for one that cannot be had. A handler that
//            throws gives 500.
class HttpServer {
 public:
  static constexpr unsigned kMaxConnections = 256;
  static constexpr unsigned kEvictAt = 192;
  static constexpr std::size_t kConnectionBytes = 8192;

  struct Handlers {
    std::function<std::string()> metrics;  // Prometheus text
    std::function<HealthStatus()> live;
    std::function<HealthStatus()> ready;
  };

  // `listen` is "host:port" or "[ipv6]:port"; port 0 takes a free one.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> Start(const std::string& listen,
                                                                 Handlers handlers);
  // Closes all connections and waits for the thread.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;          // the bound one
  [[nodiscard]] const std::string& address() const noexcept;  // "127.0.0.1:9464", as bound

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;  // never null
};

// {"status":"ok"} or {"status":"failing","causes":[...]}.
[[nodiscard]] std::string HealthJson(const HealthStatus& health);

}  // namespace faultline
