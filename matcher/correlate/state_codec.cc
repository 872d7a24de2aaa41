// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/state_codec.h"

#include <bit>
#include <type_traits>
#include <utility>

namespace faultline {
namespace {

template <class T>
void Append(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  }
}

template <class T>
T Assemble(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return static_cast<T>(value);
}

}  // namespace

void StateWriter::U32(std::uint32_t value) { Append(bytes_, value); }
void StateWriter::U64(std::uint64_t value) { Append(bytes_, value); }
void StateWriter::Double(double value) { U64(std::bit_cast<std::uint64_t>(value)); }

void StateWriter::Text(std::string_view text) {
  U32(static_cast<std::uint32_t>(text.size()));
  bytes_.append(text);
}

void StateWriter::Hash(const Digest& digest) {
  U64(digest.high);
  U64(digest.low);
}

void StateWriter::Place(const Origin& origin) {
  Text(origin.source.topic);
  U32(static_cast<std::uint32_t>(origin.source.partition));
  I64(origin.offset);
  U32(origin.index);
}

void StateWriter::Value(const sigma::ExprValue& value) {
  U8(static_cast<std::uint8_t>(value.index()));
  std::visit(
      [this](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, bool>) {
          Bool(held);
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          I64(held);
        } else if constexpr (std::is_same_v<T, double>) {
          Double(held);
        } else if constexpr (std::is_same_v<T, std::string>) {
          Text(held);
        } else if constexpr (std::is_same_v<T, EventTime>) {
          Time(held);
        } else if constexpr (std::is_same_v<T, std::chrono::nanoseconds>) {
          Span(held);
        }
      },
      value);
}

void StateWriter::Named(const std::vector<NamedValue>& values) {
  U32(static_cast<std::uint32_t>(values.size()));
  for (const NamedValue& value : values) {
    Text(value.name);
    Text(value.value);
  }
}

std::string_view StateReader::Bytes(std::size_t count) {
  if (!ok_ || rest_.size() < count) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view bytes = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return bytes;
}

std::uint8_t StateReader::U8() { return Assemble<std::uint8_t>(Bytes(1)); }
std::uint32_t StateReader::U32() { return Assemble<std::uint32_t>(Bytes(4)); }
std::uint64_t StateReader::U64() { return Assemble<std::uint64_t>(Bytes(8)); }
double StateReader::Double() { return std::bit_cast<double>(U64()); }
bool StateReader::Bool() { return Below(2) == 1; }

std::uint8_t StateReader::Below(std::uint8_t limit) {
  const std::uint8_t value = U8();
  if (value < limit) return value;
  Refuse();
  return 0;
}

std::string StateReader::Text() { return std::string(Bytes(U32())); }

std::uint32_t StateReader::Count(std::size_t bytes_each) {
  const std::uint32_t count = U32();
  if (count <= rest_.size() / bytes_each) return count;
  Refuse();
  return 0;
}

Digest StateReader::Hash() {
  Digest digest;
  digest.high = U64();
  digest.low = U64();
  return digest;
}

Origin StateReader::Place() {
  Origin origin;
  origin.source.topic = Text();
  origin.source.partition = static_cast<std::int32_t>(U32());
  origin.offset = I64();
  origin.index = U32();
  return origin;
}

sigma::ExprValue StateReader::Value() {
  switch (Below(std::variant_size_v<sigma::ExprValue>)) {
    case 1: return sigma::ExprError{};
    case 2: return Bool();
    case 3: return I64();
    case 4: return Double();
    case 5: return Text();
    case 6: return Time();
    case 7: return Span();
    default: return sigma::ExprAbsent{};
  }
}

std::vector<NamedValue> StateReader::Named() {
  std::vector<NamedValue> values(Count(8));
  for (NamedValue& value : values) {
    value.name = Text();
    value.value = Text();
  }
  return values;
}

void Save(const OrderPoint& point, StateWriter& out) {
  out.Time(point.time);
  out.U8(static_cast<std::uint8_t>(point.kind));
  out.Place(point.origin);
  out.U32(point.ordinal);
}

OrderPoint LoadPoint(StateReader& in) {
  OrderPoint point;
  point.time = in.Time();
  point.kind = static_cast<OrderPoint::Kind>(in.Below(3));
  point.origin = in.Place();
  point.ordinal = in.U32();
  return point;
}

}  // namespace faultline
