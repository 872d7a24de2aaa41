// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
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

// The file's bytes; never more than the cap is read.
Result<std::string> ReadCapped(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in.good()) return tl::unexpected(FileFault(path, "cannot be opened"));
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return tl::unexpected(FileFault(path, "cannot be read"));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxFileBytes) {
    return tl::unexpected(
        FileFault(path, fmt::format("larger than {} bytes", kMaxFileBytes), "split the file"));
  }
  return text;
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

// Reads files into an Assembly, each file once.
class Loader {
 public:
  explicit Loader(const LoadOptions& options) : assembly_(options) {}

  std::optional<Error> AddPath(const std::string& given) {
    std::error_code error;
    const fs::path path(given);
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return FileFault(path, "no such file or folder");
    if (fs::is_directory(status)) return AddFolder(path);
    if (!fs::is_regular_file(status)) return FileFault(path, "neither a regular file nor a folder");
    auto text = ReadCapped(path);
    if (!text && text.error().message.starts_with("cannot")) return text.error();
    Add(path, std::move(text));
    return std::nullopt;
  }

  RuleCollection Finish() { return std::move(assembly_).Finish(); }

 private:
  // Links are followed to files only, and only to those that lie beneath the folder.
  std::optional<Error> AddFolder(const fs::path& root) {
    std::error_code error;
    std::vector<fs::path> files;
    fs::recursive_directory_iterator at(root, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      const fs::path& path = at->path();
      if (IsRuleName(path.lexically_relative(root))) files.push_back(path);
    }
    if (error) return FileFault(root, "cannot be read: " + error.message());
    std::sort(files.begin(), files.end());
    const fs::path real_root = fs::canonical(root, error);
    if (error) return FileFault(root, "cannot be read: " + error.message());
    for (const fs::path& path : files) AddFound(real_root, path);
    return std::nullopt;
  }

  void AddFound(const fs::path& real_root, const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) return assembly_.AddFault(FileFault(path, "cannot be resolved: " + error.message()));
    if (fs::is_directory(real)) return;
    if (!IsBeneath(real_root, real)) {
      return assembly_.AddFault(FileFault(path, "leads out of the folder", "copy the file"));
    }
    if (!fs::is_regular_file(real, error)) {
      return assembly_.AddFault(FileFault(path, "not a regular file"));
    }
    Add(path, ReadCapped(path));
  }

  void Add(const fs::path& path, Result<std::string> text) {
    std::error_code error;
    if (!seen_.insert(fs::canonical(path, error).string()).second) return;
    if (!text) return assembly_.AddFault(std::move(text.error()));
    assembly_.AddText(*text, path.string());
  }

  Assembly assembly_;
  std::set<std::string> seen_;  // canonical paths
};

}  // namespace

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
    const auto text = ReadCapped(file);
    if (!text) return tl::unexpected<Error>(text.error());
    if (auto ok = table->Merge(*text, file); !ok) return tl::unexpected<Error>(ok.error());
  }
  return table;
}

RuleCollection LoadRulesFromText(std::string_view text, const std::string& file,
                                 const LoadOptions& options) {
  Assembly assembly(options);
  assembly.AddText(text, file);
  return std::move(assembly).Finish();
}

}  // namespace faultline::sigma
