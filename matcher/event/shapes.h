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

// Keys from the root down. "*" as a whole key stands for any one key.
using Path = std::vector<std::string>;

// Where `shape` may hold Sigma's field `name`, best first: the shape's own places (Channel, Provider_Name,
// Computer, Message ...), then the general ones. A dotted name stands for the literal key before the
// nested path, longest literal key first.
[[nodiscard]] std::vector<Path> PathsOf(Shape shape, std::string_view name);

// A place whose presence marks a shape; the first mark in the list that is present decides; none: flat.
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
