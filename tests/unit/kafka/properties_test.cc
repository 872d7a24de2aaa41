// SPDX-License-Identifier: Apache-2.0
#include "kafka/properties.h"

#include <gtest/gtest.h>

#include "kafka/consumer.h"
#include "kafka/handles.h"
#include "kafka/producer.h"
#include "kafka/topics.h"

namespace faultline::kafka {
namespace {

constexpr const char* kLocal = "127.0.0.1:9092";

ClientProperties With(std::string name, std::string value) {
  return {.brokers = kLocal, .user = {{std::move(name), std::move(value)}}};
}

std::optional<std::string> Find(const std::vector<Property>& all, std::string_view name) {
  std::optional<std::string> value;
  for (const Property& property : all) {
    if (property.first != name) continue;
    EXPECT_FALSE(value) << name << " stands there twice";
    value = property.second;
  }
  return value;
}

TEST(KafkaPropertiesTest, WhatRunsCodeOrBreaksAGuaranteeIsRefusedWithReasonAndRemedy) {
  for (const char* name : {"plugin.library.paths",
                           "ssl.engine.location",
                           "ssl.providers",
                           "sasl.kerberos.kinit.cmd",
                           "test.mock.num.brokers",
                           "enable.auto.commit",
                           "enable.auto.offset.store",
                           "auto.offset.reset",
                           "isolation.level",
                           "transactional.id",
                           "enable.idempotence",
                           "acks",
                           "request.required.acks",
                           "retries",
                           "max.in.flight",
                           "message.timeout.ms",
                           "check.crcs",
                           "partition.assignment.strategy",
                           "allow.auto.create.topics",
                           "partitioner",
                           "bootstrap.servers",
                           "metadata.broker.list",
                           "group.id",
                           "group.instance.id",
                           "enable.ssl.certificate.verification",
                           "ssl.endpoint.identification.algorithm"}) {
    const Result<void> checked = CheckClient(With(name, "hunter2"));
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().fault, Fault::kConfig) << name;
    EXPECT_NE(checked.error().message.find(std::string("'") + name + "' is refused: "),
              std::string::npos)
        << checked.error().message;
    EXPECT_FALSE(checked.error().remedy.empty()) << name;
    EXPECT_EQ(checked.error().ToString().find("hunter2"), std::string::npos) << name;
  }
}

TEST(KafkaPropertiesTest, TheKindOfClientDoesNotMatter) {
  const ClientProperties client = With("acks", "0");
  EXPECT_EQ(Consumer::Create({.client = client}).error().fault, Fault::kConfig);
  EXPECT_EQ(
      TransactionalProducer::Create({.client = client, .transactional_id = "t"}).error().fault,
      Fault::kConfig);
  EXPECT_EQ(PlainProducer::Create({.client = client}).error().fault, Fault::kConfig);
  EXPECT_EQ(Admin::Create(client).error().fault, Fault::kConfig);
}

TEST(KafkaPropertiesTest, UnknownNamesAndBadValuesNameThePropertyAndTheLibrary) {
  const Result<void> unknown = CheckClient(With("no.such.property", "x"));
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("no.such.property"), std::string::npos);
  EXPECT_NE(unknown.error().message.find(rd_kafka_version_str()), std::string::npos);
  const Result<void> bad = CheckClient(With("fetch.wait.max.ms", "soon"));
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("fetch.wait.max.ms"), std::string::npos);
  EXPECT_FALSE(bad.error().remedy.empty());
}

TEST(KafkaPropertiesTest, NoMessageShowsASecret) {
  // Values that the library refuses with the value in its own words, or accepts for itself only.
  for (const char* name : {"ssl.key.pem", "ssl.certificate.pem", "ssl.ca.pem", "ssl.key.password",
                           "ssl.keystore.password", "sasl.password", "sasl.jaas.config",
                           "sasl.oauthbearer.client.secret", "sasl.oauthbearer.config"}) {
    EXPECT_TRUE(IsSecret(name)) << name;
    ClientProperties client = With(name, "hunter2");
    client.user["security.protocol"] = "SASL_SSL";
    const Result<void> checked = CheckClient(client);
    if (!checked) {
      EXPECT_EQ(checked.error().ToString().find("hunter2"), std::string::npos) << name;
    }
    const auto admin = Admin::Create(client);
    if (!admin) {
      EXPECT_EQ(admin.error().ToString().find("hunter2"), std::string::npos) << name;
    }
  }
  EXPECT_TRUE(IsSecret("SASL.Password"));
  for (const char* name : {"security.protocol", "sasl.username", "fetch.wait.max.ms"}) {
    EXPECT_FALSE(IsSecret(name)) << name;
  }
}

