// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/value_sieve.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "matcher/signature/ascii.h"
#include "matcher/signature/rare_piece.h"

namespace faultline {
namespace {

constexpr std::size_t kShortestPiece = 3, kShortestEdge = 3;  // bytes
constexpr std::size_t kMostPieces = 8;                        // with more too many values hold one
constexpr std::size_t kMostEdges = 16;
constexpr std::size_t kLongestSpelling = 6;  // bytes of JSON for a byte of text: \u0041
constexpr std::uint64_t kLowerCase = 0x2020202020202020;

std::uint64_t WordAt(const char* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

Clue MakeClue(Clue::Where where, std::string_view text) {
  Clue clue;
  clue.where = where;
  clue.size = static_cast<std::uint8_t>(text.copy(clue.bytes.data(), clue.bytes.size()));
  return clue;
}

// The rarest few bytes that stand in any value that holds `text`.
Clue Anywhere(std::string_view text) {
  std::string_view rarest;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto* const end = std::find_if_not(text.begin() + begin, text.end(), SpelledOneWay);
    const auto size = static_cast<std::size_t>(end - text.begin()) - begin;
    if (size >= kShortestPiece) {
      const std::string_view piece = RarestPiece(text.substr(begin, size), PieceSieve::kLongest);
      if (rarest.empty() || Rarity(piece) > Rarity(rarest)) rarest = piece;
    }
    begin += size + 1;
  }
  return rarest.empty() ? Clue() : MakeClue(Clue::Where::kAnywhere, rarest);
}

}  // namespace

Clue ClueOf(const Predicate& predicate) {
  const std::string text = AsciiFolded(predicate.text);
  const std::size_t longest = Clue().bytes.size();
  const std::string_view view = text;
  switch (predicate.kind) {
    case PredicateKind::kContains: return Anywhere(view);
    case PredicateKind::kExact:
      if (text.size() * kLongestSpelling < ValueSieve::kShortestValue) {
        return MakeClue(Clue::Where::kNever, {});
      }
      [[fallthrough]];
    case PredicateKind::kStartsWith: {
      const auto end = std::find_if_not(text.begin(), text.end(), SpelledOneWay);
      const auto size = static_cast<std::size_t>(end - text.begin());
      if (size < kShortestEdge) return Anywhere(view);
      return MakeClue(Clue::Where::kFront, view.substr(0, std::min(size, longest)));
    }
    case PredicateKind::kEndsWith: {
      const auto end = std::find_if_not(text.rbegin(), text.rend(), SpelledOneWay);
      const auto size = std::min(static_cast<std::size_t>(end - text.rbegin()), longest);
      if (size < kShortestEdge) return Anywhere(view);
      return MakeClue(Clue::Where::kBack, view.substr(text.size() - size));
    }
    default: return {};
  }
}

std::optional<ValueSieve> ValueSieve::Make(std::span<const Clue> clues) {
  ValueSieve sieve;
  std::set<std::string> pieces;
  for (const Clue& clue : clues) {
    const std::string_view text = clue.text();
    for (const char c : text) sieve.letters_.Add(c);
    const auto edge = [text](std::size_t at) {
      std::array<char, sizeof(std::uint64_t)> bytes{}, counting{};
      text.copy(bytes.data() + at, text.size());
      std::fill_n(counting.begin() + at, text.size(), '\xff');
      const std::uint64_t mask = WordAt(counting.data());
      return Edge{(WordAt(bytes.data()) | kLowerCase) & mask, mask};
    };
    switch (clue.where) {
      case Clue::Where::kUnknown: return std::nullopt;
      case Clue::Where::kNever: break;
      case Clue::Where::kAnywhere: pieces.emplace(text); break;
      case Clue::Where::kFront: sieve.fronts_.push_back(edge(0)); break;
      case Clue::Where::kBack: sieve.backs_.push_back(edge(clue.bytes.size() - text.size())); break;
    }
  }
  if (pieces.size() > std::min(kMostPieces, PieceSieve::Most())) return std::nullopt;
  if (sieve.fronts_.size() + sieve.backs_.size() > kMostEdges) return std::nullopt;
  if (!pieces.empty()) {
    sieve.anywhere_.emplace(std::vector<std::string>(pieces.begin(), pieces.end()));
  }
  return sieve;
}

bool ValueSieve::MayHold(std::string_view raw) const noexcept {
  const auto any = [](const std::vector<Edge>& edges, const char* at) {
    const std::uint64_t word = WordAt(at) | kLowerCase;
    return std::any_of(edges.begin(), edges.end(),
                       [word](const Edge& edge) { return (word & edge.counting) == edge.bytes; });
  };
  return any(fronts_, raw.data()) || any(backs_, raw.data() + raw.size() - sizeof(std::uint64_t)) ||
         (anywhere_ && anywhere_->MayHold(raw));
}

}  // namespace faultline
