#include "candor/download.hpp"

#include <gtest/gtest.h>

#include "transfer_world.hpp"

namespace candor {
namespace {

using world::Kind;
using world::random_bytes;
using world::Script;
using world::ServedFile;
using world::World;
using State = Download::State;

// One small file and one that needs several ranges, in the scaled-down sizes of the world.
std::vector<ServedFile> two_files(std::size_t large = 100'000) {
  std::vector<ServedFile> files(2);
  files[0].path = "config.json";
  files[0].content = random_bytes(1, 600);
  files[0].hash = ServedFile::Hash::kGit;
  files[1].path = "onnx/model_q4.onnx";
  files[1].content = random_bytes(2, large);
  return files;
}

#define EXPECT_DONE(world)                                   \
  do {                                                       \
    EXPECT_TRUE((world).run());                              \
    EXPECT_EQ((world).broken, "");                           \
    EXPECT_EQ((world).state(), State::kDone) << (world).log; \
  } while (false)

TEST(Download, FetchesStoresAndVerifiesEveryFile) {
  World world(1, two_files());
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().wire, 100'600U);
  EXPECT_EQ(world.download().totals().fresh(), 100'600U);
  EXPECT_EQ(world.download().totals().verified, 100'600U);
}

TEST(Download, NeedsNoNetworkWhenEverythingIsHere) {
  World world(1, two_files());
  world.boot();
  EXPECT_DONE(world);
  const auto requests = world.requests;
  world.crash(false);
  world.boot();
  EXPECT_EQ(world.state(), State::kDone);
  EXPECT_EQ(world.requests, requests);
  EXPECT_EQ(world.download().totals().cached, 100'600U);
  EXPECT_EQ(world.download().totals().fresh(), 0U);
}

}  // namespace
}  // namespace candor
