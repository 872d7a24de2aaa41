// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "exporters/alert_json.h"
#include "kafka/producer.h"
#include "matcher/ports.h"

namespace faultline {

// Writes what the engine gives into the open transaction of the worker's producer.
//
// Place      Worker -> [KafkaSink] -> kafka::TransactionalProducer. One per worker.
// Order      As called; a transaction is open. Of what an abort takes back nothing is kept here.
// Size       No record is larger than the producer's limit, key and headers included: alerts are
//            trimmed, dead letters go without their value. When a broker refuses a record as too
//            large (its topic takes less than the producer), the limit is halved, for all topics
//            and for good, so that reading again ends. What fits in no way is counted, logged and
//            left out: one record does not stop the stream.
// Threads    The worker's thread; SetRulesRevision() and the counters' values any.
// Ownership  Borrows producer and clock, which outlive it.
// Errors     kBroker: the transaction cannot go on; the worker aborts it or replaces the producer.
class KafkaSink final : public Sink {
 public:
  struct Topics {
    std::string alerts, dead_letters, markers;  // never empty
    std::optional<std::string> late;            // nothing: late matches are only counted
  };
  struct Counters {
    Counter dropped_alerts, dropped_dead_letters, dropped_late, dropped_journal;
  };

  KafkaSink(kafka::TransactionalProducer* producer, Topics topics, AlertContext context,
            const Clock& clock);

  [[nodiscard]] Result<void> WriteAlert(const Alert& alert) override;
  [[nodiscard]] Result<void> WriteDeadLetter(const Record& record, const SourceName& source,
                                             const DeadLetter& why) override;
  [[nodiscard]] Result<void> WriteLate(const LateMatch& late) override;
  [[nodiscard]] Result<void> WriteJournal(const JournalEntry& entry) override;

  // What later alerts name as `source.rules_revision`: after a reload.
  void SetRulesRevision(std::string revision);

  [[nodiscard]] std::size_t record_limit() const noexcept { return limit_; }  // own thread
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  // A record as it is to be written; lives until Put returns.
  struct Draft {
    std::optional<std::string_view> key, value;
    std::vector<Header> headers;
  };
  enum class Outcome : std::uint8_t { kWritten, kTooLarge };

  [[nodiscard]] Result<void> NoteRefusals();
  [[nodiscard]] Result<Outcome> Put(const std::string& topic, const Draft& draft);
  void Lower();
  void Drop(Counter& counter, std::string_view what, const std::string& topic);

  kafka::TransactionalProducer* producer_;  // never null
  Topics topics_;                           // constant
  AlertContext context_;                    // its revision is that of the last alert
  const Clock& clock_;
  std::size_t limit_;               // bytes of one record on the wire
  std::uint64_t refused_seen_ = 0;  // of the producer's counter too_large
  Counters counters_;               // writer: the worker's thread
  std::mutex mutex_;                // guards revision_
  std::string revision_;            // of the rules in use
};

// A late match as one line of JSON, schema "faultline.late/1".
[[nodiscard]] std::string LateJson(const LateMatch& late, const AlertContext& context);

}  // namespace faultline
