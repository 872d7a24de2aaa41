// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.h"
#include "base/result.h"

namespace faultline::app {

// Where a setting lives inside a Config: its type is the setting's type.
using Slot = std::variant<std::string*, bool*, std::int64_t*, Bytes*, Duration*,
                          std::optional<Duration>*, std::optional<std::string>*, Secret*,
                          std::vector<std::string>*, std::map<std::string, std::string>*,
                          std::map<std::string, PropertyValue>*, TextLists*, TextMaps*>;

// One row of the table that drives parsing, `config show|init|schema` and docs/configuration.md.
struct Setting {
  std::string_view path;  // dotted; "inputs[].x" for those of one input
  Slot (*slot)(Config& config, std::size_t input);
  std::string_view doc;                     // one sentence or two
  std::vector<std::string_view> choices{};  // of a text, keys of a map; empty: any
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  // numbers, bytes, nanoseconds
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::string_view later{};   // not empty: this version honours the default only, and why
  std::string_view sample{};  // what the starting file shows; empty: the default, commented out
  std::vector<std::string_view> later_choices{};  // known words that this version refuses
};

// All settings, in the order in which they are shown.
[[nodiscard]] const std::vector<Setting>& Settings();
[[nodiscard]] const Setting* FindSetting(std::string_view path);
// Last part of a dotted path.
[[nodiscard]] std::string_view LeafOf(std::string_view path);

// A value as some source of configuration gives it.
struct Value {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;
  struct Pair;
  std::vector<Value> items;
  std::vector<Pair> pairs;
  Place place;
};
struct Value::Pair {
  Value key, value;
};

// Writes `value` into the setting's slot; `shown_path` names it in messages.
[[nodiscard]] Result<void> Assign(const Setting& setting, std::string_view shown_path, Slot slot,
                                  const Value& value);

// The value as YAML flow text, secrets as ***.
[[nodiscard]] std::string ShowValue(const Slot& slot);
// "text", "list of texts", "duration" ... for messages and the documentation.
[[nodiscard]] std::string_view TypeName(const Slot& slot) noexcept;

}  // namespace faultline::app
