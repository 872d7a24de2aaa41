// SPDX-License-Identifier: Apache-2.0
#include "kafka/topics.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "kafka/error.h"
#include "kafka/handles.h"

namespace faultline::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Topics = std::vector<TopicDescription>;

constexpr milliseconds kPause{20};  // between two looks at the metadata

int Millis(milliseconds span) {
  return static_cast<int>(std::max<milliseconds::rep>(span.count(), 1));
}

const TopicDescription* FindTopic(const Topics& topics, std::string_view name) {
  const auto found = std::find_if(topics.begin(), topics.end(),
                                  [&](const TopicDescription& t) { return t.name == name; });
  return found == topics.end() ? nullptr : &*found;
}

using Regex = Handle<regex_t, regfree>;

// As librdkafka reads the pattern of a subscription: POSIX extended, anywhere in the name.
Result<void> AppendMatching(const std::string& pattern, const Topics& all, Topics& found) {
  regex_t regex;
  if (regcomp(&regex, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    return Fail(Fault::kConfig, fmt::format("'{}' is no pattern of topics", pattern), {},
                "write a POSIX extended regular expression that begins with ^");
  }
  const Regex owned(&regex);
  for (const TopicDescription& topic : all) {
    const bool matches = regexec(&regex, topic.name.c_str(), 0, nullptr, 0) == 0;
    if (matches && FindTopic(found, topic.name) == nullptr) found.push_back(topic);
  }
  return {};
}

tl::unexpected<Error> Missing(const std::string& topic) {
  return Fail(Fault::kConfig, fmt::format("the topic '{}' does not exist", topic), {},
              "create it, or run with --create-topics where faultline may make it");
}

tl::unexpected<Error> BrokerSilent(const std::string& brokers, rd_kafka_resp_err_t code) {
  return Fail(Fault::kBroker,
              fmt::format("no answer from the brokers {}: {}", brokers, rd_kafka_err2str(code)), {},
              "see that a broker listens there, and the settings of kafka.properties");
}

Result<NewTopicHandle> MakeNewTopic(const TopicSpec& spec) {
  std::array<char, 256> message{};
  NewTopicHandle topic(rd_kafka_NewTopic_new(spec.name.c_str(), spec.partitions, spec.replication,
                                             message.data(), message.size()));
  if (!topic) {
    return Fail(Fault::kConfig, fmt::format("the topic '{}': {}", spec.name, message.data()));
  }
  for (const auto& [name, value] : spec.config) {
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  }
  return topic;
}

// Each topic's answer; one that has appeared meanwhile, or is gone already, is as good as done.
Result<void> Judge(std::span<const rd_kafka_topic_result_t* const> results) {
  for (const rd_kafka_topic_result_t* result : results) {
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(result);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ||
        code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      continue;
    }
    const char* text = rd_kafka_topic_result_error_string(result);
    return Fail(IsUnreachable(MakeError(code)) ? Fault::kBroker : Fault::kConfig,
                fmt::format("the topic '{}': {}", rd_kafka_topic_result_name(result),
                            text == nullptr ? rd_kafka_err2str(code) : text));
  }
  return {};
}

}  // namespace

struct Admin::Impl {
  [[nodiscard]] AdminOptionsHandle Options(rd_kafka_admin_op_t operation,
                                           milliseconds timeout) const;
  [[nodiscard]] Result<void> Create(const std::vector<NewTopicHandle>& topics,
                                    milliseconds timeout);
  [[nodiscard]] Result<void> Delete(const std::string& topic, milliseconds timeout);
  // Error of the answer to an admin request as a whole; null event: none came.
  [[nodiscard]] Result<void> Check(rd_kafka_event_t* event) const;

  std::string brokers;
  ClientHandle client;  // never null
};

AdminOptionsHandle Admin::Impl::Options(rd_kafka_admin_op_t operation, milliseconds timeout) const {
  AdminOptionsHandle options(rd_kafka_AdminOptions_new(client.get(), operation));
  std::array<char, 256> message{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), Millis(timeout), message.data(),
                                            message.size());
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), Millis(timeout), message.data(),
                                              message.size());
  return options;
}

Result<void> Admin::Impl::Check(rd_kafka_event_t* event) const {
  if (event == nullptr) return BrokerSilent(brokers, RD_KAFKA_RESP_ERR__TIMED_OUT);
  const rd_kafka_resp_err_t code = rd_kafka_event_error(event);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return BrokerSilent(brokers, code);
  return {};
}

Result<void> Admin::Impl::Create(const std::vector<NewTopicHandle>& topics, milliseconds timeout) {
  std::vector<rd_kafka_NewTopic_t*> views;
  for (const NewTopicHandle& topic : topics) views.push_back(topic.get());
  const QueueHandle queue(rd_kafka_queue_new(client.get()));
  const AdminOptionsHandle options = Options(RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout);
  rd_kafka_CreateTopics(client.get(), views.data(), views.size(), options.get(), queue.get());
  const EventHandle event(rd_kafka_queue_poll(queue.get(), Millis(timeout) + 1000));
  if (Result<void> checked = Check(event.get()); !checked) return checked;
  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  return Judge({results, count});
}

