// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "matcher/sigma/yaml.h"

namespace faultline::yaml {

enum class ScalarKind : std::uint8_t { kNull, kBool, kNumber, kSpecial /* .inf, .nan */, kString };

// What a scalar means by the core schema of YAML 1.2: yes, no, on, off are text, 0o17 is 15, 0123
// is 123.
struct ScalarValue {
  ScalarKind kind = ScalarKind::kString;
  bool boolean = false;  // kBool
  std::string text;  // kNumber: decimal text, any number of digits; kString, kSpecial: as it stands
};

// The meaning of a scalar node. Nothing where an explicit tag contradicts the text ("!!int abc").
[[nodiscard]] std::optional<ScalarValue> Resolve(const Node& node);

// The value as one type; nothing for any other. AsText takes every scalar but null.
[[nodiscard]] std::optional<bool> AsBool(const Node& node);
[[nodiscard]] std::optional<std::int64_t> AsInteger(const Node& node);
[[nodiscard]] std::optional<double> AsDouble(const Node& node);
[[nodiscard]] std::optional<std::string> AsText(const Node& node);
[[nodiscard]] bool IsNull(const Node& node);

}  // namespace faultline::yaml
