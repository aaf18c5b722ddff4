#include <gtest/gtest.h>

#include <cstdlib>

#include "transfer/transfer_world.hpp"

namespace candor {
namespace {

using world::Kind;
using world::Random;
using world::random_bytes;
using world::Script;
using world::ServedFile;
using world::World;
using State = Download::State;

// Enough to meet every pair of faults at several moments, few enough for every run of the tests.
// CANDOR_SCHEDULES=100000 is the long run.
constexpr std::uint64_t kSchedules = 3'000;

std::uint64_t schedules() {
  const char* text = std::getenv("CANDOR_SCHEDULES");
  return text == nullptr ? kSchedules : std::strtoull(text, nullptr, 10);
}

std::uint64_t first_seed() {
  const char* text = std::getenv("CANDOR_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

const std::vector<Kind> kFaults = {Kind::kRefused,    Kind::kDrop,    Kind::kShort,   Kind::kLong,
                                   Kind::kStall,      Kind::kSilent,  Kind::kStatus,  Kind::kRateLimited,
                                   Kind::kExpired,    Kind::kWhole,   Kind::kNoRange, Kind::kOtherTotal,
                                   Kind::kOtherStart, Kind::kLess,    Kind::kFlip,    Kind::kHtml,
                                   Kind::kHiddenHtml, Kind::kNoFacts, Kind::kEndless, Kind::kOtherEtag,
                                   Kind::kOtherServer};

struct Outcome {
  std::string broken;
  std::string log;
  State state = State::kReady;
  std::uint64_t crashes = 0;
};

/// One download under random faults at random moments, with a visitor who retries. All faults end some day,
/// so every schedule has to end with every file stored and right.
Outcome run_schedule(std::uint64_t seed, bool logging = false) {
  Random random(seed);
  std::vector<ServedFile> files(1 + random.below(4));
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::uint64_t kind = random.below(10);
    std::uint64_t size = kind == 0 ? random.below(3) : kind < 4 ? random.below(2'000) : random.below(60'000);
    if (random.chance(0.1)) size = size / 4'096 * 4'096;
    files[i].path = "part/" + std::to_string(i) + ".bin";
    files[i].content = random_bytes(seed * 31 + i, size);
    const std::uint64_t hash = random.below(10);
    if (hash == 0) files[i].hash = ServedFile::Hash::kNone;
    if (hash == 1) files[i].hash = ServedFile::Hash::kGit;
    files[i].size_known = !random.chance(0.03);
    if (!files[i].size_known) files[i].hash = ServedFile::Hash::kSha256;
  }
  World world(seed, files);
  world.logging = logging;
  world.options.seed = seed;
  world.options.max_connections = 1 + static_cast<unsigned>(random.below(6));
  world.options.persistent = !random.chance(0.1);
  world.options.online = !random.chance(0.1);
  world.link.latency_ms = 1 + static_cast<double>(random.below(200));
  world.link.per_connection = 5e3 * static_cast<double>(1 + random.below(400));
  world.link.total = world.link.per_connection * static_cast<double>(1 + random.below(8));
  world.link.chunk = 64U << random.below(7);
  world.link.read_ms = 0.05 + 0.01 * static_cast<double>(random.below(200));

  // Some servers take turns, and some files are published anew while they come.
  const bool pool = random.chance(0.1);
  std::uint64_t publications = random.chance(0.3) ? 1 + random.below(2) : 0;
  world.journals_tear = publications == 0;
  if (random.chance(0.3)) world.at_first = 1 + random.below(files.size());

  std::uint64_t budget = random.below(12);
  const double rate = 0.05 + 0.1 * static_cast<double>(random.below(10));
  world.script = [&](const action::Fetch& fetch) {
    Script script;
    if (pool && random.chance(0.3)) script.kind = random.chance(0.5) ? Kind::kOtherEtag : Kind::kOtherServer;
    if (budget == 0 || !random.chance(rate)) return script;
    const auto file = std::find_if(files.begin(), files.end(),
                                   [&](const ServedFile& f) { return fetch.url.ends_with(f.path); });
    script.kind = kFaults[random.below(kFaults.size())];
    // Nobody can notice these without a checksum or a size.
    const bool unpinned = file->hash == ServedFile::Hash::kNone;
    if (unpinned && (script.kind == Kind::kFlip || script.kind == Kind::kHiddenHtml))
      script.kind = Kind::kDrop;
    if (unpinned && !world.journals_tear && script.kind == Kind::kNoFacts) script.kind = Kind::kDrop;
    if (!file->size_known && (script.kind == Kind::kShort || script.kind == Kind::kLong))
      script.kind = Kind::kDrop;
    const std::uint64_t length =
        fetch.range ? *fetch.range->last + 1 - fetch.range->first : file->content.size();
    constexpr std::uint64_t statuses[] = {500, 502, 503, 504, 408, 204, 205, 304, 400, 404, 401, 403, 418};
    script.at = random.chance(0.2)   ? 0
                : random.chance(0.1) ? length - (length > 0 ? 1 : 0)
                                     : random.below(length + 1);
    script.value = script.kind == Kind::kStatus ? statuses[random.below(13)] : random.below(90);
    --budget;
    return script;
  };

  Outcome outcome;
  std::uint64_t crashes = random.below(4);
  const auto finish = [&] {
    outcome.broken = world.broken;
    outcome.log = world.log;
    outcome.state = world.engine ? world.state() : State::kReady;
    return outcome;
  };
  world.boot();
  std::uint64_t asked = 0;
  std::uint64_t whims = random.below(16);
  for (std::uint64_t step = 0; step < 60'000; ++step) {
    if (!world.broken.empty()) break;
    const bool all = world.download().files().size() == files.size();
    if (world.state() == State::kDone && all) break;
    if (!all && (world.state() == State::kDone || random.chance(0.002))) {
      world.add(1 + random.below(2));
      continue;
    }
    if (publications > 0 && random.chance(0.002)) {
      const auto id = static_cast<FileId>(random.below(files.size()));
      if (files[id].hash == ServedFile::Hash::kNone) {
        --publications;
        world.republish(id, random_bytes(seed + 1'000 * publications, files[id].content.size()));
      }
      continue;
    }
    const std::uint64_t dice = whims > 0 ? random.below(300) : 300;
    if (dice < 7) --whims;
    if (!world.moving()) {
      // The visitor comes back.
      if (asked++ > 60) {
        world.fail("needs too many retries");
        break;
      }
      world.now_ms += static_cast<double>(random.below(5'000));
      if (world.state() == State::kPaused) {
        world.perform(world.download().resume(world.now()));
      } else if (world.state() == State::kAsking && random.chance(0.8)) {
        world.perform(world.download().retry(world.now()));
      } else {
        world.crash(random.chance(0.3));
        world.boot();
      }
    } else if (dice == 0) {
      world.perform(world.download().pause(world.now()));
    } else if (dice == 1) {
      world.perform(world.download().cancel(world.now()));
    } else if (dice == 2) {
      world.perform(world.download().offline(world.now()));
    } else if (dice == 3) {
      world.perform(world.download().online(world.now()));
    } else if (dice == 4 && crashes > 0) {
      --crashes;
      ++outcome.crashes;
      world.crash(random.chance(0.5));
      world.boot();
    } else if (dice == 5) {
      world.now_ms += static_cast<double>(random.below(100'000));  // asleep
      world.perform(world.download().tick(world.now()));
    } else if (dice == 6 && random.chance(0.3)) {
      world.store_fault = random.chance(0.5) ? ErrorCode::kQuota : ErrorCode::kStorage;
    } else if (!world.step()) {
      if (world.broken.empty()) world.fail("stands still without being done");
      break;
    }
  }
  if (world.broken.empty() &&
      (world.state() != State::kDone || world.download().files().size() < files.size()))
    world.fail("never gets done");
  return finish();
}

TEST(DownloadSimulation, EveryRandomScheduleEndsWithEveryByteRight) {
  const std::uint64_t count = schedules();
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = first_seed(); seed < first_seed() + count; ++seed) {
    const Outcome outcome = run_schedule(seed);
    crashes += outcome.crashes;
    if (outcome.broken.empty()) continue;
    ADD_FAILURE() << "seed " << seed << ": " << outcome.broken << "\n" << run_schedule(seed, true).log;
    break;
  }
  std::printf("%llu schedules from seed %llu, %llu crashes\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(first_seed()), static_cast<unsigned long long>(crashes));
}

}  // namespace
}  // namespace candor
