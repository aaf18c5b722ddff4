#include "candor/progress/multi_file_aggregator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "candor/progress/progress_tracker.hpp"

namespace candor {
namespace {

using Kind = TransformersEvent::Kind;

Instant at(double seconds) { return instant_from_ms(seconds * 1000); }

/// Builds raw events the way Transformers.js sends them.
struct Stream {
  MultiFileAggregator files;
  double now = 0;

  void send(const std::string& status, const std::string& file, RawNumber loaded = {}, RawNumber total = {},
            RawNumber progress = {}) {
    files.handle_file_progress(
        TransformersEvent::parse({status, "org/model", file, progress, loaded, total, {}, std::nullopt}),
        at(now));
  }
  void begin(const std::string& file) {
    send("initiate", file);
    now += 0.05;
    send("download", file);
  }
  /// `total` bytes in ten pieces over `seconds`.
  void download(const std::string& file, double total, double seconds) {
    for (int i = 1; i <= 10; ++i) {
      now += seconds / 10;
      send("progress", file, total * i / 10, total, 10.0 * i);
    }
  }
  AggregateProgressInfo info() { return files.snapshot(at(now)); }
};

TEST(MultiFileAggregator, AddsUpSeveralFilesByBytes) {
  Stream stream;
  stream.begin("a.onnx");
  stream.begin("b.onnx");
  stream.send("progress", "a.onnx", 100.0, 400.0);
  stream.send("progress", "b.onnx", 50.0, 600.0);
  const AggregateProgressInfo info = stream.info();
  EXPECT_DOUBLE_EQ(*info.overall_progress, 15);
  EXPECT_EQ(info.total_downloaded, 150U);
  EXPECT_EQ(info.total_size, 1000U);
  EXPECT_EQ(info.total_files, 2U);
  EXPECT_EQ(info.files_completed, 0U);
  EXPECT_EQ(info.current_file, "b.onnx");
  EXPECT_DOUBLE_EQ(*info.files[0].progress, 25);
}

TEST(MultiFileAggregator, SaysHundredOnlyWhenEveryFileIsDone) {
  Stream stream;
  stream.begin("a.onnx");
  stream.send("progress", "a.onnx", 50.0, 100.0);
  stream.send("progress", "a.onnx", 100.0, 100.0);
  EXPECT_LT(*stream.info().overall_progress, 100) << "all bytes are here, but nobody said they are right";
  stream.send("done", "a.onnx");
  const AggregateProgressInfo info = stream.info();
  EXPECT_EQ(info.overall_progress, 100);
  EXPECT_EQ(info.files_completed, 1U);
  EXPECT_EQ(info.status, ProgressStatus::kDone);
  EXPECT_EQ(info.current_file, "");
}

TEST(MultiFileAggregator, AnUnknownTotalMakesTheWholeUnknownAndNotZero) {
  Stream stream;
  stream.begin("a.onnx");
  stream.begin("b.onnx");
  stream.send("progress", "a.onnx", 100.0, 400.0);
  stream.send("progress", "b.onnx", 42.0);
  const AggregateProgressInfo info = stream.info();
  EXPECT_FALSE(info.overall_progress);
  EXPECT_FALSE(info.total_size);
  EXPECT_FALSE(info.time_remaining);
  EXPECT_EQ(info.total_downloaded, 142U);
  EXPECT_FALSE(info.files[1].progress);
}

TEST(MultiFileAggregator, WithoutALengthATotalThatGrowsWithTheBytesIsNotBelieved) {
  Stream stream;
  stream.begin("model.onnx");
  for (double n = 1000; n <= 5000; n += 1000) {
    stream.now += 0.1;
    stream.send("progress", "model.onnx", n, n, 100.0);
    EXPECT_FALSE(stream.info().overall_progress) << n;
    EXPECT_FALSE(stream.info().files[0].total) << n;
  }
  stream.send("done", "model.onnx");
  EXPECT_EQ(stream.info().overall_progress, 100);
  EXPECT_EQ(stream.info().total_size, 5000U);
}

TEST(MultiFileAggregator, AnOverCountRefutesTheTotal) {
  Stream stream;
  stream.begin("model.onnx");
  stream.send("progress", "model.onnx", 50.0, 100.0);
  stream.send("progress", "model.onnx", 150.0, 100.0, 150.0);  // compressed on its way
  AggregateProgressInfo info = stream.info();
  EXPECT_FALSE(info.overall_progress);
  EXPECT_FALSE(info.total_size);
  EXPECT_EQ(info.total_downloaded, 150U);
  stream.send("progress", "model.onnx", 160.0, 100.0);
  EXPECT_FALSE(stream.info().total_size) << "the same wrong total again";
  stream.send("done", "model.onnx");
  EXPECT_EQ(stream.info().total_size, 160U);
}

TEST(MultiFileAggregator, ALateFileDoesNotMakeProgressFall) {
  Stream stream;
  stream.begin("a.onnx");
  stream.send("progress", "a.onnx", 60.0, 100.0);
  EXPECT_DOUBLE_EQ(*stream.info().overall_progress, 60);
  stream.begin("b.onnx");
  stream.send("progress", "b.onnx", 0.0, 900.0);
  EXPECT_DOUBLE_EQ(*stream.info().overall_progress, 60) << "held";
  EXPECT_EQ(stream.info().total_size, 1000U) << "while the bytes tell the truth at once";
  stream.send("progress", "b.onnx", 640.0, 900.0);
  EXPECT_DOUBLE_EQ(*stream.info().overall_progress, 70);
}

TEST(MultiFileAggregator, AfterHundredALateFileMakesProgressUnknown) {
  Stream stream;
  stream.begin("a.onnx");
  stream.download("a.onnx", 100, 1);
  stream.send("done", "a.onnx");
  EXPECT_EQ(stream.info().overall_progress, 100);
  stream.begin("b.onnx");
  stream.send("progress", "b.onnx", 10.0, 900.0);
  EXPECT_FALSE(stream.info().overall_progress);
  EXPECT_EQ(stream.info().status, ProgressStatus::kDownload);
  stream.send("done", "b.onnx");
  EXPECT_EQ(stream.info().overall_progress, 100);
}

TEST(MultiFileAggregator, SettingsAloneAreNotTheWhole) {
  Stream stream;
  stream.begin("config.json");
  stream.download("config.json", 1000, 0.5);
  stream.send("done", "config.json");
  EXPECT_FALSE(stream.info().overall_progress) << "the weights are yet to be announced";
  EXPECT_EQ(stream.info().files[0].progress, 100);
  stream.begin("onnx/model_q4.onnx");
  stream.send("progress", "onnx/model_q4.onnx", 0.0, 99'000.0);
  EXPECT_DOUBLE_EQ(*stream.info().overall_progress, 1);
}

TEST(MultiFileAggregator, ReadyEndsEverythingAndDropsFilesThatNeverCame) {
  Stream stream;
  stream.begin("tokenizer.json");
  stream.download("tokenizer.json", 1000, 0.5);
  stream.send("done", "tokenizer.json");
  stream.send("initiate", "generation_config.json");  // optional, and not there
  stream.send("ready", "");
  const AggregateProgressInfo info = stream.info();
  EXPECT_EQ(info.status, ProgressStatus::kReady);
  EXPECT_EQ(info.overall_progress, 100);
  EXPECT_EQ(info.total_files, 1U);
  EXPECT_EQ(info.files_completed, 1U);
}

TEST(MultiFileAggregator, RepeatedLateAndOutOfOrderEventsChangeNothing) {
  Stream stream;
  stream.begin("a.onnx");
  stream.send("progress", "a.onnx", 70.0, 100.0);
  for (const double loaded : {70.0, 30.0, 0.0, 69.0}) stream.send("progress", "a.onnx", loaded, 100.0);
  EXPECT_DOUBLE_EQ(*stream.info().overall_progress, 70);
  EXPECT_EQ(stream.info().total_downloaded, 70U);
  stream.send("done", "a.onnx");
  stream.send("progress", "a.onnx", 20.0, 100.0);
  stream.send("download", "a.onnx");
  stream.send("initiate", "a.onnx");
  EXPECT_EQ(stream.info().overall_progress, 100);
  EXPECT_EQ(stream.info().network, 70U);
}

TEST(MultiFileAggregator, EventsOfUnknownFilesAreTaken) {
  Stream stream;
  stream.send("progress", "a.onnx", 10.0, 100.0);
  EXPECT_EQ(stream.info().total_downloaded, 10U);
  EXPECT_EQ(stream.info().network, 0U) << "nobody saw where these bytes came from";
  stream.now += 1;
  stream.send("done", "b.onnx");
  EXPECT_EQ(stream.info().total_files, 2U);
  EXPECT_EQ(stream.info().files_completed, 1U);
}

TEST(MultiFileAggregator, AFileThatIsDoneWithoutProgressWasHereAlready) {
  Stream stream;
  stream.begin("model.onnx");
  stream.now += 0.01;
  stream.send("done", "model.onnx", {}, 5000.0);
  const AggregateProgressInfo info = stream.info();
  EXPECT_EQ(info.cached, 5000U);
  EXPECT_EQ(info.network, 0U);
  EXPECT_TRUE(info.files[0].from_cache);
  EXPECT_FALSE(info.speed);
}

TEST(MultiFileAggregator, TheRestThatOnlyDoneTellsOfIsFromWhereTheFileIsFrom) {
  for (const bool cached : {true, false}) {
    MultiFileAggregator files;
    RawEvent event{"initiate", "m", "model.onnx", {}, {}, {}, {}, cached};
    files.handle_file_progress(TransformersEvent::parse(event), at(0));
    event.status = "progress";
    event.total = 1000.0;
    event.loaded = 600.0;
    files.handle_file_progress(TransformersEvent::parse(event), at(1));
    event.status = "done";
    event.loaded = event.total = {};
    files.handle_file_progress(TransformersEvent::parse(event), at(2));
    const AggregateProgressInfo info = files.snapshot(at(2));
    EXPECT_EQ(info.total_downloaded, 1000U);
    EXPECT_EQ(info.cached, cached ? 1000U : 0U);
    EXPECT_EQ(info.network, cached ? 0U : 600U);
    EXPECT_EQ(info.files[0].from_cache, cached);
  }
}

TEST(MultiFileAggregator, AFileThatComesWholeAndAtOnceWasHereAlready) {
  Stream stream;
  stream.send("initiate", "model.onnx");
  stream.send("download", "model.onnx");
  stream.send("progress", "model.onnx", 5000.0, 5000.0, 100.0);
  stream.send("done", "model.onnx");
  EXPECT_EQ(stream.info().cached, 5000U);
  EXPECT_EQ(stream.info().network, 0U);
  EXPECT_EQ(stream.info().overall_progress, 100);
}

TEST(MultiFileAggregator, WhoKnowsTheCacheIsBelieved) {
  MultiFileAggregator files;
  RawEvent event{"initiate", "m", "model.onnx", {}, {}, {}, {}, true};
  files.handle_file_progress(TransformersEvent::parse(event), at(0));
  event.status = "progress";
  event.total = 1e8;
  for (int i = 1; i <= 9; ++i) {
    event.loaded = 1e7 * i;
    files.handle_file_progress(TransformersEvent::parse(event), at(i * 0.02));
  }
  const AggregateProgressInfo info = files.snapshot(at(2));
  EXPECT_EQ(info.cached, 90'000'000U);
  EXPECT_EQ(info.network, 0U);
  EXPECT_FALSE(info.speed);
  EXPECT_NEAR(*info.overall_progress, 90, 1e-9);
}

TEST(MultiFileAggregator, ALoneProgressIsPercentOrFraction) {
  Stream percent;
  percent.begin("a.onnx");
  percent.send("progress", "a.onnx", {}, {}, 45.0);
  EXPECT_DOUBLE_EQ(*percent.info().overall_progress, 45);
  percent.send("progress", "a.onnx", {}, {}, 0.5);
  EXPECT_DOUBLE_EQ(*percent.info().overall_progress, 45) << "0.5 % here: late";

  Stream fraction;
  fraction.begin("a.onnx");
  fraction.send("progress", "a.onnx", {}, {}, 0.45);
  EXPECT_DOUBLE_EQ(*fraction.info().overall_progress, 45);
  fraction.send("progress", "a.onnx", {}, {}, 1.0);
  EXPECT_LT(*fraction.info().overall_progress, 100);
  EXPECT_GT(*fraction.info().overall_progress, 99);

  Stream integers;
  integers.begin("a.onnx");
  integers.send("progress", "a.onnx", {}, {}, 1.0);
  EXPECT_DOUBLE_EQ(*integers.info().overall_progress, 1);
}

TEST(MultiFileAggregator, BytesBeatThePercentage) {
  Stream stream;
  stream.begin("a.onnx");
  stream.send("progress", "a.onnx", 25.0, 100.0, 0.9);
  EXPECT_DOUBLE_EQ(*stream.info().overall_progress, 25);
}

TEST(MultiFileAggregator, OneTotalOverAllFilesComesFromProgressTotal) {
  MultiFileAggregator files;
  files.handle_file_progress(
      TransformersEvent::from_json(R"({"status":"initiate","file":"onnx/model.onnx"})"), at(0));
  files.handle_file_progress(
      TransformersEvent::from_json(
          R"({"status":"progress_total","name":"m","progress":10,"loaded":100,"total":1000,
          "files":{"config.json":{"loaded":0,"total":200},"onnx/model.onnx":{"loaded":100,"total":800}}})"),
      at(1));
  const AggregateProgressInfo info = files.snapshot(at(1));
  EXPECT_EQ(info.total_size, 1000U);
  EXPECT_EQ(info.total_files, 2U);
  EXPECT_DOUBLE_EQ(*info.overall_progress, 10);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t n) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33U) % n;
  }
  RawNumber number(double nice) {
    switch (below(14)) {
      case 0:
        return {};
      case 1:
        return std::numeric_limits<double>::quiet_NaN();
      case 2:
        return std::numeric_limits<double>::infinity();
      case 3:
        return -1.0 - static_cast<double>(below(1000));
      case 4:
        return 9007199254740993.0 * static_cast<double>(1 + below(4));
      case 5:
        return std::string(below(2) == 0 ? "not a number" : "512");
      case 6:
        return 0.0;
      case 7:
        return 1e300;
      default:
        return nice;
    }
  }

 private:
  std::uint64_t state_;
};

