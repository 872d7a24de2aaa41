// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Reads the `faultline:` map of a detection: capture and explain.
void ReadFaultlineMap(const yaml::Node& node, Reading& reading, DetectionRule& rule);
// The same of a correlation: explain.
void ReadFaultlineMap(const yaml::Node& node, Reading& reading, CorrelationRule& rule);

}  // namespace faultline::sigma
