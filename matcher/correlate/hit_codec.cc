// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/hit_codec.h"

#include <cstdint>

#include "base/check.h"
#include "matcher/correlate/state_codec.h"

namespace faultline {
namespace {

constexpr std::uint8_t kHit = 'H';
constexpr std::uint8_t kMarker = 'M';
constexpr std::uint8_t kVersion = 1;

void Texts(const std::vector<std::string>& texts, StateWriter& out) {
  out.U32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) out.Text(text);
}

std::vector<std::string> Texts(StateReader& in) {
  std::vector<std::string> texts(in.Count(4));
  for (std::string& text : texts) text = in.Text();
  return texts;
}

// Refuses bytes that are something else.
StateReader Open(std::string_view bytes, std::uint8_t what) {
  StateReader in(bytes);
  if (in.U8() != what || in.U8() != kVersion) in.Refuse();
  return in;
}

}  // namespace

std::string EncodeHit(const Hit& hit) {
  FAULTLINE_CHECK(!hit.edge);
  StateWriter out;
  out.U8(kHit);
  out.U8(kVersion);
  out.U32(hit.rule);
  out.Time(hit.time);
  out.Place(hit.origin);
  out.U32(hit.ordinal);
  out.U32(static_cast<std::uint32_t>(hit.fields.size()));
  for (const HitField& field : hit.fields) {
    out.Text(field.name);
    Texts(field.values, out);
  }
  out.Named(hit.captures);
  out.Text(hit.event);
  Texts(hit.flags, out);
  out.Text(hit.traceparent);
  return out.Take();
}

std::optional<Hit> DecodeHit(std::string_view bytes) {
  StateReader in = Open(bytes, kHit);
  Hit hit;
  hit.rule = in.U32();
  hit.time = in.Time();
  hit.origin = in.Place();
  hit.ordinal = in.U32();
  hit.fields.resize(in.Count(8));
  for (HitField& field : hit.fields) {
    field.name = in.Text();
    field.values = Texts(in);
  }
  hit.captures = in.Named();
  hit.event = in.Text();
  hit.flags = Texts(in);
  hit.traceparent = in.Text();
  if (!in.ok() || !in.AtEnd()) return std::nullopt;
  return hit;
}

std::string EncodeMarker(const Marker& marker) {
  StateWriter out;
  out.U8(kMarker);
  out.U8(kVersion);
  out.Text(marker.source.topic);
  out.U32(static_cast<std::uint32_t>(marker.source.partition));
  out.I64(marker.offset);
  out.Time(marker.watermark);
  out.Bool(marker.idle);
  return out.Take();
}

std::optional<Marker> DecodeMarker(std::string_view bytes) {
  StateReader in = Open(bytes, kMarker);
  Marker marker;
  marker.source.topic = in.Text();
  marker.source.partition = static_cast<std::int32_t>(in.U32());
  marker.offset = in.I64();
  marker.watermark = in.Time();
  marker.idle = in.Bool();
  if (!in.ok() || !in.AtEnd()) return std::nullopt;
  return marker;
}

}  // namespace faultline
