// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/keyword_cover.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/check.h"

namespace faultline {
namespace {

constexpr std::size_t kShortestPiece = 3;
// The code points beyond ASCII that fold to ASCII letters, and escapes that spell one or an ASCII
// character.
constexpr std::string_view kFoldsToAscii[] = {"\xe2\x84\xaa", "\xc5\xbf"};
constexpr std::string_view kEscapes[] = {"\\u00", "\\u212a", "\\u017f"};
enum : unsigned { kPiece, kEscape };

// Whether the backslash of an escape that ends at `end` is none that is escaped itself.
bool BeginsEscape(std::string_view record, std::size_t end, std::size_t escape) {
  const std::size_t at = end - escape;
  std::size_t first = at;
  while (first > 0 && record[first - 1] == '\\') --first;
  return (at - first) % 2 == 0;
}

// Whether JSON has one spelling of the byte besides \u escapes.
bool SpelledOneWay(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '/';
}

// The longest stretch of such bytes.
std::string PieceOf(std::string_view keyword) {
  std::string_view best;
  for (std::size_t at = 0; at < keyword.size();) {
    std::size_t end = at;
    while (end < keyword.size() && SpelledOneWay(keyword[end])) ++end;
    if (end - at > best.size()) best = keyword.substr(at, end - at);
    at = std::max(end, at + 1);
  }
  return std::string(best);
}

}  // namespace

Result<std::unique_ptr<const KeywordCover>> KeywordCover::Create(
    const std::vector<Predicate>& keywords) {
  std::set<std::string> pieces;
  for (const Predicate& keyword : keywords) {
    std::string piece = PieceOf(keyword.text);
    const bool literal =
        keyword.kind == PredicateKind::kContains || keyword.kind == PredicateKind::kStartsWith ||
        keyword.kind == PredicateKind::kEndsWith || keyword.kind == PredicateKind::kExact;
    if (!literal || piece.size() < kShortestPiece) return std::unique_ptr<const KeywordCover>();
    pieces.insert(std::move(piece));
  }
  pieces.insert(std::begin(kFoldsToAscii), std::end(kFoldsToAscii));
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& piece : pieces) {
    texts.push_back(piece.data());
    sizes.push_back(piece.size());
  }
  std::vector<unsigned> ids(texts.size(), kPiece);
  std::vector<unsigned> flags(texts.size(), HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH);
  for (const std::string_view escape : kEscapes) {
    texts.push_back(escape.data());
    sizes.push_back(escape.size());
    ids.push_back(kEscape + static_cast<unsigned>(escape.size()));
    flags.push_back(HS_FLAG_CASELESS);
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const hs_error_t code = hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(),
                                               static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                                               nullptr, &database, &raw_error);
  const HsCompileError error(raw_error);
  if (code != HS_SUCCESS) {
    return Fail(Fault::kInternal, std::string("Hyperscan refuses the pieces of keywords: ") +
                                      (error != nullptr ? error->message : "unknown"));
  }
  auto cover = std::make_unique<KeywordCover>();
  cover->database_.reset(database);
  return std::unique_ptr<const KeywordCover>(std::move(cover));
}

Result<void> KeywordCover::Prepare(HsScratch& scratch) const {
  hs_scratch_t* grown = scratch.release();
  const hs_error_t code = hs_alloc_scratch(database_.get(), &grown);
  scratch.reset(grown);
  if (code != HS_SUCCESS) return Fail(Fault::kInternal, "Hyperscan has no memory for its scratch");
  return {};
}

bool KeywordCover::MayHold(std::string_view record, hs_scratch_t* scratch) const noexcept {
  // An escape's number tells its size.
  const auto stop = [](unsigned id, unsigned long long, unsigned long long end, unsigned,
                       void* text) noexcept -> int {
    const std::string_view& scanned = *static_cast<const std::string_view*>(text);
    return id == kPiece || BeginsEscape(scanned, end, id - kEscape) ? 1 : 0;
  };
  const hs_error_t code = hs_scan(database_.get(), record.data(),
                                  static_cast<unsigned>(record.size()), 0, scratch, stop, &record);
  FAULTLINE_CHECK(code == HS_SUCCESS || code == HS_SCAN_TERMINATED);
  return code == HS_SCAN_TERMINATED;
}

}  // namespace faultline
