// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "matcher/sigma/assembly.h"
#include "matcher/sigma/logsource.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 1 << 20;

Error FileFault(const fs::path& path, std::string message, std::string remedy = {}) {
  return Error{Fault::kRules, std::move(message), Place{path.string(), 0, 0}, std::move(remedy)};
}

bool IsRuleName(const fs::path& relative) {
  const std::string extension = relative.extension().string();
  if (extension != ".yml" && extension != ".yaml") return false;
  if (relative.filename() == "pack.yaml") return false;
  const fs::path folder = relative.parent_path();
  return std::none_of(folder.begin(), folder.end(),
                      [](const fs::path& part) { return part == "tests"; });
}

bool IsBeneath(const fs::path& root, const fs::path& path) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

std::optional<Result<std::string>> ReadIfThere(const std::string& path, std::size_t most) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  return ReadCapped(path, most);
}

// Finds files, each once, then reads them into an Assembly.
class Loader {
 public:
  explicit Loader(const LoadOptions& options) : options_(options), packs_(options, ReadIfThere) {}

  std::optional<Error> AddPath(const std::string& given) {
    std::error_code error;
    const fs::path path(given);
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return FileFault(path, "no such file or folder");
    if (fs::is_directory(status)) return AddFolder(path);
    if (!fs::is_regular_file(status)) return FileFault(path, "neither a regular file nor a folder");
    auto text = ReadCapped(path.string(), kMaxFileBytes);
    if (!text && text.error().message.starts_with("cannot")) return text.error();
    return Add(path, fs::canonical(path, error), std::move(text));
  }

  RuleCollection Finish() {
    std::vector<std::optional<Assembly::Text>> texts(files_.size());
    RunJobs(options_.jobs, files_.size(), [&](std::size_t i) { texts[i] = Read(files_[i]); });
    Assembly assembly(options_);
    for (std::optional<Assembly::Text>& text : texts) assembly.Add(std::move(*text));
    RuleCollection rules = std::move(assembly).Finish();
    packs_.NoteUnused(rules);
    return rules;
  }

 private:
  struct File {
    std::string path;
    std::shared_ptr<const Pack> pack;
    std::optional<Result<std::string>> text;  // nothing: not read yet
  };

  // Links are followed to files only, and only to those that lie beneath the folder.
  std::optional<Error> AddFolder(const fs::path& root) {
    std::error_code error;
    std::vector<fs::directory_entry> found;
    fs::recursive_directory_iterator at(root, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      if (IsRuleName(at->path().lexically_relative(root))) found.push_back(*at);
    }
    if (error) return FileFault(root, "cannot be read: " + error.message());
    std::sort(found.begin(), found.end());
    const fs::path real_root = fs::canonical(root, error);
    if (error) return FileFault(root, "cannot be read: " + error.message());
    for (const fs::directory_entry& file : found) {
      if (auto fault = AddFound(root, real_root, file)) return fault;
    }
    return std::nullopt;
  }

  std::optional<Error> AddFound(const fs::path& root, const fs::path& real_root,
                                const fs::directory_entry& file) {
    std::error_code error;
    const fs::path& path = file.path();
    if (!file.is_symlink(error)) {
      if (file.is_directory(error)) return std::nullopt;
      if (!file.is_regular_file(error)) return Keep(FileFault(path, "not a regular file"));
      return Add(path, real_root / path.lexically_relative(root));
    }
    const fs::path real = fs::canonical(path, error);
    if (error) return Keep(FileFault(path, "cannot be resolved: " + error.message()));
    if (fs::is_directory(real)) return std::nullopt;
    if (!IsBeneath(real_root, real)) {
      return Keep(FileFault(path, "leads out of the folder", "copy the file"));
    }
    if (!fs::is_regular_file(real, error)) return Keep(FileFault(path, "not a regular file"));
    return Add(path, real);
  }

  std::optional<Error> Keep(Error fault) {
    files_.push_back({{}, nullptr, Result<std::string>(tl::unexpected<Error>(std::move(fault)))});
    return std::nullopt;
  }

  std::optional<Error> Add(const fs::path& path, const fs::path& real,
                           std::optional<Result<std::string>> text = std::nullopt) {
    if (!seen_.insert(real.string()).second) return std::nullopt;
    auto pack = packs_.Of(path.string());
    if (!pack) return std::move(pack.error());
    files_.push_back({path.string(), std::move(*pack), std::move(text)});
    return std::nullopt;
  }

  [[nodiscard]] Assembly::Text Read(File& file) const {
    if (!file.text) file.text = ReadCapped(file.path, kMaxFileBytes);
    if (!*file.text) return Assembly::Text(std::move(file.text->error()));
    Assembly::Text read(**file.text, file.path, file.pack, options_);
    file.text.reset();
    return read;
  }

  const LoadOptions& options_;
  Packs packs_;
  std::vector<File> files_;     // in the order of the report
  std::set<std::string> seen_;  // canonical paths
};

}  // namespace

Result<std::string> ReadCapped(const std::string& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary);
  if (!in.good()) return tl::unexpected(FileFault(path, "cannot be opened"));
  std::string text;
  char block[1 << 16];
  while (in && text.size() <= most) {
    in.read(block, sizeof block);
    text.append(block, static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) return tl::unexpected(FileFault(path, "cannot be read"));
  if (text.size() > most) {
    return tl::unexpected(
        FileFault(path, fmt::format("larger than {} bytes", most), "split the file"));
  }
  return text;
}

Result<RuleCollection> LoadRules(const std::vector<std::string>& paths,
                                 const LoadOptions& options) {
  Loader loader(options);
  for (const std::string& path : paths) {
    if (auto error = loader.AddPath(path)) return tl::unexpected<Error>(std::move(*error));
  }
  return loader.Finish();
}

Result<std::shared_ptr<const LogSourceTable>> LoadLogSources(
    const std::vector<std::string>& files) {
  auto table = std::make_shared<LogSourceTable>(LogSourceTable::BuiltIn());
  for (const std::string& file : files) {
    const auto text = ReadCapped(file, kMaxFileBytes);
    if (!text) return tl::unexpected<Error>(text.error());
    if (auto ok = table->Merge(*text, file); !ok) return tl::unexpected<Error>(ok.error());
  }
  return table;
}

RuleCollection LoadRulesFromText(std::string_view text, const std::string& file,
                                 const LoadOptions& options) {
  Assembly assembly(options);
  assembly.Add(Assembly::Text(text, file, nullptr, options));
  return std::move(assembly).Finish();
}

Result<RuleCollection> LoadRulesFromFiles(const std::vector<TextFile>& files,
                                          const LoadOptions& options) {
  Packs packs(options, [&files](const std::string& path, std::size_t) {
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&path](const TextFile& file) { return file.path == path; });
    return found == files.end() ? std::nullopt : std::optional<Result<std::string>>(found->text);
  });
  Assembly assembly(options);
  for (const TextFile& file : files) {
    if (!IsRuleName(file.path)) continue;
    auto pack = packs.Of(file.path);
    if (!pack) return tl::unexpected<Error>(pack.error());
    assembly.Add(Assembly::Text(file.text, file.path, std::move(*pack), options));
  }
  RuleCollection rules = std::move(assembly).Finish();
  packs.NoteUnused(rules);
  return rules;
}

}  // namespace faultline::sigma
