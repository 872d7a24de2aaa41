// SPDX-License-Identifier: Apache-2.0
// How each type of setting is read from a Value and shown again.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <type_traits>

#include <fmt/format.h>

#include "app/settings.h"
#include "base/suggest.h"
#include "kafka/properties.h"

namespace faultline::app {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<Unit, 8> kDurationUnits{{{"ns", 1},
                                              {"us", 1'000},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"d", 86'400'000'000'000},
                                              {"w", 604'800'000'000'000}}};
constexpr std::array<Unit, 8> kByteUnits{{{"", 1},
                                          {"B", 1},
                                          {"kB", 1000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"KiB", 1 << 10},
                                          {"MiB", 1 << 20},
                                          {"GiB", 1 << 30}}};

constexpr std::string_view kNever = "never";  // of a duration that may be left out

// "<digits><unit>" times the unit's factor; nothing when it is no such text or overflows.
template <std::size_t N>
std::optional<std::int64_t> ParseScaled(std::string_view text, const std::array<Unit, N>& units) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || count < 0) return std::nullopt;
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(count, known.factor, &product)) return std::nullopt;
    return product;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string ShowScaled(std::int64_t value, const std::array<Unit, N>& units,
                       std::string_view smallest) {
  for (auto it = units.rbegin(); it != units.rend(); ++it) {
    if (value != 0 && value % it->factor == 0)
      return fmt::format("{}{}", value / it->factor, it->name);
  }
  return fmt::format("{}{}", value, smallest);
}

tl::unexpected<Error> Wrong(std::string_view path, const Value& value, std::string_view what,
                            std::string remedy = {}) {
  return Fail(Fault::kConfig, fmt::format("{}: {}", path, what), value.place, std::move(remedy));
}

std::string_view KindName(Value::Kind kind) noexcept {
  switch (kind) {
    case Value::Kind::kNull: return "nothing";
    case Value::Kind::kScalar: return "a single value";
    case Value::Kind::kList: return "a list";
    case Value::Kind::kMap: break;
  }
  return "a map";
}

tl::unexpected<Error> WrongKind(std::string_view path, const Value& value,
                                std::string_view wanted) {
  return Wrong(path, value, fmt::format("expected {}, got {}", wanted, KindName(value.kind)));
}

bool IsReference(std::string_view text) noexcept {
  return text.size() > 3 && text.substr(0, 2) == "${" && text.back() == '}';
}

// What ${env:NAME} or ${file:PATH} stands for.
Result<std::string> Resolve(std::string_view path, const Value& value) {
  const std::string inner = value.text.substr(2, value.text.size() - 3);
  if (inner.rfind("env:", 0) == 0) {
    const char* const found = std::getenv(inner.c_str() + 4);  // NOLINT(concurrency-mt-unsafe)
    if (found == nullptr) {
      return Wrong(path, value, fmt::format("environment variable {} is not set", inner.substr(4)));
    }
    return std::string(found);
  }
  if (inner.rfind("file:", 0) == 0) {
    std::ifstream file(inner.substr(5), std::ios::binary);
    if (!file) return Wrong(path, value, fmt::format("cannot read the file {}", inner.substr(5)));
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
  }
  return Wrong(path, value, "a reference is ${env:NAME} or ${file:PATH}");
}

Result<void> InRange(const Setting& setting, std::string_view path, const Value& value,
                     std::int64_t number, std::string (*show)(std::int64_t)) {
  if (number >= setting.least && number <= setting.most) return {};
  return Wrong(path, value, fmt::format("{} is out of range", value.text),
               fmt::format("allowed: {} to {}", show(setting.least), show(setting.most)));
}

std::string ShowPlain(std::int64_t number) { return std::to_string(number); }
std::string ShowNanos(std::int64_t number) { return ShowDuration(Duration(number)); }
std::string ShowCount(std::int64_t number) { return ShowBytes(Bytes{number}); }

// Writes one value into a slot of a certain type; one overload for each.
class Writer {
 public:
  Writer(const Setting& setting, std::string_view path, const Value& value)
      : setting_(setting), path_(path), value_(value) {}

