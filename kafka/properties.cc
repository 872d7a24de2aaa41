// SPDX-License-Identifier: Apache-2.0
#include "kafka/properties.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "kafka/handles.h"

namespace faultline::kafka {
namespace {

struct Refused {
  std::string_view name;  // a property, or a prefix ending in '.'
  std::string_view reason;
  std::string_view remedy;
};

constexpr std::string_view kCode = "it makes librdkafka load or run other programs";
constexpr std::string_view kTest = "it is for tests of librdkafka";
constexpr std::string_view kGuarantee = "exactly-once delivery rests on it";
constexpr std::string_view kOurs = "faultline sets it itself";
constexpr std::string_view kLeaveOut = "remove it";

constexpr Refused kRefused[] = {
    {"plugin.library.paths", kCode, kLeaveOut},
    {"ssl.engine.location", kCode, "use ssl.key.location or ssl.keystore.location"},
    {"ssl.engine.id", kCode, "use ssl.key.location or ssl.keystore.location"},
    {"ssl.providers", kCode, kLeaveOut},
    {"sasl.kerberos.kinit.cmd", kCode, "keep the ticket fresh outside of faultline"},
    {"test.", kTest, kLeaveOut},
    {"enable.auto.commit", kGuarantee, kLeaveOut},
    {"enable.auto.offset.store", kGuarantee, kLeaveOut},
    {"auto.commit.interval.ms", kGuarantee, "set commit.interval of the configuration"},
    {"auto.commit.enable", kGuarantee, kLeaveOut},
    {"auto.offset.reset", "a lost position must be seen, not jumped over",
     "set start: of the input"},
    {"isolation.level", kGuarantee, kLeaveOut},
    {"transactional.id", kGuarantee, "set pipeline: and instance: of the configuration"},
    {"transaction.timeout.ms", kGuarantee, kLeaveOut},
    {"enable.idempotence", kGuarantee, kLeaveOut},
    {"enable.gapless.guarantee", kGuarantee, kLeaveOut},
    {"acks", kGuarantee, kLeaveOut},
    {"request.required.acks", kGuarantee, kLeaveOut},
    {"retries", kGuarantee, kLeaveOut},
    {"message.send.max.retries", kGuarantee, kLeaveOut},
    {"max.in.flight", kGuarantee, kLeaveOut},
    {"max.in.flight.requests.per.connection", kGuarantee, kLeaveOut},
    {"message.timeout.ms", kGuarantee, kLeaveOut},
    {"delivery.timeout.ms", kGuarantee, kLeaveOut},
    {"queuing.strategy", kGuarantee, kLeaveOut},
    {"produce.offset.report", kOurs, kLeaveOut},
    {"check.crcs", "damaged records must be seen", kLeaveOut},
    {"partition.assignment.strategy",
     "this version of librdkafka loses assignments with the cooperative one", kLeaveOut},
    {"group.protocol", kOurs, kLeaveOut},
    {"group.protocol.type", kOurs, kLeaveOut},
    {"enabled_events", kOurs, kLeaveOut},
    {"allow.auto.create.topics", "no topic is ever made silently", "create the topics"},
    {"enable.partition.eof", kOurs, kLeaveOut},
    {"statistics.interval.ms", "faultline has metrics of its own", kLeaveOut},
    {"partitioner", "keys must go where every other Kafka client puts them", kLeaveOut},
    {"bootstrap.servers", kOurs, "set kafka.brokers"},
    {"metadata.broker.list", kOurs, "set kafka.brokers"},
    {"group.id", kOurs, "set kafka.group"},
    {"group.instance.id", kOurs, "set instance: of the configuration"},
    {"topic.blacklist", kOurs, kLeaveOut},
    {"enable.ssl.certificate.verification", "anyone could stand in for the broker",
     "set ssl.ca.location"},
    {"ssl.endpoint.identification.algorithm", "anyone could stand in for the broker",
     "give the broker a certificate with its name"},
    {"log.queue", kOurs, kLeaveOut},
    {"log_level", kOurs, kLeaveOut},
};

bool Covers(const Refused& refused, std::string_view name) {
  return refused.name.ends_with('.') ? name.starts_with(refused.name) : name == refused.name;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  return text;
}

// "SSL://host:port", "[::1]:port", "host" -> host
std::string_view HostOf(std::string_view broker) {
  if (const std::size_t scheme = broker.find("://"); scheme != std::string_view::npos) {
    broker.remove_prefix(scheme + 3);
  }
  if (broker.starts_with('[')) return broker.substr(1, broker.find(']') - 1);
  return broker.substr(0, broker.find(':'));
}

bool IsDottedLoopback(std::string_view host) {
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// A scheme in the list of brokers wins over security.protocol in librdkafka.
bool HasPlainScheme(std::string_view brokers) {
  const std::string lower = Lower(brokers);
  return lower.find("plaintext://") != std::string::npos ||
         lower.find("sasl_plaintext://") != std::string::npos;
}

bool Encrypts(const ClientProperties& client) {
  if (HasPlainScheme(client.brokers)) return false;
  const auto found = client.user.find("security.protocol");
  if (found == client.user.end()) return false;
  const std::string protocol = Lower(found->second);
  return protocol == "ssl" || protocol == "sasl_ssl";
}

Result<void> CheckBrokers(const ClientProperties& client) {
  if (Trim(client.brokers).empty()) {
    return Fail(Fault::kConfig, "no brokers are configured", {},
                "set kafka.brokers to host:port,...");
  }
  for (const std::string_view broker : Split(client.brokers, ',')) {
    if (HostOf(Trim(broker)).empty()) {
      return Fail(Fault::kConfig,
                  fmt::format("kafka.brokers: '{}' has an empty entry", client.brokers), {},
                  "write host:port,host:port");
    }
  }
  if (Encrypts(client) || client.allow_plaintext || IsLoopback(client.brokers)) return {};
  return Fail(
      Fault::kConfig, fmt::format("the connection to {} would not be encrypted", client.brokers),
      {}, "set kafka.properties security.protocol to SSL or SASL_SSL, or allow_plaintext: true");
}

Result<void> CheckRefused(const std::string& name) {
  for (const Refused& refused : kRefused) {
    if (!Covers(refused, name)) continue;
    return Fail(Fault::kConfig,
                fmt::format("the Kafka property '{}' is refused: {}", name, refused.reason), {},
                std::string(refused.remedy));
  }
  return {};
}

Error RefusedByLibrary(const std::string& name, rd_kafka_conf_res_t result,
                       std::string_view message) {
  const std::string version = LibraryVersion();
  if (result == RD_KAFKA_CONF_UNKNOWN) {
    return {Fault::kConfig,
            fmt::format("librdkafka {} knows no Kafka property '{}'", version, name),
            {},
            "see CONFIGURATION.md of librdkafka for the names"};
  }
  if (IsSecret(name)) {
    return {Fault::kConfig,
            fmt::format("librdkafka {} refuses the value of '{}'", version, name),
            {},
            "see CONFIGURATION.md of librdkafka for its form"};
  }
  return {Fault::kConfig,
          fmt::format("librdkafka {}: {}", version, message),
          {},
          "see CONFIGURATION.md of librdkafka for the values allowed"};
}

// librdkafka checks the value of a single property when it is set.
Result<void> CheckWithLibrary(const std::string& name, const std::string& value) {
  const ConfHandle conf(rd_kafka_conf_new());
  std::array<char, 512> message{};
  const rd_kafka_conf_res_t result =
      rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), message.data(), message.size());
  if (result == RD_KAFKA_CONF_OK) return {};
  return tl::unexpected<Error>(RefusedByLibrary(name, result, message.data()));
}

// Ours win over the user's; CheckClient has refused those that clash.
class List {
 public:
  explicit List(const ClientProperties& client) {
    Set("client.id", client.client_id);
    Set("bootstrap.servers", client.brokers);
    Set("statistics.interval.ms", "0");
    Set("allow.auto.create.topics", "false");
    Set("ssl.endpoint.identification.algorithm", "https");
    for (const auto& [name, value] : client.user) Set(name, value);
  }

