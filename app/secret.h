// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace faultline::app {

// A text that nobody may read by accident: it prints as `***` wherever a setting is shown.
//
// Ownership  A value. Only Reveal() gives the text, and only to the library that needs it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  [[nodiscard]] std::string_view shown() const noexcept { return empty() ? "" : "***"; }
  [[nodiscard]] const std::string& Reveal() const noexcept { return text_; }

 private:
  std::string text_;
};

// A property handed on to librdkafka: hidden where it came from ${env:NAME} or ${file:PATH}.
struct PropertyValue {
  std::string text;
  bool secret = false;

  [[nodiscard]] std::string_view shown() const noexcept {
    return secret ? std::string_view("***") : std::string_view(text);
  }
};

}  // namespace faultline::app
