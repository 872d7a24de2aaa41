// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

struct rd_kafka_error_s;

namespace faultline::kafka {

// What to do about a failure of Kafka.
enum class ErrorClass : std::uint8_t {
  kRetry,  // nothing happened or it heals by itself: call again, or just go on
  kAbort,  // abort the transaction, seek back to the committed offsets, go on with this producer
  kIndefinite,  // the outcome is unknown: replace the producer, restore to the committed offsets
  kFatal,       // this client instance is finished (fenced, sequences lost): replace it likewise
};

// One failure, as librdkafka told it and as we sort it.
struct KafkaError {
  ErrorClass error_class = ErrorClass::kFatal;
  int code = 0;         // rd_kafka_resp_err_t
  std::string name;     // "REQUEST_TIMED_OUT", "_TRANSPORT"
  std::string message;  // for people

  // "MESSAGE (NAME)".
  [[nodiscard]] std::string ToString() const;
};

template <class T>
using KafkaResult = tl::expected<T, KafkaError>;

[[nodiscard]] std::string_view ToString(ErrorClass error_class) noexcept;

// The class of a code on its own. Codes that this version does not know are indefinite.
[[nodiscard]] ErrorClass Classify(int code) noexcept;
// How often the table names a code: once, for every code of the library it was written for.
[[nodiscard]] int TimesSorted(int code) noexcept;

[[nodiscard]] KafkaError MakeError(int code, std::string message = {});

// What was tried when a transactional call failed; ending a transaction has no certain failure.
enum class Step : std::uint8_t { kInit, kBegin, kProduce, kSendOffsets, kCommit, kAbort };

// The class that `step` gives to a failure: fatal and abortable flags of librdkafka come first,
// then the table. A commit or abort that failed is indefinite unless it is fatal, or unless
// `aborted_before_end`: a record of the transaction had failed, so that the end of the transaction
// was never sent. Requires: `error` is not null; it stays the caller's.
[[nodiscard]] KafkaError FromTransaction(const rd_kafka_error_s* error, Step step,
                                         bool aborted_before_end = false);

// For everything outside of a transaction: fatal, then retriable, then the table.
[[nodiscard]] KafkaError FromError(const rd_kafka_error_s* error);

// The same failure of something that only reads: nothing was changed, so all that is not fatal (the
// position is gone, fetched bytes are damaged, the member is fenced) can be tried again.
[[nodiscard]] KafkaError FromReading(KafkaError error);

// True for a record that is larger than the client or the topic takes.
[[nodiscard]] bool IsTooLarge(const KafkaError& error) noexcept;
// True for topics or partitions that do not exist (or are unknown yet).
[[nodiscard]] bool IsUnknownTopic(const KafkaError& error) noexcept;
// True when no broker could be reached or asked in time.
[[nodiscard]] bool IsUnreachable(const KafkaError& error) noexcept;
// True when the position to read from is gone (retention, truncation, a topic made anew).
[[nodiscard]] bool IsPositionLost(const KafkaError& error) noexcept;
// True when another producer with the same transactional id has taken over.
[[nodiscard]] bool IsFenced(const KafkaError& error) noexcept;

// The same as an Error of Fault::kBroker: "what: MESSAGE (NAME)".
[[nodiscard]] Error ToError(const KafkaError& error, std::string_view what,
                            std::string_view remedy = {});

}  // namespace faultline::kafka
