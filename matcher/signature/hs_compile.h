// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "matcher/signature/database_cache.h"
#include "matcher/signature/hs_handles.h"

namespace faultline {

// A literal for Hyperscan's literal matcher.
struct HsLiteral {
  std::string text;
  unsigned id = 0;
  unsigned flags = 0;  // HS_FLAG_CASELESS, HS_FLAG_SINGLEMATCH
};

// One database of all of them: one that is in use already, in another class or in the rules before a
// reload; else from `cache` where it is there; else compiled, and kept there. `cache` may be null. Any
// thread. Fails when Hyperscan refuses: the machine or we are at fault, never a rule.
[[nodiscard]] Result<HsDatabase> CompileLiterals(const std::vector<HsLiteral>& literals,
                                                 DatabaseCache* cache);

// The same of one expression; null where Hyperscan refuses it.
[[nodiscard]] HsDatabase CompileExpression(const std::string& pattern, unsigned flags,
                                           DatabaseCache* cache);

// Makes `scratch` large enough for this database too; nothing to do for null.
[[nodiscard]] Result<void> GrowScratch(const hs_database_t* database, HsScratch& scratch);

}  // namespace faultline
