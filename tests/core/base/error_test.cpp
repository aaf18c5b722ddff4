#include "candor/base/error.hpp"

#include <gtest/gtest.h>

#include <set>

namespace candor {
namespace {

TEST(Error, EveryCodeHasAName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ErrorCode::kAborted); ++i)
    names.insert(to_string(static_cast<ErrorCode>(i)));
  EXPECT_EQ(names.size(), 14U);
  EXPECT_EQ(to_string(ErrorCode::kNotFound), "not_found");
  EXPECT_EQ(to_string(ErrorCode::kOutOfMemory), "out_of_memory");
}

}  // namespace
}  // namespace candor
