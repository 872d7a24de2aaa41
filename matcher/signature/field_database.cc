// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/field_database.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.h"
#include "matcher/event/text.h"
#include "matcher/signature/hs_compile.h"

namespace faultline {
namespace {

constexpr std::size_t kFewestPairs = 32;         // fewer stay with the other literals
constexpr std::size_t kMostEdges = 16;           // more are scanned for
constexpr std::size_t kFewestEnds = 16;          // fewer stay with the other literals
constexpr std::size_t kMostForHyperscan = 1024;  // more are found by their grams faster
constexpr std::size_t kLongText = 256;           // bytes; Hyperscan is faster from there on

bool HoldsAt(PredicateKind kind, bool begins, bool ends) {
  switch (kind) {
    case PredicateKind::kContains: return true;
    case PredicateKind::kStartsWith: return begins;
    case PredicateKind::kEndsWith: return ends;
    default: return false;
  }
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool HoldsOn(PredicateKind kind, std::string_view literal, std::string_view text) {
  switch (kind) {
    case PredicateKind::kExact: return text == literal;
    case PredicateKind::kContains: return text.find(literal) != std::string_view::npos;
    case PredicateKind::kStartsWith: return text.starts_with(literal);
    case PredicateKind::kEndsWith: return text.ends_with(literal);
    default: return false;
  }
}

}  // namespace

Result<FieldDatabase> FieldDatabase::Create(PredicateRefs predicates, PredicateId first,
                                            DatabaseCache* cache) {
  FieldDatabase field;
  for (std::size_t i = 0; i < predicates.size(); ++i) {
    field.Add(*predicates[i], first + static_cast<PredicateId>(i));
  }
  for (ExactTable* table : {&field.folded_exact_, &field.cased_exact_, &field.numbers_}) {
    table->Seal();
  }
  for (Literals* literals : {&field.folded_, &field.cased_}) {
    if (Result<void> done = Compile(*literals, cache); !done)
      return tl::unexpected<Error>(done.error());
  }
  if (field.beyond_ != nullptr) field.beyond_->cache = cache;
  return field;
}

void FieldDatabase::CompileBeyondAscii() const {
  if (beyond_ == nullptr) return;
  std::call_once(beyond_->compiled, [this] {
    for (Literals* literals : {&beyond_->folded, &beyond_->cased}) {
      FAULTLINE_CHECK(Compile(*literals, beyond_->cache).has_value());  // fails without memory only
    }
  });
}

void FieldDatabase::Add(const Predicate& predicate, PredicateId id) {
  const bool text_only = predicate.text != predicate.bytes_text;
  switch (predicate.kind) {
    case PredicateKind::kNumber: return numbers_.Add(predicate.text, id, false);
    case PredicateKind::kExact:
      (predicate.cased ? cased_exact_ : folded_exact_).Add(predicate.text, id, text_only);
      break;
    case PredicateKind::kContains:
    case PredicateKind::kStartsWith:
    case PredicateKind::kEndsWith: {
      const bool ascii = IsAscii(predicate.text);
      if (!ascii && beyond_ == nullptr) beyond_ = std::make_unique<Beyond>();
      Literals& literals = ascii ? (predicate.cased ? cased_ : folded_)
                                 : (predicate.cased ? beyond_->cased : beyond_->folded);
      literals.texts[predicate.text].push_back({id,
                                                static_cast<std::uint32_t>(predicate.text.size()),
                                                predicate.kind, text_only, false});
      break;
    }
    default: return;
  }
  if (text_only) bytes_.push_back({predicate.kind, predicate.bytes_text, id});
}

// The number of a literal that means these.
std::uint32_t FieldDatabase::Number(std::span<const Meaning> meanings, Literals& literals) {
  const auto first = static_cast<std::uint32_t>(literals.meanings.size());
  literals.meanings.insert(literals.meanings.end(), meanings.begin(), meanings.end());
  for (std::size_t i = first; i + 1 < literals.meanings.size(); ++i)
    literals.meanings[i].more = true;
  return first;
}

// Of literals that may mean other things too, the part that EndTable answers.
void FieldDatabase::TakeEnds(Literals& literals) {
  const auto is_end = [](const Meaning& m) { return m.kind == PredicateKind::kEndsWith; };
  const auto takes = [&](const auto& entry) {
    return EndTable::Takes(entry.first) &&
           std::any_of(entry.second.begin(), entry.second.end(), is_end);
  };
  if (std::count_if(literals.texts.begin(), literals.texts.end(), takes) <
      static_cast<std::ptrdiff_t>(kFewestEnds)) {
    return;
  }
  for (auto& entry : literals.texts) {
    if (!takes(entry)) continue;
    auto& [text, meanings] = entry;
    const auto others = std::stable_partition(meanings.begin(), meanings.end(), is_end);
    literals.ends.Add(text, Number({meanings.begin(), others}, literals));
    meanings.erase(meanings.begin(), others);
  }
  std::erase_if(literals.texts, [](const auto& entry) { return entry.second.empty(); });
  literals.ends.Seal();
}

Result<void> FieldDatabase::Compile(Literals& literals, DatabaseCache* cache) {
  TakeEnds(literals);
  const auto is_pair = [](const auto& entry) { return PairTable::Takes(entry.first); };
  const bool pairs = std::count_if(literals.texts.begin(), literals.texts.end(), is_pair) >=
                     static_cast<std::ptrdiff_t>(kFewestPairs);
  std::vector<HsLiteral> rest;
  bool only_edges = true;
  for (const auto& [text, meanings] : literals.texts) {
    const std::uint32_t first = Number(meanings, literals);
    if (pairs && PairTable::Takes(text)) {
      literals.pairs.Add(text, first);
      continue;
    }
    const auto anywhere = [](const Meaning& m) { return m.kind == PredicateKind::kContains; };
    only_edges = only_edges && std::none_of(meanings.begin(), meanings.end(), anywhere);
    rest.push_back({text, first, 0});
  }
  literals.texts.clear();
  literals.pairs.Seal();
  if (only_edges && rest.size() <= kMostEdges) {
    for (HsLiteral& edge : rest) literals.edges.emplace_back(std::move(edge.text), edge.id);
    return {};
  }
  std::erase_if(rest, [&literals](const HsLiteral& literal) {
    const bool is_short = ShortTable::Takes(literal.text);
    if (is_short) literals.shorts.Add(literal.text, literal.id);
    return is_short;
  });
  for (const HsLiteral& literal : rest) literals.grams.Add(literal.text, literal.id);
  literals.grams.Seal();
  if (rest.empty() || rest.size() > kMostForHyperscan) return {};
  Result<HsDatabase> database = CompileLiterals(rest, cache);
  if (!database) return tl::unexpected<Error>(database.error());
  literals.database = std::move(*database);
  return {};
}

Result<void> FieldDatabase::Prepare(HsScratch& scratch) const {
  if (auto ready = GrowScratch(folded_.database.get(), scratch); !ready) return ready;
  return GrowScratch(cased_.database.get(), scratch);
}

struct FieldDatabase::Scanned {
  // The literal of this number stands in the text.
  void Found(std::uint32_t number, bool begins, bool ends) const noexcept {
    const Meaning* meaning = meanings + number;
    for (bool more = true; more; ++meaning) {
      more = meaning->more;
      if (!valid_utf8 && meaning->text_only) continue;
      if (HoldsAt(meaning->kind, begins, ends)) truth.Set(meaning->id);
    }
  }
  // It ends at `end`.
  void FoundAt(std::uint32_t number, std::size_t end) const noexcept {
    Found(number, end == meanings[number].size, end == size);
  }

