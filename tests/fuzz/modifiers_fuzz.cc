// SPDX-License-Identifier: Apache-2.0
// One item of a rule and an event's value: the engine and the reference evaluator agree.
//
// Lines: the modifiers ("contains|all"); a value each, taken as a text, or as YAML behind `=`; an
// empty line; the event's value, a text, or JSON behind `=`. The event's field `g` is `abc`.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "matcher/event/walker.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/rule_set.h"
#include "tests/reference/evaluator.h"

namespace {

constexpr std::size_t kLongest = 2048;

std::string_view Line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

// In double quotes, which YAML and JSON read alike.
std::string Quoted(std::string_view text) {
  if (text.starts_with('=')) return std::string(text.substr(1));
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

std::string RuleOf(std::string_view& rest) {
  std::string rule =
      "title: fuzz\nlogsource: {product: fuzz}\ndetection:\n  condition: s\n  s:\n    ";
  rule += Quoted("f|" + std::string(Line(rest))) + ":\n";
  while (!rest.empty()) {
    const std::string_view value = Line(rest);
    if (value.empty()) break;
    rule += "    - " + Quoted(value) + "\n";
  }
  return rule;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline;
  if (size > kLongest) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string rule = RuleOf(rest);
  const std::string event = "{\"f\": " + Quoted(rest) + ", \"g\": \"abc\"}";

  auto compiled = RuleSet::Compile(sigma::LoadRulesFromText(rule, "fuzz"), {});
  if (!compiled) std::abort();
  if ((*compiled)->detections().empty()) return 0;
  Matcher matcher(*compiled);
  Walker walker(&(*compiled)->fields());
  Walker::Options options;
  options.shape = Shape::kFlat;
  if (walker.Begin(event, options) != WalkFault::kNone) return 0;
  bool engine = false;
  while (const Event* one = walker.Next()) engine = !matcher.Match(*one).empty() || engine;
  if (matcher.regex_limits_hit() > 0) return 0;
  const bool naive = !reference::Evaluator((*compiled)->detections()).Match(event).empty();
  if (engine == naive) return 0;
  std::fprintf(stderr, "engine %d, reference %d\n%s%s\n", engine, naive, rule.c_str(),
               event.c_str());
  std::abort();
}
