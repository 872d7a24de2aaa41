// SPDX-License-Identifier: Apache-2.0
//
// What a detection takes from its event: captures by expression (std::regex) and by template (tried
// letter by letter), computed fields, lookups (a search from the first row to the last).
#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <regex>

#include "tests/reference/brute_chains.h"
#include "tests/reference/brute_expressions.h"

namespace faultline::reference {
namespace {

using Texts = std::vector<std::string>;
using Groups = std::map<std::string, std::string>;  // those that took part

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
bool SameBut(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

// A template against a text: all ways, the shortest values first, the last value to the end of the line.
struct TemplateTry {
  const ChainCapture& capture;
  const std::string& text;
  Groups groups = {};

  bool Search() {
    for (std::size_t from = 0; from <= text.size(); ++from) {
      if (Fits(0, from)) return true;
    }
    return false;
  }

  bool Fits(std::size_t word, std::size_t at) {
    const std::string& pattern = capture.pattern;
    if (word == pattern.size()) return true;
    if (pattern[word] == ' ') {  // a run of blanks, the whole of it first
      std::size_t end = at;
      while (end < text.size() && text[end] == ' ') ++end;
      for (; end > at; --end) {
        if (Fits(word + 1, end)) return true;
      }
      return false;
    }
    if (pattern[word] != '%') {
      return at < text.size() && Lower(text[at]) == Lower(pattern[word]) && Fits(word + 1, at + 1);
    }
    const std::string& name = capture.names[static_cast<std::size_t>(pattern[word + 1] - '1')];
    const auto had = groups.find(name);
    if (had != groups.end()) {
      const std::size_t size = had->second.size();
      return at + size <= text.size() && SameBut(text.substr(at, size), had->second) &&
             Fits(word + 2, at + size);
    }
    const bool rest = word + 2 == pattern.size();
    for (std::size_t end = rest ? text.size() : at; rest ? end > at : end <= text.size();
         rest ? --end : ++end) {
      if (rest && text[end - 1] == ' ') continue;
      groups[name] = text.substr(at, end - at);
      if (Fits(word + 2, end)) return true;
      groups.erase(name);
    }
    return false;
  }
};

std::optional<Groups> Match(const ChainCapture& capture, const std::string& text) {
  if (capture.is_template) {
    TemplateTry tried{capture, text};
    return tried.Search() ? std::optional(tried.groups) : std::nullopt;
  }
  static std::map<std::string, std::regex> compiled;
  const auto [at, fresh] = compiled.try_emplace(capture.pattern);
  if (fresh) {
    std::string unnamed;
    for (std::size_t i = 0; i < capture.pattern.size(); ++i) {
      unnamed += capture.pattern[i];
      if (capture.pattern.compare(i, 3, "(?<") == 0) i = capture.pattern.find('>', i);
    }
    at->second = std::regex(unnamed);
  }
  std::smatch found;
  if (!std::regex_search(text, found, at->second)) return std::nullopt;
  Groups groups;
  for (std::size_t i = 0; i < capture.names.size(); ++i) {
    if (found[i + 1].matched) groups[capture.names[i]] = found[i + 1].str();
  }
  return groups;
}

Groups Capture(const ChainCapture& capture, const ChainFields& fields) {
  const auto field = fields.find(capture.field);
  if (field == fields.end()) return {};
  Texts values = field->second;
  if (capture.join) {
    std::string all = values[0];
    for (std::size_t i = 1; i < values.size(); ++i) all += *capture.join + values[i];
    values = {all};
  }
  for (const std::string& value : values) {
    if (const auto groups = Match(capture, value)) return *groups;
  }
  return {};
}

std::string LookUp(const ChainLookup& lookup, const Texts* from, const std::vector<Texts>& table) {
  if (from != nullptr) {
    const Texts& columns = table[0];
    const auto column = std::find(columns.begin(), columns.end(), lookup.field) - columns.begin();
    for (std::size_t row = 1; row < table.size(); ++row) {
      const std::string& cell = table[row][static_cast<std::size_t>(column)];
      if (SameBut(table[row][0], from->front()) && !cell.empty()) return cell;
    }
  }
  if (!lookup.default_from) return lookup.otherwise;
  return from == nullptr ? std::string() : from->front();
}

}  // namespace

ChainFields Taken(const ChainWorld& world, ChainRef detection, ChainFields fields) {
  if (detection >= world.takes.size()) return fields;
  const ChainTakes& takes = world.takes[detection];
  Groups captured;  // of two of one name the first stands
  for (const ChainCapture& capture : takes.captures) captured.merge(Capture(capture, fields));
  for (const auto& [name, value] : captured) fields[name] = {value};
  for (const auto& [name, expression] : takes.fields) {
    const ChainValue value = Evaluate(expression, fields);
    if (value.kind == ChainValue::Kind::kAbsent || value.kind == ChainValue::Kind::kError) continue;
    fields[name] = {Show(value)};
  }
  for (const ChainLookup& lookup : takes.lookups) {
    const auto from = fields.find(lookup.from);
    const Texts* values = from == fields.end() ? nullptr : &from->second;
    const bool empty = values == nullptr || values->front().empty();
    const std::string found = LookUp(lookup, values, world.table);
    // An empty text is a text only where it is that of `from`.
    if (!found.empty() || (lookup.default_from && values != nullptr && empty)) {
      fields[lookup.field] = {found};
    }
  }
  return fields;
}

}  // namespace faultline::reference
