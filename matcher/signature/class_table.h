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
// Threads    Get() by any; the classes are immutable and live as long as the table.
// Errors     Hyperscan without memory: our process ends, as with any allocation.
class ClassTable {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ClassTable>> Create(Signatures signatures);

  [[nodiscard]] const std::vector<RoutingField>& routing() const noexcept { return routing_; }

  // The number of inputs that declare `input`.
  [[nodiscard]] InputScope ScopeOf(const sigma::LogSource& input);

  // The class of events of such an input for which exactly these predicates of the routing fields
  // hold (indices into Signatures::predicates, ascending).
  [[nodiscard]] const SignatureClass& Get(InputScope scope, const std::vector<PredicateId>& held);
  [[nodiscard]] const SignatureClass& Unfolded(InputScope scope);
  [[nodiscard]] const SignatureClass& Raw(InputScope scope);  // for bytes that are no JSON

 private:
  explicit ClassTable(Signatures signatures) : signatures_(std::move(signatures)), scopes_(1) {}
  [[nodiscard]] Result<void> FindRoutingFields();
  struct Scope {
    sigma::LogSource input;
    const SignatureClass* unfolded = nullptr;
    const SignatureClass* raw = nullptr;
  };

  [[nodiscard]] const SignatureClass& Make(const Scope& scope, const Answers& answers,
                                           bool raw_only);

  Signatures signatures_;
  std::vector<RoutingField> routing_;
  std::mutex mutex_;          // guards the rest
  std::deque<Scope> scopes_;  // index = InputScope
  std::map<std::pair<InputScope, std::vector<PredicateId>>, const SignatureClass*> by_held_;
  std::map<Digest, std::unique_ptr<const SignatureClass>> classes_;  // by what is left in them
};

}  // namespace faultline
