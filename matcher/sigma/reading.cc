// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/reading.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

bool Contains(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool ExpansionBudget::Take(std::size_t count, std::size_t size) noexcept {
  if (count > values || (size > 0 && count > bytes / size)) return false;
  values -= count;
  bytes -= count * size;
  return true;
}

const LoadOptions& Reading::options() const noexcept {
  static const LoadOptions none;
  return options_ == nullptr ? none : *options_;
}

const Pack& Reading::pack() const noexcept {
  static const Pack none;
  return pack_ == nullptr ? none : *pack_;
}

void Reading::Refuse(const std::string& message, const Place& place, std::string remedy) {
  if (error_) return;
  const std::string whose = rule_.empty() ? std::string() : fmt::format("rule '{}': ", rule_);
  error_ = Error{Fault::kRules, whose + message, place, std::move(remedy)};
}

void Reading::Note(std::string code, std::string message, const Place& place, std::string remedy) {
  findings_.push_back({rule_, std::move(code), std::move(message), place, std::move(remedy)});
}

std::string ReadText(const yaml::Node& node, std::string_view what, Reading& reading) {
  auto text = yaml::AsText(node);
  if (!node.IsScalar()) {
    reading.Refuse(fmt::format("{} must be a text, this is {}", what, yaml::ToString(node.kind)),
                   node.place, "write one text");
  } else if (!text || text->empty()) {
    reading.Refuse(fmt::format("{} is empty", what), node.place, "write a text, or leave it out");
  }
  return text.value_or(std::string());
}

std::vector<std::string> ReadTexts(const yaml::Node& node, std::string_view what,
                                   Reading& reading) {
  std::vector<std::string> texts;
  if (node.IsScalar()) texts.push_back(ReadText(node, what, reading));
  if (node.IsMapping()) {
    reading.Refuse(fmt::format("{} must be a list of texts, this is a map", what), node.place,
                   "write [first, second]");
  }
  for (const yaml::Node& item : node.items) texts.push_back(ReadText(item, what, reading));
  return texts;
}

std::string OptionalText(const yaml::Node& document, std::string_view key, Reading& reading) {
  const yaml::Node* node = document.Find(key);
  if (node == nullptr || yaml::IsNull(*node)) return {};
  if (node->IsScalar() && node->scalar.empty()) return {};
  return ReadText(*node, fmt::format("'{}'", key), reading);
}

std::vector<std::string> OptionalTexts(const yaml::Node& document, std::string_view key,
                                       Reading& reading) {
  const yaml::Node* node = document.Find(key);
  if (node == nullptr || yaml::IsNull(*node)) return {};
  return ReadTexts(*node, fmt::format("'{}'", key), reading);
}

bool ExpectMap(const yaml::Node& node, std::string_view what, Reading& reading) {
  if (node.IsMapping()) return true;
  reading.Refuse(fmt::format("{} must be a map, this is {}", what, yaml::ToString(node.kind)),
                 node.place, "write 'key: value' lines, indented below it");
  return false;
}

void ExpectKeys(const yaml::Node& map, std::string_view what,
                const std::vector<std::string_view>& known,
                const std::vector<std::string_view>& later, Reading& reading) {
  for (const yaml::Pair& pair : map.pairs) {
    const std::string& key = pair.key.scalar;
    if (Contains(known, key)) continue;
    if (Contains(later, key)) {
      reading.Refuse(fmt::format("'{}' in {} is not supported yet", key, what), pair.key.place,
                     "leave it out");
    } else {
      reading.Refuse(fmt::format("unknown key '{}' in {}", key, what), pair.key.place,
                     DidYouMeanOrOneOf(key, known));
    }
  }
}

LogSource ReadLogSource(const yaml::Node& document, std::string_view what, Reading& reading) {
  LogSource source;
  const yaml::Node* node = document.Find("logsource");
  if (node == nullptr) {
    reading.Refuse(fmt::format("the {} has no 'logsource'", what), document.place,
                   "add product, category or service");
    return source;
  }
  if (!ExpectMap(*node, "'logsource'", reading)) return source;
  ExpectKeys(*node, "'logsource'", {"product", "category", "service", "definition"}, {}, reading);
  source.product = OptionalText(*node, "product", reading);
  source.category = OptionalText(*node, "category", reading);
  source.service = OptionalText(*node, "service", reading);
  if (source.product.empty() && source.category.empty() && source.service.empty()) {
    reading.Refuse("'logsource' names no product, category or service", node->place,
                   "add one of them");
  }
  return source;
}

Place TextPlace(const yaml::Node& scalar) {
  Place place = scalar.place;
  if (scalar.quoted && !scalar.multi_line) ++place.column;
  return place;
}

}  // namespace faultline::sigma
