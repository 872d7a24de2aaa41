// SPDX-License-Identifier: Apache-2.0
#include "consumer/file_source.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "matcher/flat_json.h"

namespace faultline {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;
// A payload of n bytes takes at most 6 * n in an envelope ("\u0000"), besides its other members.
constexpr std::size_t kEscapeFactor = 6;
constexpr std::size_t kEnvelopeBytes = 64 * 1024;

// One line of kcat -J.
struct Envelope {
  SourceName source;
  std::int64_t offset = 0;
  TimestampKind timestamp_kind = TimestampKind::kNone;
  EventTime timestamp;
  std::optional<std::string> key;
  std::vector<Header> headers;
  std::string payload;
  bool tombstone = false;
  bool cut = false;  // the line's cap fell into the payload
};

void TakeTimestampKind(std::string_view text, Envelope& envelope) {
  if (text == "create") envelope.timestamp_kind = TimestampKind::kCreateTime;
  if (text == "logappend") envelope.timestamp_kind = TimestampKind::kLogAppendTime;
}

// kcat gives headers as one flat array: name, value, name, value.
std::vector<Header> ParseHeaders(std::string_view array) {
  std::vector<Header> headers;
  FlatJson json(array);
  FlatJson::Value value;
  for (bool name = true; json.Next(value); name = !name) {
    if (name) {
      headers.push_back({value.text, std::nullopt});
    } else if (value.kind == FlatJson::Kind::kString) {
      headers.back().value = value.text;
    }
  }
  return headers;
}

std::optional<EventTime> FromMillis(std::int64_t millis) {
  constexpr std::int64_t kNanos = 1000000;
  if (millis < 0 || millis > std::numeric_limits<std::int64_t>::max() / kNanos) return std::nullopt;
  return EventTime::FromNanos(millis * kNanos);
}

// Collects the members of one line; complete() once all that an envelope must have was seen.
class EnvelopeReader {
 public:
  void Take(FlatJson::Value& value) {
    if (value.key == "topic" && value.kind == FlatJson::Kind::kString) {
      seen_ |= 1;
      envelope_.source.topic = std::move(value.text);
    } else if (value.key == "partition") {
      const auto number = value.Integer();
      if (!number || *number < 0 || *number > std::numeric_limits<std::int32_t>::max()) return;
      seen_ |= 2;
      envelope_.source.partition = static_cast<std::int32_t>(*number);
    } else if (value.key == "offset") {
      const auto number = value.Integer();
      if (!number || *number < 0) return;
      seen_ |= 4;
      envelope_.offset = *number;
    } else if (value.key == "payload") {
      TakePayload(value);
    } else {
      TakeOptional(value);
    }
  }
  [[nodiscard]] bool complete() const noexcept { return seen_ == 15; }

  [[nodiscard]] Envelope Finish() {
    const auto time = FromMillis(millis_);
    if (time) envelope_.timestamp = *time;
    if (!time) envelope_.timestamp_kind = TimestampKind::kNone;
    return std::move(envelope_);
  }

 private:
  // kcat gives a payload that it decoded (Avro, MessagePack) as JSON: that text is the record then.
  void TakePayload(FlatJson::Value& value) {
    seen_ |= 8;
    envelope_.tombstone = value.kind == FlatJson::Kind::kNull;
    envelope_.cut = value.cut;
    if (!envelope_.tombstone) envelope_.payload = std::move(value.text);
  }
  void TakeOptional(FlatJson::Value& value) {
    if (value.key == "ts") {
      millis_ = value.Integer().value_or(-1);
    } else if (value.key == "tstype") {
      TakeTimestampKind(value.text, envelope_);
    } else if (value.key == "key" && value.kind == FlatJson::Kind::kString) {
      envelope_.key = std::move(value.text);
    } else if (value.key == "headers" && value.kind == FlatJson::Kind::kNested) {
      envelope_.headers = ParseHeaders(value.text);
    }
  }

  Envelope envelope_;
  std::int64_t millis_ = -1;
  unsigned seen_ = 0;  // a bit per member that must be there
};

std::optional<Envelope> ParseEnvelope(std::string_view line) {
  FlatJson json(line);
  FlatJson::Value value;
  EnvelopeReader reader;
  while (json.Next(value)) reader.Take(value);
  if (!reader.complete()) return std::nullopt;
  Envelope envelope = reader.Finish();
  if (json.damaged() && !envelope.cut) return std::nullopt;
  return envelope;
}

class EnvelopeDetails final : public RecordDetails {
 public:
  explicit EnvelopeDetails(const Envelope* envelope) noexcept : envelope_(envelope) {}
  std::optional<std::string_view> Key() const override { return envelope_->key; }
  std::vector<Header> Headers() const override { return envelope_->headers; }