  Result<void> operator()(std::string* slot) const {
    if (value_.kind != Value::Kind::kScalar) return WrongKind(path_, value_, "a text");
    if (IsReference(value_.text)) {
      return Wrong(path_, value_, "a reference stands for a secret only",
                   "write the text itself, or set it by its environment variable");
    }
    if (Known(setting_.later_choices, value_.text)) {
      return Wrong(path_, value_, fmt::format("'{}' is not supported by this version", value_.text),
                   fmt::format("supported: {}", fmt::join(setting_.choices, ", ")));
    }
    if (!setting_.choices.empty() && !Known(setting_.choices, value_.text)) {
      return UnknownChoice(value_);
    }
    *slot = value_.text;
    return {};
  }

  Result<void> operator()(std::optional<std::string>* slot) const {
    if (value_.kind == Value::Kind::kNull) {
      slot->reset();
      return {};
    }
    if (value_.kind != Value::Kind::kScalar) return WrongKind(path_, value_, "a text or null");
    *slot = value_.text;
    return {};
  }

  Result<void> operator()(bool* slot) const {
    if (value_.kind != Value::Kind::kScalar) return WrongKind(path_, value_, "true or false");
    if (value_.text != "true" && value_.text != "false") {
      return Wrong(path_, value_, fmt::format("expected true or false, got '{}'", value_.text));
    }
    *slot = value_.text == "true";
    return {};
  }

  Result<void> operator()(std::int64_t* slot) const {
    if (value_.kind != Value::Kind::kScalar) return WrongKind(path_, value_, "a number");
    std::int64_t number = 0;
    const char* const end = value_.text.data() + value_.text.size();
    const auto [stop, error] = std::from_chars(value_.text.data(), end, number);
    if (error != std::errc() || stop != end) {
      return Wrong(path_, value_, fmt::format("expected a whole number, got '{}'", value_.text));
    }
    if (auto ok = InRange(setting_, path_, value_, number, ShowPlain); !ok) return ok;
    *slot = number;
    return {};
  }

  Result<void> operator()(Bytes* slot) const {
    if (value_.kind != Value::Kind::kScalar) return WrongKind(path_, value_, "a size");
    const std::optional<Bytes> bytes = ParseBytes(value_.text);
    if (!bytes) {
      return Wrong(path_, value_, fmt::format("expected a size, got '{}'", value_.text),
                   "write it as 1MiB, 512KiB, 64kB or a number of bytes");
    }
    if (auto ok = InRange(setting_, path_, value_, bytes->count, ShowCount); !ok) return ok;
    *slot = *bytes;
    return {};
  }

  Result<void> operator()(Duration* slot) const {
    if (value_.kind != Value::Kind::kScalar) return WrongKind(path_, value_, "a duration");
    const std::optional<Duration> duration = ParseDuration(value_.text);
    if (!duration) {
      return Wrong(path_, value_, fmt::format("expected a duration, got '{}'", value_.text),
                   "write it with its unit: 500ms, 10s, 5m, 1h, 2d");
    }
    if (auto ok = InRange(setting_, path_, value_, duration->count(), ShowNanos); !ok) return ok;
    *slot = *duration;
    return {};
  }

  Result<void> operator()(std::optional<Duration>* slot) const {
    if (value_.kind == Value::Kind::kScalar && value_.text == kNever) {
      slot->reset();
      return {};
    }
    Duration duration{};
    if (auto ok = (*this)(&duration); !ok) return ok;
    *slot = duration;
    return {};
  }

  Result<void> operator()(Secret* slot) const {
    if (value_.kind != Value::Kind::kScalar) return WrongKind(path_, value_, "a secret");
    if (value_.text.empty()) return {};  // no secret
    if (!IsReference(value_.text)) return PlainSecret();
    Result<std::string> text = Resolve(path_, value_);
    if (!text) return tl::unexpected<Error>(text.error());
    *slot = Secret(std::move(*text));
    return {};
  }

