// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultline {

// How a shipper lays out an event. `kAuto` means: recognised per record by its keys. The built-in
// ones in order of precedence for that; a user's own are the numbers behind them (ShapeSet).
enum class Shape : std::uint8_t {
  kFlat,
  kEvtx,
  kWazuh,
  kVector,
  kOtel,
  kWinlogbeat,
  kNxlog,
  kFluentbit,
  kSplunk,
  kAuto = 0xff
};

inline constexpr std::size_t kConcreteShapes = 9;  // built in, all but kAuto
inline constexpr std::size_t kMaxShapes = 64;      // with the user's own

// Of the built-in ones.
[[nodiscard]] std::string_view ToString(Shape shape) noexcept;
[[nodiscard]] std::optional<Shape> ShapeFromString(std::string_view name) noexcept;

// Keys from the root down. "*" as a whole key stands for any one key; a last key that ends in "#"
// ("param#") for that word and a number (param1, param2 ...), all of them together one place.
using Path = std::vector<std::string>;
inline constexpr int kNumberedKeys = 64;  // how far such numbers go

// Where a field may lie, as shape files write it: a text that begins with "/" is one path, its keys
// parted by "/" (~1 is "/" and ~0 is "~" within a key, as in RFC 6901); any other text is a dotted
// name, which stands for the literal key before the nested path, longest literal key first. "{}"
// stands for the field's name, "{lower}" for it with a small first letter.
using PlaceText = std::string;

// The paths that `place` means for the field `name`, best first.
[[nodiscard]] std::vector<Path> PathsOfPlace(std::string_view place, std::string_view name = {});

// What a key of the root begins with once its blanks are taken out: such keys are places of their
// own, since only some shapes read them so.
inline constexpr char kWithoutBlanks = ' ';

// A list whose elements name themselves, such as {"Name": "Image", "#text": "cmd.exe"}: the text is
// a value of the sibling key "Image" of the list; without a name it is a value of the list itself.
struct NamedList {
  Path list;
  std::vector<Path> names;  // below an element, where its name may stand
  std::vector<Path> texts;  // below an element, where its value may stand
};

// A shape as its file describes it: docs/shapes.md has each part with an example.
struct ShapeSpec {
  // A field (or all fields "Word_*": then "{}" is what stands for the star) and its places.
  using Fields = std::vector<std::pair<std::string, std::vector<PlaceText>>>;
  // Words of the shipper at a place where an event may have a field of the same name.
  using Words = std::pair<Path, std::vector<std::string>>;
  // A text that the shipper made of several values, and what it put between them.
  using List = std::pair<Path, std::string>;
  // A field whose text is made of others where it stands nowhere: its pieces, those present, with
  // `separator` between them; each is a text before another field's value.
  struct Joined {
    std::string field;
    PlaceText when;  // a place that must be present; may be empty
    std::string separator;
    std::vector<std::pair<std::string, PlaceText>> pieces;
  };

  std::string name;
  std::optional<Shape> base;                               // whose places follow this one's own
  std::vector<std::vector<PlaceText>> recognise;           // any of these; of each all
  std::vector<Path> within;                                // objects that may hold the event
  Fields only;                                             // these fields lie here and nowhere else
  Fields fields;                                           // before what holds for every field
  std::vector<PlaceText> anywhere;                         // for every field
  Fields otherwise;                                        // after it
  std::vector<std::pair<std::string, std::string>> parts;  // field -> "Hashes/SHA256"
  std::vector<Joined> joined;
  std::vector<Path> lines;   // texts of lines "Name: value" or "Name=value"
  std::vector<Path> to_end;  // of such lines those whose value runs to the end of the text
  std::vector<List> split;   // texts that are lists
  std::vector<Words> own_words;
  std::vector<Path> escaped_twice;  // objects in which every text is escaped once too often
  std::vector<Path> blanks;         // objects in whose keys blanks do not count; {}: the root
  std::vector<NamedList> named_lists;
};

// All shapes of a configuration, addressed by Shape.
//
// Place      shape files -> [ShapeSet] -> FieldTable.
// Threads    Immutable once filled; shared.
class ShapeSet {
 public:
  // A shape of that name is replaced, a new one added; its number. At most kMaxShapes.
  Shape Put(ShapeSpec spec);

  [[nodiscard]] std::size_t size() const noexcept { return specs_.size(); }
  [[nodiscard]] const ShapeSpec& spec(Shape shape) const noexcept {
    return specs_[static_cast<std::size_t>(shape)];
  }
  // The shape of that name, kAuto for "auto".
  [[nodiscard]] std::optional<Shape> Find(std::string_view name) const noexcept;

  // In which order they are recognised: the user's own, then the built-in ones.
  [[nodiscard]] std::vector<Shape> Precedence() const;

  // Where `shape` may hold Sigma's field `name`, best first: the shape's own places (Channel,
  // Provider_Name, Computer, Message ...), then its base's, last the name itself.
  [[nodiscard]] std::vector<Path> PathsOf(Shape shape, std::string_view name) const;

  // Texts "NAME=value,NAME=value" of which `shape` takes fields.
  [[nodiscard]] std::vector<Path> PairTexts(Shape shape) const;

 private:
  std::vector<ShapeSpec> specs_;  // index = Shape; a base comes before what builds on it
};

}  // namespace faultline
