#include "candor/model/device_profile.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

TEST(DeviceProfile, KnowsTheFreeSpaceOnlyFromBothNumbers) {
  DeviceProfile device;
  EXPECT_FALSE(device.free_bytes());
  device.quota = 100;
  EXPECT_FALSE(device.free_bytes());
  device.usage = 30;
  EXPECT_EQ(device.free_bytes(), 70U);
  device.usage = 130;
  EXPECT_EQ(device.free_bytes(), 0U);
}

TEST(DeviceProfile, UsesThreadsOnlyWhereThePageIsIsolated) {
  DeviceProfile device;
  device.cores = 8;
  EXPECT_EQ(device.wasm_threads(), 1U);
  device.cross_origin_isolated = true;
  EXPECT_EQ(device.wasm_threads(), 4U);
  device.cores = 4;
  EXPECT_EQ(device.wasm_threads(), 2U);
  device.cores = 64;
  EXPECT_EQ(device.wasm_threads(), 4U);
  device.cores = 1;
  EXPECT_EQ(device.wasm_threads(), 1U);
  device.cores.reset();
  EXPECT_EQ(device.wasm_threads(), 1U);
}

}  // namespace
}  // namespace candor
