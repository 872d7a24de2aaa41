// SPDX-License-Identifier: Apache-2.0
#include "exporters/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/program.h"

namespace faultline {
namespace {

constexpr const char* kScrape = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr int kSlow = 1000;

// A client down to its bytes.
class Peer {
 public:
  explicit Peer(std::uint16_t port, int receive_buffer = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval guard{60, 0};  // a server that never answers fails the test, not the whole run
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~Peer() { close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] bool connected() const noexcept { return connected_; }

  // False when the server has left.
  bool Say(std::string_view bytes) {
    return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  void SayNoMore() { shutdown(fd_, SHUT_WR); }
  void Reset() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(std::exchange(fd_, -1));
  }

  // Up to `end`, or all that there is until the server closes.
  std::string Hear(std::string_view end = {}) {
    std::string text;
    char byte = 0;
    while ((end.empty() || !text.ends_with(end)) && recv(fd_, &byte, 1, 0) == 1) text += byte;
    return text;
  }
  // Waits for the next byte: true when the server closes instead of sending one.
  [[nodiscard]] bool IsLeft() const {
    char byte = 0;
    const ssize_t got = recv(fd_, &byte, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }
  // True when the server has neither sent anything more nor closed.
  [[nodiscard]] bool OpenAndSilent() const {
    char byte = 0;
    return recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
  }

 private:
  int fd_;
  bool connected_ = false;
};

class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    HttpServer::Handlers handlers;
    handlers.metrics = [this] {
      const std::lock_guard lock(mutex_);
      if (fails_) throw std::runtime_error("no numbers");
      return std::string("faultline_up 1\n") + padding_;
    };
    handlers.live = [this] { return Locked(live_); };
    handlers.ready = [this] { return Locked(ready_); };
    auto server = HttpServer::Start("127.0.0.1:0", std::move(handlers));
    ASSERT_TRUE(server) << server.error().ToString();
    server_ = std::move(*server);
  }

  // The whole answer to one request, after which the server closes.
  std::string Ask(const std::string& first_line, const std::string& rest = {}) {
    Peer peer(server_->port());
    EXPECT_TRUE(peer.Say(first_line + "\r\nHost: x\r\nConnection: close\r\n" + rest + "\r\n"));
    return peer.Hear();
  }
  [[nodiscard]] bool Scraped() const {
    const testing::HttpAnswer answer = testing::HttpGet(server_->address(), "/metrics");
    return answer.status == 200 && answer.body == "faultline_up 1\n" + padding_;
  }

  template <class T>
  T Locked(const T& value) {
    const std::lock_guard lock(mutex_);
    return value;
  }
  template <class T>
  void Set(T& value, T to) {
    const std::lock_guard lock(mutex_);
    value = std::move(to);
  }

