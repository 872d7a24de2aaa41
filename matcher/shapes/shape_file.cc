// SPDX-License-Identifier: Apache-2.0
#include "matcher/shapes/shape_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/suggest.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/yaml.h"

namespace faultline {

extern const char* const kShapes;  // made from shapes.yaml at build time

namespace {

using sigma::Reading;
using yaml::Node;
using yaml::Pair;

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::size_t kMaxPlaces = 64;    // of one field
constexpr std::size_t kMaxPlaceDots = 6;  // every dot doubles the ways to read a place
constexpr std::size_t kMaxPlaceBytes = 256;

const std::vector<std::string_view>& Keys() {
  static const std::vector<std::string_view> keys{
      "extends",     "recognise", "within", "only",      "fields",        "anywhere",
      "otherwise",   "parts",     "joined", "own_words", "escaped_twice", "lines",
      "named_lists", "blanks",    "to_end", "split"};
  return keys;
}

// ------------------------------------------------------------------------------------ places

PlaceText ReadPlace(const Node& node, std::string_view what, Reading& reading) {
  PlaceText place = sigma::ReadText(node, what, reading);
  const bool pointer = place.starts_with('/');
  if (place.size() > kMaxPlaceBytes) {
    reading.Refuse(fmt::format("{} is longer than {} bytes", what, kMaxPlaceBytes), node.place);
  } else if (!pointer && std::count(place.begin(), place.end(), '.') >
                             static_cast<std::ptrdiff_t>(kMaxPlaceDots)) {
    reading.Refuse(fmt::format("{} has more than {} dots", what, kMaxPlaceDots), node.place,
                   "write the one path that is meant: its keys with a '/' before each");
  }
  return place;
}

std::vector<PlaceText> ReadPlaces(const Node& node, std::string_view what, Reading& reading) {
  std::vector<PlaceText> places;
  if (node.IsMapping()) {
    reading.Refuse(fmt::format("{} must be a place or a list of places, this is a map", what),
                   node.place);
  }
  if (node.items.size() > kMaxPlaces) {
    reading.Refuse(fmt::format("{} has more than {} places", what, kMaxPlaces), node.place);
  }
  if (node.IsScalar()) places.push_back(ReadPlace(node, what, reading));
  for (const Node& item : node.items) places.push_back(ReadPlace(item, what, reading));
  return places;
}

// A place that is one path; "/" alone is the root where `root` says so.
Path ReadPath(const Node& node, std::string_view what, bool root, Reading& reading) {
  const PlaceText place = ReadPlace(node, what, reading);
  if (place == "/" && root) return {};
  if (!place.empty() && !place.starts_with('/')) {
    reading.Refuse(fmt::format("{} must be one path", what), sigma::TextPlace(node),
                   fmt::format("write '/{}'", place));
  }
  return PathsOfPlace(place).front();
}

std::vector<Path> ReadPaths(const Node& node, std::string_view what, bool root, Reading& reading) {
  std::vector<Path> paths;
  if (node.IsScalar()) paths.push_back(ReadPath(node, what, root, reading));
  if (node.IsMapping()) {
    reading.Refuse(fmt::format("{} must be a path or a list of paths, this is a map", what),
                   node.place);
  }
  for (const Node& item : node.items) paths.push_back(ReadPath(item, what, root, reading));
  return paths;
}

// -------------------------------------------------------------------------- parts of a shape

ShapeSpec::Fields ReadFields(const Node& node, std::string_view what, Reading& reading) {
  ShapeSpec::Fields fields;
  if (!sigma::ExpectMap(node, what, reading)) return fields;
  for (const Pair& pair : node.pairs) {
    const std::string& name = pair.key.scalar;
    const std::size_t star = name.find('*');
    if (star != std::string::npos && (star == 0 || star + 1 != name.size())) {
      reading.Refuse(fmt::format("'{}': a star stands for the end of a field's name", name),
                     pair.key.place, "write 'Word_*'");
    }
    fields.emplace_back(name, ReadPlaces(pair.value, fmt::format("'{}'", name), reading));
  }
  return fields;
}

std::vector<PlaceText> ReadAnywhere(const Node& node, Reading& reading) {
  std::vector<PlaceText> places = ReadPlaces(node, "'anywhere'", reading);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].find("{}") != std::string::npos) continue;
    if (places[i].find("{lower}") != std::string::npos) continue;
    reading.Refuse(fmt::format("'{}' is the same place for every field", places[i]),
                   node.IsScalar() ? node.place : node.items[i].place,
                   "write '{}' where the field's name stands");
  }
  return places;
}

