// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/step_condition.h"

#include <algorithm>
#include <cstdint>

namespace faultline {

bool Holds(const sigma::StepCondition& condition, const std::vector<bool>& seen) {
  using Node = sigma::StepCondition::Node;
  const auto matched = static_cast<std::uint32_t>(std::count(seen.begin(), seen.end(), true));
  if (condition.nodes.empty()) return matched == seen.size();
  std::vector<bool> truth;  // per node; children stand before parents
  truth.reserve(condition.nodes.size());
  for (const Node& node : condition.nodes) {
    const auto is_true = [&truth](std::uint32_t child) { return truth[child]; };
    const auto& children = node.children;
    bool value = false;
    switch (node.kind) {
      case Node::Kind::kStep: value = seen[node.number]; break;
      case Node::Kind::kAtLeast: value = matched >= node.number; break;
      case Node::Kind::kAnd: value = std::all_of(children.begin(), children.end(), is_true); break;
      case Node::Kind::kOr: value = std::any_of(children.begin(), children.end(), is_true); break;
      case Node::Kind::kNot: value = std::none_of(children.begin(), children.end(), is_true); break;
    }
    truth.push_back(value);
  }
  return truth.back();
}

}  // namespace faultline
