// SPDX-License-Identifier: Apache-2.0
#include "app/measure/event_store.h"

#include <optional>

#include "bench/yardsticks/yardsticks.h"
#include "consumer/file_source.h"

namespace faultline::app {

Result<void> EventStore::Add(const std::string& path, std::size_t max_event_bytes) {
  FileSource::Options options;
  options.max_event_bytes = max_event_bytes;
  Result<FileSource> file = FileSource::Open(path, options);
  if (!file) return tl::unexpected<Error>(file.error());
  while (true) {
    const Result<std::optional<FileRecord>> record = file->Next();
    if (!record) return tl::unexpected<Error>(record.error());
    if (!*record) return {};
    if ((*record)->damaged || (*record)->tombstone) continue;
    bytes_.append((*record)->payload);
    ends_.push_back(bytes_.size());
  }
}

void EventStore::Seal() {
  size_ = bytes_.size();
  bytes_.append(bench::ReadablePadding(), '\0');
  std::size_t from = 0;
  for (const std::size_t end : ends_) {
    events_.emplace_back(bytes_.data() + from, end - from);
    from = end;
  }
}

}  // namespace faultline::app
