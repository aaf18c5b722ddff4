#include "candor/progress/speed_estimator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace candor {
namespace {

Instant at(double seconds) { return instant_from_ms(seconds * 1000); }

TEST(SpeedEstimator, IsUnknownWithoutABasis) {
  SpeedEstimator speed;
  EXPECT_FALSE(speed.bytes_per_second(at(0)));
  speed.start(at(0));
  EXPECT_FALSE(speed.bytes_per_second(at(5))) << "no byte has come";
  speed.record(1000, at(5));
  EXPECT_TRUE(speed.bytes_per_second(at(5)));

  SpeedEstimator young;
  young.start(at(0));
  young.record(1000, at(0.1));
  EXPECT_FALSE(young.bytes_per_second(at(0.4)));
  EXPECT_TRUE(young.bytes_per_second(at(0.6)));
}

TEST(SpeedEstimator, MeasuresASteadyLineFromTheFirstSecondOn) {
  SpeedEstimator speed;
  speed.start(at(0));
  for (int i = 1; i <= 200; ++i) {
    speed.record(100'000, at(i * 0.1));
    if (i >= 5) {
      EXPECT_NEAR(*speed.bytes_per_second(at(i * 0.1)), 1e6, 1) << i;
    }
  }
}

TEST(SpeedEstimator, DoesNotDependOnTheNumberOfEvents) {
  SpeedEstimator pieces;
  SpeedEstimator batches;
  pieces.start(at(0));
  batches.start(at(0));
  for (int i = 1; i <= 400; ++i) {
    pieces.record(10'000, at(i * 0.01));
    if (i % 40 == 0) {
      // The same bytes, handed over by a busy thread at one moment.
      for (int j = 0; j < 40; ++j) batches.record(10'000, at(i * 0.01));
    }
  }
  const double a = *pieces.bytes_per_second(at(4));
  const double b = *batches.bytes_per_second(at(4));
  EXPECT_NEAR(b / a, 1, 0.1);
}

TEST(SpeedEstimator, FallsInSilence) {
  SpeedEstimator speed;
  speed.start(at(0));
  for (int i = 1; i <= 100; ++i) speed.record(100'000, at(i * 0.1));
  double before = *speed.bytes_per_second(at(10));
  for (int s = 11; s <= 40; ++s) {
    const double now = *speed.bytes_per_second(at(s));
    EXPECT_LT(now, before);
    before = now;
  }
  EXPECT_LT(before, 1000);
}

TEST(SpeedEstimator, LeavesPausesOut) {
  SpeedEstimator speed;
  speed.start(at(0));
  for (int i = 1; i <= 50; ++i) speed.record(100'000, at(i * 0.1));
  speed.pause(at(5));
  EXPECT_FALSE(speed.bytes_per_second(at(6)));
  speed.record(1'000'000'000, at(50));
  speed.resume(at(100));
  EXPECT_NEAR(*speed.bytes_per_second(at(100)), 1e6, 1);
  speed.record(100'000, at(100.1));
  EXPECT_NEAR(*speed.bytes_per_second(at(100.1)), 1e6, 1);
}

TEST(SpeedEstimator, StaysFiniteWhateverTheClockDoes) {
  SpeedEstimator speed;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double t : {nan, 5.0, 1.0, 5.0, 1e300, 6.0, 8e12, nan}) {
    speed.record(std::numeric_limits<std::uint64_t>::max(), at(t));
    if (const auto value = speed.bytes_per_second(at(t))) {
      EXPECT_TRUE(std::isfinite(*value));
      EXPECT_GE(*value, 0);
    }
  }
}

}  // namespace
}  // namespace candor
