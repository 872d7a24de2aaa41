// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace faultline::app {

// Name and version of the third-party libraries that this program runs with, where they can tell it
// at run time, else as it was compiled.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> LibraryVersions();

}  // namespace faultline::app
