// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Reads what a document says about itself: id, title, level and so on. `status`, `level` and
// `related` must be what Sigma knows; attributes that Sigma does not know are accepted.
[[nodiscard]] Metadata ReadMetadata(const yaml::Node& document, Reading& reading);

}  // namespace faultline::sigma
