// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/fields.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

namespace faultline {

struct FieldTable::Impl {
  std::vector<std::string> names;
  std::unordered_map<std::string_view, FieldId> ids;  // views into names
  KeyTree keys;
  std::vector<NodeId> candidates;   // all lists, one behind the other
  std::vector<std::uint32_t> ends;  // of list field * kConcreteShapes + shape
  std::vector<ShapeMark> marks;
  std::vector<NamedListNodes> named_lists;

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

  // All nodes that `path` from its key `depth` on can mean: a wildcard also means the literal keys
  // beside it, since the lookup prefers those.
  void Expand(const Path& path, std::size_t depth, NodeId node, std::vector<NodeId>& found) {
    if (depth == path.size()) {
      found.push_back(node);
      return;
    }
    if (path[depth] != "*") return Expand(path, depth + 1, Key(node, path[depth]), found);
    std::vector<std::string> beside;
    for (const std::string_view key : keys.KeysOf(node)) beside.emplace_back(key);
    for (const std::string& key : beside) Expand(path, depth + 1, keys.Make(node, key), found);
    Expand(path, depth + 1, keys.MakeWildcard(node), found);
  }

  void AddCandidates(const std::vector<Path>& paths) {
    const std::size_t begin = candidates.size();
    std::vector<NodeId> found;
    for (const Path& path : paths) Expand(path, 0, kRootNode, found);
    for (const NodeId node : found) {
      keys.at(node).recorded = true;
      const auto from = candidates.begin() + static_cast<std::ptrdiff_t>(begin);
      if (std::find(from, candidates.end(), node) == candidates.end()) candidates.push_back(node);
    }
    ends.push_back(static_cast<std::uint32_t>(candidates.size()));
  }

  void AddMarks() {
    for (const ShapeMarkPath& mark : ShapeMarkPaths()) {
      const NodeId node = Node(mark.path);
      keys.at(node).recorded = true;
      marks.push_back(ShapeMark{mark.shape, node});
    }
  }

  void AddNamedLists() {
    for (const NamedList& named : NamedLists()) {
      NamedListNodes nodes;
      nodes.list = Node(named.list);
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
    for (const Path& path : BlankKeyObjects()) keys.at(Node(path)).blanks = true;
  }
};

namespace {

// The places of a field; of "a|b" those of `a`, then those of `b`.
std::vector<Path> PlacesOf(Shape shape, std::string_view names) {
  std::vector<Path> places;
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find('|', at), names.size());
    for (Path& path : PathsOf(shape, names.substr(at, end - at))) places.push_back(std::move(path));
    at = end + 1;
  }
  return places;
}

}  // namespace

FieldId FieldTable::Builder::Add(std::string_view name) {
  const auto next = static_cast<FieldId>(names_.size());
  const auto [found, added] = ids_.emplace(name, next);
  if (added) names_.emplace_back(name);
  return found->second;
}

FieldTable FieldTable::Builder::Build() && {
  FieldTable table;
  Impl& impl = *table.impl_;
  impl.names = std::move(names_);
  constexpr std::array<Shape, kConcreteShapes> kShapes{Shape::kFlat, Shape::kEvtx,
                                                       Shape::kWinlogbeat, Shape::kNxlog};
  std::vector<std::vector<Path>> places;
  for (FieldId field = 0; field < impl.names.size(); ++field) {
    impl.ids.emplace(impl.names[field], field);
    for (const Shape shape : kShapes) places.push_back(PlacesOf(shape, impl.names[field]));
  }
  // First every place by itself, so that wildcards then meet all literal keys beside them.
  impl.keys = KeyTree();
  impl.marks.clear();
  impl.named_lists.clear();
  impl.AddMarks();
  impl.AddNamedLists();
  for (const std::vector<Path>& paths : places) {
    for (const Path& path : paths) impl.Node(path);
  }
  for (const std::vector<Path>& paths : places) impl.AddCandidates(paths);
  impl.keys.Seal();
  return table;
}

FieldTable::FieldTable() : impl_(std::make_unique<Impl>()) {
  impl_->AddMarks();
  impl_->AddNamedLists();
  impl_->keys.Seal();
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
  const std::size_t list = field * kConcreteShapes + static_cast<std::size_t>(shape);
  const std::size_t begin = list == 0 ? 0 : impl_->ends[list - 1];
  return {impl_->candidates.data() + begin, impl_->ends[list] - begin};
}

std::span<const ShapeMark> FieldTable::marks() const noexcept { return impl_->marks; }

}  // namespace faultline
