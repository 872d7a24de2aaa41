// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::reference {

// A JSON value, read plainly: numbers keep their token, strings are decoded, members keep their
// order and their repetitions.
struct Json {
  enum class Kind : std::uint8_t { kNull, kTrue, kFalse, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  std::string text;            // kString: decoded; kNumber, booleans: the token
  std::vector<Json> elements;  // kArray
  struct Member;
  std::vector<Member> members;  // kObject
};

struct Json::Member {
  std::string key;
  Json value;
};

// Nothing for text that is no JSON. A byte order mark, invalid UTF-8, lone surrogates (as their
// three bytes), bad escapes (as they stand) and numbers of any size are read.
[[nodiscard]] std::optional<Json> ParseJson(std::string_view text);

[[nodiscard]] bool ValidUtf8(std::string_view text);

}  // namespace faultline::reference