Result<void> Admin::Impl::Delete(const std::string& topic, milliseconds timeout) {
  const Handle<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy> request(
      rd_kafka_DeleteTopic_new(topic.c_str()));
  rd_kafka_DeleteTopic_t* view = request.get();
  const QueueHandle queue(rd_kafka_queue_new(client.get()));
  const AdminOptionsHandle options = Options(RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout);
  rd_kafka_DeleteTopics(client.get(), &view, 1, options.get(), queue.get());
  const EventHandle event(rd_kafka_queue_poll(queue.get(), Millis(timeout) + 1000));
  if (Result<void> checked = Check(event.get()); !checked) return checked;
  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  return Judge({results, count});
}

Result<Admin> Admin::Create(const ClientProperties& client) {
  Result<std::vector<Property>> configuration = AdminConfiguration(client);
  if (!configuration) return tl::unexpected<Error>(configuration.error());
  Result<ConfHandle> conf = MakeConf(*configuration);
  if (!conf) return tl::unexpected<Error>(conf.error());
  Result<ClientHandle> made = MakeClient(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!made) return tl::unexpected<Error>(made.error());
  auto impl = std::make_unique<Impl>();
  impl->brokers = client.brokers;
  impl->client = std::move(*made);
  return Admin(std::move(impl));
}

Admin::Admin(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Admin::~Admin() = default;
Admin::Admin(Admin&&) noexcept = default;
Admin& Admin::operator=(Admin&&) noexcept = default;

Result<Topics> Admin::List(milliseconds timeout) {
  const struct rd_kafka_metadata* raw = nullptr;
  const rd_kafka_resp_err_t code =
      rd_kafka_metadata(impl_->client.get(), 1, nullptr, &raw, Millis(timeout));
  const MetadataHandle metadata(raw);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return BrokerSilent(impl_->brokers, code);
  Topics topics;
  for (const rd_kafka_metadata_topic& topic :
       std::span(metadata->topics, static_cast<std::size_t>(metadata->topic_cnt))) {
    if (std::string_view(topic.topic).starts_with("__") || topic.partition_cnt == 0) continue;
    topics.push_back({topic.topic, topic.partition_cnt});
  }
  std::sort(topics.begin(), topics.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return topics;
}

Result<Topics> Admin::Describe(const std::vector<std::string>& names, milliseconds timeout) {
  const Result<Topics> all = List(timeout);
  if (!all) return all;
  Topics found;
  for (const std::string& name : names) {
    if (name.starts_with('^')) {
      if (Result<void> read = AppendMatching(name, *all, found); !read) {
        return tl::unexpected<Error>(read.error());
      }
      continue;
    }
    const TopicDescription* topic = FindTopic(*all, name);
    if (topic == nullptr) return Missing(name);
    if (FindTopic(found, name) == nullptr) found.push_back(*topic);
  }
  return found;
}

Result<void> Admin::CreateTopics(const std::vector<TopicSpec>& topics, milliseconds timeout) {
  const auto end = steady_clock::now() + timeout;
  const auto left = [&] {
    return std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
  };
  const Result<Topics> before = List(timeout);
  if (!before) return tl::unexpected<Error>(before.error());
  std::vector<NewTopicHandle> missing;
  for (const TopicSpec& spec : topics) {
    const TopicDescription* there = FindTopic(*before, spec.name);
    if (there == nullptr) {
      Result<NewTopicHandle> topic = MakeNewTopic(spec);
      if (!topic) return tl::unexpected<Error>(topic.error());
      missing.push_back(std::move(*topic));
    } else if (there->partitions < spec.partitions) {
      return Fail(Fault::kConfig,
                  fmt::format("the topic '{}' has {} partitions, {} are wanted", spec.name,
                              there->partitions, spec.partitions),
                  {}, "add partitions to it, or name another topic");
    }
  }
  if (missing.empty()) return {};
  if (Result<void> created = impl_->Create(missing, left()); !created) return created;
  std::vector<std::string> names;
  for (const TopicSpec& spec : topics) names.push_back(spec.name);
  for (;;) {
    const Result<Topics> visible = Describe(names, left());
    if (visible) return {};
    if (left() <= milliseconds(0)) return tl::unexpected<Error>(visible.error());
    std::this_thread::sleep_for(kPause);
  }
}

Result<void> Admin::DeleteTopic(const std::string& topic, milliseconds timeout) {
  const auto end = steady_clock::now() + timeout;
  if (Result<void> deleted = impl_->Delete(topic, timeout); !deleted) return deleted;
  for (;;) {
    const Result<Topics> all = List(timeout);
    if (!all) return tl::unexpected<Error>(all.error());
    if (FindTopic(*all, topic) == nullptr) return {};
    if (steady_clock::now() >= end) {
      return Fail(Fault::kBroker, fmt::format("the topic '{}' is still there", topic));
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace faultline::kafka
