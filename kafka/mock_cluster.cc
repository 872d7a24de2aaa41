// SPDX-License-Identifier: Apache-2.0
#include "kafka/mock_cluster.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "kafka/handles.h"

namespace faultline::kafka {

struct MockCluster::Impl {
  ClientHandle client;        // carries the cluster's threads
  MockClusterHandle cluster;  // dies before the client
  std::string brokers;
};

Result<std::unique_ptr<MockCluster>> MockCluster::Create(int brokers) {
  Result<ConfHandle> conf = MakeConf({{"log_level", "3"}});
  if (!conf) return tl::unexpected<Error>(conf.error());
  Result<ClientHandle> client = MakeClient(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!client) return tl::unexpected<Error>(client.error());
  auto impl = std::make_unique<Impl>();
  impl->client = std::move(*client);
  impl->cluster.reset(rd_kafka_mock_cluster_new(impl->client.get(), brokers));
  if (!impl->cluster) return Fail(Fault::kBroker, "the in-process Kafka did not start");
  impl->brokers = rd_kafka_mock_cluster_bootstraps(impl->cluster.get());
  return std::unique_ptr<MockCluster>(new MockCluster(std::move(impl)));
}

MockCluster::MockCluster(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
MockCluster::~MockCluster() = default;

const std::string& MockCluster::brokers() const noexcept { return impl_->brokers; }

Result<void> MockCluster::CreateTopic(const std::string& topic, std::int32_t partitions) {
  const rd_kafka_resp_err_t code =
      rd_kafka_mock_topic_create(impl_->cluster.get(), topic.c_str(), partitions, 1);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return Fail(Fault::kBroker, fmt::format("the in-process Kafka refuses the topic '{}': {}", topic,
                                          rd_kafka_err2str(code)));
}

}  // namespace faultline::kafka
