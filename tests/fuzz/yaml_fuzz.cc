// SPDX-License-Identifier: Apache-2.0
// Any bytes through the YAML reader: refused at a place, or a tree that written out plainly reads
// as the same tree.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "matcher/sigma/yaml.h"

namespace {

using faultline::yaml::Node;
using faultline::yaml::Pair;

// The code point at `at`, which moves behind it. Requires: valid UTF-8, as the reader promises.
unsigned Next(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  const int more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  unsigned point = more == 0 ? lead : lead & (0x3Fu >> more);
  for (int i = 0; i < more; ++i) {
    if (at == text.size()) std::abort();
    point = (point << 6) | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
  }
  return point;
}

void Write(const Node& node, std::string& out) {
  switch (node.kind) {
    case faultline::yaml::Kind::kScalar:
      out += '"';
      for (std::size_t at = 0; at < node.scalar.size();) {
        out += fmt::format("\\U{:08X}", Next(node.scalar, at));
      }
      out += '"';
      return;
    case faultline::yaml::Kind::kSequence:
      out += '[';
      for (const Node& item : node.items) {
        Write(item, out);
        out += ", ";
      }
      out += ']';
      return;
    case faultline::yaml::Kind::kMapping:
      out += '{';
      for (const Pair& pair : node.pairs) {
        out += "? ";
        Write(pair.key, out);
        out += " : ";
        Write(pair.value, out);
        out += ", ";
      }
      out += '}';
      return;
  }
}

bool Same(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.scalar != b.scalar || a.items.size() != b.items.size() ||
      a.pairs.size() != b.pairs.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!Same(a.items[i], b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.pairs.size(); ++i) {
    if (!Same(a.pairs[i].key, b.pairs[i].key) || !Same(a.pairs[i].value, b.pairs[i].value)) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto documents = faultline::yaml::ParseYaml(text, "fuzz");
  if (!documents) {
    if (documents.error().message.empty() || documents.error().place.file != "fuzz") std::abort();
    return 0;
  }
  std::string plain;
  for (const Node& document : *documents) {
    if (document.place.line < 1 || document.place.column < 1) std::abort();
    plain += "--- ";
    Write(document, plain);
    plain += '\n';
  }
  faultline::yaml::Limits limits;
  limits.max_bytes = plain.size();
  const auto again = faultline::yaml::ParseYaml(plain, "plain", limits);
  if (!again || again->size() != documents->size()) std::abort();
  for (std::size_t i = 0; i < again->size(); ++i) {
    if (!Same((*documents)[i], (*again)[i])) std::abort();
  }
  return 0;
}
