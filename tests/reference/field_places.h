// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/reference/json_tree.h"

namespace faultline::reference {

// What a field gave: nothing when it is absent, else at least one value. Arrays have been taken
// apart; an empty one stands for itself, and so does an object.
using FieldValues = std::vector<const Json*>;

// The values of Sigma's field `name` in `event`: the layout is recognised by its keys (flat, evtx,
// winlogbeat, nxlog), and of the places that this layout has for the field the first present one
// counts.
[[nodiscard]] FieldValues ValuesOf(const Json& event, const std::string& name);

// Every scalar leaf of `event`, null left out.
[[nodiscard]] FieldValues LeavesOf(const Json& event);

}  // namespace faultline::reference