  Result<void> operator()(std::vector<std::string>* slot) const {
    std::vector<std::string> texts;
    if (value_.kind == Value::Kind::kScalar) {
      texts.push_back(value_.text);
    } else if (value_.kind == Value::Kind::kList) {
      for (const Value& item : value_.items) {
        if (item.kind != Value::Kind::kScalar) return WrongKind(path_, item, "a list of texts");
        texts.push_back(item.text);
      }
    } else {
      return WrongKind(path_, value_, "a list of texts");
    }
    for (std::size_t i = 0; i < texts.size() && !setting_.choices.empty(); ++i) {
      if (Known(setting_.choices, texts[i])) continue;
      return UnknownChoice(value_.kind == Value::Kind::kList ? value_.items[i] : value_);
    }
    *slot = std::move(texts);
    return {};
  }

  Result<void> operator()(std::map<std::string, std::string>* slot) const {
    if (value_.kind != Value::Kind::kMap) return WrongKind(path_, value_, "a map");
    for (const auto& [key, value] : value_.pairs) {
      if (!setting_.choices.empty() && !Known(setting_.choices, key.text)) {
        return UnknownChoice(key, "key");
      }
      if (value.kind != Value::Kind::kScalar || value.text.empty()) {
        return WrongKind(fmt::format("{}.{}", path_, key.text), value, "a text");
      }
      (*slot)[key.text] = value.text;
    }
    return {};
  }

  Result<void> operator()(TextLists* slot) const {
    if (value_.kind != Value::Kind::kMap) return WrongKind(path_, value_, "a map of lists");
    TextLists lists = *slot;
    for (const auto& [key, value] : value_.pairs) {
      const std::string name = fmt::format("{}.{}", path_, key.text);
      auto ok = Writer(setting_, name, value)(&lists[key.text]);
      if (!ok) return ok;
    }
    *slot = std::move(lists);
    return {};
  }

  Result<void> operator()(TextMaps* slot) const {
    if (value_.kind != Value::Kind::kMap) return WrongKind(path_, value_, "a map of maps");
    TextMaps maps = *slot;
    for (const auto& [key, value] : value_.pairs) {
      const std::string name = fmt::format("{}.{}", path_, key.text);
      auto ok = Writer(setting_, name, value)(&maps[key.text]);
      if (!ok) return ok;
    }
    *slot = std::move(maps);
    return {};
  }

  Result<void> operator()(std::map<std::string, PropertyValue>* slot) const {
    if (value_.kind != Value::Kind::kMap) return WrongKind(path_, value_, "a map of texts");
    for (const auto& [key, value] : value_.pairs) {
      const std::string name = fmt::format("{}.{}", path_, key.text);
      if (value.kind != Value::Kind::kScalar) return WrongKind(name, value, "a text");
      PropertyValue property{value.text, IsReference(value.text)};
      if (property.secret) {
        Result<std::string> text = Resolve(name, value);
        if (!text) return tl::unexpected<Error>(text.error());
        property.text = std::move(*text);
      } else if (kafka::IsSecret(key.text)) {
        return Writer(setting_, name, value).PlainSecret();
      }
      (*slot)[key.text] = std::move(property);
    }
    return {};
  }

 private:
  tl::unexpected<Error> PlainSecret() const {
    return Wrong(path_, value_, "a secret must not stand in the configuration",
                 "write ${env:NAME} or ${file:PATH}");
  }
  static bool Known(const std::vector<std::string_view>& words, const std::string& text) {
    return std::find(words.begin(), words.end(), text) != words.end();
  }
  tl::unexpected<Error> UnknownChoice(const Value& value, std::string_view what = "value") const {
    const std::vector<std::string> words(setting_.choices.begin(), setting_.choices.end());
    std::string remedy = DidYouMean(value.text, words);
    if (remedy.empty()) remedy = fmt::format("allowed: {}", fmt::join(words, ", "));
    return Wrong(path_, value, fmt::format("unknown {} '{}'", what, value.text), std::move(remedy));
  }

  const Setting& setting_;
  std::string_view path_;
  const Value& value_;
};