  List& Set(std::string_view name, std::string value) {
    const auto found = std::find_if(properties_.begin(), properties_.end(),
                                    [&](const Property& p) { return p.first == name; });
    if (found != properties_.end()) {
      found->second = std::move(value);
    } else {
      properties_.emplace_back(name, std::move(value));
    }
    return *this;
  }
  List& Default(std::string_view name, std::string value) {
    const bool set = std::any_of(properties_.begin(), properties_.end(),
                                 [&](const Property& p) { return p.first == name; });
    if (!set) properties_.emplace_back(name, std::move(value));
    return *this;
  }

  [[nodiscard]] std::vector<Property> Take() { return std::move(properties_); }

 private:
  std::vector<Property> properties_;
};

// "^name$" with everything quoted that POSIX extended expressions give a meaning.
std::string Literally(std::string_view topic) {
  std::string pattern = "^";
  for (const char c : topic) {
    if (c == '.') pattern += '\\';
    pattern += c;
  }
  return pattern + "$";
}

std::string JoinLiterally(const std::vector<std::string>& topics) {
  std::string all;
  for (const std::string& topic : topics) all += (all.empty() ? "" : ",") + Literally(topic);
  return all;
}

}  // namespace

Result<void> CheckClient(const ClientProperties& client) {
  for (const auto& [name, value] : client.user) {
    if (Result<void> checked = CheckRefused(name); !checked) return checked;
    if (Result<void> checked = CheckWithLibrary(name, value); !checked) return checked;
  }
  return CheckBrokers(client);
}

