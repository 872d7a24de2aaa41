// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/keyword_cover.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "matcher/event/escapes.h"
#include "matcher/signature/ascii.h"
#include "matcher/signature/hs_compile.h"
#include "matcher/signature/rare_piece.h"

namespace faultline {
namespace {

enum class Shortest { kThree, kDoubledSign };
constexpr std::size_t kShortestPiece = 3;
constexpr std::size_t kLongestPiece = 6;
// What a piece of average letters scores; one below it is found in every other record.
constexpr int kRareEnough = 12;

// All pieces of a keyword that could stand for it.
std::set<std::string> PiecesOf(std::string_view keyword, Shortest shortest) {
  std::set<std::string> pieces;
  for (std::size_t at = 0; at < keyword.size(); ++at) {
    for (std::size_t size = 1; size <= kLongestPiece && at + size <= keyword.size(); ++size) {
      if (!SpelledOneWay(keyword[at + size - 1])) break;
      const bool sign = shortest == Shortest::kDoubledSign && size == 2 &&
                        IsDoubledSign(keyword[at], keyword[at + 1]);
      if (size >= kShortestPiece || sign) pieces.emplace(keyword.substr(at, size));
    }
  }
  return pieces;
}

// Few pieces, each in several keywords where that can be: greedily that which covers most, then the
// rarest. Empty where some keyword has none.
std::vector<std::string> Cover(PredicateRefs keywords, Shortest shortest) {
  std::map<std::string, std::set<std::size_t>> open;  // piece -> keywords still without one
  for (std::size_t k = 0; k < keywords.size(); ++k) {
    std::set<std::string> pieces = PiecesOf(keywords[k]->text, shortest);
    if (pieces.empty()) return {};
    const auto common = [](const std::string& piece) { return Rarity(piece) < kRareEnough; };
    if (!std::all_of(pieces.begin(), pieces.end(), common)) std::erase_if(pieces, common);
    for (const std::string& piece : pieces) open[piece].insert(k);
  }
  std::vector<std::string> cover;
  while (!open.empty()) {
    const auto best = std::max_element(open.begin(), open.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second.size(), Rarity(a.first)) <
             std::pair(b.second.size(), Rarity(b.first));
    });
    cover.push_back(best->first);
    const std::set<std::size_t> covered = best->second;
    for (auto& [piece, left] : open) {
      for (const std::size_t k : covered) left.erase(k);
    }
    std::erase_if(open, [](const auto& entry) { return entry.second.empty(); });
  }
  return cover;
}

Result<HsDatabase> Compile(const std::vector<std::string>& pieces, DatabaseCache* cache) {
  std::vector<HsLiteral> texts;
  for (const std::string& piece : pieces) {
    texts.push_back({piece, 0, HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH});
  }
  return CompileLiterals(texts, cache);
}

bool Finds(const HsDatabase& database, std::string_view record, hs_scratch_t* scratch) noexcept {
  const auto stop = [](unsigned, unsigned long long, unsigned long long, unsigned,
                       void*) noexcept -> int { return 1; };
  const hs_error_t code = hs_scan(database.get(), record.data(),
                                  static_cast<unsigned>(record.size()), 0, scratch, stop, nullptr);
  FAULTLINE_CHECK(code == HS_SUCCESS || code == HS_SCAN_TERMINATED);
  return code == HS_SCAN_TERMINATED;
}

}  // namespace

Result<std::unique_ptr<const KeywordCover>> KeywordCover::Create(PredicateRefs keywords,
                                                                 DatabaseCache* cache) {
  const bool literals = std::all_of(keywords.begin(), keywords.end(), [](const Predicate* keyword) {
    return keyword->kind == PredicateKind::kContains ||
           keyword->kind == PredicateKind::kStartsWith ||
           keyword->kind == PredicateKind::kEndsWith || keyword->kind == PredicateKind::kExact;
  });
  if (!literals) return std::unique_ptr<const KeywordCover>();
  const std::vector<std::string> fine = Cover(keywords, Shortest::kThree);
  const std::vector<std::string> coarse = Cover(keywords, Shortest::kDoubledSign);
  if (fine.empty()) return std::unique_ptr<const KeywordCover>();
  auto cover = std::make_unique<KeywordCover>();
  Result<HsDatabase> database = Compile(fine, cache);
  if (!database) return tl::unexpected<Error>(database.error());
  cover->database_ = std::move(*database);
  std::vector<std::string> few = fine.size() > PieceSieve::Most() ? coarse : fine;
  for (std::string& piece : few) piece = RarestPiece(std::string(piece), PieceSieve::kLongest);
  if (few.size() <= PieceSieve::Most()) cover->sieve_.emplace(few);
  for (const std::vector<std::string>& pieces : {fine, few}) {
    for (const std::string& piece : pieces) {
      for (const char c : AsciiFolded(piece)) cover->letters_.Add(c);
    }
  }
  return std::unique_ptr<const KeywordCover>(std::move(cover));
}

Result<void> KeywordCover::Prepare(HsScratch& scratch) const {
  return GrowScratch(database_.get(), scratch);
}

bool KeywordCover::MayHold(const Event& event, TextArena& arena,
                           hs_scratch_t* scratch) const noexcept {
  std::string_view text = event.text();
  if (event.hidden_ascii().Meets(letters_)) {
    // As if it were one string: escapes stand in strings only, and none goes beyond its own.
    char* const shown = arena.Room(text.size() + kDecodeSlack);
    text = arena.Take(DecodeEscapes(text, shown));
    if (FindUnicode(text).folds_to_ascii) return true;
  }
  if (sieve_ && !sieve_->MayHold(text)) return false;
  return Finds(database_, text, scratch);
}

}  // namespace faultline
