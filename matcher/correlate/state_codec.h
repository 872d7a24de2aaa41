// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"
#include "matcher/correlate/hit.h"
#include "matcher/correlate/order.h"
#include "matcher/sigma/expression.h"

namespace faultline {

// Writes state as bytes: fixed-width little-endian numbers, texts behind their length. The same
// calls give the same bytes on every machine.
class StateWriter {
 public:
  void U8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Bool(bool value) { U8(value ? 1 : 0); }
  void U32(std::uint32_t value);
  void I32(std::int32_t value) { U32(static_cast<std::uint32_t>(value)); }
  void U64(std::uint64_t value);
  void I64(std::int64_t value) { U64(static_cast<std::uint64_t>(value)); }
  void Double(double value);
  void Text(std::string_view text);
  void Time(EventTime time) { I64(time.nanos()); }
  void Span(std::chrono::nanoseconds span) { I64(span.count()); }
  void Hash(const Digest& digest);
  void Place(const Origin& origin);
  void Value(const sigma::ExprValue& value);
  void Named(const std::vector<NamedValue>& values);

  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what StateWriter wrote, from any bytes at all.
//
// Errors     A read past the end or of an impossible value gives a default and makes ok() false for
//            good; nothing else happens. Count() refuses numbers that the rest cannot hold.
class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] std::uint8_t U8();
  [[nodiscard]] bool Bool();
  [[nodiscard]] std::uint32_t U32();
  [[nodiscard]] std::int32_t I32() { return static_cast<std::int32_t>(U32()); }
  [[nodiscard]] std::uint64_t U64();
  [[nodiscard]] std::int64_t I64() { return static_cast<std::int64_t>(U64()); }
  [[nodiscard]] double Double();
  [[nodiscard]] std::string Text();
  [[nodiscard]] EventTime Time() { return EventTime::Raw(I64()); }
  [[nodiscard]] std::chrono::nanoseconds Span() { return std::chrono::nanoseconds(I64()); }
  [[nodiscard]] Digest Hash();
  [[nodiscard]] Origin Place();
  [[nodiscard]] sigma::ExprValue Value();
  [[nodiscard]] std::vector<NamedValue> Named();
  // A U32 that counts things of at least `bytes_each` bytes; 0 and not ok where they cannot be there.
  [[nodiscard]] std::uint32_t Count(std::size_t bytes_each);
  // A U8 below `limit`.
  [[nodiscard]] std::uint8_t Below(std::uint8_t limit);

  void Refuse() noexcept { ok_ = false; }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool AtEnd() const noexcept { return rest_.empty(); }

 private:
  [[nodiscard]] std::string_view Bytes(std::size_t count);

  std::string_view rest_;
  bool ok_ = true;
};

void Save(const OrderPoint& point, StateWriter& out);
[[nodiscard]] OrderPoint LoadPoint(StateReader& in);

}  // namespace faultline
