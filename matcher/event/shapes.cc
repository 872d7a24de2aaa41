// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/shapes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace faultline {
namespace {

using Paths = std::vector<Path>;

constexpr std::array<std::string_view, kConcreteShapes> kNames{
    "flat", "evtx", "wazuh", "vector", "otel", "winlogbeat", "nxlog", "fluentbit", "splunk"};

constexpr std::size_t kMaxSplits = 6;  // dots of a name up to which every split is a place

// A list of places, each at most once, best first.
class Places {
 public:
  void Add(Path path) {
    if (std::find(paths_.begin(), paths_.end(), path) == paths_.end()) {
      paths_.push_back(std::move(path));
    }
  }
  void Add(Paths paths) {
    for (Path& path : paths) Add(std::move(path));
  }
  [[nodiscard]] const Paths& paths() const { return paths_; }
  [[nodiscard]] Paths Take() { return std::move(paths_); }

 private:
  Paths paths_;
};

// Every way to read a dotted name: the longest literal key first, the nested path last.
Paths SplitsOf(std::string_view name) {
  Paths splits{{std::string(name)}};
  for (std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = name.rfind('.', dot - 1)) {
    for (Path& rest : SplitsOf(name.substr(dot + 1))) {
      rest.insert(rest.begin(), std::string(name.substr(0, dot)));
      splits.push_back(std::move(rest));
    }
  }
  return splits;
}

Path KeysOf(std::string_view name, char separator) {
  Path keys;
  for (std::size_t from = 0;;) {
    const std::size_t end = name.find(separator, from);
    keys.emplace_back(name.substr(from, end - from));
    if (end == std::string_view::npos) return keys;
    from = end + 1;
  }
}

// As SplitsOf; a name with very many dots is one literal key or one nested path, nothing between.
Paths Dotted(std::string_view name) {
  if (std::count(name.begin(), name.end(), '.') > static_cast<std::ptrdiff_t>(kMaxSplits)) {
    return {{std::string(name)}, KeysOf(name, '.')};
  }
  return SplitsOf(name);
}

void ReplaceAll(std::string& text, std::string_view word, std::string_view by) {
  for (std::size_t at = text.find(word); at != std::string::npos;
       at = text.find(word, at + by.size())) {
    text.replace(at, word.size(), by);
  }
}

std::string Lowered(std::string_view name) {
  std::string lower(name);
  if (!lower.empty() && lower[0] >= 'A' && lower[0] <= 'Z') lower[0] += 'a' - 'A';
  return lower;
}

// The star's part of `name` where `rule` is "Word_*"; `name` itself where they are equal.
std::optional<std::string_view> Meant(std::string_view rule, std::string_view name) {
  if (rule == name) return name;
  if (!rule.ends_with('*')) return std::nullopt;
  rule.remove_suffix(1);
  if (!name.starts_with(rule) || name.size() == rule.size()) return std::nullopt;
  return name.substr(rule.size());
}

// False where no rule is for `name`.
bool AddFields(const ShapeSpec::Fields& fields, std::string_view name, Places& places) {
  bool found = false;
  for (const auto& [rule, texts] : fields) {
    const std::optional<std::string_view> meant = Meant(rule, name);
    if (!meant) continue;
    found = true;
    for (const PlaceText& text : texts) places.Add(PathsOfPlace(text, *meant));
  }
  return found;
}

}  // namespace

std::string_view ToString(Shape shape) noexcept {
  const auto index = static_cast<std::size_t>(shape);
  return index < kNames.size() ? kNames[index] : "auto";
}

std::optional<Shape> ShapeFromString(std::string_view name) noexcept {
  if (name == "auto") return Shape::kAuto;
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Shape>(found - kNames.begin());
}

std::vector<Path> PathsOfPlace(std::string_view place, std::string_view name) {
  Paths paths = place.starts_with('/') ? Paths{KeysOf(place.substr(1), '/')} : Dotted(place);
  for (Path& path : paths) {
    for (std::string& key : path) {
      if (place.starts_with('/')) {
        ReplaceAll(key, "~1", "/");
        ReplaceAll(key, "~0", "~");
      }
      ReplaceAll(key, "{lower}", Lowered(name));
      ReplaceAll(key, "{}", name);
    }
  }
  return paths;
}

Shape ShapeSet::Put(ShapeSpec spec) {
  const auto found = std::find_if(specs_.begin(), specs_.end(),
                                  [&](const ShapeSpec& other) { return other.name == spec.name; });
  const auto index = static_cast<std::size_t>(found - specs_.begin());
  if (found != specs_.end()) {
    *found = std::move(spec);
  } else {
    FAULTLINE_CHECK(specs_.size() < kMaxShapes);
    specs_.push_back(std::move(spec));
  }
  return static_cast<Shape>(index);
}

std::optional<Shape> ShapeSet::Find(std::string_view name) const noexcept {
  if (name == "auto") return Shape::kAuto;
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].name == name) return static_cast<Shape>(i);
  }
  return std::nullopt;
}

std::vector<Shape> ShapeSet::Precedence() const {
  std::vector<Shape> order;
  for (std::size_t i = kConcreteShapes; i < specs_.size(); ++i) {
    order.push_back(static_cast<Shape>(i));
  }
  for (std::size_t i = 0; i < std::min(kConcreteShapes, specs_.size()); ++i) {
    order.push_back(static_cast<Shape>(i));
  }
  return order;
}

std::vector<Path> ShapeSet::PathsOf(Shape shape, std::string_view name) const {
  Places places;
  std::vector<Path> within;
  bool only = false;
  bool blanks = false;
  for (std::optional<Shape> at = shape; at && !only; at = spec(*at).base) {
    const ShapeSpec& own = spec(*at);
    within.insert(within.end(), own.within.begin(), own.within.end());
    blanks = blanks || std::find(own.blanks.begin(), own.blanks.end(), Path{}) != own.blanks.end();
    only = AddFields(own.only, name, places);
    if (only) break;
    AddFields(own.fields, name, places);
    for (const PlaceText& text : own.anywhere) places.Add(PathsOfPlace(text, name));
    AddFields(own.otherwise, name, places);
    for (const auto& [field, part] : own.parts) {
      if (field != name) continue;
      const std::size_t slash = part.find('/');
      for (Path& path : PathsOf(shape, part.substr(0, slash))) {
        path.push_back(part.substr(slash + 1));
        places.Add(std::move(path));
      }
    }
  }
  if (!only) places.Add(Dotted(name));
  const Paths found = places.paths();
  for (const Path& path : found) {
    if (blanks && path.size() == 1) places.Add(Path{kWithoutBlanks + path.front()});
  }
  for (const Path& outer : within) {
    for (const Path& inner : found) {
      Path path = outer;
      path.insert(path.end(), inner.begin(), inner.end());
      places.Add(std::move(path));
    }
  }
  return places.Take();
}

std::vector<Path> ShapeSet::PairTexts(Shape shape) const {
  Places places;
  for (std::optional<Shape> at = shape; at; at = spec(*at).base) {
    for (const auto& [field, part] : spec(*at).parts) {
      places.Add(PathsOf(shape, part.substr(0, part.find('/'))));
    }
  }
  return places.Take();
}

}  // namespace faultline
