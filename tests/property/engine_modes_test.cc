// SPDX-License-Identifier: Apache-2.0
//
// However the engine works, it finds the same: the recorded pairs of both public corpora.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/measure/engine_pass.h"
#include "matcher/engine.h"
#include "tests/property/engine_pairs.h"
#include "tests/property/windows_corpus.h"
#include "tests/support/data.h"

namespace faultline::testing {
namespace {

// Line numbers in the order in which they are read.
using Order = std::vector<std::size_t>;

Order Forward(std::size_t lines) {
  Order order(lines);
  for (std::size_t i = 0; i < lines; ++i) order[i] = i;
  return order;
}

Order Backward(std::size_t lines) {
  Order order = Forward(lines);
  std::reverse(order.begin(), order.end());
  return order;
}

// Lines in blocks of `size`, every second block before the others.
Order Blocks(std::size_t lines, std::size_t size) {
  Order order;
  for (std::size_t parity = 0; parity < 2; ++parity) {
    for (std::size_t i = 0; i < lines; ++i) {
      if (i / size % 2 == parity) order.push_back(i);
    }
  }
  return order;
}

class Corpus : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    FAULTLINE_TEST_DATA_OR_LEAVE(folder, "sigmahq/rules/windows");
    FAULTLINE_TEST_DATA_OR_LEAVE(events, "events");
    auto rules = RuleSet::Compile(LoadWindowsRules(folder), {});
    ASSERT_TRUE(rules) << rules.error().ToString();
    rules_ = *rules;
    recorded_ = std::make_unique<RecordedPairs>(events, GetParam(), rules_->detections());
    lines_ = ReadLines(events / (GetParam() + ".ndjson.zst"));
    ASSERT_GT(recorded_->expected().size(), 100u);
  }

  // One worker's engine, as `match` has it.
  class Worker {
   public:
    Worker(const Corpus& corpus, const MatcherOptions& matching)
        : corpus_(corpus), engine_(corpus.rules_, OptionsOf(matching)) {
      source_ = engine_.AddSource(SourceName{"corpus", 0}, {}, nullptr, {});
    }

    Pairs Read(const Order& order) { return Read(order, true); }
    // Those of rules that the recording has nothing to say about.
    Pairs Uncovered(const Order& order) { return Read(order, false); }

   private:
    Pairs Read(const Order& order, bool covered) {
      Pairs found;
      for (const std::size_t line : order) {
        Record record;
        record.source = source_;
        record.offset = next_++;
        record.payload = corpus_.lines_[line];
        out_.Clear();
        engine_.Process(record, {}, out_);
        for (const Alert& alert : out_.alerts) {
          if (corpus_.recorded_->Covers(alert.rule->id) == covered) {
            found.emplace(line, alert.rule->id);
          }
        }
      }
      return found;
    }

    static Engine::Options OptionsOf(const MatcherOptions& matching) {
      Engine::Options options;
      options.match_only = true;
      options.matching = matching;
      return options;
    }

    const Corpus& corpus_;
    Engine engine_;
    SourceId source_ = 0;
    Output out_;
    std::int64_t next_ = 0;
  };

  void ExpectRecorded(const Pairs& found) const {
    EXPECT_EQ(Difference(recorded_->expected(), found), "");
  }

  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<RecordedPairs> recorded_;
  std::vector<std::string> lines_;
};

TEST_P(Corpus, WarmBackwardAndInBlocksItFindsTheRecordedPairs) {
  Worker worker(*this, {});
  ExpectRecorded(worker.Read(Forward(lines_.size())));
  ExpectRecorded(worker.Read(Forward(lines_.size())));
  ExpectRecorded(worker.Read(Backward(lines_.size())));
  ExpectRecorded(worker.Read(Blocks(lines_.size(), 7)));
  Worker fresh(*this, {});
  ExpectRecorded(fresh.Read(Backward(lines_.size())));
}

TEST_P(Corpus, WithEveryValueNewToTheMemoItFindsTheRecordedPairs) {
  Worker worker(*this, {.cold = true});
  ExpectRecorded(worker.Read(Forward(lines_.size())));
  ExpectRecorded(worker.Read(Backward(lines_.size())));
}

TEST_P(Corpus, WithoutMemoItFindsTheRecordedPairs) {
  ExpectRecorded(Worker(*this, {.memo = false}).Read(Forward(lines_.size())));
}

TEST_P(Corpus, WithoutWitnessesItFindsTheRecordedPairs) {
  ExpectRecorded(Worker(*this, {.witnesses = false}).Read(Forward(lines_.size())));
}

TEST_P(Corpus, WithoutMemoAndWitnessesItFindsTheRecordedPairs) {
  ExpectRecorded(Worker(*this, {.memo = false, .witnesses = false}).Read(Forward(lines_.size())));
}

// They compile the classes of the shared rules as they meet them.
TEST_P(Corpus, TwoThreadsFindTheRecordedPairs) {
  const Order order = Blocks(lines_.size(), 256);
  const auto half = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
  const Order shares[] = {Order(order.begin(), half), Order(half, order.end())};
  Pairs found[2];
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] { found[i] = Worker(*this, {}).Read(shares[i]); });
    }
  }
  found[0].merge(found[1]);
  ExpectRecorded(found[0]);
}

// So that `make bench` can tell a wrong answer: bench/digests.json is of these pairs.
TEST_P(Corpus, TheRecordedDigestIsOfTheRecordedPairs) {
  app::BenchAnswer answer = app::EnginePass(rules_, {}, {}).Run({lines_.begin(), lines_.end()}, {});
  const std::string recorded = ReadFile(SourceDir() / "bench/digests.json");
  const std::size_t at = recorded.find('"' + GetParam() + '"');
  const std::string told = "\"matches\": " + std::to_string(answer.matches) + ", \"digest\": \"" +
                           answer.DigestText() + '"';
  EXPECT_EQ(recorded.substr(recorded.find('{', at) + 1, told.size()), told);

  // Rules that the recording does not cover put aside, it is the digest of the recorded pairs.
  app::BenchAnswer pairs;
  for (const auto& [line, id] : recorded_->expected()) pairs.Add(line, id);
  const Pairs others = Worker(*this, {}).Uncovered(Forward(lines_.size()));
  for (const auto& [line, id] : others) pairs.Add(line, id);
  EXPECT_EQ(answer, pairs);
}

INSTANTIATE_TEST_SUITE_P(Windows, Corpus,
                         ::testing::Values("windows-mixed", "windows-process-creation"),
                         [](const auto& corpus) {
                           std::string name = corpus.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace faultline::testing
