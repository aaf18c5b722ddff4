#include "candor/model_loader.hpp"

#include <gtest/gtest.h>

#include "loader_world.hpp"

namespace candor {
namespace {

TEST(ModelLoader, BringsAModelFromTheHubToReady) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run();
  EXPECT_EQ(world.broken, "");
  ASSERT_EQ(world.last().status, LoadStatus::kReady);
  ASSERT_TRUE(world.session);
  EXPECT_EQ(world.session->graph, "onnx/model_q4f16.onnx");
  EXPECT_EQ(world.session->dtype, "q4f16");
  EXPECT_EQ(world.session->generation_config, "generation_config.json");
  EXPECT_FALSE(world.session->chat_template);
  EXPECT_EQ(world.last().verified, world.last().total_size);
  EXPECT_EQ(world.disk.at("onnx/model_q4f16.onnx"), world.server.at("onnx/model_q4f16.onnx"));
  EXPECT_EQ(world.disk.count("README.md"), 0U);
}

}  // namespace
}  // namespace candor
