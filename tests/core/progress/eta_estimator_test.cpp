#include "candor/progress/eta_estimator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace candor {
namespace {

/// A line in simulated time: bytes come every 50 ms, or whenever told.
struct Line {
  EtaEstimator estimator;
  double now = 0;  // s
  std::uint64_t remaining;

  explicit Line(std::uint64_t total) : remaining(total) {
    estimator.start(at(0));
    estimator.set_remaining(total);
  }
  static Instant at(double seconds) { return instant_from_ms(seconds * 1000); }

  void flow(double bytes_per_second, double seconds) {
    const auto steps = static_cast<int>(std::lround(seconds / 0.05));
    for (int i = 0; i < steps; ++i) {
      now += 0.05;
      const auto bytes = std::min(remaining, static_cast<std::uint64_t>(bytes_per_second * 0.05));
      if (bytes == 0) continue;
      estimator.record(bytes, at(now));
      remaining -= bytes;
    }
  }
  std::optional<EtaEstimate> estimate() { return estimator.estimate(at(now)); }
  double seconds() { return estimate().value_or(EtaEstimate{-1, -1, -1}).seconds; }
};

TEST(EtaEstimator, SaysNothingBeforeThereIsABasis) {
  Line line(100'000'000);
  EXPECT_FALSE(line.estimate());
  line.flow(1e6, 0.9);
  EXPECT_FALSE(line.estimate());
  line.flow(1e6, 0.1);
  EXPECT_TRUE(line.estimate()) << "a second is enough";
}

TEST(EtaEstimator, SaysNothingBeforeAByteHasCome) {
  Line line(100'000'000);
  line.now = 60;
  EXPECT_FALSE(line.estimate());
}

TEST(EtaEstimator, SaysNothingWithoutATotal) {
  EtaEstimator estimator;
  estimator.start(Line::at(0));
  for (int i = 1; i < 100; ++i) estimator.record(1000, Line::at(i * 0.1));
  EXPECT_FALSE(estimator.estimate(Line::at(10)));
  estimator.set_remaining(1000);
  EXPECT_TRUE(estimator.estimate(Line::at(10)));
  estimator.set_remaining(std::nullopt);
  EXPECT_FALSE(estimator.estimate(Line::at(10)));
}

TEST(EtaEstimator, PredictsASteadyLineEverBetterAndNarrowsItsRange) {
  Line line(120'000'000);
  line.flow(1e6, 5);
  EXPECT_NEAR(line.seconds(), 115, 8);
  const double early = line.estimate()->high / line.estimate()->low;
  line.flow(1e6, 55);
  EXPECT_NEAR(line.seconds(), 60, 2);  // the dead band
  const double late = line.estimate()->high / line.estimate()->low;
  EXPECT_LT(late, early);
  EXPECT_LT(late, 1.4) << "narrow enough for one number";
}

TEST(EtaEstimator, CountsDownASecondASecondWhileNothingChanges) {
  Line line(600'000'000);
  line.flow(1e6, 20);
  double before = line.seconds();
  for (int i = 0; i < 200; ++i) {
    line.flow(1e6, 1);
    // While it is young it also closes in on the truth, as the band narrows.
    EXPECT_NEAR(line.seconds(), before - 1, i < 60 ? 1.2 : 0.15);
    before = line.seconds();
  }
}

TEST(EtaEstimator, CountsDownBetweenRecordsToo) {
  Line line(600'000'000);
  line.flow(1e6, 20);
  const double before = line.estimator.estimate(Line::at(20))->seconds;
  EXPECT_NEAR(line.estimator.estimate(Line::at(20.2))->seconds, before - 0.2, 1e-6);
}

TEST(EtaEstimator, KeepsItsRangeAroundTheNumber) {
  Line line(300'000'000);
  std::uint64_t random = 7;
  for (int i = 0; i < 400; ++i) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    line.flow(static_cast<double>(random >> 44U), 0.5);
    if (const auto estimate = line.estimate()) {
      EXPECT_GE(estimate->low, 0);
      EXPECT_LE(estimate->low, estimate->seconds);
      EXPECT_LE(estimate->seconds, estimate->high);
    }
  }
}

