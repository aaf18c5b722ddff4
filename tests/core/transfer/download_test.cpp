#include "candor/transfer/download.hpp"

#include <gtest/gtest.h>

#include "transfer/transfer_world.hpp"

namespace candor {
namespace {

using world::Kind;
using world::random_bytes;
using world::Script;
using world::ServedFile;
using world::World;
using State = Download::State;

constexpr std::size_t kLarge = 100'000;
constexpr std::size_t kSmall = 600;

// One small file and one that needs several ranges, in the scaled-down sizes of the world: 1 KiB stands for 1
// MiB.
std::vector<ServedFile> two_files() {
  std::vector<ServedFile> files(2);
  files[0].path = "config.json";
  files[0].content = random_bytes(1, kSmall);
  files[0].hash = ServedFile::Hash::kGit;
  files[1].path = "onnx/model_q4.onnx";
  files[1].content = random_bytes(2, kLarge);
  return files;
}

std::vector<ServedFile> one_file(std::size_t size = kLarge) {
  std::vector<ServedFile> files(1);
  files[0].path = "onnx/model_q4.onnx";
  files[0].content = random_bytes(2, size);
  return files;
}

/// Lets `count` requests go well, then answers `times` of them with `script`.
std::function<Script(const action::Fetch&)> after(std::uint64_t count, Script script,
                                                  std::uint64_t times = 1) {
  return [=, seen = std::uint64_t{0}](const action::Fetch&) mutable {
    const std::uint64_t n = seen++;
    return n >= count && n - count < times ? script : Script{};
  };
}

/// The first connection breaks in mid-file; then `times` requests are answered with `script`.
std::function<Script(const action::Fetch&)> after_a_break(Script script, std::uint64_t times = 1) {
  return [=, rest = after(1, script, times), first = true](const action::Fetch& fetch) mutable {
    const Script scripted = rest(fetch);
    return std::exchange(first, false) ? Script{Kind::kDrop, 30'000, 0} : scripted;
  };
}

constexpr std::uint64_t kForEver = 1'000'000;

/// As after a crash before the last journal.
void forget_what_was_verified(World& world) {
  for (auto& text : world.journal_texts()) {
    if (!text) continue;
    Journal journal = *Journal::parse(*text);
    for (Journal::File& file : journal.files) file.verified = false;
    text = journal.to_text();
  }
}

#define EXPECT_DONE(w)                               \
  do {                                               \
    EXPECT_TRUE((w).run()) << (w).broken;            \
    EXPECT_EQ((w).broken, "");                       \
    ASSERT_EQ((w).state(), State::kDone) << (w).log; \
  } while (false)

#define EXPECT_ASKS(w, error_code)                       \
  do {                                                   \
    EXPECT_TRUE((w).run()) << (w).broken;                \
    EXPECT_EQ((w).broken, "");                           \
    ASSERT_EQ((w).state(), State::kAsking) << (w).log;   \
    EXPECT_EQ((w).download().error()->code, error_code); \
  } while (false)

TEST(Download, FetchesStoresAndVerifiesEveryFile) {
  World world(1, two_files());
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kSmall + kLarge);
  EXPECT_EQ(world.download().totals().bytes.fresh, kSmall + kLarge);
  EXPECT_EQ(world.download().totals().bytes.verified, kSmall + kLarge);
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
  EXPECT_EQ(world.download().totals().bytes.cached, kSmall + kLarge);
  EXPECT_EQ(world.download().totals().bytes.fresh, 0U);
}

TEST(Download, GoesOnFromTheByteWhereAConnectionBroke) {
  for (const std::uint64_t at : {0U, 1U, 2'000U, 4'095U, 8'191U}) {
    World world(at + 1, one_file());
    world.options.max_connections = 1;
    world.script = after(0, {Kind::kDrop, at, 0});
    world.boot();
    EXPECT_DONE(world);
    EXPECT_EQ(world.download().totals().bytes.heard(), kLarge) << at;
    EXPECT_EQ(world.download().totals().bytes.discarded, 0U);
  }
}

TEST(Download, SurvivesAServerThatDropsEveryConnectionAfterAPiece) {
  World world(3, one_file());
  world.script = after(0, {Kind::kDrop, 64, 0}, kForEver);
  world.link.latency_ms = 1;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
}

TEST(Download, TakesAnEndBeforeTheEndForABrokenConnection) {
  World world(3, one_file());
  world.script = after(0, {Kind::kShort, 100, 0}, 3);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
}

TEST(Download, GivesASilentConnectionUpAfterThirtySeconds) {
  World world(3, one_file(5'000));
  world.script = after(0, {Kind::kStall, 1'000, 3'600});
  world.boot();
  EXPECT_DONE(world);
  EXPECT_GT(world.now_ms, 31'000);
  EXPECT_LT(world.now_ms, 33'000);
  EXPECT_EQ(world.download().totals().bytes.heard(), 5'000U);
}

TEST(Download, GivesASilentConnectionUpSoonerWhileAnotherOneFlows) {
  World world(3, two_files());
  world.options.max_connections = 2;
  world.link.per_connection = world.link.total = 2'000;
  std::uint64_t stalls = 0;
  world.script = [&stalls](const action::Fetch& fetch) {
    return fetch.url.ends_with("config.json") && stalls++ == 0 ? Script{Kind::kStall, 100, 3'600} : Script{};
  };
  world.logging = true;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(stalls, 2U);
  const std::size_t again = world.log.find("config.json", world.log.find("config.json") + 1);
  const std::size_t line = world.log.rfind('\n', again) + 1;
  const double at = std::stod(world.log.substr(line));
  EXPECT_GT(at, 16'000);
  EXPECT_LT(at, 17'500);
}

TEST(Download, WaitsForAServerThatOnlyPauses) {
  World world(3, one_file(5'000));
  world.options.max_connections = 1;
  world.script = after(0, {Kind::kStall, 1'000, 20});
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.requests, 1U);
}

TEST(Download, ComesBackAfterAServersTrouble) {
  for (const std::uint64_t status : {500U, 502U, 503U, 408U}) {
    World world(3, one_file());
    world.script = after_a_break({Kind::kStatus, 0, status});
    world.boot();
    EXPECT_DONE(world);
    EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
  }
}

TEST(Download, AsksAfterThreeAttemptsAndKeepsTheBytes) {
  World world(3, one_file());
  world.options.max_connections = 1;
  world.script = after_a_break({Kind::kStatus, 0, 503}, 5);
  world.boot();
  EXPECT_ASKS(world, ErrorCode::kHttp);
  EXPECT_TRUE(world.download().error()->retryable);
  EXPECT_EQ(world.download().attempts(), 3U);
  const std::uint64_t kept = world.download().totals().bytes.position;
  EXPECT_GT(kept, 8'000U);
  world.perform(world.download().retry(world.now()));
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
}

TEST(Download, ObeysRetryAfter) {
  World world(3, one_file());
  world.script = after_a_break({Kind::kRateLimited, 0, 90});
  world.boot();
  while (world.state() != State::kWaiting) ASSERT_TRUE(world.step());
  const double since = world.now_ms;
  const std::uint64_t requests = world.requests;
  EXPECT_EQ(world.download().error()->code, ErrorCode::kRateLimited);
  EXPECT_GE(*world.download().retry_at(), world.now() + Seconds{80});
  while (world.requests == requests) ASSERT_TRUE(world.step());
  EXPECT_GE(world.now_ms - since, 80'000);
  EXPECT_DONE(world);
}

TEST(Download, StopsAtOnceWhereATryCannotHelp) {
  const std::pair<std::uint64_t, ErrorCode> cases[] = {{401, ErrorCode::kGated},
                                                       {403, ErrorCode::kGated},
                                                       {404, ErrorCode::kNotFound},
                                                       {410, ErrorCode::kNotFound}};
  for (const auto& [status, code] : cases) {
    World world(3, two_files());
    world.script = after(1, {Kind::kStatus, 0, status}, kForEver);
    world.boot();
    EXPECT_ASKS(world, code);
    EXPECT_FALSE(world.download().error()->retryable);
    // One of them may be taken for a connection too many, once.
    EXPECT_LE(world.requests, 4U);
  }
}

TEST(Download, HealsAnExpiredAddressByAskingAgain) {
  World world(3, one_file());
  std::uint64_t n = 0;
  world.script = [&n](const action::Fetch&) {
    return ++n % 2 == 0 ? Script{Kind::kExpired, 0, 0} : Script{};
  };
  world.logging = true;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
  EXPECT_LT(world.now_ms, 3'000) << world.log;
}

TEST(Download, FetchesWholeWhereRangesAreRefused) {
  World world(3, one_file());
  world.script = [](const action::Fetch& fetch) {
    return fetch.range ? Script{Kind::kNoRange, 0, 0} : Script{};
  };
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.requests, 2U);
}

TEST(Download, TakesTheWholeFileWhereARangeWasAskedForAndCountsNothingTwice) {
  World world(3, one_file());
  world.script = after_a_break({Kind::kWhole, 0, 0}, kForEver);
  world.boot();
  EXPECT_DONE(world);
  const TransferTotals& totals = world.download().totals();
  EXPECT_EQ(totals.bytes.fresh, kLarge);
  EXPECT_GT(totals.bytes.heard(), kLarge);
  EXPECT_EQ(totals.bytes.discarded, 0U);
}

TEST(Download, AsksTheServerForTheRestOfAShorterRange) {
  World world(3, one_file());
  world.script = after(0, {Kind::kLess, 1'000, 0}, 3);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
}

TEST(Download, RefusesARangeThatStartsElsewhere) {
  World world(3, one_file());
  world.script = after_a_break({Kind::kOtherStart, 0, 0});
  world.options.max_connections = 1;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
}

TEST(Download, KeepsWhatAChecksumPinsWhateverTheServersCallIt) {
  for (const auto hash : {ServedFile::Hash::kSha256, ServedFile::Hash::kGit}) {
    for (const Kind kind : {Kind::kOtherEtag, Kind::kOtherServer}) {
      auto files = one_file();
      files[0].hash = hash;
      World world(3, files);
      world.script = after_a_break({kind, 0, 0}, kForEver);
      world.boot();
      EXPECT_DONE(world);
      EXPECT_EQ(world.wire_ever, kLarge);
    }
  }
}

TEST(Download, KnowsServersThatAlternateFromAFileThatChanged) {
  for (const Kind kind : {Kind::kOtherEtag, Kind::kOtherServer}) {
    auto files = one_file();
    files[0].hash = ServedFile::Hash::kNone;
    World world(3, files);
    world.script = [&, n = 0](const action::Fetch&) mutable {
      ++n;
      return n == 1 ? Script{Kind::kDrop, 30'000, 0} : n % 2 == 0 ? Script{kind, 0, 0} : Script{};
    };
    world.boot();
    EXPECT_DONE(world);
    EXPECT_EQ(world.wire_ever, kLarge);
  }
}

TEST(Download, LeavesTheKnownVersionFlowingWhereAnotherServerHasAnotherOne) {
  auto files = one_file(198'000);
  files[0].hash = ServedFile::Hash::kNone;
  World world(3, files);
  world.link.per_connection = 8'000;
  world.link.total = 64'000;
  // Whatever is asked for beside a connection that flows goes to the other one.
  world.script = [&](const action::Fetch&) {
    return world.download().totals().connections > 0 ? Script{Kind::kOtherEtag, 0, 0} : Script{};
  };
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.wire_ever, 198'000U);
  EXPECT_EQ(world.most_connections, 1U);
}

TEST(Download, CountsWhatFailsAtOnceAsOneAttempt) {
  World world(1, one_file(198'000));
  world.link.per_connection = 8'000;
  world.link.total = 64'000;
  world.link.latency_ms = 2;
  world.link.chunk = 64;
  int failures = 0;
  world.script = [&](const action::Fetch&) {
    return world.download().totals().connections >= 2 && failures++ < 2 ? Script{Kind::kStatus, 0, 500}
                                                                        : Script{};
  };
  world.boot();
  unsigned most = 0;
  while (world.state() != State::kDone) {
    ASSERT_TRUE(world.step()) << world.broken;
    most = std::max(most, world.download().attempts());
  }
  EXPECT_GE(failures, 2);
  EXPECT_EQ(most, 1U);
}

TEST(Download, SaysThatAFileChangedAndStartsItAnewWithoutMixingItsVersions) {
  auto files = one_file();
  files[0].hash = ServedFile::Hash::kNone;
  World world(3, files);
  world.script = after(0, {Kind::kDrop, 30'000, 0});
  world.boot();
  while (world.download().files()[0].have().total() < 30'000) ASSERT_TRUE(world.step());
  world.republish(0, random_bytes(77, kLarge));
  EXPECT_DONE(world);
  const TransferTotals& totals = world.download().totals();
  EXPECT_GT(totals.bytes.discarded, 0U);
  EXPECT_EQ(totals.discarded_reason, "fileChanged");
  EXPECT_TRUE(world.disk_is(0));
}

TEST(Download, IsDoneAlthoughItsJournalCannotBeWritten) {
  for (const ErrorCode kind : {ErrorCode::kStorage, ErrorCode::kQuota}) {
    World world(3, one_file());
    world.boot();
    // The last of them, which says that everything was verified.
    while (world.download().totals().bytes.position < kLarge) ASSERT_TRUE(world.step());
    world.journal_fault = kind;
    EXPECT_DONE(world);
    while (world.step()) EXPECT_EQ(world.state(), State::kDone);
    EXPECT_EQ(world.state(), State::kDone);
  }
}

TEST(Download, GoesOnWhereAJournalCannotBeWritten) {
  World world(3, one_file());
  world.journal_fault = ErrorCode::kStorage;
  world.boot();
  EXPECT_DONE(world);
  World full(3, one_file());
  full.journal_fault = ErrorCode::kQuota;
  full.boot();
  EXPECT_ASKS(full, ErrorCode::kQuota);
}

TEST(Download, AsksWhenAFileIsNotTheListedOne) {
  World world(3, one_file());
  world.script = after(0, {Kind::kOtherTotal, 0, 0}, kForEver);
  world.boot();
  EXPECT_ASKS(world, ErrorCode::kChanged);
  EXPECT_EQ(world.requests, 3U);
}

TEST(Download, TakesNoMoreThanTheFileFromALongerBody) {
  World world(3, two_files());
  world.script = after(0, {Kind::kLong, 0, 0}, kForEver);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.disk_size("config.json"), kSmall);
}

TEST(Download, NeedsNoHeadersThatAnotherOriginMayHide) {
  World world(3, two_files());
  world.script = after(0, {Kind::kNoFacts, 0, 0}, kForEver);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kSmall + kLarge);
}

TEST(Download, DoesNotWaitForABodyThatIsNeverClosed) {
  World world(3, one_file());
  world.script = after(0, {Kind::kEndless, 0, 0}, kForEver);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
}

TEST(Download, TakesNoWebPageForAModel) {
  for (const Kind kind : {Kind::kHtml, Kind::kHiddenHtml}) {
    World world(3, one_file());
    world.script = after(0, {kind, 0, 0}, 1);
    world.boot();
    EXPECT_DONE(world);
    World for_ever(3, one_file());
    for_ever.script = after(0, {kind, 0, 0}, kForEver);
    for_ever.boot();
    EXPECT_ASKS(for_ever, ErrorCode::kIntegrity);
    EXPECT_EQ(for_ever.download().totals().bytes.position, 0U);
  }
}

TEST(Download, SaysThatAPointerCameInsteadOfTheFile) {
  for (const bool pinned : {true, false}) {
    World world(1, one_file());
    world.files[0].hash = pinned ? ServedFile::Hash::kSha256 : ServedFile::Hash::kNone;
    world.script = after(0, {Kind::kPointer}, kForEver);
    world.boot();
    EXPECT_ASKS(world, ErrorCode::kIntegrity);
    EXPECT_EQ(world.download().error()->message, "otherCame\tonnx/model_q4.onnx\tlfsPointer");
    EXPECT_FALSE(world.download().error()->retryable);
    EXPECT_EQ(world.requests, 1U);
  }
}

TEST(Download, SaysThatAFileChangedWhereAnotherShortOneCame) {
  World world(1, one_file());
  world.pointer = std::string(100, 'x');
  world.script = after(0, {Kind::kPointer}, 1);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_TRUE(world.download().list_is_old());
}

TEST(Download, ReplacesAConnectionThatTrickles) {
  for (const unsigned which : {0U, 1U, 3U, 5U}) {
    const auto time = [&](bool trickles) {
      World world(1, one_file(24'000'000 / 64));
      world.options.sizes = TransferSizes{}.scaled_down(64);
      world.link.per_connection = 2e6 / 64;
      world.link.total = 8e6 / 64;
      if (trickles) world.script = after(which, {Kind::kTrickle, 0, 400 / 64});
      world.boot();
      EXPECT_TRUE(world.run()) << world.broken;
      EXPECT_EQ(world.broken, "");
      EXPECT_EQ(world.state(), State::kDone);
      EXPECT_LT(world.wire, 24'000'000 / 64 * 1.01);
      return world.now_ms - 1'000;
    };
    const double without = time(false);
    EXPECT_LT(time(true), 1.5 * without + 2'000) << which;
  }
}

std::size_t gave_up(const World& world) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = world.log.find(" abort ", at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST(Download, LeavesASlowLineAlone) {
  World world(1, one_file());
  world.link.per_connection = world.link.total = 400;
  world.link.chunk = 64;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_LT(world.wire, kLarge * 1.01);
  EXPECT_LT(world.now_ms, 1'000 + 1.05 * 1000 * kLarge / 400);
}

TEST(Download, TriesAConnectionThatTricklesAgainLessAndLessOften) {
  World world(1, one_file(400'000));
  world.link.per_connection = 50'000;
  world.script = after_a_break({Kind::kTrickle, 0, 100}, kForEver);
  world.logging = true;
  world.boot();
  while (world.now_ms < 61'000 && world.step()) {
  }
  EXPECT_EQ(world.broken, "");
  EXPECT_GE(gave_up(world), 3U);
  EXPECT_LE(gave_up(world), 8U);
}

TEST(Download, UsesAsFewConnectionsAsTheServerTakes) {
  for (const int status : {503, 403, 0})
    for (const std::size_t crowd : {1U, 2U}) {
      World world(1, two_files());
      world.link.per_connection = 20e3;
      world.crowd = crowd;
      world.crowd_status = status;
      world.logging = true;
      world.boot();
      EXPECT_DONE(world);
      EXPECT_GT(world.turned_away, 0U);
      EXPECT_LE(world.turned_away, 3U) << world.log;
      EXPECT_LT(world.wire, 1.02 * (kSmall + kLarge));
    }
}

TEST(Download, CountsARefusalWhereNothingElseFlows) {
  World world(1, two_files());
  world.crowd = 0;
  world.boot();
  EXPECT_ASKS(world, ErrorCode::kHttp);
}

TEST(Download, GoesOnWhereAllHeadersButTheLengthAreHidden) {
  auto files = one_file();
  files[0].hash = ServedFile::Hash::kNone;
  files[0].size_known = false;
  World world(1, files);
  std::uint64_t breaks = 0;
  world.script = [&](const action::Fetch& fetch) {
    EXPECT_TRUE(fetch.range);
    return ++breaks <= 4 ? Script{Kind::kHidden, 0, 0} : Script{Kind::kHidden};
  };
  world.boot();
  // Four times the network goes away in mid-body, and comes back.
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t goal = world.wire + kLarge / 5;
    while (world.wire < goal && world.step()) {
    }
    EXPECT_EQ(world.download().totals().bytes.size, kLarge);
    world.perform(world.download().pause(world.now()));
    world.perform(world.download().resume(world.now()));
  }
  EXPECT_DONE(world);
  EXPECT_EQ(world.wire, kLarge);
}

TEST(Download, FindsADamagedBlockWithoutFetchingWhatFollows) {
  World world(3, one_file());
  world.options.max_connections = 1;
  world.script = after(0, {Kind::kFlip, 100, 0});
  world.boot();
  EXPECT_DONE(world);
  const TransferTotals& totals = world.download().totals();
  // The damaged block is the first, so one more request finds it, and the rest is read from the disk.
  EXPECT_LT(totals.bytes.heard(), kLarge + 10'000);
  EXPECT_EQ(totals.discarded_reason, "fileDamaged");
}

TEST(Download, RepairsDamageWhereverItIs) {
  for (const std::uint64_t at : {10U, 50'000U, 99'999U}) {
    World world(at, one_file());
    world.options.max_connections = 1;
    world.script = after(0, {Kind::kFlip, at, 0});
    world.boot();
    EXPECT_DONE(world);
    EXPECT_LE(world.download().totals().bytes.heard(), 2 * kLarge);
  }
  // In the last byte, and in two places at once.
  World last(3, one_file(8'192));
  last.script = after(0, {Kind::kFlip, 8'191, 0});
  last.boot();
  EXPECT_DONE(last);
  World twice(3, one_file());
  twice.link.per_connection = 1e5;  // so slow that several are used
  twice.script = after(0, {Kind::kFlip, 10, 0}, 2);
  twice.boot();
  EXPECT_DONE(twice);
  EXPECT_LE(twice.download().totals().bytes.heard(), 2 * kLarge + 10'000);
}

TEST(Download, DoesNotFetchTheSameWrongFileAThirdTime) {
  World world(3, one_file());
  world.entries[0].sha256 = std::string(64, 'a');
  world.boot();
  EXPECT_ASKS(world, ErrorCode::kIntegrity);
  EXPECT_EQ(world.download().totals().bytes.heard(), 2 * kLarge);
  EXPECT_EQ(world.download().totals().bytes.position, 0U);
  EXPECT_EQ(world.download().totals().bytes.verified, 0U);
}

TEST(Download, AsksAfterThreeAttemptsWithoutAnyReplyAndGoesOnWhenTheNetworkIsBack) {
  World world(3, one_file());
  bool broken = true;
  world.script = [&broken](const action::Fetch&) { return broken ? Script{Kind::kRefused, 0, 0} : Script{}; };
  world.boot();
  EXPECT_ASKS(world, ErrorCode::kNetwork);
  EXPECT_EQ(world.requests, 3U);
  broken = false;
  world.perform(world.download().online(world.now()));
  EXPECT_DONE(world);
}

TEST(Download, DoesNotCountAttemptsWhileTheDeviceIsOffline) {
  World world(3, one_file());
  bool broken = false;
  world.options.max_connections = 1;
  world.script = [&broken, cut = after_a_break({})](const action::Fetch& fetch) mutable {
    const Script scripted = cut(fetch);
    return broken ? Script{Kind::kRefused, 0, 0} : scripted;
  };
  world.boot();
  while (world.download().totals().bytes.position < 20'000) ASSERT_TRUE(world.step());
  broken = true;
  world.perform(world.download().offline(world.now()));
  while (world.now_ms < 500'000 || world.state() == State::kFetching)
    ASSERT_TRUE(world.step()) << world.broken;
  EXPECT_EQ(world.state(), State::kWaiting);
  EXPECT_EQ(world.download().error()->message, "offline");
  EXPECT_EQ(world.download().attempts(), 0U);
  broken = false;
  const std::uint64_t requests = world.requests;
  world.perform(world.download().online(world.now()));
  EXPECT_GT(world.requests, requests);
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kLarge);
}

TEST(Download, TriesAlthoughTheBrowserSaysItIsOffline) {
  World world(3, one_file());
  world.options.online = false;
  world.boot();
  EXPECT_DONE(world);
}

TEST(Download, FetchesNothingAgainAfterAPauseEvenWhenTheTabIsClosedThen) {
  World world(3, one_file());
  // With several, a piece comes twice where one connection takes over the rest of another one's range.
  world.options.max_connections = 1;
  world.boot();
  while (world.download().totals().bytes.position < 50'000) ASSERT_TRUE(world.step());
  world.perform(world.download().pause(world.now()));
  EXPECT_EQ(world.state(), State::kPaused);
  while (world.step()) EXPECT_EQ(world.state(), State::kPaused);
  const std::uint64_t kept = world.download().totals().bytes.position;
  world.crash(false);
  world.boot();
  EXPECT_EQ(world.download().totals().bytes.cached, kept);
  world.perform(world.download().pause(world.now()));
  world.perform(world.download().resume(world.now()));
  EXPECT_DONE(world);
  EXPECT_EQ(world.wire_ever, kLarge);
}

TEST(Download, LosesLittleWhenTheBrowserIsKilledAtAnyMoment) {
  World world(3, one_file());
  world.link.per_connection = world.link.total = 20'000;  // 20 MB/s at full size
  world.boot();
  std::uint64_t kills = 0;
  while (world.state() != State::kDone) {
    const std::uint64_t until = world.download().totals().bytes.position + 5'000;
    while (world.state() != State::kDone && world.download().totals().bytes.position < until)
      ASSERT_TRUE(world.step() || world.state() == State::kDone) << world.broken;
    if (world.state() == State::kDone) break;
    world.crash(false);
    world.boot();
    ++kills;
  }
  EXPECT_EQ(world.broken, "");
  EXPECT_GE(kills, 15U);
  // Less than the journal may be behind at this speed, each time.
  EXPECT_LE(world.wire_ever, kLarge + kills * 3'000);
}

TEST(Download, StartsAnewWhereBothJournalsAreDamaged) {
  World world(3, one_file());
  world.boot();
  while (world.download().totals().bytes.position < 50'000) ASSERT_TRUE(world.step());
  world.perform(world.download().cancel(world.now()));
  EXPECT_EQ(world.state(), State::kCancelled);
  world.crash(false);
  for (auto& journal : world.journal_texts())
    if (journal) journal->resize(journal->size() / 2);
  world.boot();
  EXPECT_EQ(world.download().totals().bytes.cached, 0U);
  EXPECT_DONE(world);
}

TEST(Download, KeepsWhatIsTheSameInAnotherCommit) {
  World world(3, two_files());
  world.boot();
  EXPECT_DONE(world);
  world.crash(false);
  world.commit = "decaf";
  world.files[0].content = random_bytes(9, kSmall);
  Sha1 sha = Sha1::git_blob(kSmall);
  sha.update(world.files[0].content);
  world.entries[0].git_sha1 = to_hex(sha.digest());
  const std::uint64_t before = world.wire_ever;
  world.boot();
  EXPECT_EQ(world.download().totals().bytes.cached, kLarge);
  EXPECT_DONE(world);
  EXPECT_EQ(world.wire_ever - before, kSmall);
}

TEST(Download, BelievesTheDiskAndNotTheJournal) {
  World world(3, one_file());
  world.boot();
  while (world.download().totals().bytes.position < 50'000) ASSERT_TRUE(world.step());
  world.perform(world.download().pause(world.now()));
  world.crash(false);
  world.cut_disk("onnx/model_q4.onnx", 10'000);
  world.boot();
  EXPECT_EQ(world.download().totals().bytes.cached, 10'000U);
  EXPECT_DONE(world);
  // A file that has grown since is cut to its size.
  world.crash(false);
  world.cut_disk("onnx/model_q4.onnx", kLarge + 5);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.disk_size("onnx/model_q4.onnx"), kLarge);
}

TEST(Download, FindsDamageDoneToTheDiskInBetween) {
  World world(3, one_file());
  world.boot();
  while (world.download().totals().bytes.position < 50'000) ASSERT_TRUE(world.step());
  world.perform(world.download().pause(world.now()));
  world.crash(false);
  world.damage_disk("onnx/model_q4.onnx", 100);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_LT(world.wire_ever, kLarge + 20'000);
}

TEST(Download, AsksWhereThereIsNoRoomAndGoesOnWhenThereIs) {
  World world(3, one_file());
  world.boot();
  while (world.download().totals().bytes.position < 50'000) ASSERT_TRUE(world.step());
  world.store_fault = ErrorCode::kQuota;
  EXPECT_ASKS(world, ErrorCode::kQuota);
  const std::uint64_t kept = world.download().totals().bytes.position;
  EXPECT_GE(kept, 50'000U);
  world.perform(world.download().retry(world.now()));
  EXPECT_DONE(world);
  EXPECT_LE(world.download().totals().bytes.heard(), kLarge + world.link.chunk);
}

TEST(Download, WritesTheJournalAsOftenAsTheDiskKeepsUpAndIsNeverFarBehind) {
  std::uint64_t journals[2] = {};
  for (const bool keeps_up : {false, true}) {
    World world(3, one_file());
    world.link.total = world.link.per_connection = 50'000;
    world.disk_keeps_up = keeps_up;
    world.boot();
    EXPECT_DONE(world);
    journals[keeps_up ? 1 : 0] = world.journals;
  }
  EXPECT_GT(journals[0], 3U);
  EXPECT_GT(journals[1], 3 * journals[0]);
}

TEST(Download, FetchesSmallFilesBesideTheLargeOnes) {
  World world(3, two_files());
  world.options.max_connections = 2;
  world.link.latency_ms = 300;
  std::map<std::string, double> asked;
  world.script = [&](const action::Fetch& fetch) {
    asked.try_emplace(fetch.url, world.now_ms);
    return Script{};
  };
  world.boot();
  EXPECT_DONE(world);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_LT(std::abs(asked.begin()->second - asked.rbegin()->second), 10);
  EXPECT_LE(world.most_connections, 2U);
}

TEST(Download, AsksForTheLargestFirst) {
  World world(3, two_files());
  std::vector<std::string> asked;
  world.script = [&](const action::Fetch& fetch) {
    asked.push_back(fetch.url);
    return Script{};
  };
  world.boot();
  EXPECT_DONE(world);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0], world.download().manifest().files()[1].url);
}

TEST(Download, AsksForOneThingAtATimeWhereTheServerWasAskedTooMuch) {
  auto files = two_files();
  for (int i = 0; i < 4; ++i) {
    files.push_back(files[0]);
    files.back().path = "small" + std::to_string(i);
  }
  World world(3, files);
  std::vector<double> asked;
  world.script = [&](const action::Fetch&) {
    if (world.now_ms < 2'000) return Script{Kind::kRateLimited, 0, 5};
    asked.push_back(world.now_ms);
    return Script{};
  };
  world.boot();
  EXPECT_DONE(world);
  ASSERT_GE(asked.size(), 6U);
  for (std::size_t i = 1; i < 6; ++i) EXPECT_GE(asked[i] - asked[i - 1], world.link.latency_ms / 2);
}

TEST(Download, TakesMoreFilesOnAtAnyTime) {
  for (const char* when : {"before", "while it runs", "paused", "asked", "done"}) {
    const std::string_view moment = when;
    World world(3, two_files());
    world.at_first = 1;
    if (moment == "asked") world.script = after(0, {Kind::kStatus, 0, 404}, 1);
    world.boot();
    if (moment == "while it runs") {
      ASSERT_TRUE(world.step());
    }
    if (moment == "paused") world.perform(world.download().pause(world.now()));
    if (moment == "asked" || moment == "done") {
      ASSERT_TRUE(world.run());
    }
    const State before = world.state();
    world.add(1);
    EXPECT_EQ(world.download().totals().files, 2U);
    EXPECT_EQ(world.download().totals().bytes.size, kSmall + kLarge);
    if (moment == "paused") world.perform(world.download().resume(world.now()));
    if (moment == "asked") {
      EXPECT_EQ(world.state(), before);
      world.perform(world.download().retry(world.now()));
    }
    EXPECT_DONE(world);
    EXPECT_TRUE(world.disk_is(0) && world.disk_is(1)) << when;
    EXPECT_EQ(world.wire_ever, kSmall + kLarge) << when;
  }
}

TEST(Download, TakesNoFileOnTwiceAndNoneThatIsNoFile) {
  World world(3, two_files());
  world.boot();
  EXPECT_TRUE(world.download().add(world.entries, world.now()).empty());
  ManifestFile outside;
  outside.path = "../x";
  EXPECT_TRUE(world.download().add({outside}, world.now()).empty());
  EXPECT_EQ(world.download().files().size(), 2U);
  EXPECT_DONE(world);
}

TEST(Download, KeepsWhatTheJournalKnowsOfOtherFilesAndTakesItOverWhenTheyAreWanted) {
  World world(3, two_files());
  world.boot();
  EXPECT_DONE(world);
  world.crash(false);
  // Another variant is loaded in between, which writes journals of its own.
  world.at_first = 1;
  world.boot();
  world.perform(world.download().distrust(0, world.now()));
  EXPECT_DONE(world);
  const std::uint64_t before = world.wire_ever;
  world.add(1);
  EXPECT_EQ(world.state(), State::kDone);
  EXPECT_EQ(world.download().totals().bytes.kept, kSmall + kLarge);
  EXPECT_EQ(world.wire_ever, before);
}

TEST(Download, TakesNothingOverThatAnotherListNamed) {
  // The list changes between two visits; the second one is for another file.
  for (const bool list_changed : {false, true}) {
    auto files = two_files();
    for (ServedFile& file : files) file.hash = ServedFile::Hash::kNone;
    World world(3, files);
    world.boot();
    EXPECT_DONE(world);
    world.crash(false);
    world.at_first = 1;
    if (list_changed) world.commit = "decaf";
    world.boot();
    EXPECT_EQ(world.download().totals().bytes.kept, list_changed ? 0 : kSmall);
    EXPECT_DONE(world);
    world.perform(world.download().distrust(0, world.now()));
    EXPECT_DONE(world);
    // Also a visit later, when the journal says that it is of the new list.
    world.crash(false);
    world.boot();
    EXPECT_DONE(world);
    world.add(1);
    EXPECT_EQ(world.download().totals().bytes.kept, list_changed ? kSmall : kSmall + kLarge);
    EXPECT_DONE(world);
  }
}

TEST(Download, FetchesAgainWhatAFolderPublishedAnew) {
  auto files = two_files();
  for (ServedFile& file : files) file.hash = ServedFile::Hash::kNone;
  World world(3, files);
  const auto say = [&](std::size_t i, const char* etag) {
    world.files[i].etag = "\"" + std::string(etag) + "\"";
    world.files[i].last_modified.clear();
    world.entries[i].version = {etag, ""};
  };
  say(0, "a");
  say(1, "b");
  world.boot();
  EXPECT_DONE(world);
  world.crash(false);
  world.commit = "another answer of the folder";
  world.files[1].content = random_bytes(99, kLarge);
  say(1, "c");
  world.boot();
  EXPECT_EQ(world.download().totals().bytes.kept, kSmall);
  EXPECT_DONE(world);
  EXPECT_TRUE(world.disk_is(1));
}

TEST(Download, SaysInTheJournalFirstThatOldBytesAreOfNoUse) {
  World world(3, two_files());
  world.boot();
  EXPECT_DONE(world);
  world.crash(false);
  world.entries[1].sha256 = std::string(64, 'a');
  world.boot();
  const Journal::Newest newest = Journal::newest(world.journal_texts());
  ASSERT_TRUE(newest.journal);
  EXPECT_FALSE(newest.journal->find("onnx/model_q4.onnx")->verified);
  EXPECT_TRUE(newest.journal->find("onnx/model_q4.onnx")->ranges.empty());
}

TEST(Download, SaysSoInTheJournalAtOnceWhereAFileIsWantedLater) {
  World world(3, two_files());
  world.boot();
  EXPECT_DONE(world);
  world.crash(false);
  world.at_first = 1;
  world.entries[1].sha256 = std::string(64, 'a');
  world.boot();
  EXPECT_TRUE(Journal::newest(world.journal_texts()).journal->find("onnx/model_q4.onnx")->verified);
  world.add(1);
  EXPECT_FALSE(Journal::newest(world.journal_texts()).journal->find("onnx/model_q4.onnx")->verified);
}

TEST(Download, NeedsNoRoomForAJournalOnceEverythingIsHere) {
  auto files = two_files();
  files.push_back(files[1]);
  files[2].path = "onnx/other.onnx";
  World world(3, files);
  world.boot();
  EXPECT_DONE(world);
  world.crash(false);
  forget_what_was_verified(world);
  world.link.read_ms = 20;  // so that a journal is due before the last file is verified
  world.journal_fault = ErrorCode::kQuota;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_GT(world.failed_journals, 1U);
}

TEST(Download, OnlyReadsAFileOnceNothingElseIsBeingRead) {
  // Three whole files whose checksum is behind, as after a crash before the last journal.
  auto files = two_files();
  files.push_back(files[1]);
  files[2].path = "onnx/other.onnx";
  World world(3, files);
  world.boot();
  EXPECT_DONE(world);
  world.crash(false);
  forget_what_was_verified(world);
  world.logging = true;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.wire_ever, kSmall + 2 * kLarge);
  // Each is opened when the one before it is done.
  std::vector<std::string> order;
  std::istringstream lines(world.log);
  for (std::string line; std::getline(lines, line);)
    for (const char* what : {"open ", "close "})
      if (const auto at = line.find(what); at != std::string::npos) order.push_back(line.substr(at));
  EXPECT_EQ(order, (std::vector<std::string>{"open 0", "close 0", "open 1", "close 1", "open 2", "close 2"}));
}

TEST(Download, FetchesWhatIsMissingWhileItReadsWhatIsHere) {
  auto files = two_files();
  files.push_back(files[1]);
  files[2].path = "onnx/other.onnx";
  World world(3, files);
  world.at_first = 2;
  world.boot();
  EXPECT_DONE(world);
  world.crash(false);
  forget_what_was_verified(world);
  world.at_first.reset();
  world.link.read_ms = 5;
  world.options.sizes.backlog = 2 * kLarge;
  world.logging = true;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.wire_ever, kSmall + 2 * kLarge);
  EXPECT_LT(world.log.find("onnx/other.onnx"), world.log.find("close 1"));
}

TEST(Download, UsesOneConnectionWhereTheChecksumIsFarBehind) {
  for (const bool behind : {false, true}) {
    World world(3, one_file(198'000));
    world.boot();
    while (world.download().totals().bytes.position < 80'000) ASSERT_TRUE(world.step());
    world.crash(false);
    world.link.per_connection = 8'000;
    world.link.total = 64'000;
    world.link.latency_ms = 2;
    world.link.chunk = 64;
    // What was kept has to be read back.
    world.link.read_ms = behind ? 500 : 0.001;
    world.options.sizes.backlog = 1'000;
    world.most_connections = 0;
    world.boot();
    EXPECT_DONE(world);
    EXPECT_EQ(world.most_connections, behind ? 1U : 6U);
  }
}

TEST(Download, WritesNoJournalWhereNothingIsKept) {
  World world(3, two_files());
  world.options.persistent = false;
  world.boot();
  EXPECT_DONE(world);
  EXPECT_FALSE(world.journal_texts()[0]);
}

TEST(Download, FetchesAFileAgainThatCouldNotBeUsed) {
  World world(3, two_files());
  world.boot();
  EXPECT_DONE(world);
  world.perform(world.download().distrust(1, world.now()));
  EXPECT_EQ(world.download().totals().bytes.verified, kSmall);
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.heard(), kSmall + 2 * kLarge);
}

TEST(Download, StoresEmptyFilesToo) {
  auto files = two_files();
  files[0].content.clear();
  World world(3, files);
  world.boot();
  EXPECT_DONE(world);
  EXPECT_EQ(world.disk_size("config.json"), 0U);
}

TEST(Download, LearnsASizeThatNobodyGave) {
  auto files = two_files();
  files[1].size_known = false;
  World world(3, files);
  world.boot();
  EXPECT_FALSE(world.download().totals().bytes.size);
  EXPECT_FALSE(world.download().missing());
  EXPECT_DONE(world);
  EXPECT_EQ(world.download().totals().bytes.size, kSmall + kLarge);
}

TEST(Download, IgnoresWhatIsNotItsBusiness) {
  World world(3, one_file());
  world.boot();
  const std::vector<std::uint8_t> bytes(10);
  Download& download = world.download();
  EXPECT_TRUE(download.received(999, bytes, world.now()).empty());
  EXPECT_TRUE(download.hashed(77, 0, bytes, world.now()).empty());
  EXPECT_TRUE(download.on(event::Opened{1, 55, 3}, world.now()).empty());
  EXPECT_TRUE(download.on(event::End{999}, world.now()).empty());
  EXPECT_TRUE(download.on(event::Head{999, 200, false, {}}, world.now()).empty());
  EXPECT_TRUE(download.on(event::FetchFailed{999, ErrorCode::kNetwork, ""}, world.now()).empty());
  EXPECT_FALSE(download.owns(999));
  EXPECT_DONE(world);
}

// The figures that the engine is measured by in a browser, on ideal links: 198 MB scaled down like everything
// else.
double seconds(World& world) {
  const double from = world.now_ms;
  world.boot();
  EXPECT_TRUE(world.run(2'000'000)) << world.broken;
  EXPECT_EQ(world.state(), State::kDone);
  return (world.now_ms - from) / 1'000;
}

World on_link(double per_connection, double total, double latency_ms) {
  World world(1, one_file(198'000));
  world.link.per_connection = per_connection;
  world.link.total = total;
  world.link.latency_ms = latency_ms;
  world.link.chunk = 64;
  world.link.read_ms = 0.001;
  return world;
}

TEST(Download, UsesMoreConnectionsWhereEachOfThemIsSlow) {
  World world = on_link(8'000, 64'000, 2);
  EXPECT_LT(seconds(world), 1.15 * (198.0 / 48));
  EXPECT_EQ(world.most_connections, 6U);
  EXPECT_LT(world.requests, 60U);
}

TEST(Download, LosesNothingWhereAllConnectionsShareOneLink) {
  for (const double latency : {2.0, 30.0}) {
    World world = on_link(20'000, 20'000, latency);
    EXPECT_LT(seconds(world), 1.01 * (198.0 / 20 + latency / 1'000));
    EXPECT_LE(world.most_connections, 3U);
  }
}

}  // namespace
}  // namespace candor
