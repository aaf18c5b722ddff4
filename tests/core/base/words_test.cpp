#include "base/words.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

TEST(Words, SaysByteCountsInDecimalUnitsAsPeopleRound) {
  EXPECT_EQ(bytes_in_words(0), "0 bytes");
  EXPECT_EQ(bytes_in_words(1), "1 byte");
  EXPECT_EQ(bytes_in_words(999), "999 bytes");
  EXPECT_EQ(bytes_in_words(1'000), "1 kB");
  EXPECT_EQ(bytes_in_words(1'250), "1.3 kB");
  EXPECT_EQ(bytes_in_words(850'400), "850 kB");
  EXPECT_EQ(bytes_in_words(999'400), "999 kB");
  EXPECT_EQ(bytes_in_words(999'999), "1 MB");
  EXPECT_EQ(bytes_in_words(9'960'000), "10 MB");
  EXPECT_EQ(bytes_in_words(42'000'000), "42 MB");
  EXPECT_EQ(bytes_in_words(1'300'000'000), "1.3 GB");
  EXPECT_EQ(bytes_in_words(3'221'225'472), "3.2 GB");
  EXPECT_EQ(bytes_in_words(2'000'000'000'000), "2 TB");
}

}  // namespace
}  // namespace candor
