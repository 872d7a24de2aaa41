// SPDX-License-Identifier: Apache-2.0
#include "tests/kafka/support/broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>

#include <fmt/format.h>

#include "kafka/handles.h"
#include "kafka/topics.h"

namespace faultline::testing {
namespace {

namespace fs = std::filesystem;
constexpr const char* kVersion = "3.9.1";  // as in pom.xml

// A child in a process group of its own that dies with the thread that started it.
pid_t Spawn(const std::vector<std::string>& arguments, const fs::path& log) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(in);
  close(out);
  return child;
}

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string TailOf(const fs::path& log) {
  std::ifstream in(log);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  return text.size() > 2000 ? text.substr(text.size() - 2000) : text;
}

Result<void> Run(const std::vector<std::string>& arguments, const fs::path& log) {
  const int status = WaitFor(Spawn(arguments, log));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Fail(Fault::kIo, fmt::format("'{}' failed: {}", arguments[0], TailOf(log)), {},
              "install openjdk-17-jre-headless and maven; Maven needs its repository once");
}

fs::path CacheRoot() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != 0) {
    return cache;
  }
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "/tmp" : home) / ".cache";
}

// The folder of jars; fetched by the first that comes, the others wait at the lock.
Result<fs::path> Jars() {
  if (const char* named = std::getenv("FAULTLINE_KAFKA_JARS"); named != nullptr) return named;
  const fs::path cache = CacheRoot() / "faultline" / fmt::format("kafka-{}", kVersion);
  std::error_code error;
  fs::create_directories(cache, error);
  const int lock = open((cache / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Fail(Fault::kIo, fmt::format("cannot write to {}", cache.string()));
  flock(lock, LOCK_EX);
  Result<void> fetched;
  if (!fs::exists(cache / "complete")) {
    fetched = Run({"mvn", "-q", "-B", "-f", FAULTLINE_POM, "dependency:copy-dependencies",
                   "-DoutputDirectory=" + (cache / "lib").string()},
                  cache / "maven.log");
    if (fetched) std::ofstream(cache / "complete") << kVersion << "\n";
  }
  close(lock);
  if (!fetched) return tl::unexpected<Error>(fetched.error());
  return cache / "lib";
}

bool IsFree(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool free = bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return free;
}

// Below the range that the kernel gives to outgoing connections, so that a broker finds its port
// again after a restart.
int FreePort() {
  std::random_device random;
  std::uniform_int_distribution<int> any(15000, 32000);
  int port = any(random);
  while (!IsFree(port)) port = any(random);
  return port;
}

// 16 bytes in base64url (the last character carries two bits only), never beginning with a dash.
std::string RandomClusterId() {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::random_device random;
  std::uniform_int_distribution<std::size_t> any(0, kLetters.size() - 1);
  std::string id;
  while (id.size() < 21) id += kLetters[any(random)];
  return id + "A";
}

void WriteProperties(const fs::path& file, int port, int controller, const fs::path& data) {
  std::ofstream(file) << fmt::format(
      "process.roles=broker,controller\nnode.id=1\n"
      "controller.quorum.voters=1@127.0.0.1:{1}\n"
      "listeners=PLAINTEXT://127.0.0.1:{0},CONTROLLER://127.0.0.1:{1}\n"
      "advertised.listeners=PLAINTEXT://127.0.0.1:{0}\n"
      "controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n"
      "log.dirs={2}\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=8\n"
      "transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n"
      "transaction.state.log.num.partitions=8\ngroup.initial.rebalance.delay.ms=0\n"
      "auto.create.topics.enable=false\nlog.retention.check.interval.ms=1000\n"
      "log.initial.task.delay.ms=1000\nlog.cleaner.dedupe.buffer.size=8388608\n",
      port, controller, data.string());
}

Result<kafka::Admin> AdminOf(const std::string& address) {
  kafka::ClientProperties client;
  client.brokers = address;
  return kafka::Admin::Create(client);
}

// A client that looks for the broker without a word about the refusals before it listens.
kafka::ClientHandle QuietClient(const std::string& address) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", address.c_str(), nullptr, 0);
  rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "200", nullptr, 0);
  rd_kafka_conf_set_log_cb(conf, nullptr);
  return kafka::ClientHandle(rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
}

// Whether the cluster `id`, and not somebody else's broker on the same port, answers.
bool Answers(rd_kafka_t* client, const std::string& id) {
  char* cluster = rd_kafka_clusterid(client, 200);
  const bool ours = cluster != nullptr && id == cluster;
  rd_kafka_mem_free(client, cluster);
  return ours;
}

}  // namespace

