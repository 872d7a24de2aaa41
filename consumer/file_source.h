// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_time.h"
#include "base/result.h"
#include "consumer/byte_stream.h"
#include "matcher/event/record.h"
#include "matcher/output.h"

namespace faultline {

// One record of a file. Views last until the next call of FileSource::Next.
struct FileRecord {
  const SourceName* source = nullptr;  // never null; of the envelope, of `as`, or the file itself
  std::int64_t offset = 0;
  std::string_view payload;
  bool tombstone = false;
  TimestampKind timestamp_kind = TimestampKind::kNone;
  EventTime timestamp;
  const RecordDetails* details = nullptr;  // envelopes only
  std::optional<DeadLetter> damaged;       // a line of an envelope file that is no envelope
};

// Reads a file of one JSON text per line, or of kcat -J envelopes, record by record.
//
// Place      ByteStream -> [FileSource] -> Replay.
// Order      As the lines stand. Lines end in LF or CRLF, the last one may end with the file;
//            a line of blanks is no record and gets no number.
// Memory     One line of at most 6 * max_event_bytes + 64 KiB. What is longer is cut; a payload
//            beyond max_event_bytes is given with max_event_bytes + 1 bytes, so the engine tells
//            "size".
// Threads    Confined to one thread.
// Ownership  Owns the stream and the line.
// Errors     Those of ByteStream, once all whole records before the damage were given.
class FileSource {
 public:
  struct Options {
    std::size_t max_event_bytes = 1024 * 1024;
    std::optional<SourceName> as;  // the origin of a plain file's records
  };

  [[nodiscard]] static Result<FileSource> Open(const std::string& path, const Options& options);
  ~FileSource();
  FileSource(FileSource&&) noexcept;
  FileSource& operator=(FileSource&&) noexcept;

  // The next record; nothing at the end.
  [[nodiscard]] Result<std::optional<FileRecord>> Next();

  // True once the first record was an envelope of kcat -J; looks ahead, consumes nothing.
  [[nodiscard]] Result<bool> Envelopes();

  [[nodiscard]] const std::string& path() const noexcept;
  [[nodiscard]] const SourceName& own() const noexcept;  // `as`, else (path, 0)
  [[nodiscard]] std::uint64_t bytes_read() const noexcept;
  [[nodiscard]] std::uint64_t size() const noexcept;

 private:
  struct State;
  explicit FileSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;  // never null
};

// Records per source of an envelope file, counted by reading it once; damage ends the count.
[[nodiscard]] Result<std::map<SourceName, std::uint64_t>> CountEnvelopes(
    const std::string& path, const FileSource::Options& options);

}  // namespace faultline
