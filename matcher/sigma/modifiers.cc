// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/modifiers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"

namespace faultline::sigma {
namespace {

// What a modifier does to a value, as far as it decides what it goes together with.
enum class Group : std::uint8_t {
  kList,  // all, neq: about the whole list
  kText,
  kCase,
  kRegex,
  kFlag,
  kEncode,
  kDash,
  kExpand,
  kNetwork,
  kOrder,
  kTime,
  kExists,
  kFieldRef,
};

struct Known {
  std::string_view name;
  Modifier modifier;
  Group group;
};

constexpr std::array kKnown = {
    Known{"contains", Modifier::kContains, Group::kText},
    Known{"startswith", Modifier::kStartsWith, Group::kText},
    Known{"endswith", Modifier::kEndsWith, Group::kText},
    Known{"all", Modifier::kAll, Group::kList},
    Known{"neq", Modifier::kNeq, Group::kList},
    Known{"cased", Modifier::kCased, Group::kCase},
    Known{"re", Modifier::kRe, Group::kRegex},
    Known{"i", Modifier::kIgnoreCase, Group::kFlag},
    Known{"ignorecase", Modifier::kIgnoreCase, Group::kFlag},
    Known{"m", Modifier::kMultiLine, Group::kFlag},
    Known{"multiline", Modifier::kMultiLine, Group::kFlag},
    Known{"s", Modifier::kDotAll, Group::kFlag},
    Known{"dotall", Modifier::kDotAll, Group::kFlag},
    Known{"base64", Modifier::kBase64, Group::kEncode},
    Known{"base64offset", Modifier::kBase64Offset, Group::kEncode},
    Known{"wide", Modifier::kWide, Group::kEncode},
    Known{"utf16le", Modifier::kWide, Group::kEncode},
    Known{"utf16be", Modifier::kUtf16Be, Group::kEncode},
    Known{"utf16", Modifier::kUtf16, Group::kEncode},
    Known{"windash", Modifier::kWindash, Group::kDash},
    Known{"expand", Modifier::kExpand, Group::kExpand},
    Known{"cidr", Modifier::kCidr, Group::kNetwork},
    Known{"gt", Modifier::kGt, Group::kOrder},
    Known{"gte", Modifier::kGte, Group::kOrder},
    Known{"lt", Modifier::kLt, Group::kOrder},
    Known{"lte", Modifier::kLte, Group::kOrder},
    Known{"exists", Modifier::kExists, Group::kExists},
    Known{"fieldref", Modifier::kFieldRef, Group::kFieldRef},
    Known{"minute", Modifier::kMinute, Group::kTime},
    Known{"hour", Modifier::kHour, Group::kTime},
    Known{"day", Modifier::kDay, Group::kTime},
    Known{"week", Modifier::kWeek, Group::kTime},
    Known{"month", Modifier::kMonth, Group::kTime},
    Known{"year", Modifier::kYear, Group::kTime},
};

const Known* Find(std::string_view name) {
  const auto* const found = std::find_if(kKnown.begin(), kKnown.end(),
                                         [&](const Known& known) { return known.name == name; });
  return found == kKnown.end() ? nullptr : found;
}

Group GroupOf(Modifier modifier) {
  const auto* const found = std::find_if(
      kKnown.begin(), kKnown.end(), [&](const Known& one) { return one.modifier == modifier; });
  return found->group;
}

std::string Suggest(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Known& known : kKnown) names.push_back(known.name);
  return DidYouMeanOrOneOf(name, names);
}

constexpr std::uint32_t Bit(Group group) { return 1U << static_cast<unsigned>(group); }

// The groups that may stand beside one of `group`, itself included where two different ones may.
constexpr std::uint32_t Companions(Group group) {
  constexpr std::uint32_t kString = Bit(Group::kEncode) | Bit(Group::kDash);
  switch (group) {
    case Group::kList: return ~Bit(Group::kExists);
    case Group::kText:
      return Bit(Group::kList) | Bit(Group::kCase) | Bit(Group::kRegex) | Bit(Group::kFlag) |
             kString | Bit(Group::kExpand) | Bit(Group::kFieldRef);
    case Group::kCase:
      return Bit(Group::kList) | Bit(Group::kText) | kString | Bit(Group::kExpand) |
             Bit(Group::kFieldRef);
    case Group::kRegex: return Bit(Group::kList) | Bit(Group::kText) | Bit(Group::kFlag);
    case Group::kFlag:
      return Bit(Group::kList) | Bit(Group::kText) | Bit(Group::kRegex) | Bit(Group::kFlag);
    case Group::kEncode:
    case Group::kDash:
      return Bit(Group::kList) | Bit(Group::kText) | Bit(Group::kCase) | kString |
             Bit(Group::kExpand);
    case Group::kExpand:
      return ~(Bit(Group::kRegex) | Bit(Group::kFlag) | Bit(Group::kExists) | Bit(Group::kExpand));
    case Group::kNetwork: return Bit(Group::kList) | Bit(Group::kExpand);
    case Group::kOrder: return Bit(Group::kList) | Bit(Group::kExpand) | Bit(Group::kTime);
    case Group::kTime: return Bit(Group::kList) | Bit(Group::kExpand) | Bit(Group::kOrder);
    case Group::kExists: return 0;
    case Group::kFieldRef:
      return Bit(Group::kList) | Bit(Group::kText) | Bit(Group::kCase) | Bit(Group::kExpand);
  }
  return 0;
}

// Of these, the first must stand before the second.
constexpr std::array<std::pair<Group, Group>, 4> kOrders = {{
    {Group::kRegex, Group::kText},
    {Group::kRegex, Group::kFlag},
    {Group::kFieldRef, Group::kText},
    {Group::kTime, Group::kOrder},
}};

// Judges the modifier `later` beside one that stands before it.
void CheckPair(const Key& key, const Key::Part& earlier, const Key::Part& later, Reading& reading) {
  const Group first = GroupOf(earlier.modifier);
  const Group second = GroupOf(later.modifier);
  if (earlier.modifier == later.modifier) {
    return reading.Refuse(key.About(fmt::format("modifier '{}' stands twice", later.name)),
                          later.place, "write it once");
  }
  if ((Companions(first) & Bit(second)) == 0) {
    return reading.Refuse(
        key.About(fmt::format("contradictory modifiers '{}' and '{}'", earlier.name, later.name)),
        later.place, "keep one of them");
  }
  for (const auto& [before, after] : kOrders) {
    if (first != after || second != before) continue;
    reading.Refuse(
        key.About(fmt::format("modifier '{}' must stand before '{}'", later.name, earlier.name)),
        later.place, fmt::format("write {}|{}", later.name, earlier.name));
  }
}

void CheckAll(const Key& key, Reading& reading) {
  bool encoded = false;
  for (std::size_t j = key.modifiers.size(); j-- > 0;) {
    const Key::Part& part = key.modifiers[j];
    const Group group = GroupOf(part.modifier);
    encoded =
        encoded || part.modifier == Modifier::kBase64 || part.modifier == Modifier::kBase64Offset;
    if (group == Group::kFlag && !key.Has(Modifier::kRe)) {
      reading.Refuse(key.About(fmt::format("flag '{}' without 're' before it", part.name)),
                     part.place, fmt::format("write re|{}", part.name));
    }
    if (part.modifier == Modifier::kUtf16 && !encoded) {
      reading.Refuse(key.About("'utf16' without base64 behind it matches nothing"), part.place,
                     "write utf16|base64offset|contains, or wide");
    }
    const bool of_a_field = group == Group::kExists || group == Group::kFieldRef ||
                            group == Group::kNetwork || group == Group::kOrder ||
                            group == Group::kTime;
    if (of_a_field && key.field.empty()) {
      reading.Refuse(key.About(fmt::format("modifier '{}' needs a field", part.name)), part.place,
                     fmt::format("write FIELD|{}", part.name));
    }
  }
}

}  // namespace

