// SPDX-License-Identifier: Apache-2.0
#include "bench/yardsticks/yardsticks.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <simdjson.h>

namespace faultline::bench {
namespace {

using simdjson::ondemand::json_type;
using simdjson::ondemand::object;

constexpr std::array<std::string_view, 10> kFields{
    "Channel",      "EventID", "Image",         "CommandLine", "ParentImage",
    "TargetObject", "User",    "Provider_Name", "LogonType",   "TargetFilename"};

constexpr std::array<std::string_view, 5> kNests{"Event", "System", "EventData", "winlog",
                                                 "event_data"};

template <std::size_t kCount>
bool IsOneOf(const std::array<std::string_view, kCount>& names, std::string_view key) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

// Depth is bounded by the names in kNests, not by the input: an event may nest them in each other.
constexpr int kDeepest = 4;

simdjson::error_code CountFields(object events_object, int depth, std::uint64_t& found) {
  for (auto member : events_object) {
    std::string_view key;
    if (const auto error = member.unescaped_key().get(key)) return error;
    if (IsOneOf(kFields, key)) {
      std::string_view token;
      if (const auto error = member.value().raw_json_token().get(token)) return error;
      found += token.empty() ? 0 : 1;
    } else if (depth < kDeepest && IsOneOf(kNests, key)) {
      object nested;
      if (member.value().get_object().get(nested) != simdjson::SUCCESS) continue;
      if (const auto error = CountFields(nested, depth + 1, found)) return error;
    }
  }
  return simdjson::SUCCESS;
}

}  // namespace

std::size_t ReadablePadding() noexcept { return simdjson::SIMDJSON_PADDING; }

std::uint64_t MemcpyYardstick::Pass(std::string_view source) {
  std::memcpy(target_.data(), source.data(), source.size());
  if (target_.empty()) return 0;
  return static_cast<unsigned char>(target_[source.size() / 2]);
}

struct OnDemandYardstick::Impl {
  simdjson::ondemand::parser parser;
};

OnDemandYardstick::OnDemandYardstick() : impl_(std::make_unique<Impl>()) {}
OnDemandYardstick::~OnDemandYardstick() = default;

std::uint64_t OnDemandYardstick::Pass(std::span<const std::string_view> events) {
  std::uint64_t found = 0;
  for (const std::string_view event : events) {
    simdjson::ondemand::document document;
    const simdjson::padded_string_view padded(event.data(), event.size(),
                                              event.size() + simdjson::SIMDJSON_PADDING);
    object root;
    if (impl_->parser.iterate(padded).get(document) != simdjson::SUCCESS) continue;
    if (document.get_object().get(root) != simdjson::SUCCESS) continue;
    static_cast<void>(CountFields(root, 0, found));
  }
  return found;
}

}  // namespace faultline::bench
