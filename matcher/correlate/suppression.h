// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"

namespace faultline {

// What `suppress` remembers: when a rule was last told for each value of its `by`, and how many firings
// were hidden since.
//
// Place      Incidents -> [Suppression].
// Order      Calls of one `now` after the other; a firing may be older than `now`, by at most the
//            rule's `slack`: it has waited for `choose`.
// Time       Event time only. Spans are closed.
// State      Per rule and `by`: time, hidden count. What hides nothing is forgotten once no firing can
//            meet it; what has hidden something stays until it is told.
// Memory     At most `most` entries a rule, about 200 bytes each: the one told least recently goes, of
//            several the one of the least `by`; counted.
// Threads    Confined to its correlator.
class Suppression {
 public:
  struct Rule {
    std::optional<std::chrono::nanoseconds> span;  // nothing: the rule does not suppress
    std::chrono::nanoseconds slack{};
  };
  struct Told {
    EventTime at;
    std::int64_t hidden = 0;  // since
  };

  Suppression(std::vector<Rule> rules, std::size_t most);

  // A firing of `rule` at `fired`, judged at `now`: nothing where it is hidden, else how many were
  // hidden before it.
  [[nodiscard]] std::optional<std::int64_t> Tell(std::uint32_t rule, const Digest& by,
                                                 EventTime fired, EventTime now);
  void ExpireBefore(EventTime now);

  [[nodiscard]] std::uint64_t forgotten(std::uint32_t rule) const { return forgotten_[rule]; }
  [[nodiscard]] std::size_t size() const noexcept { return told_.size(); }

  // visit(rule, by, told), in a fixed order.
  template <class Visit>
  void ForEach(const Visit& visit) const {
    for (const auto& [key, told] : told_) visit(key.first, key.second, told);
  }
  // Puts back what ForEach told, within `most`. False where the rule does not suppress.
  [[nodiscard]] bool Restore(std::uint32_t rule, const Digest& by, const Told& told);
  void AddForgotten(std::uint32_t rule, std::uint64_t more) { forgotten_[rule] += more; }

 private:
  using Key = std::pair<std::uint32_t, Digest>;
  // Of one rule those that hide nothing first, each by age.
  using Place = std::tuple<std::uint32_t, bool, EventTime, Digest>;

  [[nodiscard]] static Place PlaceOf(const Key& key, const Told& told) {
    return {key.first, told.hidden > 0, told.at, key.second};
  }
  void Put(const Key& key, const Told& told);
  void Expire(std::uint32_t rule, EventTime now);
  void Evict(std::uint32_t rule);
  void Erase(std::set<Place>::iterator place);

  std::vector<Rule> rules_;
  std::size_t most_;
  std::map<Key, Told> told_;
  std::set<Place> places_;                // of each of told_
  std::vector<std::size_t> sizes_;        // per rule: how many of told_
  std::vector<std::uint64_t> forgotten_;  // per rule: for want of room
};

}  // namespace faultline
