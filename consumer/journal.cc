// SPDX-License-Identifier: Apache-2.0
#include "consumer/journal.h"

#include <utility>

#include <fmt/format.h>

#include "consumer/topic_reader.h"
#include "matcher/journal_codec.h"

namespace faultline {

Result<Journal> ReadJournal(const kafka::ConsumerProperties& consumer, const std::string& topic,
                            std::chrono::milliseconds timeout) {
  TopicReader::Config config;
  config.consumer = consumer;
  config.topics = {topic};
  config.await_open = true;
  config.timeout = timeout;
  auto reader = TopicReader::Open(config);
  if (!reader) return tl::make_unexpected(std::move(reader).error());
  Journal journal;
  for (;;) {
    auto step = (*reader)->Next();
    if (!step) return tl::make_unexpected(std::move(step).error());
    if (std::holds_alternative<TopicReader::Done>(*step)) return journal;
    const auto* const message = std::get_if<const kafka::Message*>(&*step);
    if (message == nullptr || (*message)->tombstone()) continue;
    auto entry = DecodeJournal((*message)->payload());
    if (!entry) {
      Error error = std::move(entry).error();
      error.place.file =
          fmt::format("{}/{}/{}", topic, (*message)->partition(), (*message)->offset());
      return tl::make_unexpected(std::move(error));
    }
    journal[entry->source].push_back(std::move(*entry));
  }
}

}  // namespace faultline
