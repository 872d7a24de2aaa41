// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace faultline::app {

// A state file as a whole, which is what Engine::SaveState() gave. Fault::kIo; above 4 GiB Fault::kData.
[[nodiscard]] Result<std::string> ReadStateFile(const std::string& path);
// Under another name first, so that the file is the old one or the new one.
[[nodiscard]] Result<void> WriteStateFile(const std::string& path, std::string_view bytes);

}  // namespace faultline::app
