#include "candor/progress/throughput_history.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace candor {
namespace {

Instant at(double seconds) { return instant_from_ms(seconds * 1000); }

double area(const Sparkline& line) {
  return line.seconds_per_point *
         std::accumulate(line.bytes_per_second.begin(), line.bytes_per_second.end(), 0.0);
}

TEST(ThroughputHistory, IsEmptyBeforeThereIsAPoint) {
  ThroughputHistory history;
  EXPECT_TRUE(history.sparkline(at(1)).bytes_per_second.empty());
  history.start(at(0));
  history.record(5, at(0.1));
  EXPECT_TRUE(history.sparkline(at(0.4)).bytes_per_second.empty());
  EXPECT_EQ(history.sparkline(at(0.4)).seconds_per_point, 0);
}

TEST(ThroughputHistory, GivesTheThroughputOfEachPoint) {
  ThroughputHistory history;
  history.start(at(0));
  history.record(100, at(0.2));
  history.record(50, at(0.4));
  history.record(300, at(0.75));
  const Sparkline line = history.sparkline(at(1.6));
  EXPECT_EQ(line.seconds_per_point, 0.5);
  ASSERT_EQ(line.bytes_per_second.size(), 3U);
  EXPECT_DOUBLE_EQ(area(line), 450);
  // The last 300 bytes came from 0.4 s to 0.75 s: 0.1 s of that lies in the first point.
  EXPECT_NEAR(line.bytes_per_second[0], (150 + 300 * 0.1 / 0.35) / 0.5, 1e-9);
  EXPECT_EQ(line.bytes_per_second[2], 0);
}

TEST(ThroughputHistory, SpreadsAChunkOverTheTimeItTook) {
  ThroughputHistory history;
  history.start(at(0));
  history.record(1000, at(5));  // one chunk of a slow line
  const Sparkline line = history.sparkline(at(5));
  ASSERT_EQ(line.bytes_per_second.size(), 10U);
  for (const double point : line.bytes_per_second) EXPECT_NEAR(point, 200, 1e-9);
}

TEST(ThroughputHistory, NeverHasMoreThan120PointsAndLosesNoByte) {
  ThroughputHistory history;
  history.start(at(0));
  for (int i = 1; i <= 20'000; ++i) {
    history.record(1000, at(i * 0.5));
    if (i % 97 == 0) {
      const Sparkline line = history.sparkline(at(i * 0.5));
      EXPECT_LE(line.bytes_per_second.size(), ThroughputHistory::kMaxPoints);
      EXPECT_NEAR(area(line), i * 1000.0, 1000.0 * line.seconds_per_point / 0.5 + 1);
      for (const double point : line.bytes_per_second) EXPECT_NEAR(point, 2000, 1);
    }
  }
}

TEST(ThroughputHistory, LeavesPausesOut) {
  ThroughputHistory history;
  history.start(at(0));
  history.record(1000, at(1));
  history.pause(at(1));
  history.resume(at(1000));
  history.record(1000, at(1001));
  const Sparkline line = history.sparkline(at(1001));
  EXPECT_EQ(line.bytes_per_second.size(), 4U);
  EXPECT_NEAR(area(line), 2000, 1e-9);
}

TEST(ThroughputHistory, SurvivesAbsurdTimes) {
  ThroughputHistory history;
  history.start(at(0));
  history.record(1000, at(8e12));
  EXPECT_LE(history.sparkline(at(8e12)).bytes_per_second.size(), ThroughputHistory::kMaxPoints);
}

}  // namespace
}  // namespace candor
