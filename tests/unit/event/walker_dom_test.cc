// SPDX-License-Identifier: Apache-2.0
// The walker against simdjson's DOM: random documents, and real events with random damage.
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/data.h"
#include "tests/unit/event/dom_oracle.h"

namespace faultline::testing {
namespace {

std::uint64_t Seed() {
  const char* named = std::getenv("FAULTLINE_TEST_SEED");
  return named != nullptr ? std::strtoull(named, nullptr, 10) : 20'230'815;
}

class Documents {
 public:
  explicit Documents(std::uint64_t seed) : random_(seed) {}

  std::size_t Below(std::size_t bound) { return random_() % bound; }

  std::string Value(int depth) {
    switch (Below(depth > 5 ? 6 : 9)) {
      case 0: return Pick({"0", "-0", "1", "-17", "1.5", "1e3", "2E-2", "123456789012345678"});
      case 1: return Pick({"true", "false", "null"});
      case 2:
      case 3:
      case 4:
      case 5: return String();
      case 6: return Array(depth);
      default: return Object(depth);
    }
  }

  std::string Object(int depth) {
    std::string text = "{" + Blank();
    const std::size_t members = Below(5);
    for (std::size_t i = 0; i < members; ++i) {
      if (i > 0) text += "," + Blank();
      text += Key() + Blank() + ":" + Blank() + Value(depth + 1) + Blank();
    }
    return text + "}";
  }

  std::string Array(int depth) {
    std::string text = "[" + Blank();
    const std::size_t elements = Below(4);
    for (std::size_t i = 0; i < elements; ++i) {
      if (i > 0) text += ",";
      text += Value(depth + 1) + Blank();
    }
    return text + "]";
  }

  std::string Key() {
    return Pick({"\"a\"", "\"b\"", "\"c\"", "\"a.b\"", "\"a.b.c\"", "\"b.c\"", "\"\"",
                 "\"\\u0061\"", "\"EventType\"", "\"some other key that is long\"", "\"a\\\"b\"",
                 "\"a key of more than thirty-two bytes, this\"",
                 "\"a key of more than thirty-two bytes, that\""});
  }

  std::string String() {
    std::string text = "\"";
    const std::size_t parts = Below(8);
    for (std::size_t i = 0; i < parts; ++i) {
      text += Pick({"a", "C:\\\\Windows\\\\", "\\\"", "\\u00e9", "\\ud83d\\ude00", "\xc3\xa9", "{",
                    "]", ",", ":", " ", "\\\\", "\\/", "\\n", "a text of more than sixteen bytes"});
    }
    return text + "\"";
  }

  void Damage(std::string& text) {
    const std::size_t wounds = 1 + Below(3);
    for (std::size_t i = 0; i < wounds && !text.empty(); ++i) {
      const std::size_t at = Below(text.size());
      const std::string bit = Pick({"\"",
                                    "\\",
                                    "{",
                                    "}",
                                    "[",
                                    "]",
                                    ",",
                                    ":",
                                    " ",
                                    "0",
                                    "-",
                                    "1e400",
                                    "\x80",
                                    "\xff",
                                    "\\ud800",
                                    "\\q",
                                    "\\u12",
                                    "tru",
                                    "true",
                                    "null",
                                    "\x01",
                                    "\x1a",
                                    "\x0c",
                                    ".",
                                    "e",
                                    std::string(1, '\0'),
                                    "\n",
                                    "\xef\xbb\xbf",
                                    "99999999999999999999",
                                    "//"});
      switch (Below(4)) {
        case 0: text.insert(at, bit); break;
        case 1: text.replace(at, 1, bit); break;
        case 2: text.erase(at, 1 + Below(4)); break;
        default: text.resize(at);
      }
    }
  }

 private:
  std::string Blank() { return Pick({"", "", "", " ", "\n\t", "\r"}); }
  std::string Pick(const std::vector<std::string>& from) { return from[Below(from.size())]; }

  std::mt19937_64 random_;
};

TEST(WalkerAgainstDom, RandomDocuments) {
  Documents documents(Seed());
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 5 == 0 ? documents.Value(0) : documents.Object(0);
    ASSERT_EQ(DisagreementWithDom(text), "") << "seed " << Seed() << ": " << text;
    documents.Damage(text);
    ASSERT_EQ(DisagreementWithDom(text), "") << "seed " << Seed() << ": " << text;
  }
}

TEST(WalkerAgainstDom, DamagedRealEvents) {
  FAULTLINE_TEST_DATA_OR_LEAVE(root, "sigmahq/regression_data");
  Documents documents(Seed());
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    const std::string event = ReadFile(entry.path());
    ASSERT_EQ(DisagreementWithDom(event), "") << entry.path();
    for (int i = 0; i < 30; ++i) {
      std::string damaged = event;
      documents.Damage(damaged);
      ASSERT_EQ(DisagreementWithDom(damaged), "") << "seed " << Seed() << ": " << damaged;
    }
  }
  EXPECT_GT(files, 100);
}

TEST(WalkerAgainstDom, EveryCutOfAnEvent) {
  const std::string event =
      R"( {"a": [1, -2.5e3, {"b": "x\\\"y\u00e9"}, true, null], "b": {"c": {}, "a": []}} )";
  for (std::size_t size = 0; size <= event.size(); ++size) {
    ASSERT_EQ(DisagreementWithDom(event.substr(0, size)), "") << size;
    ASSERT_EQ(DisagreementWithDom(event.substr(size)), "") << size;
  }
}

}  // namespace
}  // namespace faultline::testing
