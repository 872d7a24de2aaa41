// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/flat_store.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using std::chrono::seconds;
using testing::At;

struct Progress {
  std::uint32_t steps = 0;
  [[nodiscard]] std::uint32_t rank() const noexcept { return steps; }
};
using Store = FlatStore<Progress>;

Digest Key(std::uint64_t number) { return {number % 7, number}; }

std::vector<std::uint64_t> KeysIn(const Store& store) {
  std::vector<std::uint64_t> keys;
  store.ForEach([&keys](const Store::Node& node) { keys.push_back(node.key.low); });
  return keys;
}

void Step(Store& store, std::uint64_t key, EventTime at, std::int64_t bytes = 0) {
  Store::Node& node = store.Touch(Key(key), at);
  ++node.state.steps;
  store.Settle(node, bytes);
}

TEST(FlatStore, FindsWhatItWasGivenAndNothingElse) {
  Store store({100, 1 << 20}, seconds(10));
  EXPECT_EQ(store.Find(Key(1)), nullptr);
  Step(store, 1, At(0));
  Step(store, 1, At(1));
  ASSERT_NE(store.Find(Key(1)), nullptr);
  EXPECT_EQ(store.Find(Key(1))->state.steps, 2U);
  EXPECT_EQ(store.Find(Key(2)), nullptr);
  store.Erase(Key(1));
  EXPECT_EQ(store.Find(Key(1)), nullptr);
  EXPECT_EQ(store.size(), 0U);
}

TEST(FlatStore, KeysThatShareATagAreKeptApart) {
  Store store({100, 1 << 20}, seconds(10));
  for (std::uint64_t high = 0; high < 20; ++high) {
    Store::Node& node = store.Touch({high, 5}, At(0));
    node.state.steps = static_cast<std::uint32_t>(high);
    store.Settle(node, 0);
  }
  for (std::uint64_t high = 0; high < 20; high += 2) store.Erase({high, 5});
  for (std::uint64_t high = 0; high < 20; ++high) {
    const Store::Node* node = store.Find({high, 5});
    ASSERT_EQ(node != nullptr, high % 2 == 1) << high;
    if (node == nullptr) continue;
    EXPECT_EQ(node->state.steps, high);
  }
}

TEST(FlatStore, FetchesAheadWhatIsThereHoweverMany) {
  Store store({1000, 1 << 20}, seconds(10));
  std::vector<Digest> keys;
  std::vector<std::uint64_t> there;
  for (std::uint64_t key = 0; key < 300; ++key) {
    keys.push_back(Key(key));
    if (key % 3 == 0) continue;
    Step(store, key, At(0));
    there.push_back(key);
  }
  std::vector<std::uint64_t> fetched;
  store.Prefetch(keys, [&fetched](const Store::Node& node) { fetched.push_back(node.key.low); });
  EXPECT_EQ(fetched, there);
  EXPECT_EQ(store.size(), there.size());
}

TEST(FlatStore, AKeyLivesExactlySoLong) {
  for (const int delta : {-1, 0, 1}) {
    Store store({100, 1 << 20}, seconds(10));
    Step(store, 1, At(0));
    store.ExpireBefore(At(10) + std::chrono::nanoseconds(delta));
    EXPECT_EQ(store.size(), delta <= 0 ? 1U : 0U) << delta;
    Step(store, 2, At(0));
    Step(store, 2, At(10) + std::chrono::nanoseconds(delta));
    EXPECT_EQ(store.Find(Key(2))->state.steps, delta <= 0 ? 2U : 1U) << delta;
  }
}

TEST(FlatStore, TheFarthestFromFiringGoesFirstThenTheLeastRecentlyTouched) {
  Store store({3, 1 << 20}, seconds(100));
  Step(store, 1, At(0));
  Step(store, 1, At(1));  // near firing
  Step(store, 2, At(2));
  Step(store, 3, At(3));
  Step(store, 4, At(4));
  EXPECT_EQ(KeysIn(store), (std::vector<std::uint64_t>{1, 3, 4}));
  Step(store, 3, At(5));
  Step(store, 5, At(6));
  EXPECT_EQ(KeysIn(store), (std::vector<std::uint64_t>{1, 3, 5}));
  EXPECT_EQ(store.evictions(), 2U);
}

