#include "candor/model/device_profile.hpp"

#include <gtest/gtest.h>

#include <algorithm>

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
  device.cores = 64;
  EXPECT_EQ(device.wasm_threads(), 4U);
  device.cores.reset();
  EXPECT_EQ(device.wasm_threads(), 1U);
}

TEST(DeviceProfile, LeavesNoCoreIdleWhereThereAreFew) {
  DeviceProfile device;
  device.cross_origin_isolated = true;
  for (const unsigned cores : {1U, 2U, 3U, 4U}) {
    device.cores = cores;
    EXPECT_EQ(device.wasm_threads(), std::min(cores, 2U)) << cores;
  }
  device.cores = 6;
  EXPECT_EQ(device.wasm_threads(), 3U);
}

TEST(DeviceProfile, TakesThePlainRuntimeForTheProcessorAndASuspendingOneForWebGpu) {
  DeviceProfile device;
  EXPECT_EQ(device.runtime_build(ExecutionProvider::kWasm), RuntimeBuild::kPlain);
  EXPECT_EQ(device.runtime_build(ExecutionProvider::kWebGpu), RuntimeBuild::kAsyncify);
  device.jspi = true;
  EXPECT_EQ(device.runtime_build(ExecutionProvider::kWasm), RuntimeBuild::kPlain);
  EXPECT_EQ(device.runtime_build(ExecutionProvider::kWebGpu), RuntimeBuild::kJspi);
}

TEST(DeviceProfile, TrustsSubgroupsOfEightAndMore) {
  DeviceProfile device;
  EXPECT_FALSE(device.good_subgroups());
  device.subgroup_min_size = 4;
  EXPECT_FALSE(device.good_subgroups());
  device.subgroup_min_size = 8;
  EXPECT_TRUE(device.good_subgroups());
}

}  // namespace
}  // namespace candor
