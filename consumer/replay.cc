// SPDX-License-Identifier: Apache-2.0
#include "consumer/replay.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "consumer/file_source.h"
#include "consumer/replay_run.h"

namespace faultline {
namespace {

// A file that is being read.
struct OpenFile {
  explicit OpenFile(FileSource opened) : source(std::move(opened)) {}

  FileSource source;
  std::set<SourceName> names;      // of its records, as far as known
  std::vector<std::size_t> after;  // earlier files that hold records of the same sources
  std::optional<SourceId> last;    // of the record read last
  bool done = false;
};

// Files in, in the order of their watermarks.
class FileReplay {
 public:
  FileReplay(ReplayRun* run, const ReplayOptions* options) noexcept
      : run_(run), options_(options) {}

  Result<void> Open(const std::vector<ReplayFile>& files);
  Result<void> ReadAll();

 private:
  Result<void> AddSources(OpenFile& file, const ReplayFile& named);
  Result<void> AddPlain(OpenFile& file);
  void FindEarlier();
  SourceId IdOf(const SourceName& name);
  Result<void> ReadOne(OpenFile& file);
  Result<void> EndFile(OpenFile& file);
  [[nodiscard]] bool MayRead(const OpenFile& file) const;
  OpenFile* Lowest();
  [[nodiscard]] bool AllPastUntil() const;
  void Progress();

  [[nodiscard]] FileSource::Options OptionsFor(const ReplayFile& file) const {
    return {options_->input.walk.max_bytes, file.as};
  }