  const Meaning* meanings;
  std::size_t size;
  bool valid_utf8;
  Truth& truth;
};

void FieldDatabase::Scan(const TextView& text, ValueKind kind, HsScratch& scratch,
                         std::string& number, Truth& truth) const noexcept {
  folded_exact_.Find(text.folded, text.valid_utf8, truth);
  cased_exact_.Find(text.raw, text.valid_utf8, truth);
  const bool may_be_number = kind == ValueKind::kString || kind == ValueKind::kNumber;
  if (may_be_number && !numbers_.empty() && CanonicalNumber(text.raw, number)) {
    numbers_.Find(number, true, truth);
  }
  ScanLiterals(folded_, text.folded, text.valid_utf8, scratch.get(), truth);
  ScanLiterals(cased_, text.raw, text.valid_utf8, scratch.get(), truth);
  if (!text.ascii && beyond_ != nullptr) {
    CompileBeyondAscii();
    FAULTLINE_CHECK(GrowScratch(beyond_->folded.database.get(), scratch) &&
                    GrowScratch(beyond_->cased.database.get(), scratch));
    ScanLiterals(beyond_->folded, text.folded, text.valid_utf8, scratch.get(), truth);
    ScanLiterals(beyond_->cased, text.raw, text.valid_utf8, scratch.get(), truth);
  }
  if (!text.valid_utf8) ScanBytes(text.folded, truth);
}

void FieldDatabase::ScanLiterals(const Literals& literals, std::string_view text, bool valid_utf8,
                                 hs_scratch_t* scratch, Truth& truth) noexcept {
  if (text.empty()) return;
  Scanned scanned{literals.meanings.data(), text.size(), valid_utf8, truth};
  literals.ends.Find(
      text, [&scanned](std::uint32_t number) noexcept { scanned.Found(number, false, true); });
  const auto found_at = [&scanned](std::uint32_t number, std::size_t end) noexcept {
    scanned.FoundAt(number, end);
  };
  literals.pairs.Find(text, found_at);
  literals.shorts.Find(text, [&scanned](std::uint32_t number, bool begins, bool ends) noexcept {
    scanned.Found(number, begins, ends);
  });
  for (const auto& [edge, number] : literals.edges) {
    const bool begins = text.starts_with(edge), ends = text.ends_with(edge);
    if (begins || ends) scanned.Found(number, begins, ends);
  }
  if (literals.database == nullptr || text.size() < kLongText) {
    return literals.grams.Find(text, found_at);
  }
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long end, unsigned,
                           void* opaque) noexcept -> int {
    static_cast<const Scanned*>(opaque)->FoundAt(id, end);
    return 0;
  };
  const hs_error_t code =
      hs_scan(literals.database.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch,
              on_match, &scanned);
  FAULTLINE_CHECK(code == HS_SUCCESS);
}

void FieldDatabase::ScanBytes(std::string_view folded, Truth& truth) const noexcept {
  for (const BytesPredicate& predicate : bytes_) {
    if (HoldsOn(predicate.kind, predicate.text, folded)) truth.Set(predicate.id);
  }
}

}  // namespace faultline
