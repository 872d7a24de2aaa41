// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline {

// How a shipper lays out an event. `kAuto` means: recognised per record by its keys.
enum class Shape : std::uint8_t { kFlat, kEvtx, kWinlogbeat, kNxlog, kAuto };

inline constexpr std::size_t kConcreteShapes = 4;  // all but kAuto

[[nodiscard]] std::string_view ToString(Shape shape) noexcept;
[[nodiscard]] std::optional<Shape> ShapeFromString(std::string_view name) noexcept;

// Keys from the root down. "*" as a whole key stands for any one key; a last key that ends in "#"
// ("param#") for that word and a number (param1, param2 ...), all of them together one place.
using Path = std::vector<std::string>;
inline constexpr int kNumberedKeys = 64;  // how far such numbers go

// Where `shape` may hold Sigma's field `name`, best first: the shape's own places (Channel,
// Provider_Name, Computer, Message ...), then the general ones. A dotted name stands for the
// literal key before the nested path, longest literal key first.
[[nodiscard]] std::vector<Path> PathsOf(Shape shape, std::string_view name);

// A list whose elements name themselves, such as {"Name": "Image", "#text": "cmd.exe"}: the text is
// a value of the sibling key "Image" of the list; without a name it is a value of the list itself.
struct NamedList {
  Path list;
  std::vector<Path> names;  // below an element, where its name may stand
  std::vector<Path> texts;  // below an element, where its value may stand
};
[[nodiscard]] const std::vector<NamedList>& NamedLists();

// Objects in whose keys blanks do not count: "Threat Name" is ThreatName.
[[nodiscard]] const std::vector<Path>& BlankKeyObjects();

// A place whose presence marks a shape; the first mark in the list that is present decides; none:
// flat.
struct ShapeMark {
  Shape shape = Shape::kFlat;
  std::uint32_t node = 0;  // NodeId once in a FieldTable
};

struct ShapeMarkPath {
  Shape shape;
  Path path;
};

// In order of precedence.
[[nodiscard]] const std::vector<ShapeMarkPath>& ShapeMarkPaths();

}  // namespace faultline
