// SPDX-License-Identifier: Apache-2.0
#include "app/demo/alert_watch.h"

#include <cstdio>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "app/commands/common.h"

namespace faultline::app {

class AlertWatch::Remembering final : public Sink {
 public:
  Remembering(AlertWatch* watch, Sink* sink) : watch_(watch), sink_(sink) {}

  Result<void> WriteAlert(const Alert& alert) override {
    {
      const std::lock_guard lock(watch_->mutex_);
      // A transaction that is tried again writes its alerts again: the id tells.
      if (watch_->alerts_.try_emplace(alert.id.Hex(), alert).second) ++watch_->written_;
    }
    return sink_->WriteAlert(alert);
  }
  Result<void> WriteDeadLetter(const Record& record, const SourceName& source,
                               const DeadLetter& why) override {
    return sink_->WriteDeadLetter(record, source, why);
  }
  Result<void> WriteLate(const LateMatch& late) override { return sink_->WriteLate(late); }
  Result<void> WriteJournal(const JournalEntry& entry) override {
    return sink_->WriteJournal(entry);
  }

 private:
  AlertWatch* watch_;  // never null; outlives this
  Sink* sink_;         // never null; outlives this
};

std::unique_ptr<Sink> AlertWatch::Around(Sink* sink) {
  return std::make_unique<Remembering>(this, sink);
}

Result<void> AlertWatch::Read(const kafka::ConsumerProperties& reader, const std::string& topic) {
  auto consumer = kafka::Consumer::Create(reader);
  if (!consumer) return tl::unexpected<Error>(consumer.error());
  consumer_ = std::move(*consumer);
  topic_ = topic;
  const auto assigned = consumer_->Assign({{{topic, 0}, 0, {}}});
  if (!assigned)
    return tl::unexpected<Error>(kafka::ToError(assigned.error(), "cannot read " + topic));
  return {};
}

Result<void> AlertWatch::ShowArrived() {
  while (true) {
    kafka::PollResult polled = consumer_->Poll(std::chrono::milliseconds(10));
    const auto* const message = std::get_if<kafka::Message>(&polled);
    if (message == nullptr) return {};  // an end, or an error that the consumer retries
    std::string id;
    for (const auto& header : message->Headers()) {
      if (header.name == "ce_id" && header.value) id = *header.value;
    }
    const std::lock_guard lock(mutex_);
    const auto alert = alerts_.find(id);
    if (alert == alerts_.end()) continue;  // of an earlier run
    ++seen_;
    const std::string card = AlertCard(alert->second, color_, width_);
    if (auto written = WriteOut(fmt::format("{}  record    {}[{}]@{}\n\n", card, topic_,
                                            message->partition(), message->offset()));
        !written) {
      return written;
    }
    std::fflush(stdout);
    alert->second.evidence.clear();  // stays known by its id, so that it is counted once
  }
}

}  // namespace faultline::app
