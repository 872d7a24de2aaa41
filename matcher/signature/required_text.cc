// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/required_text.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace faultline {
namespace {

// A text of one byte tells something only where it is seldom met.
constexpr std::string_view kTellingAlone = "`^|~#$!@%&;<>{}+*?";
constexpr std::size_t kLongEnough = 8;  // longer texts are no more telling
constexpr std::size_t kLongest = 64;    // of a wildcard pattern's
constexpr std::size_t kMostTexts = 64;
constexpr int kDeepest = 32;

using Texts = std::vector<std::string>;

bool Ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool Digit(char c) { return c >= '0' && c <= '9'; }
bool Letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool Tells(std::string_view text) {
  return text.size() > 1 || (text.size() == 1 && kTellingAlone.find(text[0]) != text.npos);
}

std::size_t ShortestOf(const Texts& texts) {
  std::size_t shortest = kLongEnough;
  for (const std::string& text : texts) shortest = std::min(shortest, text.size());
  return texts.empty() ? 0 : shortest;
}

// Long texts are found seldom, few are found seldom.
bool Better(const Texts& a, const Texts& b) {
  const std::size_t left = ShortestOf(a), right = ShortestOf(b);
  return left != right ? left > right : a.size() < b.size();
}

// Reads a regular expression of the plainest syntax; gives up on everything else.
class Reader {
 public:
  explicit Reader(std::string_view regex) : rest_(regex) {}

  Texts Read() {
    Texts texts = Alternatives(0);
    if (given_up_ || !rest_.empty()) return {};
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return texts.size() > kMostTexts ? Texts{} : texts;
  }

 private:
  struct Repeat {
    bool any = false;      // the part may be missing
    bool several = false;  // it may stand more than once
  };

  Texts GiveUp() {
    given_up_ = true;
    return {};
  }
  [[nodiscard]] char Next() const { return rest_.empty() ? '\0' : rest_.front(); }
  char Take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool Skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  // One of them must match: the texts of each.
  Texts Alternatives(int depth) {
    if (depth > kDeepest) return GiveUp();
    Texts all = Sequence(depth);
    bool known = !all.empty();
    while (!given_up_ && Skip("|")) {
      Texts more = Sequence(depth);
      known = known && !more.empty();
      all.insert(all.end(), more.begin(), more.end());
    }
    return known ? all : Texts{};
  }

  // All parts must match: the texts of the best one.
  Texts Sequence(int depth) {
    Texts best;
    std::string run;  // literals that stand side by side
    const auto offer = [&best](Texts texts) {
      if (Better(texts, best)) best = std::move(texts);
    };
    const auto flush = [&] {
      std::string text = std::exchange(run, {});
      if (Tells(text)) offer({std::move(text)});
    };
    while (!given_up_ && !rest_.empty() && Next() != '|' && Next() != ')') {
      char literal = '\0';
      Texts group;
      if (Next() == '(') {
        group = Group(depth);
      } else {
        literal = Atom();
      }
      const Repeat repeat = Repeated();
      if (literal != '\0' && !repeat.any) run += literal;
      if (literal != '\0' && !repeat.any && !repeat.several) continue;
      flush();
      if (!repeat.any) offer(std::move(group));
    }
    flush();
    return best;
  }

  // One character or class; NUL where it stands for several.
  char Atom() {
    const char c = Take();
    if (!Ascii(c)) GiveUp();
    switch (c) {
      case '[': Class(); return '\0';
      case '\\': return Escape();
      case '.':
      case '^':
      case '$': return '\0';
      case '*':
      case '+':
      case '?':
      case '{': GiveUp(); return '\0';
      default: return Lower(c);
    }
  }

  char Escape() {
    constexpr std::string_view kClasses = "dDwWsSbBAzZnrtf";
    const char c = rest_.empty() ? 'x' : Take();
    if (Ascii(c) && !Letter(c) && !Digit(c)) return c;
    if (kClasses.find(c) == std::string_view::npos) GiveUp();
    return '\0';
  }

  void Class() {
    Skip("^");
    for (bool first = true; !given_up_; first = false) {
      if (rest_.empty() || rest_.starts_with("[:")) {
        GiveUp();
        return;
      }
      const char c = Take();
      if (!Ascii(c)) GiveUp();
      if (c == '\\') Escape();
      if (c == ']' && !first) return;
    }
  }

  Texts Group(int depth) {
    Skip("(");
    if (rest_.starts_with("*")) return GiveUp();
    bool counts = true;  // what lies in it must be found
    if (Skip("?")) {
      if (Skip("=") || Skip("!") || Skip("<=") || Skip("<!")) {
        counts = false;
      } else if (Skip("<") || Skip("P<")) {
        const std::size_t end = rest_.find('>');
        if (end == std::string_view::npos) return GiveUp();
        rest_.remove_prefix(end + 1);
      } else {
        while (Next() == 'i' || Next() == 'm' || Next() == 's') Take();
        if (Skip(")")) return {};
        if (!Skip(":")) return GiveUp();
      }
    }
    Texts texts = Alternatives(depth + 1);
    if (!Skip(")")) return GiveUp();
    return counts ? texts : Texts{};
  }

  Repeat Repeated() {
    Repeat repeat;
    if (Skip("*")) {
      repeat = {true, true};
    } else if (Skip("+")) {
      repeat = {false, true};
    } else if (Skip("?")) {
      repeat = {true, false};
    } else if (Skip("{")) {
      repeat = {true, true};  // how often does not matter
      const std::size_t end = rest_.find('}');
      if (end == 0 || end == std::string_view::npos || !Digit(Next())) {
        GiveUp();
        return repeat;
      }
      rest_.remove_prefix(end + 1);
    } else {
      return repeat;
    }
    if (!Skip("?")) Skip("+");
    return repeat;
  }

  std::string_view rest_;
  bool given_up_ = false;
};

// The longest stretch of ASCII, its beginning where it is longer than anybody needs.
std::string Stretch(std::string_view text) {
  std::string_view best;
  for (std::size_t from = 0, at = 0; at <= text.size(); ++at) {
    if (at < text.size() && Ascii(text[at])) continue;
    if (at - from > best.size()) best = text.substr(from, at - from);
    from = at + 1;
  }
  std::string stretch(best.substr(0, kLongest));
  std::transform(stretch.begin(), stretch.end(), stretch.begin(), Lower);
  return stretch;
}

}  // namespace

Texts RequiredTexts(const sigma::Regex& regex) { return Reader(regex.pattern).Read(); }

Texts RequiredTexts(const sigma::Pattern& pattern) {
  std::string best;
  for (const sigma::Pattern::Token& token : pattern.tokens) {
    if (token.kind != sigma::Pattern::Kind::kLiteral) continue;
    std::string stretch = Stretch(token.text);
    if (stretch.size() > best.size()) best = std::move(stretch);
  }
  return Tells(best) ? Texts{best} : Texts{};
}

}  // namespace faultline