TEST(KafkaPropertiesTest, PlainTextIsForLoopbackOnly) {
  struct Case {
    const char* brokers;
    const char* protocol;  // empty: not set
    bool accepted;
  };
  for (const auto& [brokers, protocol, accepted] : {
           Case{"localhost:9092", "", true},
           Case{"127.0.0.1:9092,[::1]:9092,127.3.2.1", "", true},
           Case{"PLAINTEXT://localhost:9092", "", true},
           Case{"kafka:9092", "", false},
           Case{"127.0.0.1:9092,kafka:9092", "", false},
           Case{"127.0.0.1.evil.example:9092", "", false},
           Case{"localhost.evil.example:9092", "", false},
           Case{"kafka:9092", "plaintext", false},
           Case{"kafka:9092", "SASL_PLAINTEXT", false},
           Case{"kafka:9092", "ssl", true},
           Case{"kafka:9092", "SASL_SSL", true},
           Case{"PLAINTEXT://kafka:9092", "ssl", false},
           Case{"kafka:9092,sasl_plaintext://other:9092", "ssl", false},
           Case{"", "", false},
           Case{" ", "ssl", false},
           Case{"a:1,,b:2", "ssl", false},
           Case{":9092", "ssl", false},
       }) {
    ClientProperties client{.brokers = brokers};
    if (*protocol != 0) client.user["security.protocol"] = protocol;
    const Result<void> checked = CheckClient(client);
    EXPECT_EQ(checked.has_value(), accepted) << brokers << " " << protocol;
    if (!checked) {
      EXPECT_EQ(checked.error().fault, Fault::kConfig);
      EXPECT_FALSE(checked.error().remedy.empty());
    }
  }
  EXPECT_TRUE(CheckClient({.brokers = "kafka:9092", .allow_plaintext = true}));
}

TEST(KafkaPropertiesTest, AReaderNeverCommitsByItselfNorJumpsOverAGap) {
  const auto all = Configuration(ConsumerProperties{.client = {.brokers = kLocal},
                                                    .group = "g",
                                                    .group_instance = "i",
                                                    .never = {"own.topic", "other"}});
  ASSERT_TRUE(all);
  for (const auto& [name, value] :
       std::vector<Property>{{"group.id", "g"},
                             {"group.instance.id", "i"},
                             {"enable.auto.commit", "false"},
                             {"enable.auto.offset.store", "false"},
                             {"auto.offset.reset", "error"},
                             {"isolation.level", "read_committed"},
                             {"check.crcs", "true"},
                             {"partition.assignment.strategy", "range"},
                             {"allow.auto.create.topics", "false"},
                             {"topic.blacklist", "^own\\.topic$,^other$"}}) {
    EXPECT_EQ(Find(*all, name), value) << name;
  }
  EXPECT_TRUE(MakeConf(*all));
}

TEST(KafkaPropertiesTest, AWriterIsIdempotentAndGivesRecordsUpBeforeItsTransaction) {
  const auto all =
      Configuration(ProducerProperties{.client = {.brokers = kLocal},
                                       .transactional_id = "t",
                                       .transaction_timeout = std::chrono::seconds(12)});
  ASSERT_TRUE(all);
  EXPECT_EQ(Find(*all, "enable.idempotence"), "true");
  EXPECT_EQ(Find(*all, "transactional.id"), "t");
  EXPECT_EQ(Find(*all, "transaction.timeout.ms"), "12000");
  EXPECT_EQ(Find(*all, "message.timeout.ms"), "11000");
  EXPECT_EQ(Find(*all, "partitioner"), "murmur2_random");
  EXPECT_EQ(Find(*all, "linger.ms"), "500");
  EXPECT_TRUE(MakeConf(*all));
  for (const auto wrong : {std::chrono::milliseconds(999), std::chrono::milliseconds(900001)}) {
    EXPECT_FALSE(Configuration(ProducerProperties{
        .client = {.brokers = kLocal}, .transactional_id = "t", .transaction_timeout = wrong}));
  }
}

TEST(KafkaPropertiesTest, TheUsersTuningWinsOverOurDefaults) {
  const auto all = Configuration(
      ConsumerProperties{.client = With("queued.max.messages.kbytes", "1234"), .group = "g"});
  ASSERT_TRUE(all);
  EXPECT_EQ(Find(*all, "queued.max.messages.kbytes"), "1234");
  const auto writer =
      Configuration(ProducerProperties{.client = With("linger.ms", "1"), .transactional_id = "t"});
  ASSERT_TRUE(writer);
  EXPECT_EQ(Find(*writer, "linger.ms"), "1");
}

}  // namespace
}  // namespace faultline::kafka