TEST(EtaEstimator, BatchesMakeNoDifference) {
  Line smooth(200'000'000);
  Line bursty(200'000'000);
  smooth.flow(1e6, 30);
  for (int i = 1; i <= 75; ++i) {
    for (int j = 0; j < 8; ++j) bursty.estimator.record(50'000, Line::at(i * 0.4));
  }
  bursty.now = 30;
  EXPECT_NEAR(bursty.seconds() / smooth.seconds(), 1, 0.03);
}

TEST(EtaEstimator, DoesNotDependOnHowOftenItIsAsked) {
  Line rarely(200'000'000);
  Line often(200'000'000);
  for (int i = 0; i < 60; ++i) {
    const double rate = i % 7 < 3 ? 4e5 : 2e6;
    rarely.flow(rate, 1);
    for (int j = 0; j < 20; ++j) {
      often.flow(rate, 0.05);
      often.estimate();
    }
  }
  EXPECT_NEAR(rarely.seconds(), often.seconds(), 1e-9);
}

TEST(EtaEstimator, NoticesALevelChangeWithinSeconds) {
  Line line(1'000'000'000);
  line.flow(5e6, 60);
  EXPECT_NEAR(line.seconds(), 140, 5);
  line.flow(5e5, 20);  // Wi-Fi to LTE: really 1380 s to go
  EXPECT_GT(line.seconds(), 400) << "the mean of everything would say 180";
  line.flow(5e5, 100);
  EXPECT_GT(line.seconds(), 800);
}

TEST(EtaEstimator, NoticesAFasterLine) {
  Line line(2'000'000'000);
  line.flow(5e5, 60);
  line.flow(1e7, 20);  // really 177 s to go
  EXPECT_LT(line.seconds(), 400) << "the mean of everything would say 610";
}

TEST(EtaEstimator, DoesNotFireOnALongSteadyLine) {
  // Noise of a factor of two around one level: the prediction must stay near the truth for an hour.
  Line line(4'000'000'000);
  std::uint64_t random = 3;
  for (int i = 0; i < 3500; ++i) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    const double noise = static_cast<double>(random >> 40U) / static_cast<double>(1U << 24U);
    line.flow(1e6 * std::exp(1.4 * (noise - 0.5)), 1);
    if (i > 60 && i < 3400) {
      const double truth = 4'000'000'000 / 1.0836e6 - i;
      ASSERT_NEAR(std::log(line.seconds() / truth), 0, 0.25) << i;
    }
  }
}

TEST(EtaEstimator, AStallNeitherExplodesNorCountsDown) {
  Line line(200'000'000);
  line.flow(1e6, 60);
  const double before = line.seconds();
  line.now += 5;
  const double in_stall = line.seconds();
  line.now += 600;
  EXPECT_NEAR(line.seconds(), in_stall, 1e-9) << "time stands still in a stall";
  EXPECT_LT(line.seconds(), 2 * before);
  line.flow(1e6, 10);
  EXPECT_LT(line.seconds(), 1.3 * before);
  line.flow(1e6, 20);
  EXPECT_NEAR(line.seconds(), before - 30, 15);
}

TEST(EtaEstimator, TellsASleepingPageFromASleepingLine) {
  // A hidden page is handed everything once a minute; the line never stopped.
  Line line(600'000'000);
  line.flow(1e6, 30);
  for (int i = 0; i < 3; ++i) {
    line.now += 60;
    for (int j = 0; j < 60; ++j) line.estimator.record(1'000'000, Line::at(line.now));
    line.remaining -= 60'000'000;
    line.flow(1e6, 1);
  }
  EXPECT_NEAR(line.seconds(), 387, 60);
}

TEST(EtaEstimator, APauseLeavesNoTrace) {
  Line line(200'000'000);
  line.flow(1e6, 60);
  const double before = line.seconds();
  line.estimator.pause(Line::at(line.now));
  EXPECT_FALSE(line.estimate());
  line.now += 3600;
  EXPECT_FALSE(line.estimate());
  line.estimator.resume(Line::at(line.now));
  EXPECT_NEAR(line.seconds(), before, 1e-9);
  line.flow(1e6, 10);
  EXPECT_NEAR(line.seconds(), before - 10, 1);
}

TEST(EtaEstimator, AFileThatJoinsLateIsSeenAtOnce) {
  Line line(100'000'000);
  line.flow(1e6, 50);
  EXPECT_NEAR(line.seconds(), 50, 2);
  line.remaining += 100'000'000;
  line.estimator.set_remaining(line.remaining);
  EXPECT_NEAR(line.seconds(), 150, 2);
}

TEST(EtaEstimator, BytesThatWereHereAlreadyShortenTheTimeAndNotTheMeasuredSpeed) {
  Line line(100'000'000);
  line.flow(1e6, 20);
  line.remaining -= 40'000'000;
  line.estimator.set_remaining(line.remaining);
  EXPECT_NEAR(line.seconds(), 40, 1);
}

TEST(EtaEstimator, ASecondConnectionIsFollowed) {
  Line line(400'000'000);
  line.flow(1e6, 60);
  line.flow(2e6, 60);
  EXPECT_LT(line.seconds(), 150) << "220 MB to go: 110 s at the new speed, 147 s at the mean";
}

TEST(EtaEstimator, NothingRemainingTakesNoTime) {
  Line line(10'000'000);
  line.flow(1e6, 10);
  ASSERT_TRUE(line.estimate());
  EXPECT_EQ(line.estimate()->seconds, 0);
  EXPECT_EQ(line.estimate()->high, 0);
}

TEST(EtaEstimator, StaysFiniteWhateverComes) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double times[] = {nan, 0, 5, 3, 1e300, 5.1, 1e9, nan, 8e12, -4};
  const std::uint64_t amounts[] = {0, 1, 1'000'000, std::numeric_limits<std::uint64_t>::max()};
  std::uint64_t random = 11;
  const auto next = [&random] {
    return (random = random * 6364136223846793005ULL + 1442695040888963407ULL) >> 33U;
  };
  for (int round = 0; round < 300; ++round) {
    EtaEstimator estimator;
    double t = 0;
    for (int i = 0; i < 100; ++i) {
      t += static_cast<double>(next() % 3000) / 1000;
      const Instant now = Line::at(next() % 9 == 0 ? times[next() % std::size(times)] : t);
      switch (next() % 6) {
        case 0:
          estimator.set_remaining(amounts[next() % std::size(amounts)]);
          break;
        case 1:
          estimator.pause(now);
          break;
        case 2:
          estimator.resume(now);
          break;
        default:
          estimator.record(amounts[next() % std::size(amounts)], now);
      }
      if (const auto estimate = estimator.estimate(now)) {
        ASSERT_TRUE(std::isfinite(estimate->seconds) && std::isfinite(estimate->low) &&
                    std::isfinite(estimate->high));
        ASSERT_GE(estimate->low, 0);
        ASSERT_LE(estimate->low, estimate->seconds);
        ASSERT_LE(estimate->seconds, estimate->high);
      }
    }
  }
}

}  // namespace
}  // namespace candor
