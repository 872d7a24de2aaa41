// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace faultline {

// Literals of one or two bytes. They stand in nearly every text, and Hyperscan tells each place: here
// a text is looked through once without a branch, a bit a literal, and only which of them stand in it
// is told, and which of these it begins or ends with.
//
// Memory     4 KiB for every 64 literals.
// Threads    Immutable once filled.
class ShortTable {
 public:
  [[nodiscard]] static bool Takes(std::string_view literal) noexcept {
    return literal.size() == 1 || literal.size() == 2;
  }
  // Requires: Takes(literal), and it was not added before.
  void Add(std::string_view literal, std::uint32_t meaning);

  // found(meaning, whether the text begins with it, whether it ends with it) once for each literal
  // that stands in `text`. Requires: the text is not empty.
  template <class Found>
  void Find(std::string_view text, const Found& found) const noexcept {
    for (const Block& block : blocks_) {
      const std::uint64_t begins = block.Begins(text), ends = block.Ends(text);
      for (std::uint64_t bits = block.In(text); bits != 0; bits &= bits - 1) {
        const auto number = static_cast<std::size_t>(std::countr_zero(bits));
        found(block.meanings[number], (begins >> number & 1) != 0, (ends >> number & 1) != 0);
      }
    }
  }

 private:
  static constexpr std::size_t kBits = 64;

  struct Block {
    [[nodiscard]] std::uint64_t At(const char* pair) const noexcept {
      return first[static_cast<unsigned char>(pair[0])] &
             second[static_cast<unsigned char>(pair[1])];
    }
    [[nodiscard]] std::uint64_t Begins(std::string_view text) const noexcept {
      const std::uint64_t one = first[static_cast<unsigned char>(text.front())] & single;
      return text.size() == 1 ? one : At(text.data());
    }
    [[nodiscard]] std::uint64_t Ends(std::string_view text) const noexcept {
      const std::uint64_t one = first[static_cast<unsigned char>(text.back())] & single;
      return text.size() == 1 ? one : one | (At(text.data() + text.size() - 2) & ~single);
    }
    [[nodiscard]] std::uint64_t In(std::string_view text) const noexcept {
      const auto* at = reinterpret_cast<const unsigned char*>(text.data());
      const auto* const last = at + text.size() - 1;
      const std::uint64_t* const firsts = first.data();
      const std::uint64_t* const seconds = second.data();
      std::uint64_t even = firsts[*last] & single, odd = 0;
      for (; last - at >= 4; at += 4) {  // no addition waits for the one before
        even |= firsts[at[0]] & seconds[at[1]];
        odd |= firsts[at[1]] & seconds[at[2]];
        even |= firsts[at[2]] & seconds[at[3]];
        odd |= firsts[at[3]] & seconds[at[4]];
      }
      for (; at != last; ++at) even |= firsts[at[0]] & seconds[at[1]];
      return even | odd;
    }

    // By byte, the literals whose first or second it can be; of a single one any is the second.
    std::array<std::uint64_t, 256> first{}, second{};
    std::uint64_t single = 0;  // literals of one byte
    std::array<std::uint32_t, kBits> meanings{};
    std::size_t used = 0;
  };
  std::vector<Block> blocks_;
};

}  // namespace faultline
