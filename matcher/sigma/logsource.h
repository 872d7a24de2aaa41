// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/rule.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

class Reading;

// Everything of `inner` is of `outer`: each part that `outer` gives is the same in `inner`. What gives
// nothing contains all.
[[nodiscard]] bool Contains(const LogSource& outer, const LogSource& inner) noexcept;

// No event is of both: some part is given by both, and differs.
[[nodiscard]] bool Conflict(const LogSource& one, const LogSource& other) noexcept;

// "windows/process_creation/-": for messages.
[[nodiscard]] std::string ToString(const LogSource& source);

// The event's name of a rule's field.
[[nodiscard]] std::string NameIn(const std::string& field, const Renames& renames);

// What log sources mean as conditions on fields: logsources.yaml, which is built in, and the files
// that a user lays over it (docs/logsources.md).
//
// Place      YAML -> [LogSourceTable] -> the alternatives of a rule.
// Errors     Merge: file:line:column, what is wrong, what to write. The table is then half changed.
class LogSourceTable {
 public:
  [[nodiscard]] static const LogSourceTable& BuiltIn();

  // Lays the rows of `text` over those that are there: a service or category that is named has the
  // rows given, and among them, at the word "built-in", those that it had.
  [[nodiscard]] Result<void> Merge(std::string_view text, const std::string& file);

  struct Meaning {
    LogSourceAlternatives alternatives;  // empty: no conditions at all
    bool mapped = false;                 // there are rows for it
  };
  // Remembered: rules share what they find. By any thread, beside others.
  [[nodiscard]] Meaning Find(const LogSource& source) const;

 private:
  struct Row {
    std::string service;      // of the same product: its conditions come first, its names last
    std::vector<Item> where;  // empty: nothing to ask
    Renames fields;
    Place place;  // of `service`
  };
  using Rows = std::vector<Row>;
  using RowsByName = std::map<std::string, Rows, std::less<>>;
  struct Product {
    Rows events;  // how to tell events of the product; empty: they cannot be told
    RowsByName services, categories;
  };

  void MergeProduct(const yaml::Node& node, Product& product, Reading& reading);
  void CheckServices(const Product& product, Reading& reading) const;
  [[nodiscard]] const Product* ProductOf(const std::string& name) const;
  [[nodiscard]] std::vector<LogSourceAlternative> Whole(const Product& product, const Rows& rows,
                                                        const LogSource& source) const;
  [[nodiscard]] std::vector<LogSourceAlternative> OfCategory(const LogSource& source) const;
  [[nodiscard]] std::vector<LogSourceAlternative> OfService(const LogSource& source) const;

  [[nodiscard]] Meaning MeaningOf(const LogSource& source) const;

  // A copy of a table begins anew: it is made to be changed.
  struct Found {
    Found() = default;
    Found(const Found& /*other*/) {}
    Found& operator=(const Found&) = delete;

    std::mutex mutex;
    std::map<LogSource, Meaning> meanings;  // guarded by mutex
  };

  std::map<std::string, Product, std::less<>> products_;  // "any": categories without a product
  mutable Found found_;
};

// The built-in table with `files` laid over it, in order.
[[nodiscard]] Result<std::shared_ptr<const LogSourceTable>> LoadLogSources(
    const std::vector<std::string>& files);

}  // namespace faultline::sigma
