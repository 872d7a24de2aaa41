// SPDX-License-Identifier: Apache-2.0
#include "exporters/http.h"

#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "exporters/json_writer.h"

namespace faultline {
namespace {

constexpr unsigned kIdleSeconds = 10;
constexpr int kBacklog = 1024;
constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json";
constexpr const char* kPrometheus = "text/plain; version=0.0.4; charset=utf-8";

// A file descriptor from birth to close.
class Socket {
 public:
  explicit Socket(int fd) noexcept : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct DaemonDeleter {
  void operator()(MHD_Daemon* daemon) const noexcept { MHD_stop_daemon(daemon); }
};
struct ResponseDeleter {
  void operator()(MHD_Response* response) const noexcept { MHD_destroy_response(response); }
};
struct AddressDeleter {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

struct HostPort {
  std::string host, port;
};

std::optional<HostPort> Split(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  HostPort parts{listen.substr(0, colon), listen.substr(colon + 1)};
  if (parts.host.front() == '[' && parts.host.back() == ']') {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  } else if (parts.host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  const bool digits = !parts.port.empty() && parts.port.size() <= 5 &&
                      parts.port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoi(parts.port) > 65535 || parts.host.empty()) return std::nullopt;
  return parts;
}

tl::unexpected<Error> BadAddress(const std::string& listen, const std::string& why) {
  return Fail(Fault::kConfig, fmt::format("cannot listen on '{}': {}", listen, why), {},
              "http.listen takes HOST:PORT, such as 127.0.0.1:9464");
}

tl::unexpected<Error> NotToBeHad(const std::string& listen, int error) {
  const std::string remedy =
      error == EADDRINUSE ? "another program has this port: stop it or set another http.listen"
                          : "set another http.listen";
  return Fail(Fault::kIo, fmt::format("cannot listen on {}: {}", listen, std::strerror(error)), {},
              remedy);
}

Result<Socket> Listen(const std::string& listen) {
  const std::optional<HostPort> parts = Split(listen);
  if (!parts) return BadAddress(listen, "not an address with a port");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &found);
  if (code != 0) return BadAddress(listen, gai_strerror(code));
  const std::unique_ptr<addrinfo, AddressDeleter> owner(found);
  Socket server(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (server.get() < 0) return NotToBeHad(listen, errno);
  const int yes = 1;
  setsockopt(server.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(server.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(server.get(), kBacklog) != 0) {
    return NotToBeHad(listen, errno);
  }
  return server;
}

std::uint16_t BoundPort(int fd) noexcept {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

// Signals are for the program's own threads: the one that is started meanwhile takes none.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

struct Answer {
  unsigned status = MHD_HTTP_OK;
  const char* type = kText;
  std::string body;
};

MHD_Result Send(MHD_Connection* connection, const Answer& answer) noexcept {
  const std::unique_ptr<MHD_Response, ResponseDeleter> response(MHD_create_response_from_buffer(
      answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY));
  if (response == nullptr) return MHD_NO;
  const auto header = [&response](const char* name, const char* value) {
    MHD_add_response_header(response.get(), name, value);
  };
  header("Content-Type", answer.type);
  header("Cache-Control", "no-store");
  header("X-Content-Type-Options", "nosniff");
  header("X-Frame-Options", "DENY");
  header("Referrer-Policy", "no-referrer");
  header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  if (answer.status == MHD_HTTP_METHOD_NOT_ALLOWED) header("Allow", "GET, HEAD");
  return MHD_queue_response(connection, answer.status, response.get());
}

Answer HealthAnswer(const HealthStatus& health) {
  const unsigned status = health.ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
  return {status, kJson, HealthJson(health) + "\n"};
}

}  // namespace

std::string HealthJson(const HealthStatus& health) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject().Key("status").String(health.ok ? "ok" : "failing");
  if (!health.ok) {
    json.Key("causes").BeginArray();
    for (const std::string& cause : health.causes) json.String(cause);
    json.EndArray();
  }
  json.EndObject();
  return out;
}

struct HttpServer::Impl {
  Handlers handlers;
  std::uint16_t port = 0;
  std::string address;
  std::list<int> connections;  // sockets, oldest first; the server's thread only
  std::unique_ptr<MHD_Daemon, DaemonDeleter> daemon;  // last: its thread ends before the rest goes

  [[nodiscard]] Answer Get(std::string_view path) const {
    if (path == "/metrics") return {MHD_HTTP_OK, kPrometheus, handlers.metrics()};
    if (path == "/livez") return HealthAnswer(handlers.live());
    if (path == "/readyz") return HealthAnswer(handlers.ready());
    return {MHD_HTTP_NOT_FOUND, kText, "not found: try /metrics, /livez or /readyz\n"};
  }

  [[nodiscard]] Answer Serve(std::string_view path) const noexcept {
    try {
      return Get(path);
    } catch (...) {
      return {MHD_HTTP_INTERNAL_SERVER_ERROR, kText, {}};
    }
  }

  // libmicrohttpd calls this when the head of a request is there, for each piece of its body, and
  // at its end; the body is thrown away.
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url,
                              const char* method, const char*, const char*, std::size_t* body_size,
                              void** seen) noexcept {
    const std::string_view verb = method;
    if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD) {
      return Send(connection, {MHD_HTTP_METHOD_NOT_ALLOWED, kText, "only GET and HEAD\n"});
    }
    if (*seen == nullptr || *body_size != 0) {
      *seen = self;
      *body_size = 0;
      return MHD_YES;
    }
    return Send(connection, static_cast<const Impl*>(self)->Serve(url));
  }

  // Shutting a socket down wakes the event loop, which closes the connection as one that its client
  // has left; the descriptor stays ours until the loop reports the end.
  void Started(int fd) {
    connections.push_back(fd);
    if (connections.size() <= kEvictAt) return;
    shutdown(connections.front(), SHUT_RDWR);
    connections.pop_front();
  }

  static void OnConnection(void* self, MHD_Connection* connection, void**,
                           MHD_ConnectionNotificationCode code) noexcept {
    const MHD_ConnectionInfo* info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == nullptr) return;
    auto* impl = static_cast<Impl*>(self);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      impl->Started(info->connect_fd);
    } else {
      impl->connections.remove(info->connect_fd);
    }
  }

  [[nodiscard]] MHD_Daemon* StartDaemon(int fd) {
    const SignalsBlocked blocked;
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, nullptr, nullptr,
                            &Impl::OnRequest, this, MHD_OPTION_LISTEN_SOCKET, fd,  //
                            MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,          //
                            MHD_OPTION_PER_IP_CONNECTION_LIMIT, 0U,                //
                            MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,           //
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes,  //
                            MHD_OPTION_NOTIFY_CONNECTION, &Impl::OnConnection, this,
                            MHD_OPTION_END);
  }
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& listen,
                                                      Handlers handlers) {
  Result<Socket> server = Listen(listen);
  if (!server) return tl::unexpected(server.error());
  auto impl = std::make_unique<Impl>();
  impl->handlers = std::move(handlers);
  impl->port = BoundPort(server->get());
  impl->address = fmt::format("{}:{}", listen.substr(0, listen.rfind(':')), impl->port);
  // From here on the socket is libmicrohttpd's, which closes it also when it fails to start.
  impl->daemon.reset(impl->StartDaemon(server->release()));
  if (impl->daemon == nullptr) {
    return Fail(Fault::kIo, fmt::format("the HTTP server on {} does not start", listen), {},
                "see whether the limits on memory, threads and open files are reached");
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const noexcept { return impl_->port; }
const std::string& HttpServer::address() const noexcept { return impl_->address; }

}  // namespace faultline
