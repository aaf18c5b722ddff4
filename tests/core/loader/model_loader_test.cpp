#include "candor/loader/model_loader.hpp"

#include <gtest/gtest.h>

#include "loader/loader_world.hpp"

namespace candor {
namespace {

template <typename T>
std::size_t count(const LoaderWorld& world) {
  return static_cast<std::size_t>(
      std::count_if(world.seen.begin(), world.seen.end(),
                    [](const Action& action) { return std::holds_alternative<T>(action); }));
}

std::uint64_t q4f16_bytes(const LoaderWorld& world) {
  std::uint64_t sum = 0;
  for (const char* path : {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
                           "onnx/model_q4f16.onnx"}) {
    sum += world.server.at(path).size();
  }
  return sum;
}

/// Expects the model to be ready, whole and true.
void expect_ready(LoaderWorld& world, const std::string& graph = "onnx/model_q4f16.onnx") {
  EXPECT_EQ(world.broken, "");
  ASSERT_EQ(world.last().status, LoadStatus::kReady)
      << (world.last().error ? world.last().error->error.message + " " + world.last().error->error.detail
                             : to_string(world.last().status));
  ASSERT_TRUE(world.session);
  EXPECT_EQ(world.session->graph, graph);
  EXPECT_EQ(world.last().verified, world.last().total_size);
  EXPECT_TRUE(world.disk.at(graph) == world.server.at(graph));
  EXPECT_FALSE(world.last().phase);
  EXPECT_EQ(world.last().progress, 100.0);
}

bool halfway(const Snapshot& snapshot) { return snapshot.total_downloaded > 100'000; }

void load_halfway(LoaderWorld& world) {
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until(halfway));
  ASSERT_EQ(world.last().status, LoadStatus::kDownloading);
}

// --- the straight way ---

TEST(ModelLoader, BringsAModelFromTheHubToReady) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.session->dtype, "q4f16");
  EXPECT_EQ(world.session->execution_provider, ExecutionProvider::kWebGpu);
  EXPECT_EQ(world.session->threads, 1U);
  EXPECT_EQ(world.session->generation_config, "generation_config.json");
  EXPECT_FALSE(world.session->chat_template);
  EXPECT_EQ(world.disk.count("README.md"), 0U);
  EXPECT_EQ(world.last().network, q4f16_bytes(world));
  EXPECT_EQ(world.last().cached, 0U);
  EXPECT_EQ(world.last().resident, 250'000U);
  EXPECT_EQ(world.last().files_completed, 5U);
}

// --- the runtime's own code ---

TEST(ModelLoader, TheRuntimesCodeIsAFileOfTheLoad) {
  LoaderWorld world;
  world.device.jspi = true;
  world.need_runtime();
  world.tell(event::Load{});
  world.run_for(3'000);
  expect_ready(world);
  EXPECT_EQ(world.session->runtime, RuntimeBuild::kJspi);
  EXPECT_EQ(world.session->runtime_file, "ort-1/jspi.wasm");
  EXPECT_TRUE(world.disk.at("ort-1/jspi.wasm") == world.server.at("runtime/jspi.wasm"));
  EXPECT_EQ(world.disk.count("ort-1/asyncify.wasm"), 0U) << "only what this device needs";
  EXPECT_EQ(world.last().total_size, q4f16_bytes(world) + 90'000U) << "counted in the total";
  EXPECT_EQ(world.last().total_files, 6U);

  world.reload();
  world.network = false;
  world.fetched.clear();
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_TRUE(world.fetched.empty()) << "a second visit needs no network";
}

TEST(ModelLoader, OnlyTheRuntimesCodeIsFetchedWhereAllElseIsHere) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  world.reload();
  world.need_runtime();
  world.fetched.clear();
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  ASSERT_FALSE(world.fetched.empty());
  for (const std::string& url : world.fetched) EXPECT_TRUE(url.ends_with("/runtime/asyncify.wasm")) << url;
  EXPECT_EQ(world.last().network, 90'000U);
  EXPECT_EQ(world.last().cached, q4f16_bytes(world));
}

TEST(ModelLoader, ARuntimeThatCannotBeFetchedIsTheNetworksFailure) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  world.reload();
  world.need_runtime();
  world.network = false;
  world.tell(event::Load{});
  world.run_for(20'000);
  EXPECT_EQ(world.last().phase, LoadPhase::kDownload);
  ASSERT_TRUE(world.last().error);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kNetwork);
  EXPECT_EQ(world.last().error->kept, q4f16_bytes(world));
  EXPECT_FALSE(world.session);
  world.network = true;
  world.run_for(60'000);
  expect_ready(world);
}

TEST(ModelLoader, ARuntimeThatIsNotWhatThePackageWasBuiltWithNeverRuns) {
  LoaderWorld world;
  world.need_runtime();
  world.server["runtime/asyncify.wasm"][5] ^= 1;
  world.tell(event::Load{});
  world.run_for(600'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_FALSE(world.session);
}

TEST(ModelLoader, TellsThePaceOfTheWeightsOnTheirWayToTheDevice) {
  LoaderWorld world;
  world.session_answers = false;
  world.tell(event::Load{});
  world.run_for(2'000);
  ASSERT_EQ(world.last().status, LoadStatus::kLoading);
  constexpr std::uint64_t kTotal = 200'000'000;
  for (std::uint64_t at = 0; at <= kTotal / 2; at += kTotal / 40) {
    world.tell(event::SessionProgress{world.session_id, event::SessionStage::kUpload, at, kTotal});
    world.run_for(100);
  }
  const Snapshot half = world.last();
  EXPECT_EQ(half.phase, LoadPhase::kUpload);
  EXPECT_EQ(half.resident, kTotal / 2);
  EXPECT_EQ(half.resident_total, kTotal);
  EXPECT_EQ(half.progress, 50.0);
  ASSERT_TRUE(half.speed);
  EXPECT_NEAR(*half.speed, 50e6, 5e6);
  ASSERT_TRUE(half.time_remaining);
  EXPECT_NEAR(*half.time_remaining, 2.0, 0.5);
  world.run_for(10'000);
  EXPECT_GT(world.last().stalled_for, 5'000) << "silence is told";
  world.tell(event::SessionProgress{world.session_id, event::SessionStage::kWarmup, 0, {}});
  world.run_for(1'000);
  EXPECT_FALSE(world.last().speed) << "compilation has no pace";
  EXPECT_EQ(world.last().resident_total, kTotal);
  EXPECT_EQ(world.broken, "");
}

TEST(ModelLoader, KnowsTheTotalFromTheFirstFrameOfTheDownload) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  std::size_t frames = 0;
  for (const Snapshot& snapshot : world.shown) {
    if (snapshot.phase != LoadPhase::kDownload) continue;
    ++frames;
    EXPECT_EQ(snapshot.total_size, q4f16_bytes(world));
    EXPECT_EQ(snapshot.total_files, 5U);
    EXPECT_TRUE(snapshot.variant);
  }
  EXPECT_GT(frames, 0U);
}

TEST(ModelLoader, TakesExternalDataAlong) {
  LoaderWorld world;
  world.config.variant.dtype.all = "fp16";
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world, "onnx/model_fp16.onnx");
  EXPECT_EQ(world.session->external_data, (std::vector<std::string>{"onnx/model_fp16.onnx_data"}));
  EXPECT_TRUE(world.disk.at("onnx/model_fp16.onnx_data") == world.server.at("onnx/model_fp16.onnx_data"));
}

TEST(ModelLoader, LoadsFromAPlainFolderWithAndWithoutAList) {
  for (const bool list : {true, false}) {
    LoaderWorld world;
    world.hub = false;
    world.candor_json = list;
    world.config.source.repo = "https://example.org/mini";
    world.tell(event::Load{});
    world.run_for(2'000);
    expect_ready(world);
  }
}

TEST(ModelLoader, PublishesAtMostEveryTenthOfASecondButFinalStatesAtOnce) {
  LoaderWorld world;
  std::vector<double> times;
  world.tell(event::Load{});
  world.run_for(2'000);
  for (std::size_t i = 1; i < world.shown.size(); ++i) {
    if (world.shown[i].status == LoadStatus::kReady) continue;
    EXPECT_GE(world.shown[i].last_update - world.shown[i - 1].last_update, 100);
  }
  ASSERT_EQ(world.last().status, LoadStatus::kReady);
  EXPECT_GT(world.shown.size(), 2U);
}

// --- another visit ---

TEST(ModelLoader, NeedsNoNetworkWhenEverythingIsOnDisk) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(10'000);
  world.reload();
  world.network = false;
  const std::size_t fetched = world.fetched.size();
  EXPECT_EQ(world.snapshot().status, LoadStatus::kIdle);
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.fetched.size(), fetched);
  EXPECT_EQ(world.last().network, 0U);
  EXPECT_EQ(world.last().cached, q4f16_bytes(world));
}

TEST(ModelLoader, FetchesAgainWhatIsMissingOnDisk) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  world.reload();
  world.disk["onnx/model_q4f16.onnx"].resize(100'000);
  const std::uint64_t before = world.body_bytes;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_GE(world.body_bytes - before, 150'000U);
  EXPECT_LE(world.body_bytes - before, 250'000U);
}

TEST(ModelLoader, OffersToGoOnAfterAClosedTab) {
  LoaderWorld world;
  load_halfway(world);
  world.stalled = true;
  world.run_for(3'000);  // the journal and the record are up to date
  const std::uint64_t here = world.snapshot().total_downloaded;
  world.reload();
  world.stalled = false;
  const Snapshot restored = world.snapshot();
  EXPECT_EQ(restored.status, LoadStatus::kPaused);
  EXPECT_EQ(restored.phase, LoadPhase::kDownload);
  EXPECT_EQ(restored.total_downloaded, here);
  EXPECT_EQ(restored.cached, here);
  EXPECT_EQ(restored.total_size, q4f16_bytes(world));
  EXPECT_TRUE(restored.can.resume);
  EXPECT_FALSE(restored.speed);
  const std::uint64_t before = world.body_bytes;
  world.tell(event::Resume{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.last().cached, here);
  EXPECT_EQ(world.body_bytes - before, q4f16_bytes(world) - here);
  EXPECT_EQ(world.last().discarded, 0U);
}

TEST(ModelLoader, SaysSoWhenTheDiskHasLessThanTheRecord) {
  LoaderWorld world;
  load_halfway(world);
  world.stalled = true;
  world.run_for(3'000);
  world.reload();
  world.stalled = false;
  world.journal = {};
  const std::uint64_t claimed = world.snapshot().total_downloaded;
  ASSERT_GT(claimed, 0U);
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.last().discarded, claimed);
  EXPECT_TRUE(world.last().discarded_reason);
}

TEST(ModelLoader, IgnoresRecordsThatAreDamagedOrForeign) {
  for (const char* record : {"", "{", "[]", R"({"version":99})", R"({"modelKey":"other"})"}) {
    LoaderWorld world;
    world.storage["download_state_mini"] = record;
    world.storage["candor_timings_mini"] = record;
    EXPECT_EQ(world.snapshot().status, LoadStatus::kIdle) << record;
    world.tell(event::Load{});
    world.run_for(2'000);
    expect_ready(world);
  }
}

TEST(ModelLoader, KeepsARecordWhileItDownloadsAndRemovesItFiveSecondsAfter) {
  LoaderWorld world;
  load_halfway(world);
  EXPECT_EQ(world.storage.count("download_state_mini"), 1U);
  world.run_for(1'000);
  ASSERT_EQ(world.last().status, LoadStatus::kReady);
  EXPECT_EQ(world.storage.count("download_state_mini"), 1U);
  world.run_for(6'000);
  EXPECT_EQ(world.storage.count("download_state_mini"), 0U);
}

TEST(ModelLoader, TellsWhatAPhaseTookTheLastTimeOnThisDevice) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(6'000);
  ASSERT_EQ(world.storage.count("candor_timings_mini"), 1U);
  for (const Snapshot& snapshot : world.shown) EXPECT_FALSE(snapshot.phase_last_time);
  world.reload();
  world.session_answers = false;
  world.tell(event::Load{});
  world.run_for(1'500);
  ASSERT_EQ(world.last().phase, LoadPhase::kCreate);
  EXPECT_TRUE(world.last().phase_last_time);
  EXPECT_GT(world.last().phase_elapsed, 1'000);
  EXPECT_FALSE(world.last().progress);
}

// --- what the visitor does ---

TEST(ModelLoader, PausesAndGoesOnWithoutFetchingAByteTwice) {
  LoaderWorld world;
  load_halfway(world);
  world.tell(event::Pause{});
  EXPECT_EQ(world.last().status, LoadStatus::kPaused);
  EXPECT_TRUE(world.last().can.resume);
  EXPECT_FALSE(world.last().can.pause);
  const std::uint64_t here = world.last().total_downloaded;
  world.run_for(60'000);
  EXPECT_EQ(world.last().status, LoadStatus::kPaused);
  EXPECT_EQ(world.snapshot().total_downloaded, here);
  world.tell(event::Resume{});
  world.run_for(1'000);
  expect_ready(world);
  EXPECT_EQ(world.body_bytes, q4f16_bytes(world));
}

TEST(ModelLoader, PausesBeforeTheDownloadBegan) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.tell(event::Pause{});
  world.run_for(10'000);
  EXPECT_EQ(world.last().status, LoadStatus::kPaused);
  EXPECT_TRUE(world.fetched.empty());
  world.tell(event::Load{});
  world.run_for(1'000);
  expect_ready(world);
}

TEST(ModelLoader, KeepsTheBytesWhenCancelled) {
  LoaderWorld world;
  load_halfway(world);
  world.tell(event::Cancel{});
  EXPECT_EQ(world.last().status, LoadStatus::kCancelled);
  const std::uint64_t here = world.last().total_downloaded;
  EXPECT_GT(here, 100'000U);
  EXPECT_TRUE(world.last().can.remove);
  world.run_for(10'000);
  EXPECT_EQ(world.body_bytes, here);
  world.tell(event::Load{});
  world.run_for(1'000);
  expect_ready(world);
  EXPECT_EQ(world.body_bytes, q4f16_bytes(world));
  EXPECT_EQ(world.last().cached, here);
}

TEST(ModelLoader, CanBeGivenUpWhenItAsksAfterAFailure) {
  LoaderWorld world;
  load_halfway(world);
  world.network = false;
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.status == LoadStatus::kFailed; }));
  EXPECT_FALSE(world.last().can.cancel);
  const std::uint64_t kept = world.last().error->kept;
  world.tell(event::Cancel{});
  EXPECT_EQ(world.last().status, LoadStatus::kCancelled);
  EXPECT_FALSE(world.last().error);
  EXPECT_EQ(world.last().total_downloaded, kept);
  world.network = true;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_GE(world.last().cached, kept);
}

TEST(ModelLoader, EndsTheSessionThatIsBeingMadeWhenCancelled) {
  LoaderWorld world;
  world.session_answers = false;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.status == LoadStatus::kLoading; }));
  EXPECT_FALSE(world.last().can.pause);
  world.tell(event::Pause{});
  EXPECT_EQ(world.snapshot().status, LoadStatus::kLoading);
  world.tell(event::Cancel{});
  EXPECT_EQ(world.last().status, LoadStatus::kCancelled);
  EXPECT_FALSE(world.session);
}

TEST(ModelLoader, FreesEverythingWhenRemoved) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  world.tell(event::Remove{});
  world.run_for(2'000);
  EXPECT_EQ(world.last().status, LoadStatus::kIdle);
  EXPECT_EQ(world.last().total_downloaded, 0U);
  EXPECT_TRUE(world.disk.empty());
  EXPECT_TRUE(world.storage.empty());
  EXPECT_FALSE(world.session);
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
}

TEST(ModelLoader, RemovesInMidDownloadAndThenLoadsAnewWhenAsked) {
  LoaderWorld world;
  load_halfway(world);
  world.tell(event::Remove{});
  world.tell(event::Load{});
  world.run_for(1'000);
  expect_ready(world);
}

TEST(ModelLoader, LeavesAnUnfinishedDownloadReadyToGoOnWhenDisposed) {
  LoaderWorld world;
  load_halfway(world);
  world.tell(event::Dispose{});
  EXPECT_EQ(world.last().status, LoadStatus::kPaused);
  world.reload();
  EXPECT_EQ(world.snapshot().status, LoadStatus::kPaused);
  world.tell(event::Load{});
  world.run_for(1'000);
  expect_ready(world);
  EXPECT_EQ(world.body_bytes, q4f16_bytes(world));
}

TEST(ModelLoader, EndsTheSessionWhenAReadyModelIsDisposed) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  world.tell(event::Dispose{});
  EXPECT_EQ(world.last().status, LoadStatus::kIdle);
  EXPECT_FALSE(world.session);
  EXPECT_EQ(world.last().resident, 0U);
  const std::size_t fetched = world.fetched.size();
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.fetched.size(), fetched);
}

TEST(ModelLoader, DoesNothingOnEventsThatBelongToNothing) {
  LoaderWorld world;
  event::Peer peer;
  peer.visit = 1;
  peer.on_disk = 9;
  const auto tell = [&](const auto&... events) { (world.tell(events), ...); };
  tell(event::Pause{}, event::Resume{}, event::Retry{}, event::Cancel{}, event::Dispose{}, event::Tick{},
       event::Online{}, event::Offline{}, event::Locked{}, event::Busy{}, peer, event::Probed{},
       event::Journal{}, event::Opened{1, 3, 4}, event::StoreFailed{}, event::Removed{}, event::Journaled{},
       event::Head{9, 200, false, {}}, event::Heard{}, event::Text{9, "x"}, event::End{9},
       event::FetchFailed{}, event::SessionProgress{}, event::SessionReady{}, event::SessionFailed{},
       event::SessionLost{}, event::Update{});
  EXPECT_TRUE(world.seen.empty());
  EXPECT_EQ(world.snapshot().status, LoadStatus::kIdle);
  world.tell(event::Load{});
  world.run_for(2'000);
  world.seen.clear();
  for (const Event& event :
       {Event{event::Load{}}, Event{event::Retry{}}, Event{event::SessionReady{}}, Event{event::End{1}}}) {
    world.tell(event);
  }
  EXPECT_TRUE(world.seen.empty());
  EXPECT_EQ(world.snapshot().status, LoadStatus::kReady);
}

// --- failures ---

TEST(ModelLoader, SaysThatAModelDoesNotExistAndOffersNoRetry) {
  LoaderWorld world;
  world.status["revision"] = 404;
  world.tell(event::Load{});
  world.run_for(1'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  ASSERT_TRUE(world.last().error);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kNotFound);
  EXPECT_FALSE(world.last().can.retry);
}

TEST(ModelLoader, AsksThreeTimesAndThenNoMore) {
  LoaderWorld world;
  world.status["onnx/model_q4f16.onnx"] = 503;
  world.tell(event::Load{});
  const auto failed = [](const Snapshot& s) { return s.status == LoadStatus::kFailed; };
  for (unsigned attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(world.run_until(failed));
    EXPECT_EQ(world.last().attempt, attempt);
    EXPECT_EQ(world.last().max_attempts, 3U);
    EXPECT_EQ(world.last().error->error.code, ErrorCode::kHttp);
    EXPECT_EQ(world.last().error->kept, world.last().total_downloaded);
    EXPECT_EQ(world.last().can.retry, attempt < 3);
    world.tell(event::Retry{});
    EXPECT_EQ(world.snapshot().status, attempt < 3 ? LoadStatus::kDownloading : LoadStatus::kFailed);
    world.run(5);
    world.shown.clear();
  }
  // Whoever wants it anew may have it.
  world.status.clear();
  world.tell(event::Load{});
  world.run_for(1'000);
  expect_ready(world);
}

TEST(ModelLoader, ShowsWhyItWaitsAndForHowLong) {
  LoaderWorld world;
  world.status["onnx/model_q4f16.onnx"] = 503;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.error && s.error->retry_in; }));
  EXPECT_EQ(world.last().status, LoadStatus::kDownloading);
  EXPECT_GT(*world.last().error->retry_in, 0);
  world.status.clear();
  world.run_for(60'000);
  expect_ready(world);
  EXPECT_FALSE(world.last().error);
}

TEST(ModelLoader, CountsAttemptsAnewAfterProgress) {
  LoaderWorld world;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until(halfway));
  world.network = false;
  const auto failed = [](const Snapshot& s) { return s.status == LoadStatus::kFailed; };
  ASSERT_TRUE(world.run_until(failed));
  EXPECT_EQ(world.last().attempt, 1U);
  world.tell(event::Retry{});
  world.shown.clear();
  ASSERT_TRUE(world.run_until(failed));
  EXPECT_EQ(world.last().attempt, 2U);
  world.network = true;
  world.tell(event::Retry{});
  world.run_for(1'000);
  expect_ready(world);
  EXPECT_EQ(world.body_bytes, q4f16_bytes(world));
}

TEST(ModelLoader, CountsNothingDamagedAsGood) {
  LoaderWorld world;
  world.lie_about_bytes = true;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.status == LoadStatus::kFailed; }));
  EXPECT_EQ(world.broken, "");
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kIntegrity);
  EXPECT_GT(world.last().discarded, 0U);
  EXPECT_TRUE(world.last().discarded_reason);
  EXPECT_LT(world.last().verified, world.last().total_size);
  EXPECT_EQ(count<action::CreateSession>(world), 0U);
  world.lie_about_bytes = false;
  world.tell(event::Retry{});
  world.run_for(60'000);
  expect_ready(world);
}

TEST(ModelLoader, ChecksTheRoomBeforeTheFirstByte) {
  LoaderWorld world;
  world.device.quota = 200'000;
  world.device.usage = 50'000;
  world.tell(event::Load{});
  world.run_for(2'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kQuota);
  EXPECT_EQ(world.last().error->error.message, "noRoom\t253026\t150000");
  EXPECT_EQ(world.body_bytes, 0U);
  world.device.usage = 0;
  world.device.quota = 300'000;
  world.tell(event::Retry{});
  world.run_for(2'000);
  expect_ready(world);
}

TEST(ModelLoader, WaitsForTheNetworkWhenOfflineAndGoesOnAtOnce) {
  LoaderWorld world;
  world.network = false;
  world.tell(event::Load{});
  world.run_for(120'000);
  EXPECT_EQ(world.last().status, LoadStatus::kDownloading);
  ASSERT_TRUE(world.last().error);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kNetwork);
  EXPECT_LE(world.last().error->retry_in.value_or(1e9), 30'000);
  world.network = true;
  world.tell(event::Online{});
  world.run_for(2'000);
  expect_ready(world);
}

TEST(ModelLoader, NeedsNobodyWhenTheNetworkComesBackAfterAFailure) {
  LoaderWorld world;
  load_halfway(world);
  world.network = false;
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.status == LoadStatus::kFailed; }));
  world.network = true;
  world.tell(event::Online{});
  world.run_for(2'000);
  expect_ready(world);
}

TEST(ModelLoader, SaysHowLongNothingHasArrived) {
  LoaderWorld world;
  load_halfway(world);
  world.stalled = true;
  world.run_for(12'000);
  EXPECT_EQ(world.last().status, LoadStatus::kDownloading);
  EXPECT_GE(world.last().stalled_for, 10'000);
  EXPECT_EQ(world.last().eta.kind, EtaDisplay::Kind::kStalled);
  world.release();
  world.run_for(1'000);
  expect_ready(world);
}

TEST(ModelLoader, MakesASessionAgainFromDiskAfterOneFailed) {
  LoaderWorld world;
  world.session_failure = event::SessionFailed{1, {ErrorCode::kOutOfMemory, "bad_alloc"}};
  world.tell(event::Load{});
  for (unsigned attempt = 1; attempt <= 3; ++attempt) {
    world.run_for(1'000);
    ASSERT_EQ(world.last().status, LoadStatus::kFailed);
    EXPECT_EQ(world.last().attempt, attempt);
    EXPECT_EQ(world.last().error->error.code, ErrorCode::kOutOfMemory);
    EXPECT_EQ(world.last().error->error.detail, "bad_alloc");
    EXPECT_EQ(world.last().error->kept, q4f16_bytes(world));
    EXPECT_EQ(world.last().can.retry, attempt < 3);
    world.tell(event::Retry{});
  }
  EXPECT_EQ(count<action::CreateSession>(world), 3U);
  EXPECT_EQ(world.body_bytes, q4f16_bytes(world));
  world.session_failure.reset();
  world.tell(event::Load{});
  world.run_for(1'000);
  expect_ready(world);
  EXPECT_EQ(world.body_bytes, q4f16_bytes(world));
}

TEST(ModelLoader, DoesNotFetchAgainWhatIsExactlyAsPublished) {
  LoaderWorld world;
  world.session_failure = event::SessionFailed{1, {ErrorCode::kIntegrity, "protobuf"}};
  world.tell(event::Load{});
  world.run_for(1'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kUnsupported);
  EXPECT_FALSE(world.last().can.retry);
}

TEST(ModelLoader, AsksTheSourceOfAModelThatCannotBeLoadedForAnotherOne) {
  LoaderWorld world;
  world.session_failure = event::SessionFailed{1, {ErrorCode::kIntegrity, "protobuf"}};
  world.tell(event::Load{});
  world.run_for(1'000);
  ASSERT_EQ(world.last().status, LoadStatus::kFailed);
  world.server["onnx/model_q4f16.onnx"] = LoaderWorld::content(250'000, 9);
  world.commit = std::string(40, 'c');
  world.session_failure.reset();
  const std::uint64_t before = world.body_bytes;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.body_bytes - before, 250'000U);
}

TEST(ModelLoader, AsksTheSourceOnceWhenWhatIsOnDiskCannotBeLoaded) {
  LoaderWorld world;
  world.session_failure = event::SessionFailed{1, {ErrorCode::kUnsupported, "no such operator"}};
  world.tell(event::Load{});
  world.run_for(1'000);
  const std::uint64_t before = world.body_bytes;
  world.reload();
  world.seen.clear();
  world.tell(event::Load{});
  world.run_for(2'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(count<action::CreateSession>(world), 2U);
  EXPECT_EQ(world.body_bytes, before);

  world.reload();
  world.server["onnx/model_q4f16.onnx"] = LoaderWorld::content(250'000, 9);
  world.commit = std::string(40, 'c');
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.phase == LoadPhase::kDownload; }));
  world.session_failure.reset();
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.body_bytes - before, 250'000U);
}

TEST(ModelLoader, FetchesUnreadableWeightsAgainWhenNothingVouchesForThem) {
  LoaderWorld world;
  world.hub = false;
  world.candor_json = false;
  world.config.source.repo = "https://example.org/mini";
  world.session_failure = event::SessionFailed{1, {ErrorCode::kIntegrity, "protobuf"}};
  world.tell(event::Load{});
  world.run_for(1'000);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kIntegrity);
  ASSERT_TRUE(world.last().can.retry);
  world.session_failure.reset();
  const std::uint64_t before = world.body_bytes;
  world.tell(event::Retry{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.body_bytes - before, 250'000U);
  EXPECT_EQ(world.last().discarded, 250'000U);
}

TEST(ModelLoader, LoadsAgainFromDiskAfterTheDeviceWasLost) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  world.tell(event::SessionLost{world.session_id, "reset"});
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kDeviceLost);
  ASSERT_TRUE(world.last().can.retry);
  const std::size_t fetched = world.fetched.size();
  world.tell(event::Retry{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.fetched.size(), fetched);
}

// What the engine says, not our own code about the files.
event::SessionFailed by_engine(const char* words) { return {0, {std::nullopt, words}}; }

TEST(ModelLoader, FallsBackToTheProcessorWithTheWeightsThatAreHereAndSaysSo) {
  LoaderWorld world;
  world.fails_on_webgpu = by_engine("Error: exceeds the max buffer size limit");
  world.tell(event::Load{});
  world.run_for(5'000);
  expect_ready(world);
  EXPECT_EQ(world.last().variant->execution_provider, ExecutionProvider::kWasm);
  EXPECT_EQ(world.last().variant->dtype, "q4f16");
  EXPECT_NE(world.last().variant->reason.find("\twebGpuFailed\t"), std::string::npos);
  EXPECT_EQ(count<action::CreateSession>(world), 2U);
  EXPECT_EQ(world.body_bytes, q4f16_bytes(world)) << "nothing is fetched again";
  EXPECT_EQ(world.session->runtime, RuntimeBuild::kPlain);
}

TEST(ModelLoader, DoesNotFallBackFromWebGpuThatThePageAskedFor) {
  LoaderWorld world;
  world.config.variant.execution_provider = ExecutionProvider::kWebGpu;
  world.fails_on_webgpu = by_engine("Error: exceeds the max buffer size limit");
  world.tell(event::Load{});
  world.run_for(5'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
}

TEST(ModelLoader, LeavesADeviceThatIsLostTwice) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  world.tell(event::SessionLost{world.session_id, "reset"});
  ASSERT_TRUE(world.last().can.retry) << "once may have been by chance";
  world.tell(event::Retry{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.last().variant->execution_provider, ExecutionProvider::kWebGpu);
  world.tell(event::SessionLost{world.session_id, "reset"});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.last().variant->execution_provider, ExecutionProvider::kWasm);
  EXPECT_NE(world.last().variant->reason.find("\twebGpuLostTwice\t"), std::string::npos);
}

TEST(ModelLoader, LeavesWebGpuWhereItsFirstAnswerFails) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  world.tell(event::AnswerFailed{world.session_id, 4, "Error: failed to run MatMul"});
  ASSERT_EQ(world.rejected.size(), 1U);
  EXPECT_TRUE(world.rejected[0].error.retryable);
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_EQ(world.last().variant->execution_provider, ExecutionProvider::kWasm);
}

TEST(ModelLoader, StaysOnWebGpuWhereOneOfItsAnswersFails) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  world.tell(event::Answered{world.session_id, 20, 12.5});
  world.tell(event::AnswerFailed{world.session_id, 4, "Error: failed to run MatMul"});
  world.run_for(2'000);
  EXPECT_EQ(world.last().variant->execution_provider, ExecutionProvider::kWebGpu);
  EXPECT_EQ(count<action::CreateSession>(world), 1U);
}

TEST(ModelLoader, TellsHowFastItAnsweredTheLastTimeOnThisDevice) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  EXPECT_FALSE(world.last().tokens_per_second);
  world.tell(event::Answered{world.session_id, 3, 99});
  world.run_for(200);
  EXPECT_FALSE(world.last().tokens_per_second) << "a few tokens tell nothing";
  world.tell(event::Answered{world.session_id, 20, 12.5});
  world.run_for(200);
  EXPECT_EQ(world.last().tokens_per_second, 12.5);
  world.reload();
  EXPECT_EQ(world.loader().snapshot(instant_from_ms(world.now_ms)).tokens_per_second, 12.5);
}

TEST(ModelLoader, ReportsAStoreThatFailsInAnyPhase) {
  LoaderWorld world;
  world.session_answers = false;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.status == LoadStatus::kLoading; }));
  world.tell(
      event::StoreFailed{1, event::StoreFailed::Work::kSession, std::nullopt, ErrorCode::kStorage, "gone"});
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kStorage);
  EXPECT_EQ(world.last().error->error.detail, "gone");
  world.session_answers = true;
  world.tell(event::Retry{});
  world.run_for(2'000);
  expect_ready(world);
}

TEST(ModelLoader, RefusesAModelOfSeveralPartsBeforeItsFirstByte) {
  LoaderWorld world;
  for (const char* path :
       {"onnx/model_q4.onnx", "onnx/model_q4f16.onnx", "onnx/model_fp16.onnx", "onnx/model_fp16.onnx_data"}) {
    world.server.erase(path);
  }
  world.server["onnx/decoder_model_merged_q4.onnx"] = "x";
  world.server["onnx/embed_tokens_q4.onnx"] = "x";
  world.tell(event::Load{});
  world.run_for(2'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kUnsupported);
  EXPECT_EQ(world.body_bytes, 0U);
  EXPECT_FALSE(world.last().can.retry);
}

TEST(ModelLoader, KeepsNoJournalWhereNothingWillBeKept) {
  LoaderWorld world;
  world.device.persistent = false;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_FALSE(world.last().persistent);
  EXPECT_EQ(count<action::WriteJournal>(world), 0U);
}

TEST(ModelLoader, NamesAFolderThatIsSafeAndItsOwn) {
  const auto folder_of = [](const char* repo, const char* revision, const char* host) {
    LoaderWorld world;
    world.config.source = {repo, revision, host};
    world.tell(event::Load{});
    EXPECT_EQ(world.broken, "");
    return std::get<action::Lock>(world.seen.at(0)).folder;
  };
  const std::string one = folder_of("owner/name", "main", "https://huggingface.co");
  EXPECT_EQ(one, folder_of("owner/name", "main", "https://huggingface.co"));
  EXPECT_NE(one, folder_of("owner-name", "main", "https://huggingface.co"));
  EXPECT_NE(one, folder_of("owner/name", "v2", "https://huggingface.co"));
  EXPECT_NE(one, folder_of("owner/name", "main", "https://hub.example"));
  EXPECT_EQ(folder_of("https://a.example/m", "main", ""), folder_of("https://a.example/m", "x", "y"));
  EXPECT_LE(folder_of(("https://a.example/" + std::string(5'000, 'x')).c_str(), "main", "").size(), 200U);
}

TEST(ModelLoader, AsksForTheListAnewWhenTheFilesAreNotWhatItSays) {
  // Of another length, or as long as before, so that only the checksum tells.
  for (const std::size_t size : {260'000U, 250'000U}) {
    LoaderWorld world;
    world.hub = false;
    world.config.source.repo = "https://example.org/mini";
    world.tell(event::Load{});
    ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.network > 100'000; }));
    world.server["onnx/model_q4f16.onnx"] = LoaderWorld::content(size, 9);
    world.network = false;
    world.run_for(1'000);
    world.network = true;
    world.run_for(60'000);
    // Another length shows at once, and nobody has to be asked.
    if (size == 250'000U) {
      ASSERT_EQ(world.last().status, LoadStatus::kFailed);
      ASSERT_TRUE(world.last().can.retry);
      world.tell(event::Retry{});
      world.run_for(60'000);
    }
    expect_ready(world);
    EXPECT_GT(world.last().discarded, 100'000U);
  }
}

// --- one download for all tabs ---

TEST(ModelLoader, LeavesTheFolderAloneWhileAnotherTabHasItAndShowsItsNumbers) {
  LoaderWorld world;
  world.elsewhere = true;
  world.tell(event::Load{});
  world.run_for(5'000);
  EXPECT_TRUE(world.fetched.empty());
  EXPECT_TRUE(world.last().elsewhere);
  EXPECT_EQ(world.last().status, LoadStatus::kQueued);

  world.tell(event::Peer{1, 400, 300, 1'000, 50.0, EtaEstimate{12, 11, 13}, 0});
  world.run_for(1'000);
  const Snapshot& shown = world.last();
  EXPECT_EQ(shown.status, LoadStatus::kDownloading);
  EXPECT_EQ(shown.phase, LoadPhase::kDownload);
  EXPECT_EQ(shown.progress, 40.0);
  EXPECT_EQ(shown.total_downloaded, 400U);
  EXPECT_EQ(shown.total_size, 1'000U);
  EXPECT_EQ(shown.verified, 300U);
  EXPECT_EQ(shown.network, 0U);
  EXPECT_EQ(shown.speed, 50.0);
  EXPECT_EQ(shown.eta.kind, EtaDisplay::Kind::kExact);
  EXPECT_EQ(shown.eta.low, 12.0);
  EXPECT_TRUE(world.storage.empty());
}

TEST(ModelLoader, SaysThatItWaitsWhileTheOtherTabHasStopped) {
  LoaderWorld world;
  world.elsewhere = true;
  world.tell(event::Load{});
  world.tell(event::Peer{1, 400, 300, 1'000, 50.0, {}, 0});
  world.run_for(1'000);
  EXPECT_EQ(world.last().status, LoadStatus::kDownloading);

  world.tell(event::Peer{1, 500, 300, 1'000, {}, {}, 0, true});
  EXPECT_EQ(world.last().status, LoadStatus::kQueued);
  EXPECT_TRUE(world.last().elsewhere);
  EXPECT_EQ(world.last().progress, 50.0);
  EXPECT_FALSE(world.last().speed);
  EXPECT_TRUE(world.last().can.cancel);

  world.tell(event::Peer{1, 500, 400, 1'000, 50.0, {}, 0});
  world.run_for(1'000);
  EXPECT_EQ(world.last().status, LoadStatus::kDownloading);
  world.tell(event::Peer{1, 600, 400, 1'000, {}, {}, 0, true});
  world.grant();
  world.run_for(5'000);
  expect_ready(world);
}

TEST(ModelLoader, SpeaksOfAnotherTabOnlyWhereThereIsOne) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  for (const Snapshot& shown : world.shown) EXPECT_FALSE(shown.elsewhere);
}

TEST(ModelLoader, TakesOverFromTheJournalWhenTheOtherTabDies) {
  LoaderWorld world;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.network > 100'000; }));
  world.tell(event::Dispose{});
  world.run();
  world.reload();
  const std::uint64_t before = world.body_bytes;

  world.elsewhere = true;
  world.tell(event::Load{});
  world.run_for(1'000);
  EXPECT_EQ(world.body_bytes, before);
  world.grant();
  world.run_for(5'000);
  expect_ready(world);
  EXPECT_GT(world.last().cached, 100'000U);
  EXPECT_FALSE(world.last().elsewhere);
  EXPECT_LT(world.body_bytes, 400'000U);
}

TEST(ModelLoader, UsesWhatAnotherTabDownloadedWithoutTheNetwork) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_FALSE(world.holds()) << "a tab that has all it needs lets the next one have the folder";
  world.reload();
  world.fetched.clear();
  world.elsewhere = true;
  world.tell(event::Load{});
  world.tell(event::Peer{1, 250'000, 250'000, 253'000, 1e6, EtaEstimate{0, 0, 0}, 0});
  world.grant();
  world.run_for(2'000);
  expect_ready(world);
  EXPECT_TRUE(world.fetched.empty());
}

TEST(ModelLoader, StopsWaitingForTheOtherTabWhenTheVisitorSaysSo) {
  for (const Event& end : {Event{event::Pause{}}, Event{event::Cancel{}}, Event{event::Dispose{}}}) {
    LoaderWorld world;
    world.elsewhere = true;
    world.tell(event::Load{});
    world.run_for(1'000);
    world.tell(end);
    EXPECT_EQ(count<action::Unlock>(world), 1U);
    world.tell(event::Peer{1, 400, 300, 1'000, 50.0, {}, 0});
    world.run_for(1'000);
    EXPECT_FALSE(world.last().elsewhere);
    EXPECT_EQ(world.last().total_downloaded, 0U);
    world.elsewhere = false;
    world.tell(event::Load{});
    world.run_for(2'000);
    expect_ready(world);
  }
}

TEST(ModelLoader, GivesTheFolderUpWhenItHasFailedForGood) {
  LoaderWorld world;
  world.status["onnx/model_q4f16.onnx"] = 404;
  world.tell(event::Load{});
  world.run_for(100'000);
  ASSERT_EQ(world.last().status, LoadStatus::kFailed);
  while (world.last().can.retry) {
    world.tell(event::Retry{});
    world.run_for(100'000);
  }
  EXPECT_FALSE(world.holds());
  world.status.clear();
  world.tell(event::Load{});
  world.run_for(100'000);
  expect_ready(world);
}

}  // namespace
}  // namespace candor