/// A file whose bytes are counted by who moves them.
struct Counted {
  MultiFileAggregator files;
  ByteLedger bytes;
  double now = 0;

  explicit Counted(std::uint64_t size, std::uint64_t kept = 0) {
    bytes.size = size;
    bytes.position = bytes.cached = bytes.kept = kept;
    files.add_file("a.onnx", bytes);
    files.close_set();
    files.start(at(0));
  }
  void tell() { files.update("a.onnx", bytes, at(now)); }
  void come(std::uint64_t count) {
    bytes.position += count;
    bytes.fresh += count;
    tell();
  }
  void flow(double bytes_per_second, double seconds) {
    for (double end = now + seconds - 1e-9; now < end;) {
      now += 0.1;
      come(static_cast<std::uint64_t>(bytes_per_second / 10));
    }
  }
  void throw_away(std::uint64_t count) {
    bytes.position -= count;
    bytes.discarded += count;
    tell();
  }
  AggregateProgressInfo info() { return files.snapshot(at(now)); }
};

TEST(MultiFileAggregator, KeptAndRestoredBytesArePositionAndNeverSpeed) {
  Counted file(100'000'000, 60'000'000);
  EXPECT_NEAR(*file.info().overall_progress, 60, 1e-9);
  EXPECT_EQ(file.info().cached, 60'000'000U);
  EXPECT_FALSE(file.info().speed);
  file.flow(1e6, 10);
  AggregateProgressInfo info = file.info();
  EXPECT_NEAR(*info.speed, 1e6, 2e4);
  EXPECT_NEAR(*info.files[0].speed, 1e6, 2e4);
  EXPECT_NEAR(*info.time_remaining, 30, 2);
  EXPECT_EQ(info.network, 10'000'000U);
  file.bytes.position += 20'000'000;
  file.bytes.restored += 20'000'000;
  file.tell();
  info = file.info();
  EXPECT_NEAR(*info.speed, 1e6, 2e4);
  EXPECT_NEAR(*info.files[0].speed, 1e6, 2e4);
  EXPECT_NEAR(*info.time_remaining, 10, 1);
  EXPECT_EQ(info.network, 10'000'000U);
  EXPECT_EQ(info.total_downloaded, 90'000'000U);
}

