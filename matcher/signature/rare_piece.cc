// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/rare_piece.h"

namespace faultline {
namespace {

// How seldom a byte stands in records of logs, measured on Windows events: 0 to 9.
int RarityOf(char c) noexcept {
  constexpr std::string_view kCommon = "aes0tcronid", kUsual = ":bwm2l gu31-4y,pfv.5q68h79";
  if (kCommon.find(c) != std::string_view::npos) return 2;
  if (kUsual.find(c) != std::string_view::npos) return 4;
  return c >= 'j' && c <= 'z' ? 6 : 8;
}

}  // namespace

bool SpelledOneWay(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '/';
}

bool IsDoubledSign(char a, char b) noexcept { return a == b && !(a >= 'a' && a <= 'z'); }

int Rarity(std::string_view piece) noexcept {
  int rarity = 0;
  for (const char c : piece) rarity += RarityOf(c);
  for (std::size_t i = 1; i < piece.size(); ++i) {
    if (IsDoubledSign(piece[i - 1], piece[i])) rarity += 4;
  }
  return rarity;
}

std::string_view RarestPiece(std::string_view text, std::size_t size) noexcept {
  std::string_view rarest = text.substr(0, size);
  for (std::size_t at = 1; at + size <= text.size(); ++at) {
    const std::string_view other = text.substr(at, size);
    if (Rarity(other) > Rarity(rarest)) rarest = other;
  }
  return rarest;
}

}  // namespace faultline
