#include "candor/inference/session_driver.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

using Stage = event::SessionStage;

Instant at(double ms) { return instant_from_ms(ms); }

TEST(SessionDriver, GoesFromTheGraphOverTheUploadToReady) {
  SessionDriver driver({});
  EXPECT_FALSE(driver.phase());
  driver.start("q4/webgpu", 1'000, at(0));
  EXPECT_EQ(driver.phase(), LoadPhase::kCreate);
  EXPECT_FALSE(driver.percent());
  driver.progress({1, Stage::kCreate, 0, {}}, at(30));
  EXPECT_EQ(driver.phase(), LoadPhase::kCreate);
  driver.progress({1, Stage::kUpload, 400, 1'000}, at(100));
  EXPECT_EQ(driver.phase(), LoadPhase::kUpload);
  EXPECT_EQ(driver.percent(), 40.0);
  EXPECT_EQ(driver.resident(), 400U);
  driver.progress({1, Stage::kUpload, 1'000, 1'000}, at(150));
  EXPECT_EQ(driver.percent(), 99.0) << "100 % only when it is over";
  driver.progress({1, Stage::kWarmup, 0, {}}, at(300));
  EXPECT_EQ(driver.phase(), LoadPhase::kWarmup);
  EXPECT_FALSE(driver.percent()) << "compilation cannot be measured";
  driver.ready(at(700));
  EXPECT_EQ(driver.state(), SessionDriver::State::kReady);
  EXPECT_FALSE(driver.phase());
  EXPECT_EQ(driver.timings().create, 100.0);
  EXPECT_EQ(driver.timings().upload, 200.0);
  EXPECT_EQ(driver.timings().warmup, 400.0);
}

TEST(SessionDriver, NeverGoesBack) {
  SessionDriver driver({});
  driver.start("q4/webgpu", {}, at(0));
  driver.progress({1, Stage::kUpload, 500, 1'000}, at(1));
  driver.progress({1, Stage::kUpload, 300, 1'000}, at(2));
  EXPECT_EQ(driver.percent(), 50.0);
  driver.progress({1, Stage::kCreate, 1, 2}, at(3));
  EXPECT_EQ(driver.phase(), LoadPhase::kUpload);
  driver.progress({1, Stage::kWarmup, 0, {}}, at(4));
  driver.progress({1, Stage::kUpload, 900, 1'000}, at(5));
  EXPECT_EQ(driver.phase(), LoadPhase::kWarmup);
}

TEST(SessionDriver, ATensorThatIsReadTwiceIsNoMoreWeights) {
  SessionDriver driver({});
  driver.start("q4/wasm", {}, at(0));
  driver.progress({1, Stage::kUpload, 0, 1'000}, at(1));
  EXPECT_EQ(driver.weight_bytes(), 1'000U);
  driver.progress({1, Stage::kUpload, 1'500, 1'000}, at(2));
  EXPECT_EQ(driver.resident(), 1'000U);
  EXPECT_EQ(driver.percent(), 99.0);
}

TEST(SessionDriver, IgnoresWhatComesBeforeAndAfter) {
  SessionDriver driver({});
  driver.progress({1, Stage::kUpload, 500, 1'000}, at(1));
  driver.ready(at(2));
  EXPECT_EQ(driver.state(), SessionDriver::State::kIdle);
  driver.start("q4/wasm", {}, at(3));
  driver.failed();
  driver.ready(at(4));
  EXPECT_EQ(driver.state(), SessionDriver::State::kFailed);
  driver.close();
  EXPECT_EQ(driver.resident(), 0U);
}

TEST(SessionDriver, TellsWhatAPhaseTookTheLastTimeOnlyForTheSameWeights) {
  const PhaseTimings saved =
      PhaseTimings::from_json(R"({"version":1,"variant":"q4/webgpu","create":5,"warmup":900.5})");
  SessionDriver driver(saved);
  driver.start("q4/webgpu", {}, at(0));
  EXPECT_EQ(driver.phase_last_time(), 5.0);
  driver.progress({1, Stage::kUpload, 0, {}}, at(1));
  EXPECT_FALSE(driver.phase_last_time());
  driver.progress({1, Stage::kWarmup, 0, {}}, at(2));
  EXPECT_EQ(driver.phase_last_time(), 900.5);
  SessionDriver other(saved);
  other.start("fp16/webgpu", {}, at(0));
  EXPECT_FALSE(other.phase_last_time());
}

TEST(SessionDriver, RemembersTheLastTimeWithinAVisit) {
  SessionDriver driver({});
  driver.start("q4/wasm", {}, at(0));
  driver.progress({1, Stage::kWarmup, 0, {}}, at(30));
  driver.ready(at(50));
  driver.close();
  driver.start("q4/wasm", {}, at(100));
  EXPECT_EQ(driver.phase_last_time(), 30.0);
}

TEST(PhaseTimings, SurviveTheirRecordAndNothingElseDoes) {
  PhaseTimings timings{"q4/wasm", 1.5, {}, 2};
  const PhaseTimings copy = PhaseTimings::from_json(timings.to_json());
  EXPECT_EQ(copy.variant, "q4/wasm");
  EXPECT_EQ(copy.create, 1.5);
  EXPECT_FALSE(copy.upload);
  EXPECT_EQ(copy.warmup, 2.0);
  for (const char* text : {"", "x", "[]", "{}", R"({"version":2,"variant":"a","create":1})",
                           R"({"version":1,"variant":"a","create":-1})", R"({"version":1,"create":1e300})",
                           R"({"version":1,"create":"1"})"}) {
    EXPECT_FALSE(PhaseTimings::from_json(text).create) << text;
  }
}

}  // namespace
}  // namespace candor