TEST(MultiFileAggregator, WhatAFileIsAnnouncedWithIsNeverSpeed) {
  Counted file(100'000'000);
  ByteLedger other;
  other.size = 50'000'000;
  other.position = other.fresh = 20'000'000;
  file.now = 1;
  file.files.update("b.onnx", other, at(1));
  other.position = other.fresh = 21'000'000;
  file.now = 2;
  file.files.update("b.onnx", other, at(2));
  EXPECT_NEAR(*file.info().speed, 5e5, 1e5);
  EXPECT_EQ(file.info().network, 21'000'000U);
  EXPECT_EQ(file.info().total_size, 150'000'000U);
}

TEST(MultiFileAggregator, AServerThatRepeatsWhatIsHereIsNoStallAndNoSpeed) {
  Counted file(100'000'000);
  file.flow(1e6, 40);
  for (int i = 0; i < 300; ++i) {
    file.now += 0.1;
    file.bytes.repeated += 100'000;
    file.tell();
    ASSERT_EQ(file.info().stalled_for, 0) << i;
    ASSERT_NE(file.info().eta_display.kind, EtaDisplay::Kind::kStalled);
  }
  EXPECT_LT(*file.info().speed, 1000) << "nothing new has come for half a minute";
  EXPECT_EQ(file.info().total_downloaded, 40'000'000U);
  file.bytes.wasted += 1;
  file.now += 2.9;
  file.tell();
  file.now += 2.9;
  EXPECT_EQ(file.info().stalled_for, 0);
  file.now += 0.1;
  EXPECT_NEAR(file.info().stalled_for, 3000, 1);
}

