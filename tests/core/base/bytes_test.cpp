#include "candor/base/bytes.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace candor {
namespace {

TEST(Bytes, AJavaScriptNumberIsACountOnlyIfItIsExact) {
  EXPECT_EQ(bytes_from_double(0), 0U);
  EXPECT_EQ(bytes_from_double(1.9), 1U);
  EXPECT_EQ(bytes_from_double(9007199254740991.0), kMaxSafeBytes);
  EXPECT_FALSE(bytes_from_double(9007199254740992.0));
  EXPECT_FALSE(bytes_from_double(-1));
  EXPECT_FALSE(bytes_from_double(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(bytes_from_double(std::numeric_limits<double>::infinity()));
}

TEST(Bytes, SumsAndDifferencesStopAtTheEnds) {
  constexpr std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(saturating_add(2, 3), 5U);
  EXPECT_EQ(saturating_add(max, 1), max);
  EXPECT_EQ(saturating_sub(5, 3), 2U);
  EXPECT_EQ(saturating_sub(3, 5), 0U);
}

}  // namespace
}  // namespace candor
