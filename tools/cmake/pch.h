// SPDX-License-Identifier: Apache-2.0
// What nearly every file includes, parsed once (g++ builds; see FAULTLINE_PCH).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <tl/expected.hpp>
