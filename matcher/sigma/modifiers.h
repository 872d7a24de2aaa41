// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/reading.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

enum class Modifier : std::uint8_t {
  kContains,
  kStartsWith,
  kEndsWith,
  kAll,
  kNeq,
  kCased,
  kRe,
  kIgnoreCase,
  kMultiLine,
  kDotAll,
  kBase64,
  kBase64Offset,
  kWide,
  kUtf16Be,
  kUtf16,
  kWindash,
  kExpand,
  kCidr,
  kGt,
  kGte,
  kLt,
  kLte,
  kExists,
  kFieldRef,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kYear,
};

// The key of an item taken apart: "Image|endswith|all".
struct Key {
  struct Part {
    Modifier modifier = Modifier::kAll;
    std::string_view name;  // as it is written (several names may mean one modifier); static
    Place place;
  };
  std::string field;  // empty: keywords
  std::vector<Part> modifiers;
  Place place;

  [[nodiscard]] bool Has(Modifier modifier) const noexcept;
  // "field 'Image': ..." or "keyword: ...".
  [[nodiscard]] std::string About(std::string_view message) const;
};

// Reads a key and judges its modifiers as a whole: unknown, doubled, contradictory, in an order
// that makes no sense, or of no use to keywords.
[[nodiscard]] Key ReadKey(const yaml::Node& node, Reading& reading);

}  // namespace faultline::sigma
