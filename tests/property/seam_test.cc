// SPDX-License-Identifier: Apache-2.0
//
// What passes between the stages is the same behind its bytes, and no cut or changed bytes do harm.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "matcher/correlate/hit_codec.h"

namespace faultline {
namespace {

std::string AnyText() { return *rc::gen::arbitrary<std::string>(); }
std::vector<std::string> AnyTexts() { return *rc::gen::arbitrary<std::vector<std::string>>(); }

Hit AnyHit() {
  Hit hit;
  hit.rule = *rc::gen::arbitrary<std::uint32_t>();
  hit.time = EventTime::Raw(*rc::gen::arbitrary<std::int64_t>());
  hit.origin = {{AnyText(), *rc::gen::arbitrary<std::int32_t>()},
                *rc::gen::arbitrary<std::int64_t>(),
                *rc::gen::arbitrary<std::uint32_t>()};
  hit.ordinal = *rc::gen::arbitrary<std::uint32_t>();
  for (const std::string& name : AnyTexts()) hit.fields.push_back({name, AnyTexts()});
  for (const std::string& name : AnyTexts()) hit.captures.push_back({name, AnyText()});
  hit.event = AnyText();
  hit.flags = AnyTexts();
  hit.traceparent = AnyText();
  return hit;
}

void Equal(const Hit& a, const Hit& b) {
  RC_ASSERT(a.rule == b.rule);
  RC_ASSERT(a.point() == b.point());
  RC_ASSERT(a.fields.size() == b.fields.size());
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    RC_ASSERT(a.fields[i].name == b.fields[i].name);
    RC_ASSERT(a.fields[i].values == b.fields[i].values);
  }
  RC_ASSERT(a.captures == b.captures);
  RC_ASSERT(a.event == b.event);
  RC_ASSERT(a.flags == b.flags);
  RC_ASSERT(a.traceparent == b.traceparent);
}

RC_GTEST_PROP(Seam, AHitReadsBackAsItWas, ()) {
  const Hit hit = AnyHit();
  const auto read = DecodeHit(EncodeHit(hit));
  RC_ASSERT(read.has_value());
  Equal(*read, hit);
  RC_ASSERT(!DecodeMarker(EncodeHit(hit)).has_value());
}

RC_GTEST_PROP(Seam, AMarkerReadsBackAsItWas, ()) {
  Marker marker;
  marker.source = {AnyText(), *rc::gen::arbitrary<std::int32_t>()};
  marker.offset = *rc::gen::arbitrary<std::int64_t>();
  marker.watermark = EventTime::Raw(*rc::gen::arbitrary<std::int64_t>());
  marker.idle = *rc::gen::arbitrary<bool>();
  const auto read = DecodeMarker(EncodeMarker(marker));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == marker);
}

RC_GTEST_PROP(Seam, DamagedBytesAreRefusedOrAreAnotherHit, ()) {
  std::string bytes = EncodeHit(AnyHit());
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  RC_ASSERT(!DecodeHit(bytes.substr(0, at)).has_value());
  RC_ASSERT(!DecodeHit(bytes + "x").has_value());
  bytes[at] = static_cast<char>(bytes[at] ^ (1 << *rc::gen::inRange(0, 8)));
  const auto read = DecodeHit(bytes);
  if (read) RC_ASSERT(EncodeHit(*read) == bytes);
}

}  // namespace
}  // namespace faultline
