// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "matcher/correlate/hit.h"
#include "matcher/correlate/marker.h"

// What passes the seam between the stages, as bytes. Versioned: the first byte tells what it is, the
// second one the version of its form. Equal values give equal bytes.
namespace faultline {

// Requires: `hit` is no edge. Edges are made behind the seam.
[[nodiscard]] std::string EncodeHit(const Hit& hit);
// Any bytes: the hit that they are, or nothing.
[[nodiscard]] std::optional<Hit> DecodeHit(std::string_view bytes);

[[nodiscard]] std::string EncodeMarker(const Marker& marker);
[[nodiscard]] std::optional<Marker> DecodeMarker(std::string_view bytes);

}  // namespace faultline
