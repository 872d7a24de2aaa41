// SPDX-License-Identifier: Apache-2.0
// What follows what: never another key's answer, and an answer where there must be one.
#include "matcher/event/key_order.h"

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace faultline {
namespace {

using NodeId = KeyTree::NodeId;

// One object's keys, one by one, each as it stands in a text that ends `room` bytes behind its
// colon. Counts the keys that were foreseen.
class Reader {
 public:
  explicit Reader(KeyOrder* order) : order_(order) {}

  void Begin() {
    order_->Begin();
    point_ = KeyOrder::kRoot;
    object_ = 0;
  }
  void Read(const std::string& key, NodeId node, const std::string& blanks = "",
            std::size_t room = 40) {
    std::string text = "\"" + key + "\"" + blanks + ":";
    const std::size_t colon = text.size() - 1;
    text.append(room, 'x');
    // Exactly as large as that, for whoever watches over memory.
    const auto exact = std::make_unique<char[]>(text.size());
    text.copy(exact.get(), text.size());
    const char* const begin = exact.get() + 1;
    const KeyOrder::Key* const known =
        order_->Follow(point_, begin, exact.get() + colon, exact.get() + text.size());
    ++read_;
    if (known != nullptr) {
      ++foreseen_;
      ASSERT_EQ(known->node, node) << key;
    } else {
      order_->Learn(point_, {begin, key.size()}, object_, node);
    }
  }
  void Within(NodeId object) {
    point_ = order_->Within(point_);
    object_ = object;
  }

  int Foreseen() { return std::exchange(foreseen_, 0); }
  int Read() { return std::exchange(read_, 0); }

 private:
  KeyOrder* order_;
  KeyOrder::Point point_ = KeyOrder::kRoot;
  NodeId object_ = 0;
  int foreseen_ = 0;
  int read_ = 0;
};

// The same objects again are foreseen key by key.
void ExpectForeseen(Reader& reader, const std::vector<std::vector<std::string>>& objects) {
  for (int pass = 0; pass < 2; ++pass) {
    reader.Foreseen();
    reader.Read();
    for (const auto& object : objects) {
      reader.Begin();
      for (const std::string& key : object) reader.Read(key, static_cast<NodeId>(key.size()));
    }
  }
  EXPECT_EQ(reader.Foreseen(), reader.Read());
}

TEST(KeyOrder, ForeseesAnOrderSeenBefore) {
  KeyOrder order;
  Reader reader(&order);
  const std::string long_key(100, 'k');
  ExpectForeseen(reader, {{"a", "bb", "a", long_key + "1", ""},
                          {"a", "ccc", "bb"},
                          {long_key + "2", long_key + "1", "a"},
                          {"\\u0061", "a\\\"b", "0123456789012345678901234567890",
                           "01234567890123456789012345678901", "012345678901234567890123456789"},
                          {""}});
}

TEST(KeyOrder, TakesOnlyEqualKeys) {
  KeyOrder order;
  std::mt19937_64 random(20261128);
  const std::vector<std::string> keys{"a",
                                      "ab",
                                      "abc",
                                      "EventID",
                                      "EventIX",
                                      "EventIDs",
                                      "",
                                      "0123456789abcdef",
                                      "ab\\\"",
                                      "0123456789abcdeg",
                                      "0123456789abcdef0123456789abcdef0123456789abcdef",
                                      "0123456789abcdef0123456789abcdef0123456789abcdeg",
                                      std::string(300, 'k')};
  Reader reader(&order);
  for (int object = 0; object < 20'000; ++object) {
    reader.Begin();
    for (int left = static_cast<int>(random() % 6); left > 0; --left) {
      const std::size_t key = random() % keys.size();
      reader.Read(keys[key], static_cast<NodeId>(key), random() % 4 == 0 ? " \n" : "",
                  random() % 40);
    }
  }
  EXPECT_GT(reader.Foreseen() * 2, reader.Read());
}

TEST(KeyOrder, ForeseesWithinObjects) {
  KeyOrder order;
  Reader reader(&order);
  for (int pass = 0; pass < 2; ++pass) {
    reader.Foreseen();
    reader.Begin();
    reader.Read("outer", 1);
    reader.Within(1);
    reader.Read("inner", 2);
    reader.Read("other", 3);
    reader.Within(3);
    reader.Read("inner", 4);
  }
  EXPECT_EQ(reader.Foreseen(), 4);
}

TEST(KeyOrder, EverNewKeysAreNotLearnedForEver) {
  KeyOrder order;
  Reader reader(&order);
  for (int object = 0; object < 60'000; ++object) {
    reader.Begin();
    for (int key = 0; key < 8; ++key) {
      reader.Read("key" + std::to_string(object * 8 + key), static_cast<NodeId>(key));
    }
  }
  EXPECT_EQ(reader.Foreseen(), 0);
  ExpectForeseen(reader, {{"a", "b"}});  // what is left is enough for an order that comes again
}

TEST(KeyOrder, KeysOfOneHashAreRefusedNotSoughtForLong) {
  KeyOrder order;
  Reader reader(&order);
  // The same first bytes, the same size: one hash.
  for (int pass = 0; pass < 2; ++pass) {
    for (int object = 0; object < 2'000; ++object) {
      reader.Begin();
      reader.Read("common prefix " + std::to_string(10'000 + object), 1);
    }
  }
  EXPECT_LE(reader.Foreseen(), 16);
}

}  // namespace
}  // namespace faultline
