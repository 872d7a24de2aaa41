// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/collection.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"

namespace faultline::sigma {
namespace {

void Measure(const yaml::Node& node, std::size_t& nodes, std::size_t& bytes) {
  ++nodes;
  bytes += node.scalar.size();
  for (const yaml::Node& item : node.items) Measure(item, nodes, bytes);
  for (const yaml::Pair& pair : node.pairs) {
    bytes += pair.key.scalar.size();
    Measure(pair.value, nodes, bytes);
  }
}

// Depth is limited by the YAML reader.
void Merge(const yaml::Node& from, yaml::Node& into) {
  if (!from.IsMapping() || !into.IsMapping()) {
    into = from;
    return;
  }
  std::unordered_map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < into.pairs.size(); ++i) at.emplace(into.pairs[i].key.scalar, i);
  for (const yaml::Pair& pair : from.pairs) {
    const auto found = at.find(pair.key.scalar);
    if (found == at.end()) {
      into.pairs.push_back(pair);
    } else {
      Merge(pair.value, into.pairs[found->second].value);
    }
  }
}

tl::unexpected<Error> TooMuch(const yaml::Node& document) {
  return Fail(Fault::kRules, "the documents of this file are merged to too much", document.place,
              "split the file");
}

}  // namespace

Collection::Collection(const std::vector<yaml::Node>& documents)
    : acts_(std::any_of(documents.begin(), documents.end(), [](const yaml::Node& document) {
        return document.Find("action") != nullptr;
      })) {}

bool Collection::TakeCopy(const yaml::Node& node) {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  if (!exhausted_) Measure(node, nodes, bytes);
  exhausted_ = exhausted_ || !budget_.Take(nodes, bytes / nodes + 1);
  return !exhausted_;
}

Result<std::optional<yaml::Node>> Collection::Next(yaml::Node document) {
  if (!document.IsMapping()) return std::nullopt;
  const auto action = std::find_if(document.pairs.begin(), document.pairs.end(),
                                   [](const yaml::Pair& p) { return p.key.scalar == "action"; });
  if (action == document.pairs.end()) {
    if (document.Find("correlation") != nullptr || document.Find("filter") != nullptr) {
      return document;
    }
    if (global_.IsMapping()) {
      if (!TakeCopy(global_)) return TooMuch(document);
      Merge(global_, document);
    }
    if (acts_) previous_ = document;
    return document;
  }
  const yaml::Node kind = std::move(action->value);
  document.pairs.erase(action);
  if (kind.scalar == "global") {
    if (!TakeCopy(global_)) return TooMuch(document);
    if (!global_.IsMapping()) global_.kind = yaml::Kind::kMapping;
    Merge(document, global_);
    previous_ = global_;
    return std::nullopt;
  }
  if (kind.scalar == "reset") {
    global_ = yaml::Node();
    return std::nullopt;
  }
  if (kind.scalar != "repeat") {
    return Fail(Fault::kRules, fmt::format("unknown action '{}'", kind.scalar), kind.place,
                DidYouMeanOrOneOf(kind.scalar, {"global", "reset", "repeat"}));
  }
  if (!previous_.IsMapping()) {
    return Fail(Fault::kRules, "'repeat' has no rule before it", kind.place,
                "put the rule that it repeats in front of it");
  }
  if (!TakeCopy(previous_)) return TooMuch(document);
  previous_.place = document.place;
  Merge(document, previous_);
  return previous_;
}

}  // namespace faultline::sigma
