#include "base/words.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

// tests/web/format.test.js holds the page's formatter to the same rows.
TEST(Words, SaysForEachCountOfBytesWhatThePageSays) {
  struct Row {
    std::uint64_t bytes;
    const char* text;
  };
  constexpr Row kRows[] = {
#include "byte_words.txt"
  };
  for (const Row& row : kRows) EXPECT_EQ(bytes_in_words(row.bytes), row.text) << row.bytes;
}

}  // namespace
}  // namespace candor
