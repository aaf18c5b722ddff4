#include "candor/transfer/file_version.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

TEST(FileVersion, IsTheSameWhereTheEtagOrTheTimeIs) {
  EXPECT_EQ(same_version({"a", ""}, {"a", ""}), SameVersion::kYes);
  EXPECT_EQ(same_version({"a", "1"}, {"a", "2"}), SameVersion::kYes);
  EXPECT_EQ(same_version({"a", "1"}, {"b", "1"}), SameVersion::kYes);
  EXPECT_EQ(same_version({"", "1"}, {"b", "1"}), SameVersion::kYes);
  EXPECT_EQ(same_version({"a", "1"}, {"b", "2"}), SameVersion::kNo);
  EXPECT_EQ(same_version({"a", ""}, {"b", "2"}), SameVersion::kNo);
  EXPECT_EQ(same_version({"a", "1"}, {"", "2"}), SameVersion::kNo);
}

TEST(FileVersion, IsUnknownWhereNothingCanBeCompared) {
  EXPECT_EQ(same_version({}, {}), SameVersion::kUnknown);
  EXPECT_EQ(same_version({"a", "1"}, {}), SameVersion::kUnknown);
  EXPECT_EQ(same_version({"a", ""}, {"", "1"}), SameVersion::kUnknown);
  EXPECT_FALSE(FileVersion{}.known());
  EXPECT_TRUE((FileVersion{"a", ""}.known()));
  EXPECT_TRUE((FileVersion{"", "1"}.known()));
}

}  // namespace
}  // namespace candor
