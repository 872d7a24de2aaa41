// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "matcher/event/fields.h"
#include "matcher/signature/database_cache.h"
#include "matcher/signature/field_database.h"
#include "matcher/signature/rule_set.h"
#include "matcher/signature/signature_class.h"

namespace faultline {

// A field that log sources ask for, and what whole values of it mean to the rules.
struct RoutingField {
  FieldId field = 0;
  std::vector<PredicateId> predicates;  // indices into Signatures::predicates
  FieldDatabase literals;               // number i stands for predicates[i]
  PredicateId null = kNoPredicate;      // numbers, likewise
  PredicateId present = kNoPredicate;
  PredicateId exists = kNoPredicate;
};

// The classes of a rule set, each compiled when it is first asked for.
//
// What tells events apart is which whole-value predicates of the routing fields hold. Combinations
// that leave the same signatures share one class; beyond a bound of combinations, and for an event
// with several values in a routing field, the class is the one that folds nothing: what an event
// holds cannot make the table grow without end.
//
// Threads    Any. A class is compiled by those who need it, side by side; nobody else waits. The classes
//            are immutable and live as long as the table.
// Errors     Hyperscan without memory: our process ends, as with any allocation.
class ClassTable {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ClassTable>> Create(
      Signatures signatures, std::shared_ptr<DatabaseCache> cache);

  [[nodiscard]] const std::vector<RoutingField>& routing() const noexcept { return routing_; }

  // The number of inputs that declare `input`.
  [[nodiscard]] InputScope ScopeOf(const sigma::LogSource& input);

  // The class of events of such an input for which exactly these predicates of the routing fields
  // hold (indices into Signatures::predicates, ascending).
  [[nodiscard]] const SignatureClass& Get(InputScope scope, const std::vector<PredicateId>& held);
  [[nodiscard]] const SignatureClass& Unfolded(InputScope scope);
  [[nodiscard]] const SignatureClass& Raw(InputScope scope);  // for bytes that are no JSON

  [[nodiscard]] std::size_t size() const;  // different classes that were asked for so far

  // Compiles one more of the classes that the rules' own log sources tell apart, expressions
  // included, those of most rules first; false when none is left.
  [[nodiscard]] bool CompileNext();

 private:
  // A class that may still have to be compiled.
  struct Entry {
    FoldedSignatures folded;  // until somebody begins
    std::once_flag begun;
    std::unique_ptr<ClassMaking> making;
    std::once_flag finished;
    std::unique_ptr<const SignatureClass> made;
  };
  struct Scope {
    sigma::LogSource input;
    Entry* unfolded = nullptr;
    Entry* raw = nullptr;
  };

  ClassTable(Signatures signatures, std::shared_ptr<DatabaseCache> cache)
      : signatures_(std::move(signatures)), cache_(std::move(cache)), scopes_(1) {}
  [[nodiscard]] Result<void> FindRoutingFields();
  [[nodiscard]] Entry& EntryOf(FoldedSignatures folded);
  // The class that folds nothing, of events or of raw bytes; found once, then kept.
  [[nodiscard]] const SignatureClass& Whole(InputScope scope, Entry* Scope::*kept, bool raw);
  [[nodiscard]] const SignatureClass& Made(Entry& entry) const;
  [[nodiscard]] FoldedSignatures Fold(InputScope scope, const std::vector<PredicateId>& held) const;
  [[nodiscard]] sigma::LogSource InputOf(InputScope scope) const;
  void FindCombinations();

  Signatures signatures_;
  std::shared_ptr<DatabaseCache> cache_;  // may be null
  std::vector<RoutingField> routing_;
  mutable std::mutex mutex_;  // guards what follows, but not what entries hold
  std::deque<Scope> scopes_;  // index = InputScope
  std::map<std::pair<InputScope, std::vector<PredicateId>>, Entry*> by_held_;
  std::map<Digest, Entry> classes_;  // by what is left in them

  std::mutex ahead_mutex_;  // guards what follows
  bool combinations_known_ = false;
  // Still to compile, what takes longest last.
  std::vector<std::pair<InputScope, std::vector<PredicateId>>> combinations_;
};

}  // namespace faultline