TEST(MultiFileAggregator, APositionFallsOnlyByWhatWasThrownAway) {
  Counted file(1000);
  file.now = 1;
  file.come(800);
  file.bytes.position = 300;
  file.tell();
  EXPECT_EQ(file.info().total_downloaded, 800U);
  file.bytes.position = 800;
  file.throw_away(500);
  AggregateProgressInfo info = file.info();
  EXPECT_EQ(info.total_downloaded, 300U);
  EXPECT_DOUBLE_EQ(*info.overall_progress, 30);
  EXPECT_DOUBLE_EQ(*info.files[0].progress, 30);
  EXPECT_EQ(info.discarded, 500U);
  EXPECT_EQ(info.files[0].discarded, 500U);
  file.bytes.position = 0;
  file.bytes.discarded += 100;
  file.tell();
  EXPECT_EQ(file.info().total_downloaded, 200U) << "no further back than it says";
}

TEST(MultiFileAggregator, AFileThatWasDoneComesAgainAfterItWasThrownAway) {
  Counted file(1000);
  file.now = 1;
  file.come(1000);
  file.files.complete_file("a.onnx", at(1));
  EXPECT_EQ(file.info().overall_progress, 100);
  file.now = 2;
  file.bytes.repeated += 5;
  file.tell();
  EXPECT_EQ(file.info().overall_progress, 100) << "late";
  file.throw_away(1000);
  EXPECT_EQ(file.info().status, ProgressStatus::kDownload);
  EXPECT_EQ(file.info().overall_progress, 0);
  EXPECT_EQ(file.info().files_completed, 0U);
  file.now = 3;
  file.come(500);
  EXPECT_EQ(file.info().overall_progress, 50);
  file.now = 7;
  EXPECT_EQ(file.info().stalled_for, 4000) << "bytes are expected again";
}