bool Key::Has(Modifier modifier) const noexcept {
  return std::any_of(modifiers.begin(), modifiers.end(),
                     [&](const Part& part) { return part.modifier == modifier; });
}

std::string Key::About(std::string_view message) const {
  if (field.empty()) return fmt::format("keyword: {}", message);
  return fmt::format("field '{}': {}", field, message);
}

Key ReadKey(const yaml::Node& node, Reading& reading) {
  Key key;
  key.place = node.place;
  const std::string_view text = node.scalar;
  std::size_t at = std::min(text.find('|'), text.size());
  key.field = text.substr(0, at);
  if (text.empty()) reading.Refuse("a field has no name", node.place, "name a field");
  while (at < text.size() && reading.ok()) {
    const std::size_t start = at + 1;
    at = std::min(text.find('|', start), text.size());
    const std::string_view name = text.substr(start, at - start);
    Place place = TextPlace(node);
    if (!node.multi_line) place.column += static_cast<int>(start);
    const Known* const known = Find(name);
    if (known == nullptr) {
      reading.Refuse(key.About(fmt::format("unknown modifier '{}'", name)), place, Suggest(name));
      return key;
    }
    Key::Part part{known->modifier, known->name, std::move(place)};
    for (const Key::Part& earlier : key.modifiers) CheckPair(key, earlier, part, reading);
    key.modifiers.push_back(std::move(part));
  }
  CheckAll(key, reading);
  return key;
}

}  // namespace faultline::sigma