std::vector<std::vector<PlaceText>> ReadMarks(const Node& node, Reading& reading) {
  std::vector<std::vector<PlaceText>> marks;
  if (!node.IsSequence()) {
    reading.Refuse(
        "'recognise' must be a list", node.place,
        "list places, any of which tells the shape; or lists of places that do together");
  }
  for (const Node& item : node.items) {
    marks.push_back(ReadPlaces(item, "'recognise'", reading));
    if (marks.back().empty()) {
      reading.Refuse("an empty list in 'recognise' would recognise every event", item.place);
    }
  }
  return marks;
}

std::vector<std::pair<std::string, std::string>> ReadParts(const Node& node, Reading& reading) {
  std::vector<std::pair<std::string, std::string>> parts;
  if (!sigma::ExpectMap(node, "'parts'", reading)) return parts;
  for (const Pair& pair : node.pairs) {
    std::string part = sigma::ReadText(pair.value, fmt::format("'{}'", pair.key.scalar), reading);
    const std::size_t slash = part.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == part.size()) {
      reading.Refuse(fmt::format("'{}' names no part of a field", part), pair.value.place,
                     "write 'FIELD/NAME', such as 'Hashes/SHA256'");
    } else if (node.Find(part.substr(0, slash)) != nullptr) {
      reading.Refuse(fmt::format("'{}' is a part itself", part.substr(0, slash)), pair.value.place);
    }
    parts.emplace_back(pair.key.scalar, std::move(part));
  }
  return parts;
}

// "SHA1={process.hash.sha1}" as its text and its place.
std::pair<std::string, PlaceText> ReadPiece(const Node& node, Reading& reading) {
  const std::string piece = sigma::ReadText(node, "a piece", reading);
  const std::size_t open = piece.find('{');
  if (open == std::string::npos || !piece.ends_with('}') || open + 2 >= piece.size()) {
    reading.Refuse(fmt::format("'{}' is no piece of a text", piece), node.place,
                   "write 'TEXT{PLACE}', such as 'SHA1={process.hash.sha1}'");
    return {};
  }
  return {piece.substr(0, open), piece.substr(open + 1, piece.size() - open - 2)};
}

bool IsPrintable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; });
}

std::vector<ShapeSpec::Joined> ReadJoined(const Node& node, Reading& reading) {
  std::vector<ShapeSpec::Joined> all;
  if (!sigma::ExpectMap(node, "'joined'", reading)) return all;
  for (const Pair& pair : node.pairs) {
    const std::string what = fmt::format("'{}'", pair.key.scalar);
    ShapeSpec::Joined& joined = all.emplace_back();
    joined.field = pair.key.scalar;
    if (!sigma::ExpectMap(pair.value, what, reading)) continue;
    sigma::ExpectKeys(pair.value, what, {"when", "separator", "pieces"}, {}, reading);
    if (const Node* when = pair.value.Find("when")) {
      joined.when = ReadPlace(*when, "'when'", reading);
    }
    if (const Node* separator = pair.value.Find("separator")) {
      joined.separator = sigma::ReadText(*separator, "'separator'", reading);
    }
    const Node* pieces = pair.value.Find("pieces");
    if (pieces == nullptr || !pieces->IsSequence()) {
      reading.Refuse(fmt::format("{} needs a list 'pieces'", what), pair.key.place);
      continue;
    }
    for (const Node& piece : pieces->items) {
      joined.pieces.push_back(ReadPiece(piece, reading));
      if (!IsPrintable(joined.pieces.back().first) || !IsPrintable(joined.separator)) {
        reading.Refuse(fmt::format("{} holds a control character", what), piece.place);
      }
    }
  }
  return all;
}

std::vector<ShapeSpec::Words> ReadOwnWords(const Node& node, Reading& reading) {
  std::vector<ShapeSpec::Words> all;
  if (!sigma::ExpectMap(node, "'own_words'", reading)) return all;
  for (const Pair& pair : node.pairs) {
    const std::string what = fmt::format("'{}'", pair.key.scalar);
    all.emplace_back(ReadPath(pair.key, "a place in 'own_words'", false, reading),
                     sigma::ReadTexts(pair.value, what, reading));
  }
  return all;
}

std::vector<ShapeSpec::List> ReadSplit(const Node& node, Reading& reading) {
  std::vector<ShapeSpec::List> lists;
  if (!sigma::ExpectMap(node, "'split'", reading)) return lists;
  for (const Pair& pair : node.pairs) {
    lists.emplace_back(ReadPath(pair.key, "a place in 'split'", false, reading),
                       sigma::ReadText(pair.value, "what stands between values", reading));
    const std::string& separator = lists.back().second;
    if (!IsPrintable(separator)) {
      reading.Refuse("what stands between values must be a text without control characters",
                     pair.value.place, "write ', ' or the like");
    }
  }
  return lists;
}