  static void AllowManyFiles() {
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ASSERT_GE(limit.rlim_max, 2U * kSlow) << "the hard limit on open files is too low";
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

  std::mutex mutex_;  // guards what the handlers say
  std::string padding_;
  HealthStatus live_, ready_;
  bool fails_ = false;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpTest, ServesMetrics) {
  const std::string answer = Ask("GET /metrics HTTP/1.1");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
            std::string::npos);
  EXPECT_NE(answer.find("\r\nX-Content-Type-Options: nosniff\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\nContent-Security-Policy: default-src 'none'"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nfaultline_up 1\n")) << answer;
  EXPECT_TRUE(Ask("GET /metrics?x=1 HTTP/1.1").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpTest, HealthIsOkOrTellsItsCauses) {
  Set(ready_, HealthStatus{false, {"no broker answers", "line\nof \"text\" \u202E"}});
  const std::string live = Ask("GET /livez HTTP/1.1");
  EXPECT_TRUE(live.starts_with("HTTP/1.1 200 OK\r\n")) << live;
  EXPECT_TRUE(live.ends_with("\r\n\r\n{\"status\":\"ok\"}\n")) << live;
  const std::string ready = Ask("GET /readyz HTTP/1.1");
  EXPECT_TRUE(ready.starts_with("HTTP/1.1 503 ")) << ready;
  EXPECT_NE(ready.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_TRUE(
      ready.ends_with("\r\n\r\n{\"status\":\"failing\",\"causes\":[\"no broker answers\","
                      "\"line\\nof \\\"text\\\" \\u202e\"]}\n"))
      << ready;
}

TEST_F(HttpTest, KnowsNoOtherPath) {
  for (const std::string path : {"/", "/metrics/", "/METRICS", "//metrics", "/%2e%2e/etc/passwd"}) {
    EXPECT_TRUE(Ask("GET " + path + " HTTP/1.1").starts_with("HTTP/1.1 404 ")) << path;
  }
}

TEST_F(HttpTest, RefusesOtherMethods) {
  for (const std::string verb : {"PUT", "DELETE", "OPTIONS", "TRACE", "WHAT", "get"}) {
    const std::string answer = Ask(verb + " /metrics HTTP/1.1");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
    EXPECT_NE(answer.find("\r\nAllow: GET, HEAD\r\n"), std::string::npos) << answer;
  }
  EXPECT_TRUE(Ask("POST /metrics HTTP/1.1", "Content-Length: 0\r\n").starts_with("HTTP/1.1 405 "));
  // Not even read: the body never comes.
  EXPECT_TRUE(
      Ask("POST /metrics HTTP/1.1", "Content-Length: 100000\r\n").starts_with("HTTP/1.1 405 "));
}

TEST_F(HttpTest, HeadIsGetWithoutTheBody) {
  const std::string answer = Ask("HEAD /metrics HTTP/1.1");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nContent-Length: 15\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_TRUE(Ask("HEAD /nowhere HTTP/1.1").starts_with("HTTP/1.1 404 "));
}

TEST_F(HttpTest, AConnectionServesSeveralRequests) {
  Peer peer(server_->port());
  ASSERT_TRUE(peer.Say(std::string(kScrape) + kScrape));
  for (int i = 0; i < 2; ++i) {
    const std::string answer = peer.Hear("faultline_up 1\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  }
}

TEST_F(HttpTest, WhoHasAskedMaySayNoMore) {
  Peer peer(server_->port());
  ASSERT_TRUE(peer.Say(kScrape));
  peer.SayNoMore();
  EXPECT_TRUE(peer.Hear("faultline_up 1\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpTest, AHandlerThatThrowsIsAnError) {
  Set(fails_, true);
  EXPECT_TRUE(Ask("GET /metrics HTTP/1.1").starts_with("HTTP/1.1 500 "));
  Set(fails_, false);
  EXPECT_TRUE(Scraped());
}

TEST_F(HttpTest, HalfOpenRequestsHoldNobodyUp) {
  const std::uint16_t port = server_->port();
  Peer slow(port), silent(port), half_closed(port), reset(port);
  ASSERT_TRUE(slow.Say("GET /metr"));
  ASSERT_TRUE(half_closed.Say("GET /metrics HTTP/1.1\r\n"));
  ASSERT_TRUE(reset.Say("GET /metrics HTTP/1.1\r\nHo"));
  half_closed.SayNoMore();
  reset.Reset();
  EXPECT_TRUE(Scraped());
  EXPECT_TRUE(silent.OpenAndSilent());
  // Who goes on after all is served.
  ASSERT_TRUE(slow.Say("ics HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(slow.Hear("faultline_up 1\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpTest, GarbageAndOversizedHeadsAreTurnedAway) {
  const std::string large(HttpServer::kConnectionBytes * 4, 'a');
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
        "GET\r\n\r\n" + std::string(), "GET /metrics HTTP/9.9\r\n\r\n" + std::string(),
        "GET /" + large + " HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nX: " + large + "\r\n\r\n"}) {
    Peer peer(server_->port());
    peer.Say(bytes);
    peer.SayNoMore();
    EXPECT_EQ(peer.Hear().find(" 200 "), std::string::npos) << bytes.substr(0, 40);
    EXPECT_TRUE(Scraped());
  }
}

TEST_F(HttpTest, WhoFallsSilentIsLetGo) {
  const std::uint16_t port = server_->port();
  Peer mute(port), half(port), half_closed(port), idle(port);
  ASSERT_TRUE(half.Say("GET /metr"));
  ASSERT_TRUE(half_closed.Say("GET /metr"));
  half_closed.SayNoMore();
  ASSERT_TRUE(idle.Say(kScrape));
  EXPECT_TRUE(idle.Hear("faultline_up 1\n").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(mute.IsLeft());
  EXPECT_TRUE(half.IsLeft());
  EXPECT_TRUE(half_closed.IsLeft());
  EXPECT_TRUE(idle.IsLeft());
}

// A client that says nothing to another server: while that keeps it, less time has passed than a
// connection may idle, so nobody waited for slow clients to be let go.
class IdleTime {
 public:
  IdleTime() : server_(HttpServer::Start("127.0.0.1:0", {})), mute_((*server_)->port()) {}
  [[nodiscard]] bool HasNotPassed() const { return mute_.OpenAndSilent(); }

 private:
  Result<std::unique_ptr<HttpServer>> server_;
  Peer mute_;
};

TEST_F(HttpTest, AThousandSlowSocketsDoNotDelayAScrape) {
  AllowManyFiles();
  std::vector<std::unique_ptr<Peer>> slow;
  for (int i = 0; i < kSlow; ++i) {
    slow.push_back(std::make_unique<Peer>(server_->port()));
    ASSERT_TRUE(slow.back()->connected());
    slow.back()->Say(i % 2 == 0 ? "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: " : "");
  }
  const IdleTime idle_time;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Scraped());
  EXPECT_TRUE(idle_time.HasNotPassed());
  unsigned open = 0;
  for (const auto& peer : slow) open += peer->OpenAndSilent() ? 1 : 0;
  EXPECT_TRUE(slow.back()->OpenAndSilent());
  EXPECT_FALSE(slow.front()->OpenAndSilent());
  EXPECT_GT(open, HttpServer::kEvictAt / 2);
  EXPECT_LE(open, HttpServer::kMaxConnections);
  // They drip on while newcomers push them out: bytes unread do not keep a place.
  for (const auto& peer : slow) {
    peer->Say("x");
    const Peer newcomer(server_->port());
    ASSERT_TRUE(newcomer.connected());
  }
  EXPECT_TRUE(Scraped());
}

TEST_F(HttpTest, ClientsThatDoNotReadDoNotDelayAScrape) {
  AllowManyFiles();
  Set(padding_, "# " + std::string(200'000, 'p') + "\n");
  std::vector<std::unique_ptr<Peer>> deaf;
  for (int i = 0; i < kSlow; ++i) {
    deaf.push_back(std::make_unique<Peer>(server_->port(), 2048));
    ASSERT_TRUE(deaf.back()->connected());
    deaf.back()->Say(kScrape);
  }
  const IdleTime idle_time;
  EXPECT_TRUE(Scraped());
  EXPECT_TRUE(idle_time.HasNotPassed());
  // The newest was not cut off for it: it can still read all that it asked for.
  const std::string answer = deaf.back()->Hear("p\n");
  EXPECT_NE(answer.find("faultline_up 1\n" + padding_), std::string::npos) << answer.size();
}

TEST_F(HttpTest, APortThatIsTakenIsAClearError) {
  const auto second = HttpServer::Start(server_->address(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().fault, Fault::kIo);
  EXPECT_EQ(second.error().message,
            "cannot listen on " + server_->address() + ": Address already in use");
  EXPECT_NE(second.error().remedy.find("http.listen"), std::string::npos);
  EXPECT_TRUE(Scraped());
}

TEST_F(HttpTest, ItsEndClosesAllAndFreesThePort) {
  const std::string address = server_->address();
  const std::uint16_t port = server_->port();
  Peer half(port);
  ASSERT_TRUE(half.Say("GET /met"));
  ASSERT_TRUE(Scraped());
  server_.reset();
  EXPECT_EQ(half.Hear(), "");
  EXPECT_FALSE(Peer(port).connected());
  HttpServer::Handlers handlers;
  handlers.metrics = [] { return std::string("again 1\n"); };
  const auto again = HttpServer::Start(address, std::move(handlers));
  ASSERT_TRUE(again) << again.error().ToString();
  EXPECT_EQ(testing::HttpGet(address, "/metrics").body, "again 1\n");
}

TEST(HttpStartTest, BadAddressesAreConfigurationErrors) {
  for (const std::string listen :
       {"", "127.0.0.1", ":9464", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:123456", "::1:9464", "[]:1", "300.1.1.1.1:1", "127.0.0.1:1 "}) {
    const auto server = HttpServer::Start(listen, {});
    ASSERT_FALSE(server) << listen;
    EXPECT_EQ(server.error().fault, Fault::kConfig) << listen;
    EXPECT_NE(server.error().message.find("'" + listen + "'"), std::string::npos);
    EXPECT_NE(server.error().remedy.find("HOST:PORT"), std::string::npos);
  }
}

TEST(HttpStartTest, AnAddressOfAnotherMachineIsAnIoError) {
  const auto server = HttpServer::Start("192.0.2.1:9464", {});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().fault, Fault::kIo);
  EXPECT_NE(server.error().message.find("192.0.2.1:9464"), std::string::npos);
}

}  // namespace
}  // namespace faultline
