// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/lint.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

void NoteUnused(const std::vector<Search>& searches, const std::vector<Condition>& conditions,
                Reading& reading) {
  std::vector<bool> used(searches.size());
  for (const Condition& condition : conditions) {
    for (const Condition::Node& node : condition.nodes) {
      if (node.op == Condition::Op::kSearch) used[node.search] = true;
    }
  }
  for (std::size_t i = 0; i < searches.size(); ++i) {
    if (used[i]) continue;
    reading.Note("unused-search",
                 fmt::format("no condition names the search '{}'", searches[i].name),
                 searches[i].place, "remove it, or name it in the condition");
  }
}

// The least that an index of the keywords' parts can look up.
constexpr std::size_t kIndexedBytes = 3;

bool IsIndexed(const Choice& choice) {
  return std::all_of(choice.begin(), choice.end(), [](const Value& value) {
    const auto* pattern = std::get_if<Pattern>(&value);
    return pattern != nullptr && std::any_of(pattern->tokens.begin(), pattern->tokens.end(),
                                             [](const Pattern::Token& token) {
                                               return token.text.size() >= kIndexedBytes;
                                             });
  });
}

void NoteKeywords(const Item& item, Reading& reading) {
  if (!item.field.empty()) return;
  const bool indexed = item.all ? std::any_of(item.choices.begin(), item.choices.end(), IsIndexed)
                                : std::all_of(item.choices.begin(), item.choices.end(), IsIndexed);
  if (indexed && !item.negated) return;
  reading.Note("keyword-not-indexed", "every event is searched in full for these keywords",
               item.place, "name a field, or write keywords of three letters and more");
}

void NoteTimes(const Item& item, Reading& reading) {
  constexpr std::array<std::pair<std::int64_t, std::int64_t>, 6> kRanges = {
      {{0, 59}, {0, 23}, {1, 31}, {1, 53}, {1, 12}, {1678, 2261}}};
  for (const Choice& choice : item.choices) {
    for (const Value& value : choice) {
      const auto* time = std::get_if<TimePart>(&value);
      if (time == nullptr) continue;
      const auto [least, most] = kRanges[static_cast<std::size_t>(time->unit)];
      if (time->number >= least && time->number <= most) continue;
      reading.Note("time-out-of-range",
                   fmt::format("field '{}': no time has {} there", item.field, time->number),
                   item.place, fmt::format("write {} to {}", least, most));
    }
  }
}

void Lint(const std::vector<Search>& searches, const std::vector<Condition>& conditions,
          Reading& reading) {
  NoteUnused(searches, conditions, reading);
  for (const Search& search : searches) {
    for (const std::vector<Item>& items : search.alternatives) {
      for (const Item& item : items) {
        NoteKeywords(item, reading);
        NoteTimes(item, reading);
      }
    }
  }
}

// Every name that the expressions of a correlation hold, repeats included.
std::vector<ExprName> NamesIn(const CorrelationRule& rule) {
  std::vector<ExprName> names;
  const auto add = [&names](const std::vector<ExprName>& more) {
    names.insert(names.end(), more.begin(), more.end());
  };
  for (const Register& reg : rule.registers) {
    for (const auto& key : reg.by) add(key.second.names());
  }
  for (const auto& field : rule.fields) add(field.second.names());
  add(rule.where.names());
  for (const Variant& variant : rule.variants) {
    add(variant.when.names());
    add(variant.title.names());
    add(NamesOf(variant.texts));
  }
  if (rule.suppress) {
    for (const auto& key : rule.suppress->by) add(key.second.names());
  }
  add(NamesOf(rule.texts));
  return names;
}

void NoteNames(const CorrelationRule& rule, const Place& place, Reading& reading) {
  const std::vector<ExprName> names = NamesIn(rule);
  for (std::size_t i = 0; i < rule.registers.size(); ++i) {
    const bool read = std::any_of(names.begin(), names.end(), [i](const ExprName& name) {
      return name.index == i &&
             (name.kind == ExprName::Kind::kRegister || name.kind == ExprName::Kind::kPrevious);
    });
    if (read) continue;
    reading.Note("unused-register",
                 fmt::format("no expression reads the register '{}'", rule.registers[i].name),
                 place, "remove it, or name it in an expression");
  }
  std::vector<std::string_view> known(rule.group_by.begin(), rule.group_by.end());
  for (const auto& field : rule.fields) known.emplace_back(field.first);
  std::set<std::string_view> told;
  for (const ExprName& name : names) {
    if (name.kind != ExprName::Kind::kEvent || !told.insert(name.field).second) continue;
    // A letter more or less, no longer words: `to_node` is not a slip for `node`.
    std::vector<std::string_view> near;
    std::copy_if(known.begin(), known.end(), std::back_inserter(near), [&](std::string_view one) {
      return one.size() + 1 >= name.field.size() && one.size() <= name.field.size() + 1;
    });
    std::string meant = DidYouMean(name.field, near);
    if (meant.empty()) continue;
    reading.Note("misspelt-name", fmt::format("'{}' is read as a field of an event", name.field),
                 place, std::move(meant));
  }
}

}  // namespace

void Lint(const DetectionRule& rule, Reading& reading) {
  Lint(rule.searches, rule.conditions, reading);
}

void Lint(const Filter& filter, const Place& place, Reading& reading) {
  Lint(filter.searches, filter.conditions, reading);
  for (const Condition& condition : filter.conditions) {
    const bool excludes =
        std::any_of(condition.nodes.begin(), condition.nodes.end(),
                    [](const Condition::Node& node) { return node.op == Condition::Op::kNot; });
    if (excludes) continue;
    reading.Note("filter-narrows",
                 "the filter's condition has no 'not': its rules match only what it describes",
                 place, "write condition: not ...");
  }
}

void Lint(const CorrelationRule& rule, const Place& place, Reading& reading) {
  if (rule.group_by.empty()) {
    reading.Note("correlation-ungrouped",
                 "the correlation has no 'group-by': all events count as one", place,
                 "add group-by: with the field that tells them apart");
  }
  for (const Step& step : rule.steps) {
    for (const auto& span : {step.within, step.times_within}) {
      if (!span || *span <= rule.timespan) continue;
      reading.Note("span-beyond-timespan",
                   fmt::format("'within' of step '{}' is longer than the timespan", step.name),
                   step.place, "make it shorter, or the timespan longer");
    }
  }
  NoteNames(rule, place, reading);
}

}  // namespace faultline::sigma
