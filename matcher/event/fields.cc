// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/fields.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace faultline {

namespace {

// As it stands inside a JSON string; shape files hold no control characters in such texts.
std::string AsJsonText(const std::string& text) {
  std::string json;
  for (const char c : text) {
    if (c == '\\' || c == '"') json += '\\';
    json += c;
  }
  return json;
}

}  // namespace

struct FieldTable::Impl {
  std::vector<std::string> names;
  std::unordered_map<std::string_view, FieldId> ids;  // views into names
  KeyTree keys;
  std::size_t shapes = 1;          // how many
  std::vector<NodeId> candidates;  // all lists, one behind the other
  std::vector<CandidateList> lists;
  std::vector<Mark> marks;
  std::vector<Finish> finish;  // per shape
  std::vector<NamedListNodes> named_lists;
  std::unordered_map<NodeId, std::vector<NodeId>> objects;  // beside wildcards, while building

  // The node of a path without meeting wildcards of others; made where it is not there.
  NodeId Node(const Path& path, NodeId from = kRootNode) {
    for (const std::string& key : path) {
      from = key == "*" ? keys.MakeWildcard(from) : Key(from, key);
    }
    return from;
  }

  NodeId Key(NodeId parent, const std::string& key) {
    return key.size() > 1 && key.back() == '#' ? Numbered(parent, key) : keys.Make(parent, key);
  }

  // One place for param1, param2 ...: each hands its values on. Kept under the spelling with the
  // number sign, which no caller asks for.
  NodeId Numbered(NodeId parent, const std::string& key) {
    const NodeId group = keys.Make(parent, key);
    const std::string word = key.substr(0, key.size() - 1);
    for (int i = 1; i <= kNumberedKeys; ++i) {
      const NodeId member = keys.Make(parent, word + std::to_string(i));
      keys.at(member).also = group;
    }
    return group;
  }

  // All nodes that `path` from its key `depth` on can mean: a wildcard also means the objects known
  // beside it, since the lookup prefers those.
  void Expand(const Path& path, std::size_t depth, NodeId node, std::vector<NodeId>& found) {
    if (depth == path.size()) {
      found.push_back(node);
      return;
    }
    if (path[depth] != "*") return Expand(path, depth + 1, Key(node, path[depth]), found);
    const auto [beside, first] = objects.try_emplace(node);
    if (first) beside->second = keys.ObjectsOf(node);
    for (const NodeId object : beside->second) Expand(path, depth + 1, object, found);
    Expand(path, depth + 1, keys.MakeWildcard(node), found);
  }

  std::vector<NodeId> Expanded(const std::vector<Path>& paths) {
    std::vector<NodeId> found;
    for (const Path& path : paths) Expand(path, 0, kRootNode, found);
    std::vector<NodeId> distinct;
    for (const NodeId node : found) {
      keys.at(node).recorded = true;
      if (std::find(distinct.begin(), distinct.end(), node) == distinct.end()) {
        distinct.push_back(node);
      }
    }
    return distinct;
  }

  void AddCandidates(const std::vector<Path>& paths) {
    const std::vector<NodeId> nodes = Expanded(paths);
    lists.push_back({nodes.empty() ? kNoNode : nodes.front(),
                     static_cast<std::uint32_t>(candidates.size()),
                     static_cast<std::uint32_t>(nodes.size())});
    candidates.insert(candidates.end(), nodes.begin(), nodes.end());
  }

  [[nodiscard]] std::span<const NodeId> Candidates(FieldId field, Shape shape) const noexcept {
    const CandidateList& list = lists[field * shapes + static_cast<std::size_t>(shape)];
    return {candidates.data() + list.begin, list.count};
  }

