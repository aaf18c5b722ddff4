#include "candor/progress/circular_buffer.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

double itself(int x) { return x; }

TEST(CircularBuffer, KeepsTheLatestItemsOldestFirst) {
  CircularBuffer<int> buffer(3);
  for (int i = 1; i <= 5; ++i) buffer.push(i);
  ASSERT_EQ(buffer.size(), 3U);
  EXPECT_EQ(buffer[0], 3);
  EXPECT_EQ(buffer[1], 4);
  EXPECT_EQ(buffer[2], 5);
  EXPECT_EQ(buffer.front(), 3);
  EXPECT_EQ(buffer.back(), 5);
  EXPECT_TRUE(buffer.full());
}

TEST(CircularBuffer, AveragesWhatItHolds) {
  CircularBuffer<int> buffer(3);
  EXPECT_EQ(buffer.average(itself), 0);
  buffer.push(10);
  EXPECT_EQ(buffer.average(itself), 10);
  for (const int i : {1, 2, 6}) buffer.push(i);
  EXPECT_EQ(buffer.average(itself), 3);
}

TEST(CircularBuffer, CanBeClearedAndFilledAgain) {
  CircularBuffer<int> buffer(2);
  for (const int i : {1, 2, 3}) buffer.push(i);
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  buffer.push(9);
  EXPECT_EQ(buffer[0], 9);
}

TEST(CircularBuffer, CanForgetAllButTheLatestItemsWhereverTheyLie) {
  CircularBuffer<int> buffer(4);
  for (const int i : {1, 2, 3, 4, 5, 6}) buffer.push(i);
  buffer.keep_latest(9);
  EXPECT_EQ(buffer.size(), 4U);
  buffer.keep_latest(2);
  ASSERT_EQ(buffer.size(), 2U);
  EXPECT_EQ(buffer.front(), 5);
  EXPECT_EQ(buffer.back(), 6);
  EXPECT_FALSE(buffer.full());
  for (const int i : {7, 8, 9}) buffer.push(i);
  EXPECT_EQ(buffer.front(), 6);
  EXPECT_EQ(buffer.back(), 9);
  buffer.keep_latest(0);
  EXPECT_TRUE(buffer.empty());
}

TEST(CircularBuffer, WithoutCapacityKeepsNothing) {
  CircularBuffer<int> buffer(0);
  buffer.push(1);
  EXPECT_TRUE(buffer.empty());
}

}  // namespace
}  // namespace candor
