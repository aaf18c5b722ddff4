#include <gtest/gtest.h>

#include "loader/loader_world.hpp"

namespace candor {
namespace {

std::uint64_t weights_heard(const LoaderWorld& world) {
  const auto stored = world.disk.find("onnx/model_q4f16.onnx");
  return stored == world.disk.end() ? 0 : stored->second.size();
}

event::FileFault fault(ErrorCode kind, std::string message, std::string file = {}) {
  return {kind, std::move(message), std::move(file), {}};
}

TEST(LoaderExamination, JudgesWhatIsSmallBeforeAnyWeightsCome) {
  LoaderWorld world;
  world.examined = fault(ErrorCode::kUnsupported, "The model brings no chat template.");
  world.tell(event::Load{});
  world.run_for(20'000);
  EXPECT_EQ(world.broken, "");
  ASSERT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kUnsupported);
  EXPECT_EQ(world.last().error->error.message, "cannotRunHere\tThe model brings no chat template.");
  EXPECT_FALSE(world.last().can.retry);
  EXPECT_EQ(weights_heard(world), 0U);
  // The whole was shown from the start.
  EXPECT_GT(world.last().total_size, 250'000U);
}

TEST(LoaderExamination, FetchesAgainWhatNoChecksumVouchesFor) {
  LoaderWorld world;
  world.hub = false;
  world.candor_json = false;
  world.config.source.repo = "https://example.org/mini";
  world.examined = fault(ErrorCode::kIntegrity, "Its config.json is no JSON.", "config.json");
  world.tell(event::Load{});
  world.run_for(20'000);
  ASSERT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.message, "cannotRunHere\tIts config.json is no JSON.\tretryFetches");
  ASSERT_TRUE(world.last().can.retry);
  world.examined = {};
  world.fetched.clear();
  world.tell(event::Retry{});
  world.run_for(20'000);
  EXPECT_EQ(world.broken, "");
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
  EXPECT_GE(std::count(world.fetched.begin(), world.fetched.end(), "https://example.org/mini/config.json"),
            2);
}

TEST(LoaderExamination, SaysThatWhatWasPublishedSoWillNotGetBetter) {
  LoaderWorld world;
  world.examined = fault(ErrorCode::kIntegrity, "Its tokenizer.json is no tokenizer.", "tokenizer.json");
  world.tell(event::Load{});
  world.run_for(20'000);
  ASSERT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kUnsupported);
  EXPECT_EQ(world.last().error->error.message, "cannotRunHere\tIts tokenizer.json is no tokenizer.");
}

TEST(LoaderExamination, GoesOnWhereItCouldNotLook) {
  LoaderWorld world;
  world.examined = {std::nullopt, "The worker could not be started."};
  world.tell(event::Load{});
  world.run_for(20'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
}

TEST(LoaderExamination, CanBePausedCancelledAndGoneOnWith) {
  for (const bool cancel : {false, true}) {
    LoaderWorld world;
    world.tell(event::Load{});
    const auto asked = [&] {
      return std::any_of(world.seen.begin(), world.seen.end(),
                         [](const Action& a) { return std::holds_alternative<action::Examine>(a); });
    };
    while (!asked() && world.step()) {
    }
    world.tell(cancel ? Event(event::Cancel{}) : Event(event::Pause{}));
    world.run();
    EXPECT_EQ(world.last().status, cancel ? LoadStatus::kCancelled : LoadStatus::kPaused);
    EXPECT_EQ(weights_heard(world), 0U);
    world.tell(cancel ? Event(event::Load{}) : Event(event::Resume{}));
    world.run_for(20'000);
    EXPECT_EQ(world.broken, "");
    EXPECT_EQ(world.last().status, LoadStatus::kReady);
  }
}

/// A model whose graph names its data `name`, which is published as `published`.
void publish_apart(LoaderWorld& world, const std::string& name, const std::string& published) {
  auto files = LoaderWorld::published();
  files.erase("onnx/model_fp16.onnx_data");
  if (!published.empty()) files["onnx/" + published] = LoaderWorld::content(500'000, 4);
  world.publish(files, 'b');
  world.config.variant.dtype.all = "fp16";
  world.external = std::vector<std::string>{name};
}

TEST(LoaderExamination, SaysWhichDataOfAGraphIsMissingBeforeTheRestComes) {
  LoaderWorld world;
  publish_apart(world, "model_fp16.onnx_data", "");
  world.tell(event::Load{});
  world.run_for(20'000);
  EXPECT_EQ(world.broken, "");
  ASSERT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kNotFound);
  EXPECT_EQ(world.last().error->error.message, "dataMissing\tonnx/model_fp16.onnx\tmodel_fp16.onnx_data");
}

TEST(LoaderExamination, TakesTheDataThatTheGraphNames) {
  for (const std::string name : {"model_fp16.onnx.data", "weights.bin", "model_fp16.onnx_data"})
    for (const int source : {0, 1, 2}) {
      LoaderWorld world;
      publish_apart(world, name, name);
      world.hub = source == 0;
      world.candor_json = source == 1;
      if (source != 0) world.config.source.repo = "https://example.org/mini";
      world.tell(event::Load{});
      world.run_for(20'000);
      EXPECT_EQ(world.broken, "");
      ASSERT_EQ(world.last().status, LoadStatus::kReady)
          << name << source << (world.last().error ? world.last().error->error.message : "");
      EXPECT_EQ(world.session->external_data, (std::vector<std::string>{"onnx/" + name}));
      EXPECT_TRUE(world.disk.at("onnx/" + name) == world.server.at("onnx/" + name));
      EXPECT_EQ(world.last().verified, world.last().total_size);
      // And without the network.
      world.tell(event::Dispose{});
      world.run();
      world.reload();
      world.network = false;
      world.tell(event::Load{});
      world.run_for(5'000);
      ASSERT_EQ(world.last().status, LoadStatus::kReady) << name << source;
      EXPECT_EQ(world.session->external_data, (std::vector<std::string>{"onnx/" + name}));
    }
}

TEST(LoaderExamination, EndsWhereTheDiskCannotGiveWhatIsExamined) {
  LoaderWorld world;
  world.examines = false;
  world.tell(event::Load{});
  world.run_for(20'000);
  ASSERT_EQ(world.last().status, LoadStatus::kDownloading);
  world.tell(event::StoreFailed{world.visit(), event::StoreFailed::Work::kSession, std::nullopt,
                                ErrorCode::kStorage, "gone"});
  world.run_for(1'000);
  ASSERT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kStorage);
  // What was asked in vain is asked anew.
  world.examines = true;
  world.tell(event::Retry{});
  world.run_for(20'000);
  EXPECT_EQ(world.broken, "");
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
}

}  // namespace
}  // namespace candor