struct Broker::Impl {
  explicit Impl(fs::path jars_at) : jars(std::move(jars_at)) {}
  ~Impl() {
    End(SIGKILL);
    std::error_code ignored;
    if (!folder.empty()) fs::remove_all(folder, ignored);
  }
  // In a fresh folder, on ports that nobody listens on.
  Result<void> Prepare() {
    std::string pattern = (fs::temp_directory_path() / "faultline-kafka-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return Fail(Fault::kIo, "no temporary folder");
    folder = pattern;
    const int port = FreePort();
    address = fmt::format("127.0.0.1:{}", port);
    const fs::path properties = folder / "server.properties";
    WriteProperties(properties, port, FreePort(), folder / "data");
    return Run({"java", "-cp", jars.string() + "/*", "kafka.tools.StorageTool", "format", "-t",
                cluster_id, "-c", properties.string()},
               folder / "format.log");
  }
  Result<void> Launch() {
    pid = Spawn({"java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
                 jars.string() + "/*", "kafka.Kafka", (folder / "server.properties").string()},
                folder / "broker.log");
    const kafka::ClientHandle client = QuietClient(address);
    const bool ended = WaitUntil([&] { return Ended() || Answers(client.get(), cluster_id); },
                                 std::chrono::seconds(90));
    if (ended && pid > 0) return {};
    return Fail(Fault::kIo, fmt::format("the broker did not {}: {}", pid > 0 ? "answer" : "start",
                                        TailOf(folder / "broker.log")));
  }
  // Whether it is gone; then it is no longer ours to wait for.
  bool Ended() {
    if (pid > 0 && waitpid(pid, nullptr, WNOHANG) == pid) pid = -1;
    return pid <= 0;
  }
  // Sends the signal and waits; what does not hear it in time is killed.
  void End(int signal) {
    if (pid <= 0) return;
    kill(-pid, signal);
    kill(-pid, SIGCONT);  // a frozen one hears nothing else than SIGKILL
    if (WaitUntil([&] { return Ended(); }, std::chrono::seconds(30))) return;
    kill(-pid, SIGKILL);
    WaitFor(pid);
    pid = -1;
  }

  fs::path jars, folder;
  std::string address;
  std::string cluster_id = RandomClusterId();
  pid_t pid = -1;  // -1: not running
};

Broker::Broker(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Broker::~Broker() = default;

Result<std::unique_ptr<Broker>> Broker::Create() {
  constexpr int kTries = 4;  // somebody may take a port between our look and the broker's
  const Result<fs::path> jars = Jars();
  if (!jars) return tl::unexpected<Error>(jars.error());
  for (int tried = 1;; ++tried) {
    auto impl = std::make_unique<Impl>(*jars);
    if (Result<void> prepared = impl->Prepare(); !prepared) {
      return tl::unexpected<Error>(prepared.error());
    }
    const Result<void> launched = impl->Launch();
    if (launched) return std::unique_ptr<Broker>(new Broker(std::move(impl)));
    if (impl->pid > 0 || tried == kTries) return tl::unexpected<Error>(launched.error());
  }
}

Broker& Broker::Shared() {
  static const Result<std::unique_ptr<Broker>> shared = Create();
  if (!shared) throw std::runtime_error("no broker: " + shared.error().ToString());
  return **shared;
}

const std::string& Broker::address() const noexcept { return impl_->address; }

void Broker::CreateTopic(const std::string& topic, std::int32_t partitions) {
  Result<kafka::Admin> admin = AdminOf(address());
  ASSERT_TRUE(admin) << admin.error().ToString();
  const Result<void> made =
      admin->CreateTopics({{topic, partitions, 1, {}}}, std::chrono::seconds(30));
  ASSERT_TRUE(made) << made.error().ToString();
}

void Broker::DeleteTopic(const std::string& topic) {
  Result<kafka::Admin> admin = AdminOf(address());
  ASSERT_TRUE(admin) << admin.error().ToString();
  const Result<void> gone = admin->DeleteTopic(topic, std::chrono::seconds(30));
  ASSERT_TRUE(gone) << gone.error().ToString();
}

void Broker::Stop() { impl_->End(SIGTERM); }
void Broker::Kill9() { impl_->End(SIGKILL); }
void Broker::Start() {
  const Result<void> started = impl_->Launch();
  ASSERT_TRUE(started) << started.error().ToString();
}
void Broker::Restart() {
  Stop();
  Start();
}
void Broker::Freeze() { ASSERT_EQ(0, kill(-impl_->pid, SIGSTOP)); }
void Broker::Thaw() { ASSERT_EQ(0, kill(-impl_->pid, SIGCONT)); }
bool Broker::running() const noexcept { return impl_->pid > 0; }
pid_t Broker::pid() const noexcept { return impl_->pid; }
fs::path Broker::log() const { return impl_->folder / "broker.log"; }

std::string UniqueName(std::string_view stem) {
  static std::atomic<int> next{0};
  return fmt::format("{}-{}", stem, ++next);
}

}  // namespace faultline::testing
