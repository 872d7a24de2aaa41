// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/hs_compile.h"

#include <cstdlib>
#include <string_view>
#include <utility>

namespace faultline {
namespace {

// Null where it is not there, or damaged in a way that only Hyperscan sees.
HsDatabase FromCache(const Digest& key, const DatabaseCache* cache) {
  if (cache == nullptr) return nullptr;
  const std::string bytes = cache->Find(key);
  hs_database_t* database = nullptr;
  if (bytes.empty() ||
      hs_deserialize_database(bytes.data(), bytes.size(), &database) != HS_SUCCESS) {
    return nullptr;
  }
  return HsDatabase(database);
}

void IntoCache(const Digest& key, const hs_database_t* database, DatabaseCache* cache) {
  char* bytes = nullptr;
  std::size_t size = 0;
  if (cache == nullptr || hs_serialize_database(database, &bytes, &size) != HS_SUCCESS) return;
  cache->Keep(key, std::string(bytes, size));
  std::free(bytes);  // Hyperscan's allocator is malloc: nobody set another
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
  if (HsDatabase known = FromCache(key, cache)) return known;
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
  IntoCache(key, database, cache);
  return HsDatabase(database);
}

HsDatabase CompileExpression(const std::string& pattern, unsigned flags, DatabaseCache* cache) {
  const Digest key =
      DigestBuilder().Add("expression").Add(pattern).Add(std::int64_t{flags}).Finish();
  if (HsDatabase known = FromCache(key, cache)) return known;
  hs_database_t* database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const hs_error_t code =
      hs_compile(pattern.c_str(), flags, HS_MODE_BLOCK, nullptr, &database, &raw_error);
  const HsCompileError error(raw_error);
  if (code != HS_SUCCESS) return nullptr;
  IntoCache(key, database, cache);
  return HsDatabase(database);
}

}  // namespace faultline
