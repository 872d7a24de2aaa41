// SPDX-License-Identifier: Apache-2.0
#include "tests/property/engine_pairs.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "tests/support/data.h"

namespace faultline::testing {
namespace {

std::string Decompressed(const std::string& compressed) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx);
  std::string out, chunk(1 << 20, '\0');
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  while (in.pos < in.size) {
    ZSTD_outBuffer piece{chunk.data(), chunk.size(), 0};
    const std::size_t code = ZSTD_decompressStream(context.get(), &piece, &in);
    EXPECT_FALSE(ZSTD_isError(code)) << ZSTD_getErrorName(code);
    if (ZSTD_isError(code) != 0) break;
    out.append(chunk.data(), piece.pos);
  }
  return out;
}

}  // namespace

EnginePairs::EnginePairs(sigma::RuleCollection rules, Shape shape, const sigma::LogSource& input) {
  RuleSet::Options options;
  options.inputs = {input};
  auto compiled = RuleSet::Compile(std::move(rules), options);
  if (!compiled) throw std::runtime_error(compiled.error().ToString());
  rules_ = *compiled;
  options_.shape = shape;
  options_.keep_leaves = rules_->needs_leaves();
  walker_ = std::make_unique<Walker>(&rules_->fields());
  matcher_ = std::make_unique<Matcher>(rules_);
  scope_ = matcher_->ScopeOf(input);
}

std::vector<std::uint32_t> EnginePairs::Match(std::string_view payload) {
  if (walker_->Begin(payload, options_) != WalkFault::kNone) {
    const auto raw = matcher_->MatchRaw(payload, scope_);
    return {raw.begin(), raw.end()};
  }
  std::vector<std::uint32_t> matched;
  while (const Event* event = walker_->Next()) {
    const auto rules = matcher_->Match(*event, scope_);
    matched.insert(matched.end(), rules.begin(), rules.end());
  }
  std::sort(matched.begin(), matched.end());
  matched.erase(std::unique(matched.begin(), matched.end()), matched.end());
  return matched;
}

std::vector<std::string> ReadLines(const std::string& zstd_file) {
  const std::string text = Decompressed(ReadFile(zstd_file));
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

}  // namespace faultline::testing
