// SPDX-License-Identifier: Apache-2.0
#include "exporters/dead_letter.h"

#include <fmt/format.h>

#include "exporters/escape.h"

namespace faultline {
namespace {

constexpr std::size_t kLongestMessage = 1024;

std::vector<Header> Reasons(const Record& record, const SourceName& source, const DeadLetter& why) {
  const std::string message = Printable(Shortened(why.message, kLongestMessage));
  return {
      {"__connect.errors.topic", source.topic},
      {"__connect.errors.partition", fmt::to_string(source.partition)},
      {"__connect.errors.offset", fmt::to_string(record.offset)},
      {"__connect.errors.stage", "VALUE_CONVERTER"},  // Connect's name for reading a value's bytes
      {"__connect.errors.exception.class.name", "dev.faultline.InvalidRecord"},
      {"__connect.errors.exception.message", message},
      {"faultline_reason", why.reason},
  };
}

void Append(std::vector<Header>& headers, const std::vector<Header>& more) {
  headers.insert(headers.end(), more.begin(), more.end());
}

bool Fits(const DeadLetterMessage& message, std::size_t max_bytes) noexcept {
  return WireSize(message.key, message.value, message.headers) <= max_bytes;
}

}  // namespace

std::size_t WireSize(std::optional<std::string_view> key, std::optional<std::string_view> value,
                     const std::vector<Header>& headers) noexcept {
  constexpr std::size_t kBatchAndRecord = 128;  // batch header 61, record's own numbers at most 36
  constexpr std::size_t kTwoLengths = 10;
  std::size_t size = kBatchAndRecord;
  if (key) size += key->size();
  if (value) size += value->size();
  for (const Header& header : headers) {
    size += kTwoLengths + header.name.size() + (header.value ? header.value->size() : 0);
  }
  return size;
}

DeadLetterMessage BuildDeadLetter(const Record& record, const SourceName& source,
                                  const DeadLetter& why, std::size_t max_bytes) {
  DeadLetterMessage message;
  if (!record.tombstone) message.value = record.payload;
  if (record.details != nullptr) {
    message.key = record.details->Key();
    message.headers = record.details->Headers();
  }
  std::vector<Header> reasons = Reasons(record, source, why);
  Append(message.headers, reasons);
  if (Fits(message, max_bytes)) return message;

  Header truncated{"faultline_truncated",
                   fmt::format("{}:{}:{}", source.topic, source.partition, record.offset)};
  reasons.push_back(truncated);
  message.headers.push_back(std::move(truncated));
  message.value = std::string_view();
  if (Fits(message, max_bytes)) return message;
  message.headers = std::move(reasons);
  if (!Fits(message, max_bytes)) message.key.reset();
  return message;
}

}  // namespace faultline
