// SPDX-License-Identifier: Apache-2.0
#include "exporters/json_writer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>

#include "exporters/escape.h"

namespace faultline {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

// What stands for a byte: kPlain itself, kOther more than a look at the byte tells, else this letter
// behind a backslash. Events are full of quotes.
constexpr char kPlain = 0, kOther = 1;
constexpr auto kSpelling = [] {
  std::array<char, 256> spelling;
  spelling.fill(kOther);
  std::fill(spelling.begin() + 0x20, spelling.begin() + 0x7f, kPlain);
  for (const char same : {'"', '\\'}) spelling[static_cast<unsigned char>(same)] = same;
  spelling['\n'] = 'n';
  spelling['\r'] = 'r';
  spelling['\t'] = 't';
  return spelling;
}();

void AppendCodePoint(std::string& out, char32_t code) {
  if (IsUnsafe(code)) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(code));
  } else {
    AppendUtf8(out, code);
  }
}

}  // namespace

void AppendJsonText(std::string& out, std::string_view text) {
  const auto spelling = [](char c) { return kSpelling[static_cast<unsigned char>(c)]; };
  out.push_back('"');
  for (std::size_t at = 0;;) {
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = std::find_if(begin, text.end(), [&](char c) { return spelling(c) != kPlain; });
    out.append(begin, end);
    if (end == text.end()) break;
    at += static_cast<std::size_t>(end - begin);
    if (spelling(*end) != kOther) {
      out.append({'\\', spelling(*end)});
      ++at;
      continue;
    }
    const CodePoint point = DecodeUtf8(text, at);
    AppendCodePoint(out, point.code);
    at += point.length;
  }
  out.push_back('"');
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  AppendJsonText(*out_, key);
  out_->push_back(':');
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  Separate();
  AppendJsonText(*out_, value);
  return *this;
}

JsonWriter& JsonWriter::Int(std::int64_t value) {
  Separate();
  *out_ += fmt::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  *out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::Seconds(std::chrono::nanoseconds span) {
  Separate();
  const std::int64_t whole = span.count() / kNanosPerSecond;
  const std::int64_t rest = span.count() % kNanosPerSecond;
  if (span.count() < 0) out_->push_back('-');
  *out_ += fmt::to_string(std::abs(whole));
  if (rest != 0) {
    std::string digits = fmt::format("{:09}", std::abs(rest));
    digits.erase(digits.find_last_not_of('0') + 1);
    *out_ += "." + digits;
  }
  return *this;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  out_->push_back(bracket);
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  out_->push_back(bracket);
  first_ = false;
  return *this;
}

void JsonWriter::Separate() {
  if (!first_) out_->push_back(',');
  first_ = false;
}

}  // namespace faultline