  ReplayRun* run_;                // never null
  const ReplayOptions* options_;  // never null
  std::vector<OpenFile> files_;
  std::map<SourceName, SourceId> ids_;
  std::map<SourceName, std::uint64_t> left_;  // records to come of the sources that were counted
};

Result<void> FileReplay::Open(const std::vector<ReplayFile>& files) {
  for (const ReplayFile& named : files) {
    auto source = FileSource::Open(named.path, OptionsFor(named));
    if (!source) return tl::make_unexpected(std::move(source).error());
    files_.emplace_back(std::move(*source));
    if (auto added = AddSources(files_.back(), named); !added) return added;
  }
  FindEarlier();
  return {};
}

// All sources are there before the first record, so that none comes too late for what was released.
// The envelopes of a pipe cannot be counted beforehand: a source that never gives anything then
// holds every release back until the end.
Result<void> FileReplay::AddSources(OpenFile& file, const ReplayFile& named) {
  auto envelopes = file.source.Envelopes();
  if (!envelopes || !*envelopes || file.source.size() == 0) {
    return AddPlain(file);  // what is wrong with the first line is told when it is read
  }
  auto counts = CountEnvelopes(named.path, OptionsFor(named));
  if (!counts) return tl::make_unexpected(std::move(counts).error());
  for (const auto& [name, records] : *counts) {
    left_[name] += records;
    file.names.insert(name);
    static_cast<void>(IdOf(name));
  }
  return {};
}

Result<void> FileReplay::AddPlain(OpenFile& file) {
  const SourceName& own = file.source.own();
  if (ids_.contains(own)) {
    return Fail(Fault::kUsage,
                fmt::format("{}:{} is the origin of two files", own.topic, own.partition),
                Place{file.source.path(), 0, 0},
                "give each file once, and each --as a partition of its own");
  }
  file.names.insert(own);
  static_cast<void>(IdOf(own));
  return {};
}

// An archive may spread a partition over several files: they are read one after the other, as
// given.
void FileReplay::FindEarlier() {
  for (std::size_t later = 1; later < files_.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const auto& names = files_[earlier].names;
      const bool shared = std::any_of(names.begin(), names.end(), [&](const SourceName& name) {
        return files_[later].names.contains(name);
      });
      if (shared) files_[later].after.push_back(earlier);
    }
  }
}

SourceId FileReplay::IdOf(const SourceName& name) {
  const auto known = ids_.find(name);
  return known != ids_.end() ? known->second : ids_.emplace(name, run_->Add(name)).first->second;
}

bool FileReplay::MayRead(const OpenFile& file) const {
  return !file.done && std::all_of(file.after.begin(), file.after.end(),
                                   [this](std::size_t earlier) { return files_[earlier].done; });
}

// Of the files with records left the one whose source stands lowest, the first of equals; nothing
// when all are done.
OpenFile* FileReplay::Lowest() {
  OpenFile* lowest = nullptr;
  EventTime least;
  for (OpenFile& file : files_) {
    if (!MayRead(file)) continue;
    const EventTime reached = file.last ? run_->engine().WatermarkOf(*file.last) : EventTime::Min();
    if (lowest == nullptr || reached < least) {
      lowest = &file;
      least = reached;
    }
  }
  return lowest;
}

Result<void> FileReplay::ReadOne(OpenFile& file) {
  auto next = file.source.Next();
  if (!next) return tl::make_unexpected(std::move(next).error());
  if (!*next) return EndFile(file);
  const FileRecord& given = **next;
  Record record;
  record.offset = given.offset;
  record.payload = given.payload;
  record.tombstone = given.tombstone;
  record.timestamp_kind = given.timestamp_kind;
  record.timestamp = given.timestamp;
  record.details = given.details;
  if (given.damaged) return run_->Reject(*given.source, record, *given.damaged);
  record.source = IdOf(*given.source);
  if (!left_.contains(*given.source)) file.names.insert(*given.source);
  file.last = record.source;
  auto processed = run_->Process(*given.source, record);
  const auto left = left_.find(*given.source);
  if (!processed || left == left_.end() || --left->second > 0) return processed;
  return run_->End(record.source);
}

// Sources that were counted end by their count, which may lie in a later file.
Result<void> FileReplay::EndFile(OpenFile& file) {
  file.done = true;
  for (const SourceName& name : file.names) {
    if (left_.contains(name)) continue;
    if (auto ended = run_->End(ids_.at(name)); !ended) return ended;
  }
  return {};
}

bool FileReplay::AllPastUntil() const {
  return options_->until && std::all_of(ids_.begin(), ids_.end(), [this](const auto& named) {
           return run_->engine().IdleSource(named.second) || run_->past_until(named.second);
         });
}

void FileReplay::Progress() {
  if (!run_->progress_due()) return;
  std::uint64_t read = 0;
  std::uint64_t total = 0;
  bool known = true;
  for (const OpenFile& file : files_) {
    read += file.source.bytes_read();
    total += file.source.size();
    known = known && file.source.size() > 0;
  }
  run_->Progress(read, known ? total : 0);
}

Result<void> FileReplay::ReadAll() {
  while (OpenFile* const file = Lowest()) {
    if (run_->stopped() || AllPastUntil()) break;
    if (auto read = ReadOne(*file); !read) return read;
    Progress();
  }
  return {};
}

}  // namespace

Result<SourceName> ParseSourceName(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::int32_t partition = 0;
  if (colon != std::string::npos && colon > 0) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, partition);
    if (error == std::errc() && stop == end && partition >= 0) {
      return SourceName{text.substr(0, colon), partition};
    }
  }
  return Fail(Fault::kUsage, LogValue(text) + " names no partition", {},
              "write TOPIC:PARTITION, for example windows-events:0");
}

Result<void> ReplayFiles(std::shared_ptr<const RuleSet> rules, const std::vector<ReplayFile>& files,
                         const ReplayOptions& options, Sink& sink, ReplaySummary& summary) {
  ReplayRun run(std::move(rules), options, sink, summary);
  if (auto loaded = run.LoadState(); !loaded) return loaded;
  FileReplay replay(&run, &options);
  if (auto opened = replay.Open(files); !opened) return opened;
  auto read = replay.ReadAll();
  auto finished = run.Finish();  // what was read is told, whatever ended the reading
  return read ? finished : read;
}

}  // namespace faultline
