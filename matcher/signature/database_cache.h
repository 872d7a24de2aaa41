// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/hash.h"

namespace faultline {

// Hyperscan's compiled databases, by what was compiled: a start that finds them here compiles
// nothing. Whoever owns a file for it reads and writes the bytes.
//
// Place      bytes of the last run -> [DatabaseCache] -> RuleSet; new databases -> bytes.
// Bad input  Bytes of another format, Hyperscan, processor or rule set, or with a changed byte, are as
//            good as none: everything is compiled and kept anew.
// Memory     The databases' bytes until Release().
// Threads    Safe for any.
class DatabaseCache {
 public:
  explicit DatabaseCache(std::string bytes = {}) : bytes_(std::move(bytes)) {}

  // Takes the bytes if they are of the rule set `owner`. Once, before anything is found or kept.
  void Open(std::string owner);
  [[nodiscard]] bool warm() const noexcept { return warm_; }  // the bytes were taken
  // Whether Serialize() would give other bytes than were taken.
  [[nodiscard]] bool changed() const;
  [[nodiscard]] std::string Serialize() const;
  void Release();  // forgets; from here on nothing is found or kept

  // The database in Hyperscan's serialized form; empty where there is none.
  [[nodiscard]] std::string Find(const Digest& key) const;
  [[nodiscard]] bool Has(const Digest& key) const;  // or is released: there is nothing to keep
  void Keep(const Digest& key, std::string serialized);

 private:
  [[nodiscard]] std::string Header() const;

  std::string bytes_;  // until Open()
  std::string owner_;
  bool warm_ = false;
  mutable std::mutex mutex_;  // guards the rest
  std::map<Digest, std::string> databases_;
  bool changed_ = false;
  bool released_ = false;
};

}  // namespace faultline
