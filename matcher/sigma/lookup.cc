// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/lookup.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/pack.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

// One field of a row and where it begins.
struct Cell {
  std::string text;
  Place place;
};

// Reads rows one by one.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& file) : text_(text) {
    place_ = {file, 1, 1};
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  // The next row that is not empty; no cells at the end.
  Result<std::vector<Cell>> Next() {
    while (!text_.empty() && AtBreak()) TakeBreak();
    std::vector<Cell> row;
    while (!text_.empty() || (!row.empty() && after_comma_)) {
      auto cell = TakeCell();
      if (!cell) return tl::unexpected<Error>(cell.error());
      row.push_back(std::move(*cell));
      if (row.size() > LookupTable::kMaxColumns) {
        return Refuse(fmt::format("more than {} columns", LookupTable::kMaxColumns));
      }
      after_comma_ = text_.starts_with(',');
      if (after_comma_) {
        Take();
        continue;
      }
      TakeBreak();
      break;
    }
    after_comma_ = false;
    return row;
  }

 private:
  [[nodiscard]] bool AtBreak() const {
    return text_.starts_with('\n') || text_.starts_with("\r\n");
  }

  char Take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    ++place_.column;
    if (c == '\n') {
      ++place_.line;
      place_.column = 1;
    }
    return c;
  }

  void TakeBreak() {
    if (text_.starts_with('\r')) Take();
    if (text_.starts_with('\n')) Take();
  }

  tl::unexpected<Error> Refuse(std::string message, std::string remedy = {}) const {
    return Fail(Fault::kRules, std::move(message), place_, std::move(remedy));
  }

  Result<Cell> TakeCell() {
    Cell cell{{}, place_};
    if (text_.starts_with('"')) {
      auto quoted = TakeQuoted();
      if (!quoted) return tl::unexpected<Error>(quoted.error());
      cell.text = std::move(*quoted);
    } else {
      while (!text_.empty() && text_.front() != ',' && !AtBreak()) {
        if (text_.front() == '"') {
          return Refuse("a quote inside a field that does not begin with one",
                        "put the whole field in quotes and write a quote in it twice");
        }
        cell.text += Take();
      }
    }
    if (cell.text.size() <= LookupTable::kMaxFieldBytes) return cell;
    return Fail(Fault::kRules,
                fmt::format("a field of more than {} bytes", LookupTable::kMaxFieldBytes),
                cell.place);
  }

  Result<std::string> TakeQuoted() {
    const Place begin = place_;
    std::string text;
    Take();
    while (!text_.empty()) {
      const char c = Take();
      if (c != '"') {
        text += c;
      } else if (text_.starts_with('"')) {
        text += Take();
      } else if (text_.empty() || text_.front() == ',' || AtBreak()) {
        return text;
      } else {
        return Refuse("text behind the closing quote of a field",
                      "write a quote inside a quoted field twice");
      }
    }
    return Fail(Fault::kRules, "the quote is not closed", begin);
  }

  std::string_view text_;
  Place place_;
  bool after_comma_ = false;
};

Result<std::vector<std::string>> ReadColumns(CsvReader& reader, const std::string& file) {
  auto header = reader.Next();
  if (!header) return tl::unexpected<Error>(header.error());
  if (header->empty()) {
    return Fail(Fault::kRules, "the table is empty", Place{file, 1, 1},
                "its first line names the columns");
  }
  std::vector<std::string> names;
  for (Cell& cell : *header) {
    if (cell.text.empty()) return Fail(Fault::kRules, "a column has no name", cell.place);
    if (std::find(names.begin(), names.end(), cell.text) != names.end()) {
      return Fail(Fault::kRules, fmt::format("two columns have the name '{}'", cell.text),
                  cell.place);
    }
    names.push_back(std::move(cell.text));
  }
  return names;
}

void ReadDefault(const yaml::Node& node, Lookup& lookup, Reading& reading) {
  lookup.text = ReadText(node, "'default'", reading);
  lookup.otherwise = lookup.text == "from" ? Lookup::Default::kFrom : Lookup::Default::kText;
}

