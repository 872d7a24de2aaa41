// SPDX-License-Identifier: Apache-2.0
#include "kafka/error.h"

#include <gtest/gtest.h>

#include <set>
#include <span>

#include "kafka/handles.h"

namespace faultline::kafka {
namespace {

// Every code of the library in this process, by its own list.
std::vector<rd_kafka_resp_err_t> AllCodes() {
  const struct rd_kafka_err_desc* descriptions = nullptr;
  std::size_t count = 0;
  rd_kafka_get_err_descs(&descriptions, &count);
  std::vector<rd_kafka_resp_err_t> codes;
  for (const auto& description : std::span(descriptions, count)) {
    if (description.desc != nullptr) codes.push_back(description.code);
  }
  return codes;
}

ErrorHandle ErrorOf(rd_kafka_resp_err_t code) {
  return ErrorHandle(rd_kafka_error_new(code, "for the test"));
}

TEST(KafkaErrorTest, EveryCodeIsSortedExactlyOnce) {
  const auto codes = AllCodes();
  ASSERT_GT(codes.size(), 150u);
  for (const rd_kafka_resp_err_t code : codes) {
    EXPECT_EQ(TimesSorted(code), 1) << rd_kafka_err2name(code) << " " << code;
  }
}

TEST(KafkaErrorTest, ACodeOfALaterLibraryIsIndefinite) {
  for (const int code : {30000, -30000}) {
    EXPECT_EQ(TimesSorted(code), 0);
    EXPECT_EQ(Classify(code), ErrorClass::kIndefinite);
  }
}

TEST(KafkaErrorTest, TheCodesThatDecideAreSortedAsTheDesignSays) {
  struct Case {
    rd_kafka_resp_err_t code;
    ErrorClass expected;
  };
  constexpr Case kCases[] = {
      {RD_KAFKA_RESP_ERR__TRANSPORT, ErrorClass::kRetry},
      {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ErrorClass::kRetry},
      {RD_KAFKA_RESP_ERR__QUEUE_FULL, ErrorClass::kRetry},
      {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ErrorClass::kRetry},
      {RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, ErrorClass::kRetry},
      {RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, ErrorClass::kRetry},
      {RD_KAFKA_RESP_ERR__PURGE_QUEUE, ErrorClass::kAbort},
      {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, ErrorClass::kAbort},
      {RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, ErrorClass::kAbort},
      {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ErrorClass::kAbort},
      {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ErrorClass::kAbort},
      {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ErrorClass::kAbort},
      {RD_KAFKA_RESP_ERR__TIMED_OUT, ErrorClass::kIndefinite},
      {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, ErrorClass::kIndefinite},
      {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, ErrorClass::kIndefinite},
      {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorClass::kFatal},
      {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ErrorClass::kFatal},
      {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ErrorClass::kFatal},
      {RD_KAFKA_RESP_ERR__FENCED, ErrorClass::kFatal},
      {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, ErrorClass::kFatal},
  };
  for (const auto& [code, expected] : kCases) {
    EXPECT_EQ(Classify(code), expected) << rd_kafka_err2name(code);
  }
}

TEST(KafkaErrorTest, AnEndOfATransactionThatFailedIsIndefiniteUnlessFatal) {
  for (const rd_kafka_resp_err_t code : AllCodes()) {
    const ErrorHandle error = ErrorOf(code);
    for (const Step step : {Step::kCommit, Step::kAbort, Step::kBegin}) {
      const ErrorClass expected =
          Classify(code) == ErrorClass::kFatal ? ErrorClass::kFatal : ErrorClass::kIndefinite;
      EXPECT_EQ(FromTransaction(error.get(), step, true).error_class, expected)
          << rd_kafka_err2name(code) << " " << static_cast<int>(step);
    }
  }
}

TEST(KafkaErrorTest, OffsetsThatFailedAreTakenBackByTheAbort) {
  for (const rd_kafka_resp_err_t code :
       {RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION}) {
    EXPECT_EQ(FromTransaction(ErrorOf(code).get(), Step::kSendOffsets).error_class,
              ErrorClass::kAbort);
  }
  EXPECT_EQ(
      FromTransaction(ErrorOf(RD_KAFKA_RESP_ERR__FENCED).get(), Step::kSendOffsets).error_class,
      ErrorClass::kFatal);
}

TEST(KafkaErrorTest, InitCanBeCalledAgainAfterATimeout) {
  const KafkaError error =
      FromTransaction(ErrorOf(RD_KAFKA_RESP_ERR__TIMED_OUT).get(), Step::kInit);
  EXPECT_EQ(error.error_class, ErrorClass::kRetry);
  EXPECT_EQ(error.code, RD_KAFKA_RESP_ERR__TIMED_OUT);
  EXPECT_EQ(error.ToString(), "for the test (_TIMED_OUT)");
}

TEST(KafkaErrorTest, ReadingHasNoOutcomeToDoubt) {
  for (const rd_kafka_resp_err_t code : AllCodes()) {
    const ErrorClass expected =
        Classify(code) == ErrorClass::kFatal ? ErrorClass::kFatal : ErrorClass::kRetry;
    EXPECT_EQ(FromReading(MakeError(code)).error_class, expected) << rd_kafka_err2name(code);
  }
}

TEST(KafkaErrorTest, QuestionsAreAnsweredForTheCodesThatTheyAreAbout) {
  using Question = bool (*)(const KafkaError&) noexcept;
  struct Case {
    Question question;
    std::set<int> codes;
  };
  const Case cases[] = {
      {IsTooLarge, {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE}},
      {IsUnknownTopic,
       {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
        RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION}},
      {IsPositionLost,
       {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
        RD_KAFKA_RESP_ERR__NO_OFFSET}},
      {IsFenced,
       {RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID}},
  };
  for (const auto& [question, expected] : cases) {
    for (const rd_kafka_resp_err_t code : AllCodes()) {
      EXPECT_EQ(question(MakeError(code)), expected.contains(code)) << rd_kafka_err2name(code);
    }
  }
}

TEST(KafkaErrorTest, AsAnErrorItIsTheBrokersAndSaysWhatWasTried) {
  const Error error =
      ToError(MakeError(RD_KAFKA_RESP_ERR__TRANSPORT, "gone"), "cannot read", "see");
  EXPECT_EQ(error.fault, Fault::kBroker);
  EXPECT_EQ(error.message, "cannot read: gone (_TRANSPORT)");
  EXPECT_EQ(error.remedy, "see");
}

}  // namespace
}  // namespace faultline::kafka