// Each names a line of one of `lines`.
std::vector<Path> ReadToEnd(const Node& node, const std::vector<Path>& lines, Reading& reading) {
  std::vector<Path> paths = ReadPaths(node, "'to_end'", false, reading);
  for (const Path& path : paths) {
    if (path.empty()) continue;
    if (std::find(lines.begin(), lines.end(), Path(path.begin(), path.end() - 1)) == lines.end()) {
      reading.Refuse("'to_end' names no line of a text in 'lines'", node.place,
                     "write '/text/Name' where 'lines' has '/text'");
    }
  }
  return paths;
}

std::vector<NamedList> ReadNamedLists(const Node& node, Reading& reading) {
  std::vector<NamedList> lists;
  if (!node.IsSequence()) reading.Refuse("'named_lists' must be a list", node.place);
  for (const Node& item : node.items) {
    NamedList& list = lists.emplace_back();
    if (!sigma::ExpectMap(item, "a named list", reading)) continue;
    sigma::ExpectKeys(item, "a named list", {"list", "names", "texts"}, {}, reading);
    const auto part = [&](std::string_view key) -> std::vector<Path> {
      const Node* found = item.Find(key);
      if (found != nullptr) return ReadPaths(*found, fmt::format("'{}'", key), false, reading);
      reading.Refuse(fmt::format("a named list needs '{}'", key), item.place);
      return {};
    };
    const std::vector<Path> places = part("list");
    if (!places.empty()) list.list = places.front();
    list.names = part("names");
    list.texts = part("texts");
  }
  return lists;
}

// ------------------------------------------------------------------------------ a whole shape

class ShapeReader {
 public:
  ShapeReader(ShapeSet* shapes, Reading* reading) : shapes_(shapes), reading_(reading) {}

  void Read(const Node& name, const Node& node) {
    if (name.scalar == "auto") {
      return reading_->Refuse("'auto' is not a shape but their recognition", name.place,
                              "choose another name");
    }
    if (!sigma::ExpectMap(node, fmt::format("shape '{}'", name.scalar), *reading_)) return;
    sigma::ExpectKeys(node, fmt::format("shape '{}'", name.scalar), Keys(), {}, *reading_);
    ShapeSpec spec;
    spec.name = name.scalar;
    ReadParts(node, spec);
    const std::optional<Shape> replaced = shapes_->Find(spec.name);
    if (replaced && node.Find("recognise") == nullptr) {
      spec.recognise = shapes_->spec(*replaced).recognise;
    }
    if (const Node* extends = node.Find("extends")) spec.base = BaseOf(*extends, spec.name);
    if (!reading_->ok()) return;
    if (shapes_->size() >= kMaxShapes && !replaced) {
      return reading_->Refuse(fmt::format("more than {} shapes", kMaxShapes), name.place);
    }
    const Shape shape = shapes_->Put(std::move(spec));
    if (GoesRound(shape)) {
      reading_->Refuse(fmt::format("shape '{}' extends itself through others", name.scalar),
                       node.Find("extends")->place);
    }
  }

 private:
  void ReadParts(const Node& node, ShapeSpec& spec) {
    const auto with = [&](std::string_view key, const auto& read) {
      if (const Node* part = node.Find(key)) read(*part);
    };
    Reading& r = *reading_;
    const auto paths = [&](std::string_view key, std::vector<Path>& into) {
      const bool root = key == "blanks";
      with(key, [&](const Node& n) { into = ReadPaths(n, fmt::format("'{}'", key), root, r); });
    };
    const auto fields = [&](std::string_view key, ShapeSpec::Fields& into) {
      with(key, [&](const Node& n) { into = ReadFields(n, fmt::format("'{}'", key), r); });
    };
    with("recognise", [&](const Node& n) { spec.recognise = ReadMarks(n, r); });
    paths("within", spec.within);
    fields("only", spec.only);
    fields("fields", spec.fields);
    with("anywhere", [&](const Node& n) { spec.anywhere = ReadAnywhere(n, r); });
    fields("otherwise", spec.otherwise);
    with("parts", [&](const Node& n) { spec.parts = faultline::ReadParts(n, r); });
    with("joined", [&](const Node& n) { spec.joined = ReadJoined(n, r); });
    paths("lines", spec.lines);
    with("to_end", [&](const Node& n) { spec.to_end = ReadToEnd(n, spec.lines, r); });
    with("split", [&](const Node& n) { spec.split = ReadSplit(n, r); });
    with("own_words", [&](const Node& n) { spec.own_words = ReadOwnWords(n, r); });
    paths("escaped_twice", spec.escaped_twice);
    paths("blanks", spec.blanks);
    with("named_lists", [&](const Node& n) { spec.named_lists = ReadNamedLists(n, r); });
  }

