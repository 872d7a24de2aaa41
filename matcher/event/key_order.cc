// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/key_order.h"

#include <algorithm>
#include <utility>

namespace faultline {

bool KeyOrder::IsSlowly(const Key& key, const char* begin, const char* limit) const noexcept {
  if (static_cast<std::size_t>(limit - begin) < key.size) return false;
  const std::size_t first = std::min<std::size_t>(key.size, key.text.size());
  return std::memcmp(begin, key.text.data(), first) == 0 &&
         std::memcmp(begin + first, rests_.data() + key.rest, key.size - first) == 0;
}

// What is found comes first from now on.
const KeyOrder::Key* KeyOrder::FollowOther(Point& point, const char* begin,
                                           const char* limit) noexcept {
  Point before = steps_[point].next;
  for (Point at = steps_[before].beside; at != kUnknown; before = at, at = steps_[at].beside) {
    const Key& key = keys_[steps_[at].key];
    if (!Is(key, begin, limit)) continue;
    steps_[before].beside = steps_[at].beside;
    steps_[at].beside = std::exchange(steps_[point].next, at);
    point = at;
    return &key;
  }
  return nullptr;
}

void KeyOrder::Learn(Point& point, std::string_view key, KeyTree::NodeId object,
                     KeyTree::NodeId node) {
  const Point before = std::exchange(point, kUnknown);
  if (before == kUnknown || key.size() > kLongestKey) return;
  int beside = 0;
  for (Point at = steps_[before].next; at != kUnknown; at = steps_[at].beside) ++beside;
  if (beside >= kMostBeside) return;
  if (keys_.size() >= kMostKeys) full_ = true;
  if (full_ || credit_ <= 0) return;
  point = MakeStep(NumberOf(key, object, node));
  if (point != kUnknown) steps_[point].beside = std::exchange(steps_[before].next, point);
}

KeyOrder::Point KeyOrder::LearnWithin(Point point) {
  const Point within = MakeStep(0);
  steps_[point].within = within;
  return within;
}

KeyOrder::Point KeyOrder::MakeStep(std::uint32_t key) {
  if (steps_.size() >= kMostSteps) full_ = true;
  if (full_ || credit_ <= 0) return kUnknown;
  --credit_;
  steps_.push_back({key});
  return static_cast<Point>(steps_.size() - 1);
}

std::uint32_t KeyOrder::NumberOf(std::string_view key, KeyTree::NodeId object,
                                 KeyTree::NodeId node) {
  std::string name(reinterpret_cast<const char*>(&object), sizeof object);
  name.append(key);
  const auto [found, added] =
      numbers_.try_emplace(std::move(name), static_cast<std::uint32_t>(keys_.size()));
  if (!added) return found->second;
  Key& made = keys_.emplace_back();
  std::string text(key);
  text += '"';
  made.size = static_cast<std::uint32_t>(text.size());
  made.node = node;
  const std::size_t first = text.copy(made.text.data(), made.text.size());
  made.rest = static_cast<std::uint32_t>(rests_.size());
  rests_.append(text, first);
  return found->second;
}

void KeyOrder::Forget() {
  steps_.assign(1, Step{});
  keys_.clear();
  rests_.clear();
  numbers_.clear();
  full_ = false;
}

}  // namespace faultline