  // A mark that may be spelt in several ways is a mark for each.
  void AddMark(Shape shape, const std::vector<PlaceText>& places, std::size_t at,
               std::vector<NodeId>& nodes) {
    if (at == places.size()) {
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        keys.at(nodes[i]).recorded = true;
        marks.push_back(Mark{nodes[i], shape, i + 1 < nodes.size()});
      }
      return;
    }
    for (const Path& path : PathsOfPlace(places[at])) {
      nodes.push_back(Node(path));
      AddMark(shape, places, at + 1, nodes);
      nodes.pop_back();
    }
  }

  void AddMarks(const ShapeSet& set) {
    std::vector<NodeId> nodes;
    for (const Shape shape : set.Precedence()) {
      for (const std::vector<PlaceText>& all : set.spec(shape).recognise) {
        AddMark(shape, all, 0, nodes);
      }
    }
  }

  void AddNamedList(const NamedList& named) {
    NamedListNodes nodes;
    nodes.list = Node(named.list);
    if (keys.at(nodes.list).named_list != kNoNode) return;  // the same list of another shape
    nodes.parent = keys.at(nodes.list).parent;
    const auto below = [&](const Path& path) {
      const NodeId node = Node(path, nodes.list);
      keys.at(node).recorded = true;
      return node;
    };
    for (const Path& path : named.names) nodes.names.push_back(below(path));
    for (const Path& path : named.texts) nodes.texts.push_back(below(path));
    keys.at(nodes.list).named_list = static_cast<NodeId>(named_lists.size());
    named_lists.push_back(std::move(nodes));
  }

  void AddObjects(const ShapeSet& set) {
    for (const Shape shape : set.Precedence()) {
      for (const NamedList& named : set.spec(shape).named_lists) AddNamedList(named);
      for (const Path& path : set.spec(shape).blanks) keys.at(Node(path)).blanks = true;
    }
  }

  // ------------------------------------------------------------ what is left to do for a shape
  void AddText(Shape shape, const Path& path, bool pairs) {
    std::vector<NodeId> nodes;
    Expand(path, 0, kRootNode, nodes);
    for (const NodeId node : nodes) {
      Finish::FieldText text;
      text.node = node;
      text.pairs = pairs;
      for (FieldId field = 0; field < names.size(); ++field) {
        const auto places = Candidates(field, shape);
        if (std::any_of(places.begin(), places.end(),
                        [&](NodeId place) { return keys.at(place).parent == node; })) {
          text.readers.push_back(field);
        }
      }
      if (text.readers.empty()) continue;
      text.names = NamesIn(text, shape);
      keys.at(node).recorded = true;
      finish[static_cast<std::size_t>(shape)].texts.push_back(std::move(text));
    }
  }

  // Behind the texts of lines of the same shape.
  void AddToEnd(Shape shape, const Path& path) {
    std::vector<NodeId> nodes;
    Expand(path, 0, kRootNode, nodes);
    for (Finish::FieldText& text : finish[static_cast<std::size_t>(shape)].texts) {
      for (const NodeId node : nodes) {
        if (keys.at(node).parent == text.node) text.to_end = node;
      }
    }
  }

  void AddList(Shape shape, const Path& path, const std::string& separator) {
    std::vector<NodeId> nodes;
    Expand(path, 0, kRootNode, nodes);
    for (const NodeId node : nodes) {
      finish[static_cast<std::size_t>(shape)].lists.push_back({node, AsJsonText(separator)});
    }
  }

  // What the text must hold for one of its few readers to be there.
  [[nodiscard]] std::vector<std::string> NamesIn(const Finish::FieldText& text, Shape shape) const {
    constexpr std::size_t kFewNames = 2;
    std::vector<std::string> found;
    for (const FieldId field : text.readers) {
      for (const NodeId place : Candidates(field, shape)) {
        if (keys.at(place).parent != text.node) continue;
        const std::string_view key = keys.KeyOf(place);
        if (key.empty() || key.back() == '#' || found.size() == kFewNames) return {};
        found.emplace_back(key);
      }
    }
    return found;
  }

  void CountOutsideTexts(Shape shape) {
    const Finish& todo = finish[static_cast<std::size_t>(shape)];
    const auto in_text = [&](NodeId place) {
      return std::any_of(todo.texts.begin(), todo.texts.end(), [&](const Finish::FieldText& text) {
        return keys.at(place).parent == text.node;
      });
    };
    for (FieldId field = 0; field < names.size(); ++field) {
      const auto places = Candidates(field, shape);
      lists[field * shapes + static_cast<std::size_t>(shape)].outside = static_cast<std::uint32_t>(
          std::find_if(places.begin(), places.end(), in_text) - places.begin());
    }
  }

  void AddJoined(Shape shape, const ShapeSpec::Joined& joined) {
    const auto field = ids.find(joined.field);
    if (field == ids.end()) return;
    Finish::Joined made;
    made.field = field->second;
    made.target = Candidates(made.field, shape).front();
    if (!joined.when.empty()) made.when = Expanded(PathsOfPlace(joined.when));
    made.separator = AsJsonText(joined.separator);
    for (const auto& [text, place] : joined.pieces) {
      made.pieces.push_back({AsJsonText(text), Expanded(PathsOfPlace(place))});
    }
    finish[static_cast<std::size_t>(shape)].joined.push_back(std::move(made));
  }

  void MarkBelow(NodeId parent, std::vector<bool>& marked) const {
    for (NodeId node = 0; node < keys.size(); ++node) {
      for (NodeId up = keys.at(node).parent; up != kNoNode; up = keys.at(up).parent) {
        if (up == parent) marked[node] = true;
      }
    }
  }

  void AddFinish(const ShapeSet& set, Shape shape) {
    Finish& todo = finish[static_cast<std::size_t>(shape)];
    for (const Path& path : set.PairTexts(shape)) AddText(shape, path, true);
    for (std::optional<Shape> at = shape; at; at = set.spec(*at).base) {
      const ShapeSpec& spec = set.spec(*at);
      for (const auto& [path, words] : spec.own_words) {
        todo.own_words.push_back({Node(path), words});
      }
      for (const auto& [path, separator] : spec.split) AddList(shape, path, separator);
      for (const Path& path : spec.lines) AddText(shape, path, false);
      for (const Path& path : spec.to_end) AddToEnd(shape, path);
      for (const ShapeSpec::Joined& joined : spec.joined) AddJoined(shape, joined);
      for (const Path& path : spec.escaped_twice) {
        std::vector<NodeId> nodes;
        Expand(path, 0, kRootNode, nodes);
        todo.escaped_twice.resize(keys.size());
        for (const NodeId node : nodes) MarkBelow(node, todo.escaped_twice);
      }
    }
    CountOutsideTexts(shape);
  }

  // The places of a field; of "a|b" those of `a`, then those of `b`.
  static std::vector<Path> PlacesOf(const ShapeSet& set, Shape shape, std::string_view names) {
    std::vector<Path> places;
    for (std::size_t at = 0; at <= names.size();) {
      const std::size_t end = std::min(names.find('|', at), names.size());
      for (Path& path : set.PathsOf(shape, std::string(names.substr(at, end - at)))) {
        places.push_back(std::move(path));
      }
      at = end + 1;
    }
    return places;
  }

  void Fill(const ShapeSet& set) {
    shapes = set.size();
    keys = KeyTree();
    AddMarks(set);
    AddObjects(set);
    std::vector<std::vector<Path>> places;
    for (FieldId field = 0; field < names.size(); ++field) {
      ids.emplace(names[field], field);
      for (std::size_t shape = 0; shape < shapes; ++shape) {
        places.push_back(PlacesOf(set, static_cast<Shape>(shape), names[field]));
      }
    }
    // First every place by itself, so that wildcards then meet all literal keys beside them.
    for (const std::vector<Path>& paths : places) {
      for (const Path& path : paths) Node(path);
    }
    for (const std::vector<Path>& paths : places) AddCandidates(paths);
    finish.resize(shapes);
    for (std::size_t shape = 0; shape < shapes; ++shape) AddFinish(set, static_cast<Shape>(shape));
    for (Finish& todo : finish) {
      if (!todo.escaped_twice.empty()) todo.escaped_twice.resize(keys.size());
    }
    keys.Seal();
  }
};