TEST(MultiFileAggregator, ASizeLearntFromAReplyIsForgottenWithItsBytes) {
  Counted file(1000);
  file.come(900);
  file.bytes.size.reset();
  file.throw_away(900);
  EXPECT_FALSE(file.info().total_size);
  EXPECT_FALSE(file.info().overall_progress);
  file.bytes.size = 400;
  file.come(100);
  EXPECT_EQ(file.info().total_size, 400U);
  EXPECT_DOUBLE_EQ(*file.info().overall_progress, 25);
}

TEST(MultiFileAggregator, SilenceIsAStallAfterThreeSecondsAndOnlyWhileBytesAreExpected) {
  MultiFileAggregator files;
  ByteLedger bytes;
  bytes.size = 1000;
  files.add_file("a.onnx", bytes);
  files.close_set();
  EXPECT_EQ(files.snapshot(at(100)).stalled_for, 0) << "not started";
  files.start(at(100));
  bytes.position = bytes.fresh = 100;
  files.update("a.onnx", bytes, at(101));
  EXPECT_EQ(files.snapshot(at(103.9)).stalled_for, 0);
  // Nobody ticks.
  const AggregateProgressInfo info = files.snapshot(at(113.5));
  EXPECT_EQ(info.stalled_for, 12'500);
  EXPECT_EQ(info.eta_display, (EtaDisplay{EtaDisplay::Kind::kStalled, 12, 12}));
  files.update("a.onnx", bytes, at(113.5));
  EXPECT_EQ(files.snapshot(at(113.5)).stalled_for, 12'500) << "told the same again";
  files.pause(at(114));
  files.update("a.onnx", bytes, at(115));
  EXPECT_EQ(files.snapshot(at(200)).stalled_for, 0);
  EXPECT_EQ(files.snapshot(at(200)).status, ProgressStatus::kPaused);
  EXPECT_FALSE(files.snapshot(at(200)).speed);
  files.resume(at(200));
  EXPECT_EQ(files.snapshot(at(202)).stalled_for, 0);
  files.complete_file("a.onnx", at(203));
  EXPECT_EQ(files.snapshot(at(300)).stalled_for, 0);
}

TEST(MultiFileAggregator, EventsAndTicksHoldTheTimeLeftSteadyThoughNobodyAsks) {
  Random random(5);
  Counted file(400'000'000);
  int changed = 0;
  int without = 0;
  EtaDisplay before;
  EtaDisplay alone_before;
  double level = 1e5;
  for (int i = 0; i < 3000; ++i) {
    file.now += 0.1;
    if (i % 30 == 0) level = 4e4 + static_cast<double>(random.below(120'000));
    if (i % 300 < 250) {
      file.come(static_cast<std::uint64_t>(level));
    } else if (i % 300 < 275) {
      file.files.tick(at(file.now));
    }
    const AggregateProgressInfo info = file.info();
    if (!info.time_remaining || info.stalled_for > 0) continue;
    const EtaDisplay alone =
        EtaDisplayRounder().show(EtaEstimate{*info.time_remaining, *info.eta_low, *info.eta_high}, Millis{0});
    changed += info.eta_display != before ? 1 : 0;
    without += alone != alone_before ? 1 : 0;
    before = info.eta_display;
    alone_before = alone;
  }
  EXPECT_GT(changed, 10);
  EXPECT_LT(changed, 0.8 * without) << changed << " instead of " << without;
}

TEST(MultiFileAggregator, AFileThatIsAnnouncedAgainKeepsItsPosition) {
  Counted file(1000);
  file.come(500);
  ByteLedger less;
  less.size = 2000;
  less.position = less.kept = 100;
  file.files.add_file("a.onnx", less);
  EXPECT_EQ(file.info().total_downloaded, 500U);
  EXPECT_EQ(file.info().total_size, 2000U);
}

TEST(MultiFileAggregator, BytesThatTurnOutToBeGoodAreNoSilence) {
  Counted file(100'000'000);
  file.flow(1e6, 5);
  for (int i = 0; i < 10; ++i) {
    file.now += 1;
    file.bytes.position += 1000;
    file.bytes.restored += 1000;
    file.tell();
    EXPECT_EQ(file.info().stalled_for, 0);
  }
}

TEST(MultiFileAggregator, TheFirstUpdateStartsTheClockAndBytesBeforeItAreNotTimed) {
  MultiFileAggregator files;
  ByteLedger bytes;
  bytes.size = 100'000'000;
  files.add_file("a.onnx", bytes);
  files.update("a.onnx", bytes, at(0));
  bytes.position = bytes.fresh = 1'000'000;
  files.update("a.onnx", bytes, at(1));
  EXPECT_NEAR(*files.snapshot(at(1)).speed, 1e6, 1e5);

  Stream stream;
  stream.send("progress", "a.onnx", 1e6, 1e9);
  stream.now = 1;
  stream.send("progress", "a.onnx", 100e6, 1e9);
  stream.now = 2;
  stream.send("progress", "a.onnx", 100.1e6, 1e9);
  EXPECT_LT(*stream.info().speed, 200'000) << "the second event started the clock";
}

TEST(MultiFileAggregator, WhatSomebodyMayHaveBeenShownIsHeldThoughNobodyAsked) {
  Counted over(1000);
  over.come(900);
  over.come(200);
  EXPECT_FALSE(over.info().overall_progress) << "more than the whole";
  over.tell();
  EXPECT_FALSE(over.info().total_size) << "the same wrong size again";
  over.bytes.size = 2000;
  over.tell();
  EXPECT_DOUBLE_EQ(*over.info().overall_progress, 90) << "the true share is 55 %";
  EXPECT_DOUBLE_EQ(*over.info().files[0].progress, 90);

  Counted file(1000);
  file.come(800);
  file.bytes.size = 1600;
  file.tell();
  EXPECT_DOUBLE_EQ(*file.info().files[0].progress, 80);
  file.throw_away(400);
  EXPECT_DOUBLE_EQ(*file.info().files[0].progress, 25) << "nothing is held of what was thrown away";
  EXPECT_DOUBLE_EQ(*file.info().overall_progress, 25);
}

TEST(MultiFileAggregator, AFailureKeepsThePositionAndSaysWhy) {
  Stream stream;
  stream.begin("a.onnx");
  stream.send("progress", "a.onnx", 50.0, 100.0);
  stream.files.fail("<b>boom</b>", at(1));
  const AggregateProgressInfo info = stream.info();
  EXPECT_EQ(info.status, ProgressStatus::kFailed);
  EXPECT_EQ(info.error, "<b>boom</b>");
  EXPECT_DOUBLE_EQ(*info.overall_progress, 50);
  stream.files.resume(at(5));
  EXPECT_FALSE(stream.info().error);
}

TEST(MultiFileAggregator, AFailedLoadStaysFailedUntilOneOfItsFilesIsAnnouncedAgain) {
  Stream stream;
  stream.begin("a.onnx");
  stream.begin("config.json");
  stream.send("progress", "a.onnx", 50.0, 100.0);
  stream.files.fail("boom", at(1));
  stream.send("progress", "config.json", 10.0, 10.0);
  stream.send("done", "config.json");
  stream.begin("tokenizer.json");
  EXPECT_EQ(stream.info().status, ProgressStatus::kFailed);
  EXPECT_EQ(stream.info().error, "boom");
  stream.begin("a.onnx");
  EXPECT_EQ(stream.info().status, ProgressStatus::kDownload);
  EXPECT_FALSE(stream.info().error);
}

TEST(MultiFileAggregator, AFileThatStartsAnewHoldsItsPositionAndStillMeasuresTheLine) {
  Stream stream;
  stream.begin("a.onnx");
  stream.download("a.onnx", 10e6, 10);
  stream.send("initiate", "a.onnx");
  stream.send("progress", "a.onnx", 1e6, 10e6);
  EXPECT_EQ(stream.info().total_downloaded, 10'000'000U);
  EXPECT_EQ(stream.info().network, 11'000'000U);
  for (int i = 2; i <= 5; ++i) {
    stream.now += 1;
    stream.send("progress", "a.onnx", i * 1e6, 20e6);
  }
  const ProgressInfo row = stream.info().files[0];
  EXPECT_NEAR(*row.time_remaining * *row.speed, 15e6, 1) << "what is fetched once more takes time as well";
}

TEST(MultiFileAggregator, DoesNotKeepMoreFilesThanAnyModelHas) {
  Stream stream;
  for (int i = 0; i < 5000; ++i) stream.send("initiate", "f" + std::to_string(i));
  EXPECT_EQ(stream.info().total_files, MultiFileAggregator::kMaxFiles);
}

TEST(MultiFileAggregator, WhatWasThrownAwayIsNotForgottenWithAFileThatNeverCameAgain) {
  MultiFileAggregator files;
  ByteLedger bytes;
  bytes.size = 1000;
  bytes.position = bytes.fresh = 400;
  files.update("a.onnx", bytes, at(0));
  bytes.position = 0;
  bytes.discarded = 400;
  files.update("a.onnx", bytes, at(1));
  files.complete(at(2));
  EXPECT_EQ(files.snapshot(at(2)).discarded, 400U);
}

// --- H1 to H7 hold for every sequence of events ---

/// What must hold after every call, given what was shown before.
class Promise {
 public:
  void check(const ProgressInfo& info) {
    numbers({info.progress, info.speed, info.time_remaining, info.eta_low, info.eta_high, info.stalled_for});
    never_back(info.progress, info.discarded, "");
    if (info.progress == 100) {
      EXPECT_TRUE(info.status == ProgressStatus::kDone || info.status == ProgressStatus::kReady ||
                  info.status == ProgressStatus::kPaused || info.status == ProgressStatus::kFailed ||
                  info.status == ProgressStatus::kLoading || info.status == ProgressStatus::kDownload)
          << to_string(info.status);
    }
    if (info.total) {
      EXPECT_LE(info.loaded, *info.total);
    }
    EXPECT_EQ(info.eta_low.has_value(), info.time_remaining.has_value());
    if (info.time_remaining) {
      EXPECT_LE(*info.eta_low, *info.time_remaining);
      EXPECT_LE(*info.time_remaining, *info.eta_high);
    }
    EXPECT_GE(info.loaded + (info.discarded > discarded_ ? info.discarded - discarded_ : 0), loaded_);
    EXPECT_LE(info.sparkline.bytes_per_second.size(), ThroughputHistory::kMaxPoints);
    for (const double point : info.sparkline.bytes_per_second) numbers({point});
    loaded_ = info.loaded;
    discarded_ = info.discarded;
  }
  void check(const AggregateProgressInfo& info) {
    numbers({info.overall_progress, info.speed, info.time_remaining, info.eta_low, info.eta_high,
             info.stalled_for});
    never_back(info.overall_progress, info.discarded, "");
    EXPECT_LE(info.files_completed, info.total_files);
    EXPECT_EQ(info.files.size(), info.total_files);
    bool all_done = true;
    bool totals = !info.files.empty();
    for (const ProgressInfo& file : info.files) {
      numbers({file.progress});
      never_back(file.progress, info.discarded, file.file);
      const bool done = file.status == ProgressStatus::kDone;
      EXPECT_EQ(file.progress == 100, done) << file.file;
      all_done = all_done && done;
      totals = totals && file.total.has_value();
    }
    if (info.overall_progress == 100) {
      EXPECT_TRUE(all_done);
    }
    EXPECT_EQ(info.total_size.has_value(), totals);
  }

 private:
  std::map<std::string, double> shown_;
  std::map<std::string, std::uint64_t> discarded_then_;
  std::uint64_t loaded_ = 0;
  std::uint64_t discarded_ = 0;

  static void numbers(std::initializer_list<std::optional<double>> values) {
    for (const auto& value : values) {
      if (!value) continue;
      EXPECT_TRUE(std::isfinite(*value));
      EXPECT_GE(*value, 0);
    }
  }
  void never_back(const std::optional<double>& progress, std::uint64_t discarded, const std::string& what) {
    if (!progress) return;
    EXPECT_LE(*progress, 100);
    if (discarded == discarded_then_[what]) {
      EXPECT_GE(*progress, shown_[what]) << what;
    }
    shown_[what] = *progress;
    discarded_then_[what] = discarded;
  }
};

TransformersEvent random_event(Random& random) {
  static const char* const kStatus[] = {"initiate", "download",       "progress", "progress",
                                        "progress", "progress",       "progress", "done",
                                        "ready",    "progress_total", "",         "nonsense"};
  static const char* const kFiles[] = {"config.json", "onnx/model.onnx", "onnx/b.onnx", "c.bin", ""};
  RawEvent event;
  // `ready` ends a life; often enough to be tested, seldom enough to leave time for the rest.
  event.status = kStatus[random.below(std::size(kStatus))];
  if (event.status == "ready" && random.below(20) != 0) event.status = "progress";
  event.name = random.below(8) == 0 ? "" : "org/model";
  event.file = kFiles[random.below(std::size(kFiles))];
  event.loaded = random.number(static_cast<double>(random.below(2'000'000)));
  event.total = random.number(static_cast<double>(1'000'000 * (1 + random.below(2))));
  event.progress = random.number(static_cast<double>(random.below(1200)) / 10);
  if (event.status == "progress_total") {
    for (const char* file : kFiles) {
      event.files.push_back(
          {file, random.number(static_cast<double>(random.below(2'000'000))), random.number(1e6)});
    }
  }
  if (random.below(10) == 0) event.cached = random.below(2) == 0;
  return TransformersEvent::parse(event);
}

/// The fields that depend on what was asked before, if anything does.
std::string told(const AggregateProgressInfo& info) { return to_json(info); }

TEST(MultiFileAggregator, AskingChangesNothing) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    MultiFileAggregator silent;
    MultiFileAggregator asked;
    double t = 0;
    for (int i = 0; i < 300; ++i) {
      t += static_cast<double>(random.below(i % 50 == 0 ? 6000 : 400));
      const Instant now = instant_from_ms(t);
      const TransformersEvent event = random_event(random);
      silent.handle_file_progress(event, now);
      asked.handle_file_progress(event, now);
      for (std::uint64_t n = random.below(4); n > 0; --n)
        asked.snapshot(instant_from_ms(t + static_cast<double>(random.below(9000))));
      if (i % 37 == 0) {
        const Instant later = instant_from_ms(t + static_cast<double>(random.below(9000)));
        ASSERT_EQ(told(asked.snapshot(later)), told(MultiFileAggregator(silent).snapshot(later))) << i;
        ASSERT_EQ(told(asked.snapshot(later)), told(asked.snapshot(later))) << i;
      }
    }
  }
}

TEST(MultiFileAggregator, EachFileThatMovesHasItsOwnSpeedAndTimeLeft) {
  Stream stream;
  stream.begin("fast.onnx");
  stream.begin("slow.onnx");
  stream.begin("waits.onnx");
  for (int i = 1; i <= 100; ++i) {
    stream.now += 0.1;
    stream.send("progress", "fast.onnx", 300'000.0 * i, 60e6);
    stream.send("progress", "slow.onnx", 100'000.0 * i, 20e6);
  }
  stream.send("progress", "waits.onnx", 0.0, 1e6);
  AggregateProgressInfo info = stream.info();
  ASSERT_TRUE(info.files[0].speed);
  EXPECT_NEAR(*info.files[0].speed, 3e6, 1e5);
  EXPECT_NEAR(*info.files[0].time_remaining, 10, 1);
  EXPECT_NEAR(*info.files[1].speed, 1e6, 1e5);
  EXPECT_NEAR(*info.files[1].time_remaining, 10, 1);
  EXPECT_FALSE(info.files[2].speed) << "nothing of it comes";
  EXPECT_FALSE(info.files[2].time_remaining);
  // One rests: its speed is not what it was, and later not the mean with the rest.
  for (int i = 101; i <= 200; ++i) {
    stream.now += 0.1;
    stream.send("progress", "fast.onnx", 300'000.0 * i, 60e6);
  }
  EXPECT_FALSE(stream.info().files[1].speed);
  for (int i = 101; i <= 120; ++i) {
    stream.now += 0.1;
    stream.send("progress", "slow.onnx", 100'000.0 * i, 20e6);
  }
  EXPECT_NEAR(*stream.info().files[1].speed, 1e6, 1e5);
  stream.files.pause(at(stream.now));
  EXPECT_FALSE(stream.info().files[1].speed);
  stream.now += 2;
  stream.files.resume(at(stream.now));
  EXPECT_FALSE(stream.info().files[1].speed) << "not seen again yet";
  stream.send("done", "slow.onnx");
  EXPECT_FALSE(stream.info().files[1].speed);
}

TEST(MultiFileAggregator, APauseLeavesNoTraceInTheSpeed) {
  Stream stream;
  stream.begin("a.onnx");
  for (int i = 1; i <= 100; ++i) {
    stream.now += 0.1;
    stream.send("progress", "a.onnx", 100'000.0 * i, 100e6);
  }
  const AggregateProgressInfo before = stream.info();
  stream.files.pause(at(stream.now));
  stream.now += 600;
  stream.files.resume(at(stream.now));
  const AggregateProgressInfo after = stream.info();
  ASSERT_TRUE(after.speed);
  EXPECT_NEAR(*after.speed, *before.speed, 1);
  EXPECT_NEAR(*after.time_remaining, *before.time_remaining, 1e-6);
  EXPECT_EQ(after.sparkline.bytes_per_second, before.sparkline.bytes_per_second);
  EXPECT_EQ(after.eta_display, before.eta_display);
}

TEST(MultiFileAggregator, KeepsEveryPromiseThroughAMillionRandomEvents) {
  int events = 0;
  for (std::uint64_t seed = 1; events < 1'000'000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    MultiFileAggregator files;
    ProgressTracker tracker({"model", "onnx/model.onnx", std::nullopt, 0});
    Promise files_kept;
    Promise tracker_kept;
    Promise overall_kept;
    double t = 0;
    for (int i = 0; i < 400; ++i, ++events) {
      t += static_cast<double>(random.below(400));
      Instant now = instant_from_ms(t);
      if (random.below(30) == 0) now = instant_from_ms(std::numeric_limits<double>::quiet_NaN());
      if (random.below(30) == 0) now = instant_from_ms(t - 5000);
      const TransformersEvent event = random_event(random);
      files.handle_file_progress(event, now);
      tracker.handle_transformers_progress(event, now);
      switch (random.below(200)) {
        case 0:
          files.pause(now);
          tracker.pause(now);
          break;
        case 1:
          files.resume(now);
          tracker.resume(now);
          break;
        case 2:
          files.fail("broken", now);
          tracker.fail("broken", now);
          break;
        case 3: {
          if (files.ledger("onnx/model.onnx") == nullptr) break;
          ByteLedger bytes = *files.ledger("onnx/model.onnx");
          const std::uint64_t gone = std::min(bytes.position, random.below(1'000'000));
          bytes.position -= gone;
          bytes.discarded += gone;
          files.update("onnx/model.onnx", bytes, now);
          tracker.discard(random.below(1'000'000), now);
          break;
        }
        case 5: {
          const ByteLedger* known = files.ledger("c.bin");
          ByteLedger bytes = known != nullptr ? *known : ByteLedger{};
          const std::uint64_t more = random.below(1'000'000);
          bytes.position += more;
          (random.below(2) == 0 ? bytes.fresh : bytes.restored) += more;
          if (random.below(2) == 0) bytes.size = random.below(2'000'000);
          files.update("c.bin", bytes, now);
          break;
        }
        case 4:
          tracker.update(parse_bytes(random.number(5e5)), parse_bytes(random.number(1e6)), now);
          break;
        default:
          break;
      }
      // A snapshot now and then costs less and misses nothing but what nobody was shown.
      if (random.below(4) == 0) {
        files_kept.check(files.snapshot(now));
        overall_kept.check(files.overall(now));
        tracker_kept.check(tracker.snapshot(now));
      }
    }
  }
}

}  // namespace
}  // namespace candor
