// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/key_order.h"

#include <algorithm>
#include <utility>

namespace faultline {
namespace {

constexpr std::size_t kFirstPlaces = 256;
constexpr std::size_t kNoPlace = ~std::size_t{0};
constexpr std::size_t kMostLooks = 16;  // whoever makes keys of one hash gains nothing

std::size_t HomeOf(KeyOrder::Point point, std::uint32_t hash) noexcept {
  const std::uint64_t x = (std::uint64_t{hash} << 32 | point) * 0x9e3779b97f4a7c15;
  return static_cast<std::size_t>(x >> 32);
}

}  // namespace

bool KeyOrder::IsSlowly(const Key& key, const char* begin, const char* limit) const noexcept {
  if (static_cast<std::size_t>(limit - begin) < key.size) return false;
  const std::size_t first = std::min<std::size_t>(key.size, key.text.size());
  return std::memcmp(begin, key.text.data(), first) == 0 &&
         std::memcmp(begin + first, rests_.data() + key.rest, key.size - first) == 0;
}

std::uint32_t KeyOrder::HashOf(const char* begin, std::size_t size, const char* limit) noexcept {
  std::uint64_t first = 0;
  if (limit - begin >= static_cast<std::ptrdiff_t>(sizeof first)) {
    std::memcpy(&first, begin, sizeof first);
    if (size < sizeof first) first &= (std::uint64_t{1} << 8 * size) - 1;
  } else {
    std::memcpy(&first, begin, std::min(size, static_cast<std::size_t>(limit - begin)));
  }
  return static_cast<std::uint32_t>((first * 0xd6e8feb86659fd93 + size * 0xc2b2ae3d27d4eb4f) >> 32);
}

std::size_t KeyOrder::PlaceOf(Point point, std::uint32_t hash, const char* begin,
                              const char* limit) const noexcept {
  const std::size_t mask = places_.size() - 1;
  const std::size_t home = HomeOf(point, hash);
  for (std::size_t look = 0; look < kMostLooks; ++look) {
    const std::size_t place = (home + look) & mask;
    const Point found = places_.data()[place];
    if (found == kUnknown) return place;
    const Step& step = steps_.data()[found];
    if (step.before == point && Is(keys_.data()[step.key], begin, limit)) return place;
  }
  return kNoPlace;
}

const KeyOrder::Key* KeyOrder::FollowOther(Point& point, const char* begin, const char* colon,
                                           const char* limit) noexcept {
  const auto size = static_cast<std::size_t>(colon - begin);
  const std::size_t place = PlaceOf(point, HashOf(begin, size, limit), begin, limit);
  const Point found = place == kNoPlace ? kUnknown : places_.data()[place];
  if (found == kUnknown) return nullptr;
  steps_[point].next = found;
  point = found;
  return &keys_[steps_[found].key];
}

void KeyOrder::Learn(Point& point, std::string_view key, KeyTree::NodeId object,
                     KeyTree::NodeId node) {
  const Point before = std::exchange(point, kUnknown);
  if (before == kUnknown || key.size() > kLongestKey) return;
  const char* const limit = key.data() + key.size() + 1;
  const std::uint32_t hash = HashOf(key.data(), key.size() + 1, limit);
  const Point last = steps_[before].next;
  if (last == kUnknown) {
    if (MayLearn()) point = MakeStep(before, NumberOf(key, hash, object, node));
  } else if (Is(keys_[steps_[last].key], key.data(), limit)) {
    point = last;
  } else {
    if (placed_ * 2 >= places_.size()) GrowPlaces();
    Put(last);
    const std::size_t place = PlaceOf(before, hash, key.data(), limit);
    if (place == kNoPlace) return;
    if (places_[place] != kUnknown) {
      point = places_[place];
    } else if (MayLearn()) {
      point = MakeStep(before, NumberOf(key, hash, object, node));
      Put(point);
    }
  }
  if (point != kUnknown) steps_[before].next = point;
}

// A step that finds no place is as good as forgotten.
void KeyOrder::Put(Point point) {
  const Step& step = steps_[point];
  const std::size_t mask = places_.size() - 1;
  const std::size_t home = HomeOf(step.before, keys_[step.key].hash);
  for (std::size_t look = 0; look < kMostLooks; ++look) {
    Point& place = places_[(home + look) & mask];
    if (place == point) return;
    if (place != kUnknown) continue;
    place = point;
    ++placed_;
    return;
  }
}

void KeyOrder::GrowPlaces() {
  const std::vector<Point> before = std::exchange(places_, {});
  places_.assign(before.size() * 2, kUnknown);
  placed_ = 0;
  for (const Point point : before) {
    if (point != kUnknown) Put(point);
  }
}

KeyOrder::Point KeyOrder::LearnWithin(Point point) {
  if (!MayLearn()) return kUnknown;
  const Point within = MakeStep(point, 0);
  steps_[point].within = within;
  return within;
}

KeyOrder::Point KeyOrder::MakeStep(Point before, std::uint32_t key) {
  --credit_;
  steps_.push_back({key, before});
  full_ = full_ || steps_.size() == kMostSteps;
  return static_cast<Point>(steps_.size() - 1);
}

std::uint32_t KeyOrder::NumberOf(std::string_view key, std::uint32_t hash, KeyTree::NodeId object,
                                 KeyTree::NodeId node) {
  std::string name(reinterpret_cast<const char*>(&object), sizeof object);
  name.append(key);
  const auto [found, added] =
      numbers_.try_emplace(std::move(name), static_cast<std::uint32_t>(keys_.size()));
  if (!added) return found->second;
  Key& made = keys_.emplace_back();
  full_ = full_ || keys_.size() == kMostKeys;
  std::string text(key);
  text += '"';
  made.size = static_cast<std::uint32_t>(text.size());
  made.hash = hash;
  made.node = node;
  const std::size_t first = text.copy(made.text.data(), made.text.size());
  made.rest = static_cast<std::uint32_t>(rests_.size());
  rests_.append(text, first);
  return found->second;
}

void KeyOrder::Forget() {
  steps_.assign(1, Step{});
  places_.assign(kFirstPlaces, kUnknown);
  placed_ = 0;
  keys_.clear();
  rests_.clear();
  numbers_.clear();
  full_ = false;
}

}  // namespace faultline
