// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace faultline {

// A 128-bit digest, used as identity of alerts, rules and rule sets.
struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const Digest&, const Digest&) noexcept = default;
  friend auto operator<=>(const Digest&, const Digest&) noexcept = default;
  [[nodiscard]] std::string Hex() const;  // 32 lower-case hex digits
};

// 128 bits of `bytes`: XXH3, seed 0.
[[nodiscard]] Digest DigestOf(std::string_view bytes) noexcept;

// Builds a digest from typed parts; every part is preceded by its length, so ("ab","c") and
// ("a","bc") differ. The digest is a function of the parts alone: same on every machine, release
// and run. Algorithm: DigestOf() (xxHash 0.8, stable since).
class DigestBuilder {
 public:
  DigestBuilder& Add(std::string_view part);
  DigestBuilder& Add(std::int64_t part);
  DigestBuilder& AddHex(const Digest& part);  // the same as Add(part.Hex())
  [[nodiscard]] Digest Finish() const;

 private:
  char* Extend(std::size_t bytes);  // where they begin

  std::array<char, 256> few_{};  // the parts while they fit: most identities take no memory
  std::size_t size_ = 0;         // of all parts
  std::string many_;             // all parts where few_ is too small, else empty
};

// 64 bits of `bytes` under `seed` (XXH3). For tables, not for identities.
[[nodiscard]] std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed = 0) noexcept;

}  // namespace faultline
