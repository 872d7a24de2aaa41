// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <fmt/format.h>

namespace faultline {
namespace {

constexpr std::size_t kLongest = 64;
constexpr std::size_t kListed = 12;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Optimal string alignment, three rows at a time.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  const auto same = [&](std::size_t i, std::size_t j) { return Lower(a[i]) == Lower(b[j]); };
  for (std::size_t i = 0; i < a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({last[j] + (same(i, j) ? 0 : 1), row[j] + 1, last[j + 1] + 1});
      if (i > 0 && j > 0 && same(i, j - 1) && same(i - 1, j)) {
        row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > kLongest) return {};
  std::size_t best = std::clamp<std::size_t>((word.size() + 2) / 3, 1, 3) + 1;
  std::string_view nearest;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kLongest) continue;
    if (candidate.size() >= word.size() + best || word.size() >= candidate.size() + best) continue;
    const std::size_t distance = Distance(word, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  if (nearest.empty()) return {};
  return "did you mean '" + std::string(nearest) + "'?";
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  return DidYouMean(word, std::vector<std::string_view>(candidates.begin(), candidates.end()));
}

std::string DidYouMeanOrOneOf(std::string_view word,
                              const std::vector<std::string_view>& candidates) {
  std::string remedy = DidYouMean(word, candidates);
  if (!remedy.empty() || candidates.empty()) return remedy;
  if (candidates.size() == 1) return fmt::format("use {}", candidates.front());
  const auto end =
      candidates.begin() + static_cast<std::ptrdiff_t>(std::min(candidates.size(), kListed));
  return fmt::format("use one of {}{}", fmt::join(candidates.begin(), end, ", "),
                     candidates.size() > kListed ? ", ..." : "");
}

}  // namespace faultline
