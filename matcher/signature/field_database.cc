// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/field_database.h"

#include <utility>

#include "base/check.h"
#include "matcher/event/text.h"

namespace faultline {
namespace {

bool HoldsAt(PredicateKind kind, std::size_t end, std::size_t literal, std::size_t text) {
  switch (kind) {
    case PredicateKind::kContains: return true;
    case PredicateKind::kStartsWith: return end == literal;
    case PredicateKind::kEndsWith: return end == text;
    default: return false;
  }
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

Result<FieldDatabase> FieldDatabase::Create(const std::vector<Predicate>& predicates,
                                            PredicateId first) {
  FieldDatabase field;
  for (std::size_t i = 0; i < predicates.size(); ++i) {
    field.Add(predicates[i], first + static_cast<PredicateId>(i));
  }
  for (Literals* literals : {&field.folded_, &field.cased_}) {
    if (Result<void> done = Compile(*literals); !done) return tl::unexpected<Error>(done.error());
  }
  return field;
}

void FieldDatabase::Add(const Predicate& predicate, PredicateId id) {
  const bool text_only = predicate.text != predicate.bytes_text;
  const Meaning meaning{predicate.kind, id, text_only};
  switch (predicate.kind) {
    case PredicateKind::kNumber:
      numbers_.emplace(predicate.text, Meaning{predicate.kind, id});
      return;
    case PredicateKind::kExact:
      (predicate.cased ? cased_exact_ : folded_exact_).emplace(predicate.text, meaning);
      break;
    case PredicateKind::kContains:
    case PredicateKind::kStartsWith:
    case PredicateKind::kEndsWith: {
      Literals& literals = predicate.cased ? cased_ : folded_;
      const auto [at, added] = literals.places.emplace(predicate.text, literals.all.size());
      if (added) literals.all.push_back({predicate.text, {}});
      literals.all[at->second].meanings.push_back(meaning);
      break;
    }
    default: return;
  }
  if (text_only) bytes_.push_back({predicate.kind, predicate.bytes_text, id});
}

Result<void> FieldDatabase::Compile(Literals& literals) {
  if (literals.all.empty()) return {};
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  std::vector<unsigned> ids, flags;
  for (const Literal& literal : literals.all) {
    texts.push_back(literal.text.data());
    sizes.push_back(literal.text.size());
    ids.push_back(static_cast<unsigned>(ids.size()));
    const bool only_contains =
        literal.meanings.size() == 1 && literal.meanings[0].kind == PredicateKind::kContains;
    flags.push_back(only_contains ? HS_FLAG_SINGLEMATCH : 0);  // else every end must be seen
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const hs_error_t code = hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(),
                                               static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                                               nullptr, &database, &raw_error);
  const HsCompileError error(raw_error);
  if (code != HS_SUCCESS) {
    return Fail(Fault::kInternal,
                std::string("Hyperscan refuses the literals of a field: ") +
                    (error != nullptr ? error->message : "unknown"),
                {}, "Hyperscan needs a processor with SSSE3");
  }
  literals.database.reset(database);
  return {};
}

Result<void> FieldDatabase::Prepare(HsScratch& scratch) const {
  for (const Literals* literals : {&folded_, &cased_}) {
    if (literals->database == nullptr) continue;
    hs_scratch_t* grown = scratch.release();
    const hs_error_t code = hs_alloc_scratch(literals->database.get(), &grown);
    scratch.reset(grown);
    if (code != HS_SUCCESS)
      return Fail(Fault::kInternal, "Hyperscan has no memory for its scratch");
  }
  return {};
}

void FieldDatabase::Scan(const TextView& text, ValueKind kind, hs_scratch_t* scratch,
                         std::string& number, Truth& truth) const noexcept {
  LookUp(folded_exact_, text.folded, text.valid_utf8, truth);
  LookUp(cased_exact_, text.raw, text.valid_utf8, truth);
  const bool may_be_number = kind == ValueKind::kString || kind == ValueKind::kNumber;
  if (may_be_number && !numbers_.empty() && CanonicalNumber(text.raw, number)) {
    LookUp(numbers_, number, true, truth);
  }
  ScanLiterals(folded_, text.folded, text.valid_utf8, scratch, truth);
  ScanLiterals(cased_, text.raw, text.valid_utf8, scratch, truth);
  if (!text.valid_utf8) ScanBytes(text.folded, truth);
}

void FieldDatabase::LookUp(const Exact& exact, std::string_view text, bool valid_utf8,
                           Truth& truth) noexcept {
  if (exact.empty()) return;
  const auto [first, last] = exact.equal_range(text);
  for (auto at = first; at != last; ++at) {
    if (valid_utf8 || !at->second.text_only) truth.Set(at->second.id);
  }
}

void FieldDatabase::ScanLiterals(const Literals& literals, std::string_view text, bool valid_utf8,
                                 hs_scratch_t* scratch, Truth& truth) noexcept {
  if (literals.database == nullptr || text.empty()) return;
  struct Context {
    const std::vector<Literal>& literals;
    std::size_t text;
    bool valid_utf8;
    Truth& truth;
  } context{literals.all, text.size(), valid_utf8, truth};
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long end, unsigned,
                           void* opaque) noexcept -> int {
    const Context& scan = *static_cast<const Context*>(opaque);
    const Literal& literal = scan.literals[id];
    for (const Meaning& meaning : literal.meanings) {
      if (!scan.valid_utf8 && meaning.text_only) continue;
      if (HoldsAt(meaning.kind, end, literal.text.size(), scan.text)) scan.truth.Set(meaning.id);
    }
    return 0;
  };
  const hs_error_t code =
      hs_scan(literals.database.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch,
              on_match, &context);
  FAULTLINE_CHECK(code == HS_SUCCESS);
}

void FieldDatabase::ScanBytes(std::string_view folded, Truth& truth) const noexcept {
  for (const BytesPredicate& predicate : bytes_) {
    if (HoldsOn(predicate.kind, predicate.text, folded)) truth.Set(predicate.id);
  }
}

}  // namespace faultline
