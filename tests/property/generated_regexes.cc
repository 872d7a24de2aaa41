// SPDX-License-Identifier: Apache-2.0
#include "tests/property/generated_regexes.h"

#include <array>

namespace faultline::testing {
namespace {

constexpr std::array kAscii{"a", "b", "k", "K", "s", "S",   "i",
                            "I", "1", " ", "_", "-", "\\.", "\\\\"};
constexpr std::array kBeyond{"\u00E9", "\u00C9", "\u212A", "\u017F",     "\u00DF",    "\u1E9E",
                             "\u0130", "\u03C3", "\u03C2", "\U00010400", "\U00010428"};
constexpr std::array kTextOnly{"\n",     "\r",     "\r\n", "\x0B", "\u0085",
                               "\u00A0", "\u2028", "\xFF", "\xC3"};
constexpr std::array kClasses{"\\d",    "\\D",    "\\w",     "\\W",  "\\s",   "\\S",
                              ".",      "[abk]",  "[^a]",    "[^k]", "[a-s]", "[K-S]",
                              "[^\\w]", "[\\d_]", "[^\\s1]", "\\n",  "\\x41", "\\t"};
constexpr std::array kAnchors{"^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z"};
constexpr std::array kGroups{"(",     "(?:",  "(?=",  "(?!",  "(?>",
                             "(?<n>", "(?i:", "(?s:", "(?m:", "(?is:"};
constexpr std::array kQuantifiers{"*",  "+",  "?",  "{2}", "{1,3}", "{0,2}",
                                  "*?", "+?", "??", "++",  "*+"};

}  // namespace

std::string RegexGenerator::Letter() {
  return !ascii_ && OneIn(3) ? kBeyond[Below(kBeyond.size())] : kAscii[Below(kAscii.size())];
}

std::string RegexGenerator::Atom(int depth) {
  switch (Below(depth > 0 ? 14 : 10)) {
    case 0: return kAnchors[Below(kAnchors.size())];
    case 1:
    case 2:
    case 3: return kClasses[Below(kClasses.size())];
    case 10: return OneIn(2) ? "\\1" : (OneIn(2) ? "(?<=" : "(?<!") + Letter() + ")";
    case 11:
    case 12:
    case 13: return kGroups[Below(kGroups.size())] + Alternatives(depth - 1) + ")";
    default: return Letter();
  }
}

std::string RegexGenerator::Alternatives(int depth) {
  std::string regex;
  for (std::uint64_t alternatives = OneIn(3) ? 2 : 1; alternatives > 0; --alternatives) {
    for (std::uint64_t atoms = 1 + Below(3); atoms > 0; --atoms) {
      regex += Atom(depth);
      if (OneIn(4)) regex += kQuantifiers[Below(kQuantifiers.size())];
    }
    if (alternatives > 1) regex += '|';
  }
  return regex;
}

sigma::Regex RegexGenerator::Expression() {
  ascii_ = !OneIn(4);
  sigma::Regex regex;
  regex.pattern = (OneIn(8) ? "(?i)" : "") + Alternatives(3);
  regex.ignore_case = OneIn(3);
  regex.multi_line = OneIn(5);
  regex.dot_all = OneIn(4);
  return regex;
}

std::string RegexGenerator::Text() {
  std::string text;
  for (std::uint64_t left = Below(10); left > 0; --left) {
    const std::uint64_t which = Below(8);
    std::string letter = which < 5   ? kAscii[Below(kAscii.size())]
                         : which < 7 ? kBeyond[Below(kBeyond.size())]
                                     : kTextOnly[Below(kTextOnly.size())];
    text += letter.size() == 2 && letter[0] == '\\' ? letter.substr(1) : letter;
  }
  return text;
}

}  // namespace faultline::testing