TEST(FlatStore, BytesAreACapOfTheirOwn) {
  Store store({100, 1000}, seconds(100));
  Step(store, 1, At(0), 300);
  Step(store, 2, At(1), 300);
  EXPECT_EQ(store.evictions(), 0U);
  Store::Node& node = store.Touch(Key(3), At(2));
  store.Settle(node, 500, [&store](const Store::Node&) { store.Charge(-300); });
  EXPECT_EQ(store.evictions(), 1U);
  EXPECT_EQ(KeysIn(store), (std::vector<std::uint64_t>{2, 3}));
}

// A store that sorts everything, every time.
struct Model {
  struct State {
    std::uint32_t steps = 0;
    EventTime touched;
    std::int64_t bytes = 0;
  };
  std::size_t max_keys;
  std::int64_t max_bytes;
  std::chrono::nanoseconds keep;
  std::map<std::uint64_t, State> keys;
  std::uint64_t evictions = 0;

  [[nodiscard]] std::int64_t Bytes() const {
    std::int64_t bytes = 0;
    for (const auto& [key, state] : keys) bytes += state.bytes + Store::kKeyBytes;
    return bytes;
  }
  void Expire(EventTime now) {
    std::erase_if(keys, [&](const auto& key) { return key.second.touched + keep < now; });
  }
  void Evict(std::uint64_t spare) {
    auto least = keys.end();
    for (auto it = keys.begin(); it != keys.end(); ++it) {
      if (it->first == spare) continue;
      const auto order = [](const auto& key) {
        return std::tuple(key.second.steps, key.second.touched, Key(key.first));
      };
      if (least == keys.end() || order(*it) < order(*least)) least = it;
    }
    keys.erase(least);
    ++evictions;
  }
  void Step(std::uint64_t key, EventTime at, std::int64_t bytes) {
    Expire(at);
    if (!keys.contains(key) && keys.size() == max_keys) Evict(key);
    State& state = keys[key];
    ++state.steps;
    state.touched = at;
    state.bytes += bytes;
    while (Bytes() > max_bytes && keys.size() > 1) Evict(key);
  }
};

TEST(FlatStore, DoesAsAStoreThatSortsEverythingWheneverTheDeadAreSwept) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    const std::size_t max_keys = 1 + random() % 40;
    const std::int64_t max_bytes = 500 + static_cast<std::int64_t>(random() % 4000);
    const auto keep = seconds(1 + random() % 50);
    Store store({max_keys, static_cast<std::size_t>(max_bytes)}, keep);
    Model model{max_keys, max_bytes, keep, {}, 0};
    std::map<std::uint64_t, std::int64_t> bytes_of;
    const auto drop = [&](const Store::Node& node) { store.Charge(-bytes_of[node.key.low]); };
    EventTime now = At(0);
    const std::uint64_t keys = 1 + random() % 80;
    for (int i = 0; i < 2000; ++i) {
      now = now + seconds(random() % 3 == 0 ? random() % 4 : 0);
      if (random() % 10 == 0) store.ExpireBefore(now, drop);
      const std::uint64_t key = random() % keys;
      const std::int64_t bytes = static_cast<std::int64_t>(random() % 30);
      const Store::Node* before = store.Find(Key(key));
      if (before == nullptr || store.Dead(*before, now)) {
        store.Touch(Key(key), now, drop);
        bytes_of[key] = 0;
      }
      Store::Node& node = store.Touch(Key(key), now, drop);
      ++node.state.steps;
      bytes_of[key] += bytes;
      store.Settle(node, bytes, drop);
      model.Step(key, now, bytes);
      store.ExpireBefore(now, drop);
      ASSERT_EQ(store.size(), model.keys.size()) << "seed " << seed << " step " << i;
      ASSERT_EQ(store.evictions(), model.evictions) << "seed " << seed << " step " << i;
      ASSERT_EQ(store.bytes(), model.Bytes()) << "seed " << seed << " step " << i;
      for (const auto& [held, state] : model.keys) {
        const Store::Node* found = store.Find(Key(held));
        ASSERT_NE(found, nullptr) << "seed " << seed << " step " << i;
        ASSERT_EQ(found->state.steps, state.steps);
      }
    }
  }
}

}  // namespace
}  // namespace faultline