// A text as YAML flow scalar: bare where no reader could take it for something else.
std::string Quoted(std::string_view text) {
  const auto bare = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '/' || c == '-' || c == ':';
  };
  const bool word = !text.empty() && std::all_of(text.begin(), text.end(), bare) &&
                    text.front() != '-' && text.front() != ':' && text.back() != ':' &&
                    text != "null" && text != "true" && text != "false";
  if (word) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
      quoted.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

std::string ShowList(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts) parts.push_back(Quoted(text));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

template <class Map, class Show>
std::string ShowMap(const Map& map, Show show) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : map) {
    parts.push_back(fmt::format("{}: {}", Quoted(key), show(value)));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string ShowTexts(const std::map<std::string, std::string>& map) {
  return ShowMap(map, [](const std::string& text) { return Quoted(text); });
}

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

}  // namespace

Result<void> Assign(const Setting& setting, std::string_view shown_path, Slot slot,
                    const Value& value) {
  const std::string before = ShowValue(slot);
  auto written = std::visit(Writer(setting, shown_path, value), slot);
  if (!written || setting.later.empty() || ShowValue(slot) == before) return written;
  return Wrong(shown_path, value, "this setting is not supported by this version",
               fmt::format("leave it out: {}", setting.later));
}

std::string ShowValue(const Slot& slot) {
  return std::visit(
      Overload{[](const std::string* text) { return Quoted(*text); },
               [](const bool* flag) { return std::string(*flag ? "true" : "false"); },
               [](const std::int64_t* number) { return std::to_string(*number); },
               [](const Bytes* bytes) { return ShowBytes(*bytes); },
               [](const Duration* duration) { return ShowDuration(*duration); },
               [](const std::optional<Duration>* duration) {
                 return *duration ? ShowDuration(**duration) : std::string(kNever);
               },
               [](const std::optional<std::string>* text) {
                 return *text ? Quoted(**text) : std::string("null");
               },
               [](const Secret* secret) { return Quoted(secret->shown()); },
               [](const std::vector<std::string>* texts) { return ShowList(*texts); },
               [](const std::map<std::string, std::string>* map) { return ShowTexts(*map); },
               [](const std::map<std::string, PropertyValue>* map) {
                 return ShowMap(*map,
                                [](const PropertyValue& value) { return Quoted(value.shown()); });
               },
               [](const TextLists* lists) { return ShowMap(*lists, ShowList); },
               [](const TextMaps* maps) { return ShowMap(*maps, ShowTexts); }},
      slot);
}

std::string_view TypeName(const Slot& slot) noexcept {
  constexpr std::array<std::string_view, std::variant_size_v<Slot>> kNames = {
      "text",         "true or false", "number",        "size", "duration",     "duration or never",
      "text or null", "secret",        "list of texts", "map",  "map of texts", "map of lists",
      "map of maps"};
  return kNames[slot.index()];
}

std::optional<Duration> ParseDuration(std::string_view text) {
  const std::optional<std::int64_t> nanos = ParseScaled(text, kDurationUnits);
  return nanos ? std::optional(Duration(*nanos)) : std::nullopt;
}

std::string ShowDuration(Duration duration) {
  return ShowScaled(duration.count(), kDurationUnits, "s");
}

std::optional<Bytes> ParseBytes(std::string_view text) {
  const std::optional<std::int64_t> count = ParseScaled(text, kByteUnits);
  return count ? std::optional(Bytes{*count}) : std::nullopt;
}

std::string ShowBytes(Bytes bytes) {
  constexpr std::array<Unit, 4> kShown{
      {{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};
  return ShowScaled(bytes.count, kShown, "");
}

std::optional<std::chrono::seconds> ParseZone(std::string_view text) {
  if (text == "UTC" || text == "Z") return std::chrono::seconds(0);
  const auto digit = [&text](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  if (!digit(1) || !digit(2) || !digit(4) || !digit(5)) return std::nullopt;
  const int hours = (text[1] - '0') * 10 + (text[2] - '0');
  const int minutes = (text[4] - '0') * 10 + (text[5] - '0');
  if (hours > 14 || minutes > 59) return std::nullopt;
  const std::chrono::seconds offset(hours * 3600 + minutes * 60);
  return text[0] == '-' ? -offset : offset;
}

}  // namespace faultline::app