 private:
  const Envelope* envelope_;  // never null; lives in the file's state
};

bool IsBlank(std::string_view line) noexcept {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

struct FileSource::State {
  enum class Form : std::uint8_t { kUnknown, kPlain, kEnvelopes };

  State(std::string name, const Options& opts, std::unique_ptr<ByteStream> bytes)
      : path(std::move(name)),
        options(opts),
        own(opts.as.value_or(SourceName{path, 0})),
        stream(std::move(bytes)),
        chunk(kChunkBytes),
        max_line(opts.max_event_bytes * kEscapeFactor + kEnvelopeBytes) {}

  Result<bool> ReadLine();
  Result<bool> NextLine();
  void Append(std::string_view piece);
  FileRecord Plain();
  FileRecord FromEnvelope();
  void Recognise() {
    if (form == Form::kUnknown) form = ParseEnvelope(line) ? Form::kEnvelopes : Form::kPlain;
  }

  std::string path;
  Options options;
  SourceName own;
  std::unique_ptr<ByteStream> stream;
  std::vector<char> chunk;  // bytes read and not yet split
  std::size_t at = 0;
  std::size_t end = 0;
  std::size_t max_line;
  std::string line;          // the line at hand
  std::uint64_t lines = 0;   // lines read, blank ones too
  std::int64_t records = 0;  // lines that were records
  bool ahead = false;        // `line` was read by Envelopes() and is still to be given
  Form form = Form::kUnknown;
  Envelope envelope;  // of the line at hand
  EnvelopeDetails details{&envelope};
  std::set<SourceName> sources;  // of envelopes; names stay where they are
};

void FileSource::State::Append(std::string_view piece) {
  line.append(piece.substr(0, max_line - std::min(max_line, line.size())));
}

// The next line into `line`, without its end; false at the end of the file.
Result<bool> FileSource::State::ReadLine() {
  line.clear();
  for (bool begun = false;;) {
    if (at == end) {
      auto got = stream->Read(chunk);
      if (!got) return tl::make_unexpected(std::move(got).error());
      at = 0;
      end = *got;
      if (end == 0) return begun;
    }
    begun = true;
    const std::string_view rest(chunk.data() + at, end - at);
    const std::size_t newline = rest.find('\n');
    Append(rest.substr(0, newline));
    at = newline == std::string_view::npos ? end : at + newline + 1;
    if (newline != std::string_view::npos) return true;
  }
}

// The next line that is a record; false at the end of the file.
Result<bool> FileSource::State::NextLine() {
  if (std::exchange(ahead, false)) return true;
  for (;;) {
    auto got = ReadLine();
    if (!got || !*got) return got;
    ++lines;
    if (IsBlank(line)) continue;
    if (line.back() == '\r') line.pop_back();
    ++records;
    return true;
  }
}

FileRecord FileSource::State::Plain() {
  FileRecord record;
  record.source = &own;
  record.offset = records - 1;
  record.payload = std::string_view(line).substr(0, options.max_event_bytes + 1);
  return record;
}

FileRecord FileSource::State::FromEnvelope() {
  auto parsed = ParseEnvelope(line);
  const std::size_t cap = options.max_event_bytes + 1;
  if (!parsed || (parsed->cut && parsed->payload.size() < cap)) {
    FileRecord record = Plain();
    record.damaged =
        DeadLetter{"envelope", fmt::format("{}:{}: no envelope of kcat -J", path, lines)};
    return record;
  }
  envelope = std::move(*parsed);
  FileRecord record;
  record.source = &*sources.insert(envelope.source).first;
  record.offset = envelope.offset;
  record.payload = std::string_view(envelope.payload).substr(0, cap);
  record.tombstone = envelope.tombstone;
  record.timestamp_kind = envelope.timestamp_kind;
  record.timestamp = envelope.timestamp;
  record.details = &details;
  return record;
}

FileSource::FileSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
FileSource::~FileSource() = default;
FileSource::FileSource(FileSource&&) noexcept = default;
FileSource& FileSource::operator=(FileSource&&) noexcept = default;

Result<FileSource> FileSource::Open(const std::string& path, const Options& options) {
  auto stream = OpenByteStream(path);
  if (!stream) return tl::make_unexpected(std::move(stream).error());
  return FileSource(std::make_unique<State>(path, options, std::move(*stream)));
}

Result<std::optional<FileRecord>> FileSource::Next() {
  auto got = state_->NextLine();
  if (!got) return tl::make_unexpected(std::move(got).error());
  if (!*got) return std::optional<FileRecord>();
  state_->Recognise();
  return state_->form == State::Form::kEnvelopes ? state_->FromEnvelope() : state_->Plain();
}

Result<bool> FileSource::Envelopes() {
  if (state_->form == State::Form::kUnknown) {
    auto got = state_->NextLine();
    if (!got) return tl::make_unexpected(std::move(got).error());
    if (!*got) return false;
    state_->ahead = true;
    state_->Recognise();
  }
  return state_->form == State::Form::kEnvelopes;
}

const std::string& FileSource::path() const noexcept { return state_->path; }
const SourceName& FileSource::own() const noexcept { return state_->own; }
std::uint64_t FileSource::bytes_read() const noexcept { return state_->stream->bytes_read(); }
std::uint64_t FileSource::size() const noexcept { return state_->stream->size(); }

Result<std::map<SourceName, std::uint64_t>> CountEnvelopes(const std::string& path,
                                                           const FileSource::Options& options) {
  auto file = FileSource::Open(path, options);
  if (!file) return tl::make_unexpected(std::move(file).error());
  std::map<SourceName, std::uint64_t> counts;
  for (;;) {
    auto record = file->Next();
    if (!record || !*record) return counts;
    if (!(*record)->damaged) ++counts[*(*record)->source];
  }
}

}  // namespace faultline
