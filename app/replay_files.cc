// SPDX-License-Identifier: Apache-2.0
#include "app/replay_files.h"

#include <cstddef>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace faultline::app {
namespace {

constexpr int kMostFiles = 1 << 20;

}  // namespace

void AddReplayFiles(CLI::App& command) {
  command
      .add_option("FILES",
                  "NDJSON or kcat -J envelopes, plain or .zst .lz4 .gz; - is standard input")
      ->type_name("")
      ->expected(1, kMostFiles)
      ->allow_extra_args()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--as", "Origin of the next file's records, their offsets counted from 0")
      ->type_name("TOPIC:PARTITION")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

Result<std::vector<ReplayFile>> ReplayFilesOf(const CLI::App& command) {
  const CLI::Option* const file = command.get_option("FILES");
  const CLI::Option* const as = command.get_option("--as");
  std::vector<ReplayFile> files;
  std::optional<SourceName> next;
  std::size_t files_seen = 0;
  std::size_t names_seen = 0;
  for (const CLI::Option* const parsed : command.parse_order()) {
    if (parsed == as) {
      if (next) return Fail(Fault::kUsage, "--as twice before a file");
      Result<SourceName> name = ParseSourceName(as->results().at(names_seen++));
      if (!name) return tl::unexpected<Error>(name.error());
      next = std::move(*name);
    } else if (parsed == file) {
      files.push_back({file->results().at(files_seen++), std::move(next)});
      next.reset();
    }
  }
  if (next) return Fail(Fault::kUsage, "--as names no file: none follows it");
  return files;
}

}  // namespace faultline::app