Lookup ReadLookup(const yaml::Node& node, Reading& reading) {
  Lookup lookup;
  if (!ExpectMap(node, "a lookup", reading)) return lookup;
  ExpectKeys(node, "a lookup", {"field", "from", "table", "default"}, {}, reading);
  for (const auto& [key, slot] :
       {std::pair{"field", &lookup.field}, {"from", &lookup.from}, {"table", &lookup.table}}) {
    const yaml::Node* const value = node.Find(key);
    if (value == nullptr) {
      reading.Refuse(fmt::format("a lookup has no '{}'", key), node.place);
    } else {
      *slot = ReadText(*value, fmt::format("'{}'", key), reading);
    }
  }
  if (const yaml::Node* const otherwise = node.Find("default")) {
    ReadDefault(*otherwise, lookup, reading);
  }
  if (!reading.ok()) return lookup;
  const auto table = reading.pack().tables.find(lookup.table);
  if (table == reading.pack().tables.end()) {
    std::vector<std::string_view> known;
    for (const auto& [name, rows] : reading.pack().tables) known.push_back(name);
    std::string remedy = DidYouMean(lookup.table, known);
    if (remedy.empty()) remedy = "name it under 'lookups' in pack.yaml or in rules.lookups";
    reading.Refuse(fmt::format("unknown lookup table '{}'", lookup.table),
                   node.Find("table")->place, std::move(remedy));
    return lookup;
  }
  lookup.rows = table->second;
  const auto column = lookup.rows->Column(lookup.field);
  if (!column) {
    const auto& columns = lookup.rows->columns();
    reading.Refuse(
        fmt::format("the lookup table '{}' has no column '{}'", lookup.table, lookup.field),
        node.Find("field")->place, fmt::format("its columns: {}", fmt::join(columns, ", ")));
  }
  lookup.column = column.value_or(0);
  return lookup;
}

}  // namespace

Result<LookupTable> LookupTable::Parse(std::string_view csv, const std::string& file) {
  if (csv.size() > kMaxBytes) {
    return Fail(Fault::kRules, fmt::format("larger than {} bytes", kMaxBytes), Place{file, 0, 0});
  }
  LookupTable table;
  CsvReader reader(csv, file);
  auto columns = ReadColumns(reader, file);
  if (!columns) return tl::unexpected<Error>(columns.error());
  table.columns_ = std::move(*columns);
  while (true) {
    auto row = reader.Next();
    if (!row) return tl::unexpected<Error>(row.error());
    if (row->empty()) return table;
    const Place place = row->front().place;
    if (row->size() != table.columns_.size()) {
      return Fail(Fault::kRules,
                  fmt::format("a row of {} fields, there are {} columns", row->size(),
                              table.columns_.size()),
                  place);
    }
    if (row->front().text.empty()) return Fail(Fault::kRules, "the row has no key", place);
    if (table.rows_.size() == kMaxRows) {
      return Fail(Fault::kRules, fmt::format("more than {} rows", kMaxRows), place);
    }
    if (!table.rows_.emplace(Lower(row->front().text), table.cells_.size()).second) {
      return Fail(Fault::kRules, fmt::format("the key '{}' comes twice", row->front().text), place,
                  "letter case does not tell keys apart");
    }
    for (Cell& cell : *row) table.cells_.push_back(std::move(cell.text));
  }
}

std::optional<std::uint32_t> LookupTable::Column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - columns_.begin());
}

const std::string* LookupTable::Find(std::string_view key, std::uint32_t column) const {
  const auto row = rows_.find(Lower(key));
  if (row == rows_.end()) return nullptr;
  const std::string& cell = cells_[row->second + column];
  return cell.empty() ? nullptr : &cell;
}

std::vector<Lookup> ReadLookups(const yaml::Node& node, Reading& reading) {
  std::vector<Lookup> lookups;
  if (!node.IsSequence()) {
    lookups.push_back(ReadLookup(node, reading));
  }
  for (const yaml::Node& item : node.items) lookups.push_back(ReadLookup(item, reading));
  if (lookups.empty()) reading.Refuse("'lookup' is empty", node.place);
  return lookups;
}

}  // namespace faultline::sigma
