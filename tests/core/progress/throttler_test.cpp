#include "candor/progress/throttler.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace candor {
namespace {

Instant at(double ms) { return instant_from_ms(ms); }

TEST(Throttler, DeliversTheFirstValueAtOnce) {
  Throttler<int> throttler;
  EXPECT_EQ(throttler.push(1, at(5)), 1);
  EXPECT_FALSE(throttler.wake_at());
}

TEST(Throttler, HoldsValuesBackUntilTheIntervalEndsAndThenDeliversTheLatest) {
  Throttler<int> throttler;
  throttler.push(1, at(0));
  EXPECT_FALSE(throttler.push(2, at(10)));
  EXPECT_FALSE(throttler.push(3, at(90)));
  ASSERT_TRUE(throttler.wake_at());
  EXPECT_EQ(to_ms(*throttler.wake_at()), 100);
  EXPECT_FALSE(throttler.poll(at(99.9)));
  EXPECT_EQ(throttler.poll(at(100)), 3);
  EXPECT_FALSE(throttler.wake_at());
  EXPECT_FALSE(throttler.poll(at(500)));
}

TEST(Throttler, PollingAtTheAnnouncedMomentAlwaysDelivers) {
  // 0.1 + 100 is not exact in binary: the announced moment must be the one that is tested.
  for (double start = 0; start < 50; start += 0.1) {
    Throttler<int> throttler(Millis{33.3});
    throttler.push(1, at(start));
    throttler.push(2, at(start + 1));
    EXPECT_EQ(throttler.poll(*throttler.wake_at()), 2);
  }
}

TEST(Throttler, AFinalValueComesAtOnceAndReplacesTheWaitingOne) {
  Throttler<int> throttler;
  throttler.push(1, at(0));
  throttler.push(2, at(10));
  EXPECT_EQ(throttler.push(3, at(11), true), 3);
  EXPECT_FALSE(throttler.wake_at());
  EXPECT_FALSE(throttler.poll(at(1000)));
}

TEST(Throttler, NeverDeliversTwiceWithinAnIntervalAndNeverLosesTheLastState) {
  std::uint64_t state = 1;
  const auto random = [&state] {
    return (state = state * 6364136223846793005ULL + 1442695040888963407ULL) >> 33U;
  };
  for (int round = 0; round < 200; ++round) {
    Throttler<int> throttler;
    double now = 0;
    double last_delivery = -1e9;
    int last_pushed = 0;
    int last_delivered = 0;
    const auto delivered = [&](std::optional<int> value) {
      if (!value) return;
      EXPECT_GE(now - last_delivery, 100 - 1e-9);
      EXPECT_GT(*value, last_delivered);
      last_delivery = now;
      last_delivered = *value;
    };
    for (int i = 1; i <= 100; ++i) {
      now += static_cast<double>(random() % 70);
      if (random() % 3 == 0) {
        delivered(throttler.poll(at(now)));
      } else {
        last_pushed = i;
        delivered(throttler.push(i, at(now)));
      }
    }
    if (const auto wake = throttler.wake_at()) {
      now = to_ms(*wake);
      delivered(throttler.poll(*wake));
    }
    EXPECT_EQ(last_delivered, last_pushed);
  }
}

TEST(Throttler, SurvivesAClockThatRunsBackwardsOrStops) {
  Throttler<int> throttler;
  throttler.push(1, at(1000));
  EXPECT_FALSE(throttler.push(2, at(0)));
  EXPECT_FALSE(throttler.push(3, at(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_EQ(throttler.poll(at(1100)), 3);
}

TEST(Throttler, TakesTheDefaultForAnImpossibleInterval) {
  for (const double ms :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Throttler<int> throttler(Millis{ms});
    throttler.push(1, at(0));
    EXPECT_FALSE(throttler.push(2, at(99)));
    EXPECT_EQ(to_ms(*throttler.wake_at()), 100);
  }
}

TEST(Throttler, WithoutAnIntervalLetsEverythingThrough) {
  Throttler<int> throttler(Millis{0});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(throttler.push(i, at(0)), i);
}

TEST(Throttler, CarriesValuesThatCanOnlyBeMoved) {
  Throttler<std::unique_ptr<int>> throttler;
  throttler.push(std::make_unique<int>(1), at(0));
  throttler.push(std::make_unique<int>(2), at(1));
  const auto value = throttler.poll(at(100));
  ASSERT_TRUE(value);
  EXPECT_EQ(**value, 2);
}

}  // namespace
}  // namespace candor
