#include "candor/transfer/byte_ranges.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace candor {
namespace {

using Ranges = std::vector<ByteRange>;

TEST(ByteRanges, MeltsWhatOverlapsOrTouches) {
  ByteRanges set;
  EXPECT_EQ(set.add({10, 20}), 10U);
  EXPECT_EQ(set.add({30, 40}), 10U);
  EXPECT_EQ(set.add({20, 25}), 5U);
  EXPECT_EQ(set.ranges(), (Ranges{{10, 25}, {30, 40}}));
  EXPECT_EQ(set.add({5, 35}), 10U);
  EXPECT_EQ(set.ranges(), (Ranges{{5, 40}}));
  EXPECT_EQ(set.add({10, 30}), 0U);
  EXPECT_EQ(set.add({7, 7}), 0U);
  EXPECT_EQ(set.total(), 35U);
}

TEST(ByteRanges, SplitsWhatIsTakenOutOfTheMiddle) {
  ByteRanges set;
  set.add({0, 100});
  EXPECT_EQ(set.remove({40, 60}), 20U);
  EXPECT_EQ(set.remove({90, 200}), 10U);
  EXPECT_EQ(set.remove({45, 50}), 0U);
  EXPECT_EQ(set.remove({40, 40}), 0U);
  EXPECT_EQ(set.ranges(), (Ranges{{0, 40}, {60, 90}}));
  EXPECT_EQ(set.total(), 70U);
}

TEST(ByteRanges, KnowsTheFrontAndTheGaps) {
  ByteRanges set;
  EXPECT_EQ(set.contiguous_end(0), 0U);
  EXPECT_EQ(set.gaps(50), (Ranges{{0, 50}}));
  set.add({0, 10});
  set.add({20, 30});
  EXPECT_EQ(set.contiguous_end(0), 10U);
  EXPECT_EQ(set.contiguous_end(10), 10U);
  EXPECT_EQ(set.contiguous_end(25), 30U);
  EXPECT_EQ(set.gaps(50), (Ranges{{10, 20}, {30, 50}}));
  EXPECT_EQ(set.gaps(25), (Ranges{{10, 20}}));
  EXPECT_EQ(set.overlap({5, 25}), 10U);
}

TEST(ByteRanges, AgreesWithABitmapOnRandomOperations) {
  std::uint64_t seed = 12345;
  const auto below = [&](std::uint64_t n) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (seed >> 33) % n;
  };
  ByteRanges set;
  std::vector<bool> bits(200);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t a = below(200);
    const std::uint64_t b = a + below(201 - a);
    std::uint64_t changed = 0;
    const bool adds = below(2) == 0;
    for (std::uint64_t k = a; k < b; ++k)
      if (bits[k] != adds) bits[k] = adds, ++changed;
    ASSERT_EQ(adds ? set.add({a, b}) : set.remove({a, b}), changed);
    std::uint64_t total = 0;
    for (const bool bit : bits) total += bit ? 1 : 0;
    ASSERT_EQ(set.total(), total);
    for (std::size_t k = 0; k + 1 < set.ranges().size(); ++k)
      ASSERT_LT(set.ranges()[k].end, set.ranges()[k + 1].first);
    const std::uint64_t at = below(200);
    std::uint64_t end = at;
    while (end < 200 && bits[end]) ++end;
    ASSERT_EQ(set.contiguous_end(at), end);
  }
}

}  // namespace
}  // namespace candor