Result<std::vector<Property>> AdminConfiguration(const ClientProperties& client) {
  if (Result<void> checked = CheckClient(client); !checked) {
    return tl::unexpected<Error>(checked.error());
  }
  return List(client).Take();
}

Result<std::vector<Property>> Configuration(const ConsumerProperties& consumer) {
  if (Result<void> checked = CheckClient(consumer.client); !checked) {
    return tl::unexpected<Error>(checked.error());
  }
  List list(consumer.client);
  list.Set("group.id", consumer.group.empty() ? "faultline-unused" : consumer.group)
      .Set("partition.assignment.strategy", "range")
      .Set("enable.auto.commit", "false")
      .Set("enable.auto.offset.store", "false")
      .Set("auto.offset.reset", "error")
      .Set("enable.partition.eof", "true")
      .Set("check.crcs", "true")
      .Set("isolation.level",
           consumer.isolation == Isolation::kReadCommitted ? "read_committed" : "read_uncommitted");
  if (consumer.group_instance) list.Set("group.instance.id", *consumer.group_instance);
  if (!consumer.never.empty()) list.Set("topic.blacklist", JoinLiterally(consumer.never));
  list.Default("session.timeout.ms", std::to_string(consumer.session_timeout.count()))
      .Default("queued.min.messages", "10000000")  // the bytes count
      .Default("fetch.wait.max.ms", "100");
  if (BackoffCanBeTold()) {
    list.Default("queued.max.messages.kbytes", "32768").Default("fetch.queue.backoff.ms", "10");
  } else {
    list.Default("queued.max.messages.kbytes", "65536");
  }
  return list.Take();
}

Result<std::vector<Property>> Configuration(const ProducerProperties& producer) {
  using std::chrono::milliseconds;
  if (Result<void> checked = CheckClient(producer.client); !checked) {
    return tl::unexpected<Error>(checked.error());
  }
  const milliseconds timeout = producer.transaction_timeout;
  if (timeout < std::chrono::seconds(1) || timeout > std::chrono::minutes(15)) {
    return Fail(Fault::kConfig, "the transaction timeout must lie between 1 s and 15 min");
  }
  List list(producer.client);
  list.Set("enable.idempotence", "true")
      .Set("partitioner", "murmur2_random")
      .Set("message.max.bytes", std::to_string(producer.max_message_bytes));
  if (!producer.transactional_id.empty()) {
    // A record that could not be delivered must be given up before its transaction is.
    list.Set("transactional.id", producer.transactional_id)
        .Set("transaction.timeout.ms", std::to_string(timeout.count()))
        .Set("message.timeout.ms", std::to_string((timeout - timeout / 12).count()));
    // Nobody sees a record before the commit, which sends what waits at once. A record that waited
    // long enough while more than five of its partition are on their way keeps librdkafka's thread
    // spinning until they are answered.
    list.Default("linger.ms", "500");
  }
  list.Default("compression.type", "lz4")
      .Default("linger.ms", "5")
      .Default("queue.buffering.max.messages", "100000")
      .Default("queue.buffering.max.kbytes", "65536");
  return list.Take();
}

bool IsSecret(std::string_view name) {
  constexpr std::string_view kMarks[] = {
      "password", "secret", "pem", "jaas", "token", "key", "oauthbearer.config"};
  const std::string lower = Lower(name);
  return std::any_of(std::begin(kMarks), std::end(kMarks),
                     [&](std::string_view mark) { return lower.find(mark) != std::string::npos; });
}

bool IsLoopback(std::string_view brokers) {
  const std::vector<std::string_view> all = Split(brokers, ',');
  return std::all_of(all.begin(), all.end(), [](std::string_view broker) {
    const std::string host = Lower(HostOf(Trim(broker)));
    return host == "localhost" || host == "::1" || IsDottedLoopback(host);
  });
}

bool BackoffCanBeTold() {
  constexpr int kSince = 0x02020000;
  return rd_kafka_version() >= kSince;
}

std::string LibraryVersion() { return rd_kafka_version_str(); }

}  // namespace faultline::kafka
