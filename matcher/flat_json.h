// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultline {

// Appends `text` as a JSON string with its quotes; bytes above 0x7F stand as they are.
void AppendJsonString(std::string& out, std::string_view text);

// Reads one JSON object or array of our own formats and of kcat's envelope, value by value.
//
// Place      journal records, envelope lines -> [FlatJson]. Never events: those are the walker's.
// Memory     Decoded strings only; what is nested is given as its raw text, without recursion.
// Ownership  Borrows the text.
// Errors     Damage ends the reading; damaged() tells. A string that the text's end cuts off is
//            given with what there is of it, `cut` set.
class FlatJson {
 public:
  enum class Kind : std::uint8_t { kString, kNumber, kBool, kNull, kNested };
  struct Value {
    std::string key;  // empty in arrays
    Kind kind = Kind::kNull;
    std::string text;  // the decoded string, else the raw text
    bool cut = false;

    // The number if it is an integer of 64 bits.
    [[nodiscard]] std::optional<std::int64_t> Integer() const noexcept;
  };

  explicit FlatJson(std::string_view text) noexcept;

  // The next member or element into `value`; false at the end and at damage.
  [[nodiscard]] bool Next(Value& value);
  // True when the text is no complete object or array, or something follows it. Known once Next()
  // gave false.
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  void Blanks() noexcept;
  [[nodiscard]] bool Take(char wanted) noexcept;
  [[nodiscard]] bool Close() noexcept;
  [[nodiscard]] bool Damage() noexcept;
  [[nodiscard]] bool String(std::string& out, bool& cut);
  [[nodiscard]] bool Escape(std::string& out);
  [[nodiscard]] std::optional<std::uint32_t> Hex4() noexcept;
  [[nodiscard]] bool Nested(std::string& out);
  [[nodiscard]] bool Scalar(Value& value);

  std::string_view text_;
  std::size_t at_ = 0;    // next byte
  char end_ = 0;          // '}' or ']'; 0 before the first call
  bool first_ = true;     // no comma is due
  bool damaged_ = false;  // see damaged()
  bool done_ = false;
};

}  // namespace faultline
