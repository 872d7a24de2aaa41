// SPDX-License-Identifier: Apache-2.0
#include "app/class_compiler.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"

namespace faultline::app {
namespace {

// Under another name first: a reader sees the old file or the new one.
bool Write(const std::string& file, const std::string& bytes) {
  const std::string beside = fmt::format("{}.{}", file, getpid());
  std::ofstream out(beside, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  std::error_code error;
  if (out.good()) std::filesystem::rename(beside, file, error);
  if (out.good() && !error) return true;
  std::filesystem::remove(beside, error);
  return false;
}

void Keep(DatabaseCache& databases, const std::optional<std::string>& file) {
  if (file && databases.changed() && !Write(*file, databases.Serialize())) {
    Log(LogLevel::kWarning, "rules_cache_not_written", fmt::format("file={}", LogValue(*file)));
  }
  databases.Release();
}

}  // namespace

std::shared_ptr<DatabaseCache> ReadDatabases(const std::optional<std::string>& file) {
  if (!file) return nullptr;
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(*file, error);
  std::ifstream in(*file, std::ios::binary);
  std::string bytes;
  if (!error && in.good()) bytes.resize(size);
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return std::make_shared<DatabaseCache>(std::move(bytes));
}

ClassCompiler::ClassCompiler(std::shared_ptr<const RuleSet> rules, std::optional<std::string> file)
    : thread_([rules = std::move(rules), file = std::move(file)](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          if (rules->CompileNext()) continue;
          if (rules->databases() != nullptr) Keep(*rules->databases(), file);
          return;
        }
      }) {}

}  // namespace faultline::app
