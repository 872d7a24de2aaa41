// SPDX-License-Identifier: Apache-2.0
// The demo's incident is the same alert whichever shipper sends it.
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/demo/story.h"
#include "matcher/engine.h"
#include "tests/golden/exchange_pack.h"

namespace faultline::app {
namespace {

// Those that the demo writes.
constexpr std::array<Shape, 4> kShapes = {Shape::kFlat, Shape::kEvtx, Shape::kWinlogbeat,
                                          Shape::kNxlog};

std::vector<Alert> AlertsOf(const std::vector<StoryRecord>& story, const RuleSetPtr& rules,
                            Shape told) {
  Engine engine(rules, {});
  InputOptions input;
  input.walk.shape = told;
  std::vector<SourceId> sources;
  std::vector<std::int64_t> offsets;
  Output out;
  std::vector<Alert> alerts;
  for (const StoryRecord& line : story) {
    const auto partition = static_cast<std::size_t>(line.partition);
    while (sources.size() <= partition) {
      const auto number = static_cast<std::int32_t>(sources.size());
      sources.push_back(engine.AddSource({"story", number}, input, nullptr, {}));
      offsets.push_back(0);
    }
    Record record;
    record.source = sources[partition];
    record.offset = offsets[partition]++;
    record.payload = line.payload;
    engine.Process(record, ReadEdge{}, out);
    EXPECT_FALSE(out.dead_letter) << line.payload;
    alerts.insert(alerts.end(), out.alerts.begin(), out.alerts.end());
    out.Clear();
  }
  engine.Finish(out);
  alerts.insert(alerts.end(), out.alerts.begin(), out.alerts.end());
  return alerts;
}

// The first incident of the story, once.
void ExpectTheIncident(std::vector<Alert> alerts) {
  std::erase_if(alerts, [](const Alert& alert) {
    return alert.rule->name != "ds-restore-checkpoint" || alert.status != AlertStatus::kFiring;
  });
  ASSERT_EQ(alerts.size(), 1U);
  const Alert& alert = alerts.front();
  EXPECT_EQ(alert.level, sigma::Level::kHigh);
  EXPECT_EQ(alert.time, IncidentTime());
  EXPECT_EQ(alert.group, (std::vector<NamedValue>{{"Computer", "NODE1"}}));
  EXPECT_EQ(alert.evidence.size(), 2U);
  EXPECT_EQ(alert.explanation.cause,
            "Bringing the cluster resource online on NODE1 restored an old registry checkpoint "
            "over the \"Restore in Progress\" key that the online restore had written, so the "
            "database engine went into normal start-up and missed EDB.log (JET error -528, "
            "JET_errMissingLogFile).");
  EXPECT_EQ(
      alert.explanation.impact,
      "The Microsoft Exchange Directory does not start on NODE1 (cluster EXCLUS1); the restore "
      "has to be repeated.");
  EXPECT_EQ(alert.explanation.remedy,
            (std::vector<std::string>{
                "Restore the directory with \"Start Services after Restore\" selected in the "
                "backup program; or, after a restore without it, start the Microsoft Exchange "
                "Directory service from Control Panel, Services, first.",
                "Only then bring the resource online in Cluster Administrator."}));
  EXPECT_EQ(alert.explanation.references, std::vector<std::string>{"Q188674"});
}

TEST(Shapes, TheStoryTellsOneIncidentInEveryShape) {
  const RuleSetPtr rules = ExchangePack();
  ASSERT_NE(rules, nullptr);
  for (const Shape shape : kShapes) {
    SCOPED_TRACE(ToString(shape));
    StoryOptions options;
    options.incident_shape = shape;
    options.background = 3000;
    ExpectTheIncident(AlertsOf(TellStory(options), rules, Shape::kAuto));
  }
}

// No background: nothing but the two events can be the cause.
TEST(Shapes, TheTwoEventsAloneAreTheIncidentWithTheShapeKnownOrRecognised) {
  const RuleSetPtr rules = ExchangePack();
  ASSERT_NE(rules, nullptr);
  WindowsEvent lost;
  lost.time = IncidentTime() - std::chrono::seconds(23);
  lost.channel = "Application";
  lost.provider = "MSExchangeDS";
  lost.computer = "NODE1";
  lost.event_id = 1002;
  lost.message = "The directory database (EDB) could not be initialized,\r\nerror -528.";
  WindowsEvent failed = lost;
  failed.time = IncidentTime();
  failed.channel = "System";
  failed.provider = "ClusSvc";
  failed.event_id = 1042;
  failed.message = "Cluster generic service 'Microsoft Exchange Directory' failed.";
  for (const Shape shape : kShapes) {
    for (const Shape told : {shape, Shape::kAuto}) {
      SCOPED_TRACE(std::string(ToString(shape)) + " read as " + std::string(ToString(told)));
      const std::vector<StoryRecord> story = {{0, lost.time, "NODE1", Render(lost, shape)},
                                              {0, failed.time, "NODE1", Render(failed, shape)}};
      ExpectTheIncident(AlertsOf(story, rules, told));
    }
  }
}

}  // namespace
}  // namespace faultline::app
