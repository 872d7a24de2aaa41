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

constexpr std::size_t kFewestPairs = 32;  // fewer stay with the other literals
constexpr std::size_t kMostEdges = 16;    // more are scanned for
// Fewer than these are found together with their short ones as fast.
constexpr std::size_t kFewestForShorts = 32;
constexpr std::size_t kFewestForGrams = 1024;  // below that Hyperscan is as fast

bool HoldsAt(PredicateKind kind, std::size_t end, std::size_t literal, std::size_t text) {
  switch (kind) {
    case PredicateKind::kContains: return true;
    case PredicateKind::kStartsWith: return end == literal;
    case PredicateKind::kEndsWith: return end == text;
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

Result<void> FieldDatabase::Compile(Literals& literals, DatabaseCache* cache) {
  const auto is_pair = [](const auto& entry) { return PairTable::Takes(entry.first); };
  const bool pairs = std::count_if(literals.texts.begin(), literals.texts.end(), is_pair) >=
                     static_cast<std::ptrdiff_t>(kFewestPairs);
  const bool shorts = literals.texts.size() >= kFewestForShorts;
  const bool grams = literals.texts.size() >= kFewestForGrams;
  std::vector<HsLiteral> rest;
  bool only_edges = true;
  for (auto& [text, meanings] : literals.texts) {
    for (Meaning& meaning : meanings) meaning.more = &meaning != &meanings.back();
    const auto first = static_cast<unsigned>(literals.meanings.size());
    literals.meanings.insert(literals.meanings.end(), meanings.begin(), meanings.end());
    if (pairs && PairTable::Takes(text)) {
      literals.pairs.Add(text, first);
      continue;
    }
    const auto anywhere = [](const Meaning& m) { return m.kind == PredicateKind::kContains; };
    if (shorts && ShortTable::Takes(text) &&
        std::all_of(meanings.begin(), meanings.end(), anywhere)) {
      literals.shorts.Add(text, first);
      continue;
    }
    if (grams && text.size() >= GramTable::kShortest) {
      literals.grams.Add(text, first);
      continue;
    }
    only_edges = only_edges && std::none_of(meanings.begin(), meanings.end(), anywhere);
    rest.push_back({text, first, 0});
  }
  literals.texts.clear();
  literals.pairs.Seal();
  literals.grams.Seal();
  if (only_edges && rest.size() <= kMostEdges) {
    for (HsLiteral& edge : rest) literals.edges.emplace_back(std::move(edge.text), edge.id);
    return {};
  }
  Result<HsDatabase> database = CompileLiterals(rest, cache);
  if (!database) return tl::unexpected<Error>(database.error());
  literals.database = std::move(*database);
  return {};
}

Result<void> FieldDatabase::Prepare(HsScratch& scratch) const {
  if (auto ready = Prepare(folded_, scratch); !ready) return ready;
  return Prepare(cased_, scratch);
}

Result<void> FieldDatabase::Prepare(const Literals& literals, HsScratch& scratch) {
  if (literals.database == nullptr) return {};
  hs_scratch_t* grown = scratch.release();
  const hs_error_t code = hs_alloc_scratch(literals.database.get(), &grown);
  scratch.reset(grown);
  if (code != HS_SUCCESS) return Fail(Fault::kInternal, "Hyperscan has no memory for its scratch");
  return {};
}

struct FieldDatabase::Scanned {
  // The literal whose first meaning is `meaning` ends at `end`.
  void Found(const Meaning* meaning, std::size_t end) const noexcept {
    for (bool more = true; more; ++meaning) {
      more = meaning->more;
      if (!valid_utf8 && meaning->text_only) continue;
      if (HoldsAt(meaning->kind, end, meaning->size, size)) truth.Set(meaning->id);
    }
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
    FAULTLINE_CHECK(Prepare(beyond_->folded, scratch) && Prepare(beyond_->cased, scratch));
    ScanLiterals(beyond_->folded, text.folded, text.valid_utf8, scratch.get(), truth);
    ScanLiterals(beyond_->cased, text.raw, text.valid_utf8, scratch.get(), truth);
  }
  if (!text.valid_utf8) ScanBytes(text.folded, truth);
}

void FieldDatabase::ScanLiterals(const Literals& literals, std::string_view text, bool valid_utf8,
                                 hs_scratch_t* scratch, Truth& truth) noexcept {
  if (text.empty()) return;
  Scanned scanned{literals.meanings.data(), text.size(), valid_utf8, truth};
  literals.pairs.Find(text, [&scanned](std::uint32_t meaning, std::size_t end) noexcept {
    scanned.Found(scanned.meanings + meaning, end);
  });
  literals.shorts.Find(text, [&scanned](std::uint32_t meaning) noexcept {
    scanned.Found(scanned.meanings + meaning, 0);
  });
  literals.grams.Find(text, [&scanned](std::uint32_t meaning, std::size_t end) noexcept {
    scanned.Found(scanned.meanings + meaning, end);
  });
  for (const auto& [edge, meaning] : literals.edges) {
    if (text.starts_with(edge)) scanned.Found(scanned.meanings + meaning, edge.size());
    if (text.ends_with(edge)) scanned.Found(scanned.meanings + meaning, text.size());
  }
  if (literals.database == nullptr) return;
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long end, unsigned,
                           void* opaque) noexcept -> int {
    const Scanned& found = *static_cast<const Scanned*>(opaque);
    found.Found(found.meanings + id, end);
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