  // The shape that is extended; one that extends what it replaces gets that under another name.
  std::optional<Shape> BaseOf(const Node& node, const std::string& name) {
    const std::string base = sigma::ReadText(node, "'extends'", *reading_);
    const std::optional<Shape> found = shapes_->Find(base);
    if (!found || *found == Shape::kAuto) {
      std::vector<std::string_view> known;
      for (std::size_t i = 0; i < shapes_->size(); ++i) {
        known.push_back(shapes_->spec(static_cast<Shape>(i)).name);
      }
      std::string remedy = DidYouMean(base, known);
      if (remedy.empty()) remedy = fmt::format("known here: {}", fmt::join(known, ", "));
      reading_->Refuse(fmt::format("no shape '{}' to extend", base), node.place, remedy);
      return std::nullopt;
    }
    if (base != name) return found;
    ShapeSpec before = shapes_->spec(*found);
    before.recognise.clear();
    do {
      before.name += " before";
    } while (shapes_->Find(before.name));
    if (shapes_->size() >= kMaxShapes) {
      reading_->Refuse(fmt::format("more than {} shapes", kMaxShapes), node.place);
      return std::nullopt;
    }
    return shapes_->Put(std::move(before));
  }

  [[nodiscard]] bool GoesRound(Shape shape) const {
    std::size_t steps = 0;
    for (std::optional<Shape> at = shape; at; at = shapes_->spec(*at).base) {
      if (++steps > kMaxShapes) return true;
    }
    return false;
  }

  ShapeSet* shapes_;
  Reading* reading_;
};

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in.good()) return Fail(Fault::kIo, "cannot be opened", {path, 0, 0});
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Fail(Fault::kIo, "cannot be read", {path, 0, 0});
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxFileBytes) {
    return Fail(Fault::kConfig, fmt::format("larger than {} bytes", kMaxFileBytes), {path, 0, 0});
  }
  return text;
}

}  // namespace

std::shared_ptr<const ShapeSet> BuiltInShapes() {
  static const std::shared_ptr<const ShapeSet> built_in = [] {
    auto shapes = std::make_shared<ShapeSet>();
    const Result<void> read = ReadShapes(kShapes, "shapes.yaml", *shapes);
    FAULTLINE_CHECK(read.has_value());
    FAULTLINE_CHECK(shapes->size() == kConcreteShapes);
    for (std::size_t i = 0; i < kConcreteShapes; ++i) {
      FAULTLINE_CHECK(shapes->spec(static_cast<Shape>(i)).name == ToString(static_cast<Shape>(i)));
    }
    return shapes;
  }();
  return built_in;
}

Result<void> ReadShapes(std::string_view text, const std::string& file, ShapeSet& shapes) {
  auto documents = yaml::ParseYaml(text, file, {}, Fault::kConfig);
  if (!documents) return tl::unexpected<Error>(documents.error());
  ShapeSet all = shapes;
  const sigma::LoadOptions options;
  sigma::ExpansionBudget budget;
  Reading reading("", options, budget);
  ShapeReader reader(&all, &reading);
  for (const Node& document : *documents) {
    if (!sigma::ExpectMap(document, "a shape file", reading)) break;
    for (const Pair& pair : document.pairs) reader.Read(pair.key, pair.value);
  }
  if (!reading.ok()) {
    Error error = *reading.error();
    error.fault = Fault::kConfig;
    return tl::unexpected<Error>(std::move(error));
  }
  shapes = std::move(all);
  return {};
}

Result<std::shared_ptr<const ShapeSet>> LoadShapes(const std::vector<std::string>& files) {
  if (files.empty()) return BuiltInShapes();
  auto shapes = std::make_shared<ShapeSet>(*BuiltInShapes());
  for (const std::string& file : files) {
    const Result<std::string> text = ReadFile(file);
    if (!text) return tl::unexpected<Error>(text.error());
    const Result<void> read = ReadShapes(*text, file, *shapes);
    if (!read) return tl::unexpected<Error>(read.error());
  }
  return std::shared_ptr<const ShapeSet>(std::move(shapes));
}

}  // namespace faultline
