#include "candor/progress/progress_tracker.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace candor {
namespace {

Instant at(double seconds) { return instant_from_ms(seconds * 1000); }

ProgressTracker tracker_of(std::uint64_t total, std::uint64_t resident = 0) {
  return ProgressTracker({"Phi-3", "onnx/model.onnx", total, resident});
}

TEST(ProgressTracker, ShowsWhatIsKnownBeforeAnythingIsHeard) {
  ProgressTracker tracker = tracker_of(1000, 200);
  const ProgressInfo info = tracker.snapshot(at(0));
  EXPECT_EQ(info.status, ProgressStatus::kInitiate);
  EXPECT_EQ(info.name, "Phi-3");
  EXPECT_EQ(info.file, "onnx/model.onnx");
  EXPECT_EQ(info.total, 1000U);
  EXPECT_EQ(info.loaded, 200U);
  EXPECT_FALSE(info.speed);
  EXPECT_FALSE(info.time_remaining);
  EXPECT_EQ(info.eta_display.kind, EtaDisplay::Kind::kNone);
}

TEST(ProgressTracker, FollowsPositionsToTheEnd) {
  ProgressTracker tracker = tracker_of(10'000'000);
  for (int i = 0; i <= 100; ++i)
    tracker.update(static_cast<std::uint64_t>(i) * 50'000, std::nullopt, at(i * 0.1));
  ProgressInfo info = tracker.snapshot(at(10));
  EXPECT_EQ(info.status, ProgressStatus::kDownload);
  EXPECT_DOUBLE_EQ(*info.progress, 50);
  EXPECT_NEAR(*info.speed, 500'000, 5'000);
  EXPECT_NEAR(*info.time_remaining, 10, 1);
  EXPECT_LE(*info.eta_low, *info.time_remaining);
  EXPECT_GE(*info.eta_high, *info.time_remaining);
  EXPECT_FALSE(info.sparkline.bytes_per_second.empty());
  tracker.update(10'000'000, std::nullopt, at(20));
  EXPECT_LT(*tracker.snapshot(at(20)).progress, 100);
  tracker.complete(at(20));
  info = tracker.snapshot(at(20));
  EXPECT_EQ(info.status, ProgressStatus::kReady);
  EXPECT_EQ(info.progress, 100);
  EXPECT_EQ(info.loaded, 10'000'000U);
  EXPECT_FALSE(info.speed);
  EXPECT_FALSE(info.time_remaining);
}

TEST(ProgressTracker, HasNoPercentageWithoutATotal) {
  ProgressTracker tracker({"model", "", std::nullopt, 0});
  tracker.update(0, std::nullopt, at(0));
  for (int i = 1; i <= 20; ++i)
    tracker.update(static_cast<std::uint64_t>(i) * 2'100'000, std::nullopt, at(i * 0.5));
  const ProgressInfo info = tracker.snapshot(at(10));
  EXPECT_EQ(info.loaded, 42'000'000U);
  EXPECT_FALSE(info.progress);
  EXPECT_FALSE(info.total);
  EXPECT_TRUE(info.speed) << "the speed is known all the same";
  EXPECT_FALSE(info.time_remaining);
}

TEST(ProgressTracker, ATotalMayAppearAndChangeLater) {
  ProgressTracker tracker({"model", "a.onnx", std::nullopt, 0});
  tracker.update(0, std::nullopt, at(0));
  tracker.update(100, std::nullopt, at(1));
  EXPECT_FALSE(tracker.snapshot(at(1)).progress);
  tracker.update(100, 400, at(2));
  EXPECT_DOUBLE_EQ(*tracker.snapshot(at(2)).progress, 25);
  tracker.update(200, 1000, at(3));
  EXPECT_DOUBLE_EQ(*tracker.snapshot(at(3)).progress, 25) << "held; the true share is 20 %";
  tracker.update(500, 1000, at(4));
  EXPECT_DOUBLE_EQ(*tracker.snapshot(at(4)).progress, 50);
}

TEST(ProgressTracker, IgnoresInvalidPositions) {
  ProgressTracker tracker = tracker_of(1000);
  tracker.update(0, std::nullopt, at(0));
  tracker.update(500, std::nullopt, at(1));
  tracker.update(std::nullopt, std::nullopt, at(2));
  tracker.update(100, std::nullopt, at(3));
  EXPECT_EQ(tracker.snapshot(at(3)).loaded, 500U);
}

TEST(ProgressTracker, ResumedBytesAreNeverSpeed) {
  ProgressTracker tracker = tracker_of(1'000'000'000, 900'000'000);
  tracker.update(900'000'000, std::nullopt, at(0));
  EXPECT_FALSE(tracker.snapshot(at(1)).speed);
  for (int i = 1; i <= 40; ++i) {
    tracker.update(900'000'000U + static_cast<std::uint64_t>(i) * 100'000, std::nullopt, at(i * 0.1));
  }
  const ProgressInfo info = tracker.snapshot(at(4));
  EXPECT_NEAR(*info.speed, 1e6, 2e4);
  EXPECT_EQ(info.cached, 900'000'000U);
  EXPECT_EQ(info.network, 4'000'000U);
}

TEST(ProgressTracker, BytesOfAnUnseenPastAreNeverSpeed) {
  ProgressTracker tracker = tracker_of(1'000'000'000);
  tracker.update(500'000'000, std::nullopt, at(0));  // the first call
  tracker.update(500'100'000, std::nullopt, at(1));
  EXPECT_LT(*tracker.snapshot(at(1)).speed, 200'000);
}

TEST(ProgressTracker, WhatTurnsOutToBeHereOrIsThrownAwayIsCountedAsThat) {
  ProgressTracker tracker = tracker_of(1000);
  tracker.update(0, std::nullopt, at(0));
  tracker.set_resident(400, at(1));
  tracker.update(600, std::nullopt, at(2));
  ProgressInfo info = tracker.snapshot(at(2));
  EXPECT_EQ(info.cached, 400U);
  EXPECT_EQ(info.network, 200U);
  EXPECT_EQ(info.loaded, 600U);
  tracker.discard(100, at(3));
  info = tracker.snapshot(at(3));
  EXPECT_EQ(info.cached, 100U);
  EXPECT_EQ(info.loaded, 100U);
  EXPECT_EQ(info.discarded, 500U);
  EXPECT_DOUBLE_EQ(*info.progress, 10);
}

TEST(ProgressTracker, FailurePauseAndResume) {
  ProgressTracker tracker = tracker_of(1000);
  tracker.update(0, std::nullopt, at(0));
  tracker.update(100, std::nullopt, at(1));
  tracker.pause(at(2));
  EXPECT_EQ(tracker.snapshot(at(60)).status, ProgressStatus::kPaused);
  EXPECT_EQ(tracker.snapshot(at(60)).stalled_for, 0);
  tracker.resume(at(60));
  EXPECT_EQ(tracker.snapshot(at(61)).status, ProgressStatus::kDownload);
  tracker.fail("connection reset", at(62));
  const ProgressInfo info = tracker.snapshot(at(63));
  EXPECT_EQ(info.status, ProgressStatus::kFailed);
  EXPECT_EQ(info.error, "connection reset");
  EXPECT_EQ(info.loaded, 100U);
}

TEST(ProgressTracker, TakesTheInterleavedEventsOfSeveralFilesAsOneStream) {
  ProgressTracker tracker({"Phi-3", "", std::nullopt, 0});
  const auto send = [&](const std::string& json, double seconds) {
    tracker.handle_transformers_progress(TransformersEvent::from_json(json), at(seconds));
  };
  send(R"({"status":"initiate","name":"org/phi","file":"config.json"})", 0);
  send(R"({"status":"initiate","name":"org/phi","file":"onnx/model.onnx"})", 0);
  send(R"({"status":"progress","file":"config.json","loaded":100,"total":1000,"progress":10})", 1);
  send(R"({"status":"progress","file":"onnx/model.onnx","loaded":400,"total":9000,"progress":4.4})", 2);
  ProgressInfo info = tracker.snapshot(at(2));
  EXPECT_DOUBLE_EQ(*info.progress, 5);
  EXPECT_EQ(info.loaded, 500U);
  EXPECT_EQ(info.total, 10'000U);
  EXPECT_EQ(info.name, "Phi-3");
  EXPECT_EQ(info.file, "onnx/model.onnx");
  send(R"({"status":"done","file":"config.json"})", 3);
  EXPECT_LT(*tracker.snapshot(at(3)).progress, 100);
  send(R"({"status":"ready","task":"text-generation","model":"org/phi"})", 4);
  info = tracker.snapshot(at(4));
  EXPECT_EQ(info.progress, 100);
  EXPECT_EQ(info.status, ProgressStatus::kReady);
}

TEST(ProgressTracker, PredictsExactlyAsTheEstimatorAlone) {
  ProgressTracker tracker = tracker_of(50'000'000);
  EtaEstimator estimator;
  estimator.start(at(0));
  estimator.set_remaining(50'000'000);
  tracker.update(0, 50'000'000, at(0));
  std::uint64_t loaded = 0;
  for (int i = 1; i <= 300; ++i) {
    const std::uint64_t bytes = 50'000 + static_cast<std::uint64_t>(i * 7919 % 90'000);
    loaded += bytes;
    estimator.record(bytes, at(i * 0.1));
    tracker.update(loaded, 50'000'000, at(i * 0.1));
    if (i % 10 == 0 && i > 10) {
      const ProgressInfo info = tracker.snapshot(at(i * 0.1));
      const auto alone = estimator.estimate(at(i * 0.1));
      EXPECT_NEAR(*info.time_remaining, alone->seconds, 1e-9);
      EXPECT_NEAR(*info.eta_low, alone->low, 1e-9);
      EXPECT_NEAR(*info.eta_high, alone->high, 1e-9);
    }
  }
}

// tests/web/core.test.js holds the same tracker, called through JavaScript, to the same rows.
TEST(ProgressTracker, PredictsWhatTheWebLayerIsHeldTo) {
  struct Row {
    double ms;
    std::uint64_t loaded;
    double time_remaining, eta_low, eta_high;
  };
  constexpr Row kRows[] = {
#include "eta_sequence.txt"
  };
  ProgressTracker tracker = tracker_of(250'000'000);
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.ms);
    const Instant now = instant_from_ms(row.ms);
    tracker.update(row.loaded, 250'000'000, now);
    const ProgressInfo info = tracker.snapshot(now);
    EXPECT_NEAR(info.time_remaining.value_or(-1), row.time_remaining, 1e-9 * std::abs(row.time_remaining));
    EXPECT_NEAR(info.eta_low.value_or(-1), row.eta_low, 1e-9 * std::abs(row.eta_low));
    EXPECT_NEAR(info.eta_high.value_or(-1), row.eta_high, 1e-9 * std::abs(row.eta_high));
  }
}

}  // namespace
}  // namespace candor
