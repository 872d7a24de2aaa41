// SPDX-License-Identifier: Apache-2.0
// The YAML test suite: each case gives the right tree or is refused, as verdicts.txt says.
//
// FAULTLINE_UPDATE=1 writes that table anew: read the difference.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/sigma/yaml.h"
#include "tests/support/data.h"

namespace faultline::yaml {
namespace {

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// The suite writes invisible characters as visible ones.
std::string Visible(std::string text) {
  constexpr std::string_view kDash = "\xE2\x80\x94";
  for (int dashes = 8; dashes >= 0; --dashes) {  // a tab, drawn as wide as it is
    std::string tab;
    for (int i = 0; i < dashes; ++i) tab += kDash;
    ReplaceAll(text, tab + "\xC2\xBB", "\t");
  }
  ReplaceAll(text, "\xE2\x90\xA3", " ");              // blank
  ReplaceAll(text, "\xE2\x86\xB5", "");               // trailing line feed
  ReplaceAll(text, "\xE2\x86\x90", "\r");             // carriage return
  ReplaceAll(text, "\xE2\x87\x94", "\xEF\xBB\xBF");   // byte order mark
  const std::size_t end = text.find("\xE2\x88\x8E");  // no line feed at the end
  if (end != text.npos) text.erase(end);
  return text;
}

std::string Escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const std::size_t at = std::string_view("\\\n\t\r\b").find(c);
    if (at == std::string_view::npos || c == '\0') {
      out += c;
    } else {
      (out += '\\') += "\\ntrb"[at];
    }
  }
  return out;
}

std::string Tagged(const Node& node) { return node.tag.empty() ? "" : "<" + node.tag + "> "; }

void Show(const Node& node, std::string& out) {
  if (node.IsScalar()) {
    out += "=VAL " + Tagged(node) + (node.quoted ? "\"" : ":") + Escape(node.scalar) + "\n";
    return;
  }
  out += (node.IsSequence() ? "+SEQ " : "+MAP ") + Tagged(node) + "\n";
  for (const Node& item : node.items) Show(item, out);
  for (const Pair& pair : node.pairs) {
    Show(pair.key, out);
    Show(pair.value, out);
  }
  out += node.IsSequence() ? "-SEQ\n" : "-MAP\n";
}

// The suite's events in the same writing: aliases expanded; styles no finer than quoted or not.
class Wanted {
 public:
  explicit Wanted(const std::string& tree) : lines_(tree) {}

  std::string Text() {
    std::string out;
    while (NextLine()) {
      if (line_.starts_with("+DOC")) {
        anchors_.clear();
        out += "+DOC\n";
      } else if (line_.starts_with("=") || line_.starts_with("+MAP") || line_.starts_with("+SEQ")) {
        out += Node();
      }
    }
    return out;
  }

 private:
  bool NextLine() {
    if (!std::getline(lines_, line_)) return false;
    line_.erase(0, std::min(line_.find_first_not_of(' '), line_.size()));
    return true;
  }

  // "&anchor" and "<tag>" in front of `rest`, taken off it.
  static std::string Take(std::string& rest, char first) {
    if (!rest.starts_with(first)) return {};
    const std::size_t end = std::min(rest.find(' '), rest.size());
    std::string word = rest.substr(0, end);
    rest.erase(0, end + 1);
    return word;
  }

  // The node that begins in this line; reads to its end.
  std::string Node() {
    const std::string head = line_.substr(0, 4);
    std::string rest = line_.size() > 5 ? line_.substr(5) : "";
    if (head == "=ALI") return anchors_[rest.substr(1)];
    if (rest.starts_with("{}") || rest.starts_with("[]")) rest.erase(0, 3);
    const std::string anchor = Take(rest, '&');
    const std::string tag = Take(rest, '<');
    std::string out = head + " " + (tag.empty() ? "" : tag + " ");
    if (head == "=VAL") {
      out += (rest.starts_with(':') ? ":" : "\"") + rest.substr(1) + "\n";
    } else {
      out += "\n";
      while (NextLine() && !line_.starts_with("-")) out += Node();
      out += line_ + "\n";
    }
    if (!anchor.empty()) anchors_[anchor.substr(1)] = out;
    return out;
  }

  std::istringstream lines_;
  std::string line_;
  std::map<std::string, std::string> anchors_;
};

std::string Verdict(const std::string& name, const std::string& text, bool fail,
                    const std::string& tree) {
  Limits limits;
  limits.any_tag = true;
  const auto parsed = ParseYaml(text, name, limits);
  if (!parsed) {
    EXPECT_GT(parsed.error().place.line, 0) << name;
    EXPECT_FALSE(parsed.error().remedy.empty()) << name;
    if (fail) return "no YAML, refused";
    std::string reason = parsed.error().message;
    ReplaceAll(reason, "YAML: ", "");
    return "refused all the same: " + reason;
  }
  std::string shown;
  for (const Node& document : *parsed) {
    shown += "+DOC\n";
    Show(document, shown);
  }
  if (fail) return "WRONG: no YAML, but read as\n" + shown;
  const std::string wanted = Wanted(tree).Text();
  return shown == wanted ? "right tree" : "WRONG: wanted\n" + wanted + "read\n" + shown;
}

struct Case {
  std::string name;
  std::string text;
  std::string tree;
  bool fail = false;
};

// Later cases of a file inherit from earlier ones.
std::vector<Case> CasesOf(const std::filesystem::path& path) {
  const auto suite = ParseYaml(faultline::testing::ReadFile(path), path.filename().string());
  EXPECT_TRUE(suite.has_value()) << suite.error().ToString();
  std::vector<Case> cases;
  std::string text;
  std::string tree;
  for (const Node& test : suite->front().items) {
    if (const Node* yaml = test.Find("yaml")) text = yaml->scalar;
    if (const Node* events = test.Find("tree")) tree = events->scalar;
    cases.push_back({path.stem().string() + "-" + std::to_string(cases.size()), Visible(text),
                     Visible(tree), test.Find("fail") != nullptr});
  }
  return cases;
}

TEST(YamlSuite, GivesTheRightTreeOrRefuses) {
  FAULTLINE_TEST_DATA_OR_LEAVE(folder, "yaml-test-suite/src");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::string table;
  for (const auto& path : files) {
    for (const Case& test : CasesOf(path)) {
      const std::string verdict = Verdict(test.name, test.text, test.fail, test.tree);
      EXPECT_FALSE(verdict.starts_with("WRONG")) << test.name << "\n"
                                                 << test.text << "\n"
                                                 << verdict;
      table += test.name + "  " + verdict.substr(0, verdict.find('\n')) + "\n";
    }
  }
  const auto pinned = faultline::testing::SourceDir() / "tests/conformance/yaml/verdicts.txt";
  if (std::getenv("FAULTLINE_UPDATE") != nullptr) std::ofstream(pinned) << table;
  EXPECT_EQ(table, faultline::testing::ReadFile(pinned));
}

}  // namespace
}  // namespace faultline::yaml