FieldId FieldTable::Builder::Add(std::string_view name) {
  const auto next = static_cast<FieldId>(names_.size());
  const auto [found, added] = ids_.emplace(name, next);
  if (added) names_.emplace_back(name);
  return found->second;
}

FieldTable FieldTable::Builder::Build() && {
  FieldTable table;
  table.impl_ = std::make_unique<Impl>();
  table.impl_->names = std::move(names_);
  table.impl_->Fill(*shapes_);
  return table;
}

FieldTable::FieldTable() : impl_(std::make_unique<Impl>()) {
  ShapeSet flat;
  flat.Put({});
  impl_->Fill(flat);
}
FieldTable::~FieldTable() = default;
FieldTable::FieldTable(FieldTable&&) noexcept = default;
FieldTable& FieldTable::operator=(FieldTable&&) noexcept = default;

std::size_t FieldTable::size() const noexcept { return impl_->names.size(); }

std::string_view FieldTable::name(FieldId field) const noexcept { return impl_->names[field]; }

FieldId FieldTable::Find(std::string_view name) const noexcept {
  const auto found = impl_->ids.find(name);
  return found == impl_->ids.end() ? kNoNode : found->second;
}

NodeId FieldTable::Child(NodeId parent, std::string_view key) const noexcept {
  return impl_->keys.Child(parent, key, KeyTree::DigestOf(key));
}

std::size_t FieldTable::node_count() const noexcept { return impl_->keys.size(); }

const KeyTree& FieldTable::keys() const noexcept { return impl_->keys; }

std::span<const FieldTable::NamedListNodes> FieldTable::named_lists() const noexcept {
  return impl_->named_lists;
}

std::span<const NodeId> FieldTable::Candidates(FieldId field, Shape shape) const noexcept {
  return impl_->Candidates(field, shape);
}

FieldTable::CandidateLists FieldTable::candidates() const noexcept {
  return {impl_->candidates.data(), impl_->lists.data(), impl_->shapes};
}

std::span<const FieldTable::Mark> FieldTable::marks() const noexcept { return impl_->marks; }

const FieldTable::Finish& FieldTable::finish(Shape shape) const noexcept {
  return impl_->finish[static_cast<std::size_t>(shape)];
}

}  // namespace faultline
