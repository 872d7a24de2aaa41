// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/hs_compile.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace faultline {
namespace {

// Databases in use, by what was compiled.
//
// Threads    Any.
class InUse {
 public:
  // The database of `key`. Where nobody has it, `make` gives it, or null; who asks for the same one
  // meanwhile waits.
  [[nodiscard]] HsDatabase Get(const Digest& key, const std::function<hs_database_t*()>& make) {
    const std::shared_ptr<Place> place = PlaceOf(key);
    const std::lock_guard lock(place->mutex);
    if (HsDatabase used = place->database.lock()) return used;
    HsDatabase made(make(), [](const hs_database_t* database) {
      hs_free_database(const_cast<hs_database_t*>(database));
    });
    place->database = made;
    return made;
  }

 private:
  struct Place {
    std::mutex mutex;  // guards the rest; held while it is made
    std::weak_ptr<const hs_database_t> database;
  };

  std::shared_ptr<Place> PlaceOf(const Digest& key) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Place>& place = places_[key];
    if (place == nullptr) place = std::make_shared<Place>();
    const std::shared_ptr<Place> found = place;
    if (places_.size() >= forget_at_) {
      std::erase_if(places_, [](const auto& entry) {
        return entry.second.use_count() == 1 && Forgotten(*entry.second);
      });
      forget_at_ = std::max(kForgetAt, 2 * places_.size());
    }
    return found;
  }
  static bool Forgotten(Place& place) {
    const std::lock_guard lock(place.mutex);
    return place.database.expired();
  }

  static constexpr std::size_t kForgetAt = 1024;

  std::mutex mutex_;  // guards the rest
  std::map<Digest, std::shared_ptr<Place>> places_;
  std::size_t forget_at_ = kForgetAt;
};

InUse& Databases() {
  static InUse& databases = *new InUse();  // outlives every rule set
  return databases;
}

void IntoCache(const Digest& key, const hs_database_t* database, DatabaseCache* cache) {
  char* bytes = nullptr;
  std::size_t size = 0;
  if (hs_serialize_database(database, &bytes, &size) != HS_SUCCESS) return;
  cache->Keep(key, std::string(bytes, size));
  std::free(bytes);  // Hyperscan's allocator is malloc: nobody set another
}

// Null where it is not kept, or damaged in a way that only Hyperscan sees.
hs_database_t* FromCache(const Digest& key, const DatabaseCache* cache) {
  const std::string bytes = cache == nullptr ? std::string() : cache->Find(key);
  hs_database_t* database = nullptr;
  if (bytes.empty() ||
      hs_deserialize_database(bytes.data(), bytes.size(), &database) != HS_SUCCESS) {
    return nullptr;
  }
  return database;
}

// Null where it is nowhere and `compile` gives null.
HsDatabase Get(const Digest& key, DatabaseCache* cache,
               const std::function<hs_database_t*()>& compile) {
  HsDatabase database = Databases().Get(key, [&] {
    hs_database_t* const kept = FromCache(key, cache);
    return kept == nullptr ? compile() : kept;
  });
  if (database != nullptr && cache != nullptr && !cache->Has(key)) {
    IntoCache(key, database.get(), cache);
  }
  return database;
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
  std::string refused;
  const auto compile = [&] {
    hs_database_t* database = nullptr;
    hs_compile_error_t* raw_error = nullptr;
    hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(),
                         static_cast<unsigned>(texts.size()), HS_MODE_BLOCK, nullptr, &database,
                         &raw_error);
    const HsCompileError error(raw_error);
    if (database == nullptr) refused = error != nullptr ? error->message : "unknown";
    return database;
  };
  if (HsDatabase database = Get(content.Finish(), cache, compile)) return database;
  return Fail(Fault::kInternal, "Hyperscan refuses literals: " + refused, {},
              "Hyperscan needs a processor with SSSE3");
}

HsDatabase CompileExpression(const std::string& pattern, unsigned flags, DatabaseCache* cache) {
  const Digest key =
      DigestBuilder().Add("expression").Add(pattern).Add(std::int64_t{flags}).Finish();
  return Get(key, cache, [&] {
    hs_database_t* database = nullptr;
    hs_compile_error_t* raw_error = nullptr;
    hs_compile(pattern.c_str(), flags, HS_MODE_BLOCK, nullptr, &database, &raw_error);
    const HsCompileError error(raw_error);
    return database;
  });
}

Result<void> GrowScratch(const hs_database_t* database, HsScratch& scratch) {
  if (database == nullptr) return {};
  hs_scratch_t* grown = scratch.release();
  const hs_error_t code = hs_alloc_scratch(database, &grown);
  scratch.reset(grown);
  if (code == HS_SUCCESS) return {};
  return Fail(Fault::kInternal, "Hyperscan has no memory for its scratch");
}

}  // namespace faultline
