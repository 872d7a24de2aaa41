// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/hs_compile.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace faultline {
namespace {

// Databases in use, by what was compiled.
//
// Threads    Any.
class InUse {
 public:
  [[nodiscard]] HsDatabase Find(const Digest& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = databases_.find(key);
    return found == databases_.end() ? nullptr : found->second.lock();
  }
  // Two threads may have made the same one: both are used.
  [[nodiscard]] HsDatabase Share(const Digest& key, hs_database_t* made) {
    HsDatabase shared(made, [](const hs_database_t* database) {
      hs_free_database(const_cast<hs_database_t*>(database));
    });
    const std::lock_guard lock(mutex_);
    databases_[key] = shared;
    if (databases_.size() >= forget_at_) {
      std::erase_if(databases_, [](const auto& entry) { return entry.second.expired(); });
      forget_at_ = std::max(kForgetAt, 2 * databases_.size());
    }
    return shared;
  }

 private:
  static constexpr std::size_t kForgetAt = 1024;

  mutable std::mutex mutex_;  // guards the rest
  std::map<Digest, std::weak_ptr<const hs_database_t>> databases_;
  std::size_t forget_at_ = kForgetAt;
};

InUse& Databases() {
  static InUse& databases = *new InUse();  // outlives every rule set
  return databases;
}

void IntoCache(const Digest& key, const hs_database_t* database, DatabaseCache* cache) {
  char* bytes = nullptr;
  std::size_t size = 0;
  if (cache == nullptr || hs_serialize_database(database, &bytes, &size) != HS_SUCCESS) return;
  cache->Keep(key, std::string(bytes, size));
  std::free(bytes);  // Hyperscan's allocator is malloc: nobody set another
}

// Null where it is neither in use nor kept, or damaged in a way that only Hyperscan sees.
HsDatabase Known(const Digest& key, DatabaseCache* cache) {
  const std::string bytes = cache == nullptr ? std::string() : cache->Find(key);
  if (HsDatabase used = Databases().Find(key)) {
    if (bytes.empty()) IntoCache(key, used.get(), cache);
    return used;
  }
  hs_database_t* database = nullptr;
  if (bytes.empty() ||
      hs_deserialize_database(bytes.data(), bytes.size(), &database) != HS_SUCCESS) {
    return nullptr;
  }
  return Databases().Share(key, database);
}

HsDatabase Made(const Digest& key, hs_database_t* database, DatabaseCache* cache) {
  IntoCache(key, database, cache);
  return Databases().Share(key, database);
}

}  // namespace

Result<HsDatabase> CompileLiterals(const std::vector<HsLiteral>& literals, DatabaseCache* cache) {
  DigestBuilder content;
  content.Add("literals");
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  std::vector<unsigned> ids, flags;
  for (const HsLiteral& literal : literals) {
    content.Add(literal.text).Add(std::int64_t{literal.id}).Add(std::int64_t{literal.flags});
    texts.push_back(literal.text.data());
    sizes.push_back(literal.text.size());
    ids.push_back(literal.id);
    flags.push_back(literal.flags);
  }
  const Digest key = content.Finish();
  if (HsDatabase known = Known(key, cache)) return known;
  hs_database_t* database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const hs_error_t code = hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(),
                                               static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                                               nullptr, &database, &raw_error);
  const HsCompileError error(raw_error);
  if (code != HS_SUCCESS) {
    return Fail(Fault::kInternal,
                std::string("Hyperscan refuses literals: ") +
                    (error != nullptr ? error->message : "unknown"),
                {}, "Hyperscan needs a processor with SSSE3");
  }
  return Made(key, database, cache);
}

HsDatabase CompileExpression(const std::string& pattern, unsigned flags, DatabaseCache* cache) {
  const Digest key =
      DigestBuilder().Add("expression").Add(pattern).Add(std::int64_t{flags}).Finish();
  if (HsDatabase known = Known(key, cache)) return known;
  hs_database_t* database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const hs_error_t code =
      hs_compile(pattern.c_str(), flags, HS_MODE_BLOCK, nullptr, &database, &raw_error);
  const HsCompileError error(raw_error);
  if (code != HS_SUCCESS) return nullptr;
  return Made(key, database, cache);
}

}  // namespace faultline
