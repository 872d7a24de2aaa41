// SPDX-License-Identifier: Apache-2.0
// A rule file of any bytes up to 1 MiB gets a verdict, in bounded memory and time.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "matcher/sigma/rule.h"
#include "matcher/signature/rule_set.h"
#include "tests/support/sanitized.h"

namespace faultline {
namespace {

constexpr std::size_t kLargest = 1 << 20;
constexpr rlim_t kMemory = rlim_t{256} << 20;
constexpr rlim_t kSeconds = 10;  // of a loaded machine; the promise is 2 of a free one

// `part(i)` again and again, as often as fits, between head and tail.
std::string Fill(const std::string& head, const std::function<std::string(int)>& part,
                 const std::string& tail = "") {
  std::string text = head;
  for (int i = 0;; ++i) {
    const std::string next = part(i);
    if (text.size() + next.size() + tail.size() > kLargest) return text + tail;
    text += next;
  }
}

std::string Fill(const std::string& head, const std::string& part, const std::string& tail = "") {
  return Fill(
      head, [&part](int) { return part; }, tail);
}

std::string Rule(const std::string& detection) {
  return "title: t\nlogsource: {product: nothing}\ndetection:\n" + detection;
}

std::string Values(const std::string& key, const std::function<std::string(int)>& value) {
  return Fill(
      Rule("  condition: s\n  s:\n    " + key + ":\n"),
      [&value](int i) { return "    - '" + value(i) + "'\n"; }, "");
}

struct Nasty {
  std::string name;
  std::string text;
};

std::vector<Nasty> Documents() {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{}: &a{} [", i, i);
    for (int k = 0; k < 10; ++k) bomb += fmt::format("*a{},", i - 1);
    bomb += "]\n";
  }
  return {
      {"lists", Fill("", "[")},
      {"maps", Fill("", "{a: ")},
      {"dashes", Fill("", "- ")},
      {"keys in keys", Fill("", "? ")},
      {"levels", Fill("", [](int i) { return std::string(i % 1400, ' ') + "a:\n"; })},
      {"bomb", bomb},
      {"aliases", Fill("a: &a " + std::string(200'000, 'x') + "\nb: [", "*a,", "]\n")},
      {"anchors", Fill("", [](int i) { return fmt::format("&a{} ", i); })},
      {"tags", Fill("", [](int i) { return fmt::format("%TAG !{}! a\n", i); })},
      {"keys", Fill("", [](int i) { return fmt::format("a{}: 1\n", i); })},
      {"one key", Fill("", "a", ": 1\n")},
      {"quote", Fill("a: \"", "\\n")},
      {"comment", Fill("", "#")},
      {"documents", Fill("", "--- a\n")},
      {"empty documents", Fill("", "---\n")},
      {"titles", Fill("", "---\ntitle: a\n")},
      {"one id", Fill("", "---\ntitle: a\nid: b\nlogsource: {}\n")},
      {"bytes", Fill("", [](int i) { return std::string(1, static_cast<char>(i * 7)); })},
      {"nothing", std::string(kLargest, '\0')},
      {"blanks", Fill("a:", " ", "b")},
      {"line ends", Fill("a: |\n", "\n", " b")},
      {"flow lines", Fill("a: [", "\n ", "]")},
      {"unclosed", Fill("a: 'b", "\n ")},
  };
}

std::vector<Nasty> Conditions() {
  std::string searches;
  for (int i = 0; i < 1000; ++i) searches += fmt::format("  s{}: {{a: {}}}\n", i, i);
  std::string alike;
  const std::string name(400, 'a');
  for (int i = 0; i < 900; ++i) alike += fmt::format("  {}{}: {{a: {}}}\n", name, i, i);
  const std::string longest(300'000, 'a');
  return {
      {"or", Fill(Rule("  s: {a: b}\n  condition: s"), " or s")},
      {"mixed", Fill(Rule("  s: {a: b}\n  condition: s"), " or not s and s")},
      {"not", Fill(Rule("  s: {a: b}\n  condition: "), "not ")},
      {"parentheses", Fill(Rule("  s: {a: b}\n  condition: "), "(")},
      {"pairs", Fill(Rule("  s: {a: b}\n  condition: s"), " and (s or s)")},
      {"of them", Fill(Rule(searches + "  condition: 1 of them"), " or 1 of them")},
      {"of few", Fill(Rule(searches + "  condition: 1 of s1"), " or 1 of *9*9*9*")},
      {"of stars", Fill(Rule(alike + "  condition: 1 of a*"), " or 1 of *a*a*a*a*a*a*a*899")},
      {"one pattern",
       Rule("  " + longest.substr(0, 1000) + ": {a: b}\n  condition: 1 of *" + longest)},
      {"long names",
       Rule("  ? " + longest + "b\n  : {a: b}\n  condition: 1 of *" + longest + "c\n")},
      {"word", Rule(searches + "  condition: " + Fill("", "s").substr(30'000))},
      {"conditions", Fill(Rule("  s: {a: b}\n  condition:\n"), "  - s\n")},
      {"searches",
       Fill(Rule("  condition: s1\n"), [](int i) { return fmt::format("  s{}: {{a: b}}\n", i); })},
  };
}

std::vector<Nasty> Items() {
  const auto number = [](int i) { return fmt::format("{}", i); };
  const auto dashes = [](int i) { return fmt::format(" -a /b -c /d{}", i); };
  return {
      {"values", Values("f", number)},
      {"contains", Values("f|contains", number)},
      {"long contains",
       Values("f|contains", [](int i) { return std::string(90, 'a') + std::to_string(i); })},
      {"cased", Values("f|contains|cased", number)},
      {"contains all", Values("f|contains|all", number)},
      {"wildcards", Values("f", [](int i) { return fmt::format("a*b?c*{}", i); })},
      {"keywords",
       Fill(Rule("  condition: s\n  s:\n"), [](int i) { return fmt::format("  - w{}\n", i); })},
      {"fields",
       Fill(Rule("  condition: s\n  s:\n"), [](int i) { return fmt::format("    f{}: a\n", i); })},
      {"contains of fields", Fill(Rule("  condition: s\n  s:\n"),
                                  [](int i) { return fmt::format("    f{}|contains: a\n", i); })},
      {"dotted field", Rule("  condition: s\n  s: {" + Fill("", "a.").substr(1000) + ": b}\n")},
      {"dotted fields",
       Fill(Rule("  condition: s\n  s:\n"),
            [](int i) { return fmt::format("    a{}.b.c.d.e.f.g.h.i.j.k.l: a\n", i); })},
      {"maps", Fill(Rule("  condition: s\n  s:\n"),
                    [](int i) { return fmt::format("  - {{a: {}}}\n", i); })},
      {"modifiers", Rule("  condition: s\n  s:\n    f" + Fill("", "|all").substr(1000) + ": a\n")},
      {"modifier", Rule("  condition: s\n  s:\n    f|" + Fill("", "c").substr(1000) + ": a\n")},
      {"stars", Rule("  condition: s\n  s: {f: '" + Fill("", "*a").substr(1000) + "'}\n")},
      {"question marks", Rule("  condition: s\n  s: {f: '" + Fill("", "?").substr(1000) + "'}\n")},
      {"long value",
       Rule("  condition: s\n  s: {f|contains: '" + Fill("", "a").substr(1000) + "'}\n")},
      {"long number", Rule("  condition: s\n  s: {f: " + Fill("", "9").substr(1000) + "}\n")},
      {"huge exponent", Rule("  condition: s\n  s: {f: [1e999999999, 1e-999999999, 1e" +
                             std::string(100'000, '9') + "]}\n")},
      {"windash", Values("f|windash|contains", dashes)},
      {"windash all", Values("f|windash|contains|all", dashes)},
      {"windash base64", Values("f|windash|utf16le|base64offset|contains", dashes)},
      {"base64offset", Values("f|base64offset|contains", number)},
      {"long base64offset", Rule("  condition: s\n  s: {f|base64offset|contains: '" +
                                 Fill("", "a").substr(1000) + "'}\n")},
      {"cidr", Values("f|cidr",
                      [](int i) { return fmt::format("10.{}.{}.0/24", i / 256 % 256, i % 256); })},
      {"fieldref", Values("f|fieldref", [](int i) { return fmt::format("g{}", i); })},
      {"gte", Values("f|gte", number)},
      {"rules",
       Fill("",
            [](int i) {
              return fmt::format(
                  "---\ntitle: t{}\nlogsource: {{category: process_creation, product: windows}}\n"
                  "detection: {{s: {{Image|endswith: '\\a{}.exe'}}, condition: s}}\n",
                  i, i);
            })},
      {"members", Fill("",
                       [](int i) {
                         return fmt::format(
                             "---\nname: t{}\nlogsource: {{product: x}}\ndetection: {{s: {{a: "
                             "{}}}, condition: s}}\n"
                             "---\ntitle: c{}\ncorrelation: {{type: temporal, rules: [t{}, t0], "
                             "timespan: 1h}}\n",
                             i, i, i, i);
                       })},
      {"unknown members",
       Fill("title: t\ncorrelation:\n  type: temporal\n  timespan: 1h\n  rules:\n",
            [](int i) { return fmt::format("  - r{}\n", i); })},
      {"filters", Fill("",
                       [](int i) {
                         return fmt::format(
                             "---\ntitle: t{}\nlogsource: {{product: x}}\ndetection: {{s: {{a: "
                             "{}}}, condition: s}}\n"
                             "---\ntitle: f{}\nlogsource: {{product: x}}\nfilter: {{rules: any, n: "
                             "{{b: {}}}, condition: not n}}\n",
                             i, i, i, i);
                       })},
      {"repeats",
       Fill("action: global\ntitle: t\nlogsource: {product: x}\ndetection: {condition: s}\n",
            [](int i) {
              return fmt::format("---\naction: repeat\ndetection: {{s: {{a{}: 1}}}}\n", i);
            })},
      {"global", Fill("action: global\ntitle: t\nlogsource: {product: x}\ndetection:\n  condition: "
                      "s\n  s:\n    f: '" +
                          std::string(300'000, 'a') + "'\n",
                      "---\nid: a\n")},
      {"tags",
       Fill("title: t\nlogsource: {product: x}\ndetection: {s: {a: b}, condition: s}\ntags:\n",
            [](int i) { return fmt::format("- attack.t{}\n", i); })},
      {"explain", Fill(
                      "title: t\nlogsource: {product: x}\ndetection: {s: {a: b}, condition: "
                      "s}\nfaultline:\n  explain:\n    cause: '",
                      [](int i) { return fmt::format("{{{{f{}}}}}", i); }, "'\n")},
      {"template", Fill("title: t\nlogsource: {product: x}\ndetection: {s: {a: b}, condition: "
                        "s}\nfaultline:\n  capture:\n  - {field: M, names: [a], template: 'x %1 ",
                        "%1 ", "'}\n")},
  };
}

std::vector<Nasty> Expressions() {
  std::vector<Nasty> all;
  const auto one = [&all](const std::string& name, const std::string& expression) {
    all.push_back({"re " + name, Rule("  condition: s\n  s: {f|re: '" + expression + "'}\n")});
    all.push_back(
        {"re i " + name, Rule("  condition: s\n  s: {f|re|i|s: '" + expression + "'}\n")});
  };
  const auto fill = [](const std::string& part) {
    return Fill("", part).substr(0, kLargest - 4000 - kLargest % part.size());
  };
  one("text", fill("a"));
  one("stars", fill("a*"));
  one("any", fill(".*a"));
  one("choices", fill("a|"));
  one("groups", fill("(a|b)"));
  one("open", fill("("));
  one("classes", fill("[a-z]"));
  one("unicode", fill("\\p{L}"));
  one("repeat", "a{1,65535}");
  one("repeats", "((a{1,100}){1,100}){1,100}");
  one("class repeats", "([a-z]{1,1000}[0-9]{1,1000}){1,50}x");
  one("class repeat", "[a-z0-9]{30000}[^a]{1,30000}");
  one("dots", "a.{1,30000}b.{1,30000}c");
  one("gaps", "(a.{0,200}b|c.{0,200}d|e.{0,200}f|g.{0,300}h){1,20}");
  one("many gaps", "x(.{1,300}y){1,60}");
  one("alternatives", [] {
    std::string text;
    for (int i = 0; i < 3000; ++i)
      text += fmt::format("{}w{}.*x{}", i == 0 ? "" : "|", i * 7919 % 100'003, i);
    return text;
  }());
  one("long alternatives", [] {
    std::string text;
    for (int i = 0; i < 900; ++i)
      text += fmt::format("{}[a-f]{{1,9}}w{}.+x{}[^y]*", i == 0 ? "" : "|", i * 7919 % 100'003, i);
    return text;
  }());
  one("nested", "(((((a+)+)+)+)+)+$");
  one("empty", "(a*)*(b*)*(c*)*");
  one("names", [] {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += fmt::format("(?<n{}>a)", i);
    return text;
  }());
  all.push_back({"many re", Values("f|re", [](int i) { return fmt::format("a{}.*b", i); })});
  all.push_back({"many re i",
                 Values("f|re|i", [](int i) { return fmt::format("[a-c]{}.+b{{1,9}}\\d", i); })});
  all.push_back(
      {"many look-arounds", Values("f|re", [](int i) { return fmt::format("a(?=b{})", i); })});
  return all;
}

// The verdict itself: loads, compiles, leaves.
bool Judge(const std::string& text) {
  auto compiled = RuleSet::Compile(sigma::LoadRulesFromText(text, "nasty"), {});
  return compiled.has_value() && (*compiled)->detections().size() <= text.size();
}

rlim_t AddressSpace() {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  statm >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

// In a process of its own, which ends by a signal when it takes more than it may.
void ExpectVerdict(const Nasty& nasty) {
  SCOPED_TRACE(nasty.name);
  ASSERT_LE(nasty.text.size(), kLargest);
  if (testing::kSanitized) {
    EXPECT_TRUE(Judge(nasty.text));
    return;
  }
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlim_t memory = AddressSpace() + kMemory;
    const rlimit space{memory, memory};
    const rlimit time{kSeconds, kSeconds};
    const bool limited = setrlimit(RLIMIT_AS, &space) == 0 && setrlimit(RLIMIT_CPU, &time) == 0;
    try {
      _exit(limited && Judge(nasty.text) ? 0 : 1);
    } catch (const std::bad_alloc&) {
      _exit(2);
    }
  }
  int status = 0;
  rusage used{};
  ASSERT_EQ(wait4(child, &status, 0, &used), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << (WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status))
                              : "ended with " + std::to_string(WEXITSTATUS(status)));
  if (std::getenv("FAULTLINE_TIMES") != nullptr) {
    fmt::print("{:24} {:7} ms {:5} MiB\n", nasty.name,
               used.ru_utime.tv_sec * 1000 + used.ru_utime.tv_usec / 1000 +
                   used.ru_stime.tv_sec * 1000 + used.ru_stime.tv_usec / 1000,
               used.ru_maxrss / 1024);
  }
}

TEST(NastyRules, Documents) {
  for (const Nasty& nasty : Documents()) ExpectVerdict(nasty);
}
TEST(NastyRules, Conditions) {
  for (const Nasty& nasty : Conditions()) ExpectVerdict(nasty);
}
TEST(NastyRules, Items) {
  for (const Nasty& nasty : Items()) ExpectVerdict(nasty);
}
TEST(NastyRules, RegularExpressions) {
  for (const Nasty& nasty : Expressions()) ExpectVerdict(nasty);
}

}  // namespace
}  // namespace faultline
