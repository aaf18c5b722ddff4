#include "candor/loader/watched_load.hpp"

#include <gtest/gtest.h>

#include <string>

#include "wire/wire.hpp"

namespace candor {
namespace {

Instant at(double seconds) { return instant_from_ms(seconds * 1000); }

/// Transformers.js, which loads a model of two files.
struct Page {
  WatchedLoad load;
  double now = 1;
  std::vector<Snapshot> delivered;

  explicit Page(bool cache_known = false) : load({"mini", "Mini", "main", cache_known}) {}

  void take(std::optional<Snapshot> snapshot) {
    if (snapshot) delivered.push_back(std::move(*snapshot));
  }
  void send(const std::string& status, const std::string& file, RawNumber loaded = {}, RawNumber total = {}) {
    RawEvent raw;
    raw.status = status;
    raw.name = "owner/mini";
    raw.file = file;
    raw.loaded = loaded;
    raw.total = total;
    take(load.on(TransformersEvent::parse(raw), at(now)));
  }
  void begin(const std::string& file) {
    send("initiate", file);
    send("download", file);
  }
  void flow(const std::string& file, double from, double to, double total, double seconds) {
    for (int i = 1; i <= 20; ++i) {
      now += seconds / 20;
      send("progress", file, from + (to - from) * i / 20, total);
    }
  }
  Snapshot shown() const { return load.snapshot(at(now)); }
};

TEST(WatchedLoad, IsIdleUntilSomethingIsHeardAndAllowsNothing) {
  Page page;
  const Snapshot shown = page.shown();
  EXPECT_EQ(shown.model_key, "mini");
  EXPECT_EQ(shown.model_name, "Mini");
  EXPECT_EQ(shown.status, LoadStatus::kIdle);
  EXPECT_FALSE(shown.phase);
  EXPECT_FALSE(shown.progress);
  EXPECT_FALSE(shown.total_size);
  EXPECT_EQ(shown.start_time, 0);
  EXPECT_FALSE(page.load.wake_at());
  page.begin("onnx/model_q4.onnx");
  const Allowed can = page.shown().can;
  EXPECT_FALSE(can.pause || can.resume || can.cancel || can.retry || can.remove || can.update);
  EXPECT_EQ(page.shown().max_attempts, 1U);
}

TEST(WatchedLoad, ShowsTheDownloadThenWaitsWithoutAPercentageAndIsAtHundredOnlyWhenReady) {
  Page page;
  page.begin("config.json");
  page.flow("config.json", 0, 1000, 1000, 0.2);
  page.send("done", "config.json");
  page.begin("onnx/model_q4.onnx");
  page.flow("onnx/model_q4.onnx", 0, 5e6, 10e6, 5);
  Snapshot shown = page.shown();
  EXPECT_EQ(shown.status, LoadStatus::kDownloading);
  EXPECT_EQ(shown.phase, LoadPhase::kDownload);
  EXPECT_NEAR(*shown.progress, 50, 0.1);
  EXPECT_EQ(shown.total_downloaded, 5'001'000U);
  EXPECT_EQ(shown.total_size, 10'001'000U);
  EXPECT_EQ(shown.network + shown.cached, shown.total_downloaded);
  EXPECT_EQ(shown.verified, 1000U);
  EXPECT_EQ(shown.current_file, "onnx/model_q4.onnx");
  EXPECT_NEAR(*shown.speed, 1e6, 1e5);
  EXPECT_NEAR(*shown.time_remaining, 5, 1);
  EXPECT_LE(*shown.eta_low, *shown.eta_high);
  EXPECT_NE(shown.eta.kind, EtaDisplay::Kind::kNone);
  EXPECT_FALSE(shown.throughput.empty());
  EXPECT_NEAR(shown.phase_elapsed, 5200, 1);
  EXPECT_EQ(shown.start_time, 1000);
  ASSERT_EQ(shown.files.size(), 2U);
  EXPECT_EQ(shown.files[0].status, FileStatus::kDone);
  EXPECT_EQ(shown.files[1].status, FileStatus::kProgress);
  EXPECT_NEAR(*shown.files[1].speed, 1e6, 1e5);
  EXPECT_NEAR(*shown.files[1].time_remaining, 5, 1);

  page.flow("onnx/model_q4.onnx", 5e6, 10e6, 10e6, 5);
  page.send("done", "onnx/model_q4.onnx");
  page.now += 2;
  shown = page.shown();
  EXPECT_EQ(shown.status, LoadStatus::kLoading);
  EXPECT_EQ(shown.phase, LoadPhase::kCreate);
  EXPECT_FALSE(shown.progress);
  EXPECT_FALSE(shown.speed);
  EXPECT_NEAR(shown.phase_elapsed, 2000, 1);

  page.take(page.load.complete(at(page.now)));
  ASSERT_EQ(page.delivered.back().status, LoadStatus::kReady);
  EXPECT_EQ(page.delivered.back().progress, 100);
  EXPECT_FALSE(page.delivered.back().phase);
  EXPECT_EQ(page.delivered.back().files_completed, 2U);
  EXPECT_FALSE(page.load.wake_at());
  EXPECT_FALSE(page.load.tick(at(page.now + 60))) << "nothing is waited for";
}

TEST(WatchedLoad, AFailureIsSaidInWordsAndOnlyWholeFilesInACacheAreKept) {
  for (const bool cache_known : {true, false}) {
    Page page(cache_known);
    page.begin("config.json");
    page.flow("config.json", 0, 1000, 1000, 0.2);
    page.send("done", "config.json");
    page.begin("onnx/model_q4.onnx");
    page.flow("onnx/model_q4.onnx", 0, 5e6, 10e6, 5);
    page.take(page.load.fail("Error: <b>503</b>", at(page.now)));
    const Snapshot& shown = page.delivered.back();
    EXPECT_EQ(shown.status, LoadStatus::kFailed);
    ASSERT_TRUE(shown.error);
    EXPECT_EQ(shown.error->error.code, ErrorCode::kRuntime);
    EXPECT_EQ(shown.error->error.detail, "Error: <b>503</b>");
    EXPECT_EQ(shown.error->error.message.find('<'), std::string::npos);
    EXPECT_TRUE(shown.error->error.retryable);
    EXPECT_FALSE(shown.error->retry_in);
    EXPECT_EQ(shown.error->kept, cache_known ? 1000U : 0U);
    EXPECT_EQ(shown.total_downloaded, 5'001'000U);
    // The next try.
    page.begin("onnx/model_q4.onnx");
    EXPECT_FALSE(page.shown().error);
    EXPECT_EQ(page.shown().status, LoadStatus::kDownloading);
  }
}

TEST(WatchedLoad, AFileWhoseAddressIsInTheCacheWasHere) {
  const auto cached = [](const std::string& address) {
    Page page(true);
    page.load.kept("https://hub.test/other/mini/resolve/main/config.json");
    page.load.kept(address);
    page.begin("onnx/model_q4.onnx");
    page.flow("onnx/model_q4.onnx", 0, 8e6, 10e6, 4);
    const Snapshot shown = page.shown();
    EXPECT_EQ(shown.speed.has_value(), shown.cached == 0);
    EXPECT_EQ(shown.network + shown.cached, 8'000'000U);
    return shown.cached == 8'000'000U;
  };
  EXPECT_TRUE(cached("https://huggingface.co/owner/mini/resolve/main/onnx/model_q4.onnx"));
  EXPECT_TRUE(cached("https://my.page/models/owner/mini/onnx/model_q4.onnx"));
  EXPECT_TRUE(cached("/models/owner/mini/onnx/model_q4.onnx"));
  EXPECT_TRUE(cached("owner/mini/onnx/model_q4.onnx"));
  EXPECT_FALSE(cached("https://huggingface.co/owner/mini/resolve/v2/onnx/model_q4.onnx"));
  EXPECT_FALSE(cached("https://huggingface.co/the-owner/mini/resolve/main/onnx/model_q4.onnx"));
  EXPECT_FALSE(cached("https://huggingface.co/owner/mini/resolve/main/onnx/model_q4.onnx_data"));
  EXPECT_FALSE(cached("model_q4.onnx"));
  EXPECT_FALSE(cached(""));
}

TEST(WatchedLoad, AnEventThatSaysItselfWhereItsBytesAreFromIsBelieved) {
  Page page(true);
  page.load.kept("https://hub.test/owner/mini/resolve/main/a.onnx");
  page.begin("a.onnx");
  page.take(page.load.on(
      TransformersEvent::from_json(
          R"({"status":"progress","name":"owner/mini","file":"a.onnx","loaded":70,"total":100,"cached":false})"),
      at(2)));
  EXPECT_EQ(page.shown().cached, 0U);
}

TEST(WatchedLoad, WhereTheCacheIsKnownTheCountsOfAllFilesGiveTheirTotalsOnly) {
  Page page(true);
  page.load.kept("https://hub.test/owner/mini/resolve/main/b.onnx");
  page.begin("a.onnx");
  page.take(page.load.on(TransformersEvent::from_json(
                             R"({"status":"progress_total","name":"owner/mini","loaded":700,"total":1000,
                             "files":{"a.onnx":{"loaded":100,"total":400},"b.onnx":{"loaded":600,"total":600}}})"),
                         at(2)));
  page.now = 3;
  EXPECT_EQ(page.shown().total_size, 1000U);
  EXPECT_EQ(page.shown().total_downloaded, 0U) << "nobody knows yet whether these were here";
  page.send("progress", "a.onnx", 100.0, 400.0);
  page.send("progress", "b.onnx", 600.0, 600.0);
  EXPECT_EQ(page.shown().cached, 600U);
  EXPECT_EQ(page.shown().network, 100U);
}

TEST(WatchedLoad, DeliversAtMostOneSnapshotAnIntervalAndTheLastOneAlways) {
  Page page;
  page.begin("a.onnx");
  EXPECT_EQ(page.delivered.size(), 1U) << "the first at once";
  for (int i = 1; i <= 105; ++i) {
    page.now += 0.01;
    page.send("progress", "a.onnx", 1000.0 * i, 200'000.0);
  }
  EXPECT_NEAR(static_cast<double>(page.delivered.size()), 11, 1);
  const auto wake = page.load.wake_at();
  ASSERT_TRUE(wake);
  EXPECT_LE(to_ms(*wake), page.now * 1000 + 100);
  page.now = to_ms(*wake) / 1000;
  page.take(page.load.tick(*wake));
  EXPECT_EQ(page.delivered.back().total_downloaded, 105'000U);
  const std::size_t count = page.delivered.size();
  page.take(page.load.tick(*wake));
  EXPECT_EQ(page.delivered.size(), count) << "an extra tick does nothing";
}

TEST(WatchedLoad, SilenceIsNewsOnceASecondWhileSomethingIsWaitedFor) {
  Page page;
  page.begin("a.onnx");
  page.flow("a.onnx", 0, 1e6, 10e6, 2);
  page.delivered.clear();
  for (int i = 0; i < 10; ++i) {
    const auto wake = page.load.wake_at();
    ASSERT_TRUE(wake);
    EXPECT_LE(to_ms(*wake), page.now * 1000 + 1000);
    page.now = to_ms(*wake) / 1000;
    page.take(page.load.tick(*wake));
  }
  EXPECT_GE(page.delivered.size(), 9U);
  EXPECT_GE(page.delivered.back().stalled_for, 8000);
  EXPECT_EQ(page.delivered.back().eta.kind, EtaDisplay::Kind::kStalled);
}

TEST(WatchedLoad, AskingChangesNothing) {
  Page asked;
  Page silent;
  for (Page* page : {&asked, &silent}) {
    page->begin("a.onnx");
    for (int i = 1; i <= 200; ++i) {
      page->now += i == 100 ? 8 : 0.05;
      page->send("progress", "a.onnx", 10'000.0 * i * (i < 100 ? 1 : 2), 9e6);
      if (page == &asked)
        for (const double ahead : {0.0, 0.3, 5.0}) asked.load.snapshot(at(asked.now + ahead));
    }
  }
  EXPECT_EQ(asked.delivered.size(), silent.delivered.size());
  EXPECT_EQ(wire::snapshot_to_json(asked.shown()), wire::snapshot_to_json(silent.shown()));
  EXPECT_EQ(wire::snapshot_to_json(asked.shown()), wire::snapshot_to_json(asked.shown()));
}

}  // namespace
}  // namespace candor
