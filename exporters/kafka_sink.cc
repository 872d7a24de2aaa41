// SPDX-License-Identifier: Apache-2.0
#include "exporters/kafka_sink.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "exporters/dead_letter.h"
#include "exporters/json_writer.h"
#include "matcher/journal_codec.h"

namespace faultline {
namespace {

std::chrono::milliseconds Millis(EventTime time) noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::nanoseconds(time.nanos()));
}

}  // namespace

std::string LateJson(const LateMatch& late, const AlertContext& context) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject().Key("schema").String("faultline.late/1");
  json.Key("rule").String(late.rule);
  json.Key("cause").String(late.cause);
  json.Key("topic").String(late.origin.source.topic);
  json.Key("partition").Int(late.origin.source.partition);
  json.Key("offset").Int(late.origin.offset);
  json.Key("index").Int(late.origin.index);
  json.Key("time").String(ToString(late.time));
  json.Key("late_by_seconds").Seconds(late.late_by);
  json.Key("pipeline").String(context.pipeline);
  json.EndObject();
  return out;
}

KafkaSink::KafkaSink(kafka::TransactionalProducer* producer, Topics topics, AlertContext context,
                     const Clock& clock)
    : producer_(producer),
      topics_(std::move(topics)),
      context_(std::move(context)),
      clock_(clock),
      limit_(producer->max_message_bytes()),
      refused_seen_(producer->counters().too_large),
      revision_(context_.rules_revision) {
  FAULTLINE_CHECK(!topics_.alerts.empty() && !topics_.dead_letters.empty());
  FAULTLINE_CHECK(!topics_.markers.empty());
}

void KafkaSink::SetRulesRevision(std::string revision) {
  const std::lock_guard lock(mutex_);
  revision_ = std::move(revision);
}

Result<void> KafkaSink::WriteAlert(const Alert& alert) {
  context_.detected_at = clock_.Now();
  {
    const std::lock_guard lock(mutex_);
    context_.rules_revision = revision_;
  }
  const std::string key = AlertKey(alert);
  Draft draft{key, std::nullopt, AlertHeaders(alert, context_)};
  const std::size_t envelope = WireSize(key, std::nullopt, draft.headers);
  if (auto noted = NoteRefusals(); !noted) return noted;
  while (limit_ > envelope) {
    const std::string value = AlertJson(alert, context_, limit_ - envelope);
    draft.value = value;
    if (WireSize(key, value, draft.headers) > limit_) break;  // nothing is left to trim
    const Result<Outcome> put = Put(topics_.alerts, draft);
    if (!put) return tl::unexpected<Error>(put.error());
    if (*put == Outcome::kWritten) return {};
    Lower();
  }
  Drop(counters_.dropped_alerts, "alert " + alert.id.Hex(), topics_.alerts);
  return {};
}

Result<void> KafkaSink::WriteDeadLetter(const Record& record, const SourceName& source,
                                        const DeadLetter& why) {
  if (auto noted = NoteRefusals(); !noted) return noted;
  for (;;) {
    DeadLetterMessage message = BuildDeadLetter(record, source, why, limit_);
    const Draft draft{message.key, message.value, std::move(message.headers)};
    if (WireSize(draft.key, draft.value, draft.headers) > limit_) break;
    const Result<Outcome> put = Put(topics_.dead_letters, draft);
    if (!put) return tl::unexpected<Error>(put.error());
    if (*put == Outcome::kWritten) return {};
    Lower();
  }
  Drop(counters_.dropped_dead_letters,
       fmt::format("{}:{}:{}", source.topic, source.partition, record.offset),
       topics_.dead_letters);
  return {};
}

Result<void> KafkaSink::WriteLate(const LateMatch& late) {
  if (!topics_.late) return {};
  if (auto noted = NoteRefusals(); !noted) return noted;
  const std::string key = JournalKey(late.origin.source);
  const std::string value = LateJson(late, context_);
  const Result<Outcome> put = Put(*topics_.late, {key, value, {}});
  if (!put) return tl::unexpected<Error>(put.error());
  if (*put == Outcome::kTooLarge) Drop(counters_.dropped_late, "late match", *topics_.late);
  return {};
}

Result<void> KafkaSink::WriteJournal(const JournalEntry& entry) {
  if (auto noted = NoteRefusals(); !noted) return noted;
  const std::string key = JournalKey(entry.source);
  const std::string value = EncodeJournal(entry);
  const Result<Outcome> put = Put(topics_.markers, {key, value, {}});
  if (!put) return tl::unexpected<Error>(put.error());
  if (*put == Outcome::kTooLarge) Drop(counters_.dropped_journal, key, topics_.markers);
  return {};
}

// What brokers refused since the last look. Within the transaction at hand it cannot be made good
// any more; of an earlier one, which was aborted for it, only the limit must follow.
Result<void> KafkaSink::NoteRefusals() {
  const std::uint64_t refused = producer_->counters().too_large;
  if (std::exchange(refused_seen_, refused) == refused) return {};
  Lower();
  if (producer_->records_in_transaction() == 0) return {};
  return Fail(Fault::kBroker, "a record of the transaction is larger than its topic takes", {},
              "raise max.message.bytes of the topic");
}

Result<KafkaSink::Outcome> KafkaSink::Put(const std::string& topic, const Draft& draft) {
  std::vector<kafka::HeaderView> headers;
  headers.reserve(draft.headers.size());
  for (const Header& header : draft.headers) headers.push_back({header.name, header.value});
  kafka::OutgoingRecord record;
  record.topic = topic;
  record.key = draft.key;
  record.value = draft.value;
  record.headers = headers;
  record.timestamp = Millis(clock_.Now());
  const auto produced = producer_->Produce(record);
  if (produced) return Outcome::kWritten;
  // A refusal by a broker meanwhile is one of an earlier record: it ends the transaction.
  const bool doomed = producer_->counters().too_large != refused_seen_;
  if (kafka::IsTooLarge(produced.error()) && !doomed) return Outcome::kTooLarge;
  return tl::unexpected<Error>(kafka::ToError(produced.error(), "cannot write to " + topic));
}

void KafkaSink::Lower() {
  limit_ /= 2;
  Log(LogLevel::kWarning, "record_limit_lowered", fmt::format("bytes={}", limit_));
}

void KafkaSink::Drop(Counter& counter, std::string_view what, const std::string& topic) {
  counter.Add();
  Log(LogLevel::kError, "record_too_large",
      fmt::format("what={} topic={} bytes={}", LogValue(what), LogValue(topic), limit_));
}

}  // namespace faultline
