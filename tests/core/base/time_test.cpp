#include "candor/base/time.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace candor {
namespace {

TEST(MonotonicTime, NeverRunsBackwards) {
  MonotonicTime time;
  EXPECT_EQ(to_ms(time.advance(instant_from_ms(50))), 50);
  EXPECT_EQ(to_ms(time.advance(instant_from_ms(20))), 50);
  EXPECT_EQ(to_ms(time.advance(instant_from_ms(60))), 60);
}

TEST(MonotonicTime, IgnoresMomentsThatAreNoDates) {
  MonotonicTime time;
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double ms : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity, 1e300, 8.65e15}) {
    EXPECT_EQ(to_ms(time.advance(instant_from_ms(ms))), 0) << ms;
    EXPECT_FALSE(time.known()) << ms;
  }
  time.advance(instant_from_ms(7));
  EXPECT_TRUE(time.known());
  EXPECT_EQ(to_ms(time.advance(instant_from_ms(infinity))), 7);
}

TEST(MonotonicTime, MayBeginBeforeTheEpoch) {
  MonotonicTime time;
  EXPECT_EQ(to_ms(time.advance(instant_from_ms(-5))), -5);
  EXPECT_EQ(to_ms(time.advance(instant_from_ms(-3))), -3);
}

}  // namespace
}  // namespace candor
