// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

class Reading;

// A table of texts from a CSV file: the first line names the columns, the first column is the key.
//
// Threads    Immutable.
// Errors     Fault::kRules with file:line:column: a quote that is not closed or stands where none
//            may, a row with more or fewer fields than there are columns, a key that is empty or
//            comes twice (letter case of ASCII aside), a column without a name of its own.
// Limits     kMaxBytes of text, kMaxColumns, kMaxRows, kMaxFieldBytes a field.
class LookupTable {
 public:
  static constexpr std::size_t kMaxBytes = 16 << 20;
  static constexpr std::size_t kMaxColumns = 64;
  static constexpr std::size_t kMaxRows = 1'000'000;
  static constexpr std::size_t kMaxFieldBytes = 4096;

  // RFC 4180 with LF or CRLF; a byte order mark and empty lines are passed over.
  [[nodiscard]] static Result<LookupTable> Parse(std::string_view csv, const std::string& file);

  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }
  [[nodiscard]] std::optional<std::uint32_t> Column(std::string_view name) const;
  [[nodiscard]] std::size_t rows() const noexcept { return rows_.size(); }
  // The cell of the row whose key is `key`, letter case of ASCII aside; null where there is no such
  // row or the cell is empty. Lives as long as the table.
  [[nodiscard]] const std::string* Find(std::string_view key, std::uint32_t column) const;

 private:
  LookupTable() = default;

  std::vector<std::string> columns_;
  std::vector<std::string> cells_;                     // row by row
  std::unordered_map<std::string, std::size_t> rows_;  // key in lower case -> its first cell
};

// faultline.lookup: a field from a table, by the value of another one.
struct Lookup {
  enum class Default : std::uint8_t { kNone, kFrom, kText };

  std::string field;                        // what it gives
  std::string from;                         // field of the event, captured or computed
  std::string table;                        // its name
  std::shared_ptr<const LookupTable> rows;  // never null in an accepted rule
  std::uint32_t column = 0;                 // of `field` in it
  Default otherwise = Default::kNone;       // where no row has a value
  std::string text;                         // Default::kText
};

// What stands under `lookup` in a detection's map: one, or a list. Tables are those of the pack that
// the rule lies in, and those of the configuration.
[[nodiscard]] std::vector<Lookup> ReadLookups(const yaml::Node& node, Reading& reading);

}  // namespace faultline::sigma
