// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace faultline {

// Writes one JSON text on one line, piece by piece; keeps the commas.
//
// Place      alert_json, http, the summaries of app/ -> [JsonWriter] -> std::string.
// Ownership  Borrows the string, which outlives it.
// Errors     None. Text that is not UTF-8 is written with U+FFFD; control characters, separators
//            and characters that reorder text are written as \u escapes, so the line is safe on a
//            terminal. That brackets match is the caller's duty.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) noexcept : out_(out) {}

  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);

  JsonWriter& String(std::string_view value);
  JsonWriter& Int(std::int64_t value);
  JsonWriter& Bool(bool value);
  JsonWriter& Seconds(std::chrono::nanoseconds span);  // a number, exact

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();  // the comma before a value or key that is not the first

  std::string* out_;   // never null
  bool first_ = true;  // nothing stands yet in the innermost bracket, or a key does
};

// Appends `text` as a JSON string, quotes included, by the rules above.
void AppendJsonText(std::string& out, std::string_view text);

}  // namespace faultline
