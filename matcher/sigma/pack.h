// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/expression.h"
#include "matcher/sigma/lookup.h"

namespace faultline::sigma {

struct LoadOptions;
struct RuleCollection;

// A setting of a pack: a number, a text or a duration that an operator may override.
struct PackSetting {
  ExprValue
      value;  // int64, double, std::string or nanoseconds; the configuration's, else the default
  std::string unit, description;
};

// A PACK as its `pack.yaml` says: rules that belong together, what they need, and their tests.
struct Pack {
  std::string name;  // empty: no pack, for rules that lie in none
  std::string version, description;
  std::vector<std::string> fields;  // that its rules need in events
  std::vector<std::string> tests;   // files and folders of rule tests, below its folder
  std::map<std::string, PackSetting, std::less<>> settings;
  std::map<std::string, std::shared_ptr<const LookupTable>, std::less<>> tables;  // none null
};

// Finds the packs that rule files lie in: the nearest folder above with a `pack.yaml`.
//
// Errors     Of() fails on a pack.yaml or table that is wrong, on a setting of the configuration
//            that the pack does not have, or has of another type.
// Ownership  Borrows the options and the reader, which outlive it.
class Packs {
 public:
  // The bytes of a file, at most that many; nothing where there is no such file.
  using Read =
      std::function<std::optional<Result<std::string>>(const std::string& path, std::size_t most)>;
  Packs(const LoadOptions& options, Read read) : options_(options), read_(std::move(read)) {}

  // The pack of `file`; one without a name where it lies in none. Never null.
  [[nodiscard]] Result<std::shared_ptr<const Pack>> Of(const std::string& file);
  // Finds fault with settings of packs that no rule lies in, and with tables that no rule asks.
  void NoteUnused(RuleCollection& rules) const;

 private:
  [[nodiscard]] Result<std::shared_ptr<const Pack>> Above(const std::filesystem::path& given);
  [[nodiscard]] Result<std::shared_ptr<const Pack>> OfFolder(const std::string& folder);
  [[nodiscard]] Result<std::shared_ptr<const Pack>> Load(const std::string& path,
                                                         const std::string& text);
  [[nodiscard]] Result<std::shared_ptr<const LookupTable>> Table(const std::string& path);
  [[nodiscard]] Result<std::shared_ptr<const Pack>> Outside();

  const LoadOptions& options_;
  Read read_;
  std::map<std::string, std::shared_ptr<const Pack>> packs_;          // by folder of the rules
  std::map<std::string, std::shared_ptr<const Pack>> folders_;        // null: no pack.yaml there
  std::map<std::string, std::shared_ptr<const LookupTable>> tables_;  // by path
  std::shared_ptr<const Pack> outside_;                               // of rules that lie in none
};

// At most `most` bytes of a file. Fault::kRules when it cannot be read or holds more.
[[nodiscard]] Result<std::string> ReadCapped(const std::string& path, std::size_t most);

// The pack in `folder` on disk, as its pack.yaml says; nothing where there is none.
[[nodiscard]] std::optional<Result<Pack>> ReadPack(const std::string& folder);

}  // namespace faultline::sigma
