// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/filter.h"

#include <fmt/format.h>

#include "matcher/sigma/detection.h"
#include "matcher/sigma/lint.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

bool IsAny(std::string_view text) {
  return text.size() == 3 && (text[0] | 0x20) == 'a' && (text[1] | 0x20) == 'n' &&
         (text[2] | 0x20) == 'y';
}

std::vector<FilterRule::Reference> ReadReferences(const yaml::Node& filter, Reading& reading) {
  std::vector<FilterRule::Reference> references;
  const yaml::Node* rules = filter.Find("rules");
  if (rules == nullptr || yaml::IsNull(*rules)) {
    reading.Refuse("the filter names no 'rules'", rules == nullptr ? filter.place : rules->place,
                   "write ids or names of rules, or any");
    return references;
  }
  if (rules->IsScalar() && IsAny(rules->scalar)) return references;
  const std::vector<std::string> texts = ReadTexts(*rules, "'rules'", reading);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    references.push_back({texts[i], rules->IsScalar() ? rules->place : rules->items[i].place});
  }
  return references;
}

}  // namespace

FilterRule ReadFilterRule(const yaml::Node& document, Reading& reading) {
  FilterRule rule;
  rule.filter.logsource = ReadLogSource(document, "filter", reading);
  for (const std::string_view other : {"detection", "correlation"}) {
    if (const yaml::Node* key = document.FindKey(other)) {
      reading.Refuse(fmt::format("a document is a filter or a {}, not both", other), key->place,
                     "separate them by '---'");
    }
  }
  const yaml::Node& map = *document.Find("filter");
  if (!ExpectMap(map, "'filter'", reading)) return rule;
  rule.rules = ReadReferences(map, reading);
  ReadFilter(map, reading, rule.filter);
  if (reading.ok()) Lint(rule.filter, map.place, reading);
  return rule;
}

}  // namespace faultline::sigma
