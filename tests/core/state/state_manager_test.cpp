#include "candor/state/state_manager.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "candor/base/bytes.hpp"

namespace candor {
namespace {

using Status = DownloadStatus;

Instant at(double ms) { return instant_from_ms(ms); }

DownloadUpdate moved(std::uint64_t bytes, std::uint64_t total) {
  DownloadUpdate update;
  update.progress = 100.0 * static_cast<double>(bytes) / static_cast<double>(total);
  update.bytes_downloaded = bytes;
  update.total_bytes = total;
  update.speed = 1000;
  update.time_remaining = 5;
  return update;
}

std::string record_of(const std::string& changes = "", int version = 1) {
  return R"({"modelKey":"phi","modelName":"Phi-3","status":"downloading","progress":40,"startTime":1000,)"
         R"("lastUpdate":2000,"speed":10,"bytesDownloaded":400,"totalBytes":1000,"timeRemaining":60,"error":null,)"
         R"("phase":"download","attempt":1)" +
         changes + ",\"version\":" + std::to_string(version) + "}";
}

TEST(StateManager, FollowsADownloadFromStartToEnd) {
  StateManager manager;
  EXPECT_EQ(manager.start_download("phi", "Phi-3", at(1000)), StateError::kNone);
  DownloadState state = *manager.state("phi");
  EXPECT_EQ(state.status, Status::kDownloading);
  EXPECT_EQ(state.start_time, 1000);
  EXPECT_FALSE(state.progress) << "unknown is not zero";
  EXPECT_FALSE(state.total_bytes);
  EXPECT_EQ(manager.update_download("phi", moved(250, 1000), at(1500)), StateError::kNone);
  state = *manager.state("phi");
  EXPECT_EQ(state.progress, 25);
  EXPECT_EQ(state.bytes_downloaded, 250U);
  EXPECT_EQ(state.last_update, 1500);
  EXPECT_EQ(manager.complete_download("phi", at(2000)), StateError::kNone);
  state = *manager.state("phi");
  EXPECT_EQ(state.status, Status::kCompleted);
  EXPECT_EQ(state.progress, 100);
  EXPECT_EQ(state.bytes_downloaded, 1000U);
  EXPECT_EQ(state.time_remaining, 0);
  EXPECT_FALSE(state.speed);
}

TEST(StateManager, AllowsLegalTransitionsOnlyAndAnIllegalOneChangesNothing) {
  enum class Call { start, update, complete, fail, pause, resume };
  const auto call = [](StateManager& manager, Call what) {
    switch (what) {
      case Call::start:
        return manager.start_download("m", "M", at(10));
      case Call::update:
        return manager.update_download("m", moved(1, 2), at(10));
      case Call::complete:
        return manager.complete_download("m", at(10));
      case Call::fail:
        return manager.fail_download("m", "x", at(10));
      case Call::pause:
        return manager.pause_download("m", at(10));
      case Call::resume:
        return manager.resume_download("m", at(10));
    }
    return StateError::kNone;
  };
  const std::vector<Call> paths[] = {
      {Call::start}, {Call::start, Call::pause}, {Call::start, Call::fail}, {Call::start, Call::complete}};
  const std::vector<Call> all = {Call::start, Call::update, Call::complete,
                                 Call::fail,  Call::pause,  Call::resume};
  const std::vector<bool> legal[] = {
      // start update complete fail  pause  resume
      {false, true, true, true, true, false},    // downloading
      {true, false, false, true, false, true},   // paused
      {true, false, false, false, false, true},  // failed
      {true, false, false, false, false, false}  // completed
  };
  for (std::size_t from = 0; from < 4; ++from) {
    for (std::size_t to = 0; to < all.size(); ++to) {
      StateManager manager;
      for (const Call step : paths[from]) ASSERT_EQ(call(manager, step), StateError::kNone);
      const DownloadState before = *manager.state("m");
      const StateError error = call(manager, all[to]);
      EXPECT_EQ(error == StateError::kNone, legal[from][to]) << from << " -> " << to;
      if (error != StateError::kNone) {
        EXPECT_EQ(error, StateError::kIllegalTransition);
        EXPECT_EQ(*manager.state("m"), before);
      }
    }
  }
}

TEST(StateManager, KnowsNothingOfModelsThatWereNeverStarted) {
  StateManager manager;
  EXPECT_EQ(manager.update_download("x", moved(1, 2), at(0)), StateError::kUnknownModel);
  EXPECT_EQ(manager.complete_download("x", at(0)), StateError::kUnknownModel);
  EXPECT_EQ(manager.fail_download("x", "", at(0)), StateError::kUnknownModel);
  EXPECT_EQ(manager.pause_download("x", at(0)), StateError::kUnknownModel);
  EXPECT_EQ(manager.resume_download("x", at(0)), StateError::kUnknownModel);
  EXPECT_EQ(manager.remove_download("x", at(0)), StateError::kUnknownModel);
  EXPECT_FALSE(manager.state("x"));
  EXPECT_FALSE(manager.serialize("x"));
  EXPECT_EQ(manager.start_download("", "", at(0)), StateError::kBadKey);
  EXPECT_EQ(manager.start_download(std::string(1000, 'k'), "", at(0)), StateError::kBadKey);
}

TEST(StateManager, KeepsSeveralModelsApart) {
  StateManager manager;
  for (const char* key : {"a", "b", "__proto__", "constructor"}) manager.start_download(key, key, at(0));
  manager.update_download("a", moved(10, 100), at(1));
  manager.pause_download("b", at(2));
  EXPECT_EQ(manager.state("a")->bytes_downloaded, 10U);
  EXPECT_EQ(manager.state("b")->status, Status::kPaused);
  EXPECT_EQ(manager.state("__proto__")->status, Status::kDownloading);
  EXPECT_EQ(manager.state("constructor")->bytes_downloaded, 0U);
}

TEST(StateManager, ARetryKeepsThePositionAndCountsTheAttempt) {
  StateManager manager;
  manager.start_download("m", "M", at(0));
  manager.update_download("m", moved(600, 1000), at(1));
  manager.fail_download("m", "connection reset", at(2));
  EXPECT_EQ(manager.state("m")->error, "connection reset");
  EXPECT_FALSE(manager.state("m")->speed);
  manager.resume_download("m", at(3));
  const DownloadState state = *manager.state("m");
  EXPECT_EQ(state.bytes_downloaded, 600U);
  EXPECT_EQ(state.attempt, 2U);
  EXPECT_FALSE(state.error);
  EXPECT_EQ(state.start_time, 0);
}

TEST(StateManager, TakesNoImpossibleNumbers) {
  StateManager manager;
  manager.start_download("m", "M", at(0));
  DownloadUpdate update;
  update.progress = std::numeric_limits<double>::quiet_NaN();
  update.speed = -5;
  update.time_remaining = std::numeric_limits<double>::infinity();
  update.bytes_downloaded = 2000;
  update.total_bytes = 1000;
  manager.update_download("m", update, at(1));
  const DownloadState state = *manager.state("m");
  EXPECT_FALSE(state.progress);
  EXPECT_FALSE(state.speed);
  EXPECT_LE(state.time_remaining.value_or(0), 1e15);
  EXPECT_FALSE(state.total_bytes) << "an over-count refutes the total";
  update.progress = 250;
  manager.update_download("m", update, at(2));
  EXPECT_EQ(manager.state("m")->progress, 100);
}

TEST(StateManager, TellsSubscribersOfTheirModelOnly) {
  StateManager manager;
  std::vector<std::string> heard;
  manager.subscribe(
      "a", [&](const DownloadState& s) { heard.push_back(s.model_key + std::string(to_string(s.status))); });
  manager.start_download("a", "A", at(0));
  manager.start_download("b", "B", at(0));
  manager.pause_download("a", at(1));
  EXPECT_EQ(heard, (std::vector<std::string>{"adownloading", "apaused"}));
}

TEST(StateManager, SubscribersMayComeAndGoDuringDelivery) {
  StateManager manager;
  std::vector<std::string> heard;
  StateManager::SubscriptionId second = 0;
  const auto first = manager.subscribe("m", [&](const DownloadState&) {
    heard.push_back("first");
    EXPECT_TRUE(manager.unsubscribe(second));
    manager.subscribe("m", [&](const DownloadState&) { heard.push_back("late"); });
  });
  second = manager.subscribe("m", [&](const DownloadState&) { heard.push_back("second"); });
  manager.start_download("m", "M", at(0));
  EXPECT_EQ(heard, (std::vector<std::string>{"first"}));
  EXPECT_TRUE(manager.unsubscribe(first));
  EXPECT_FALSE(manager.unsubscribe(first));
  manager.pause_download("m", at(1));
  EXPECT_EQ(heard, (std::vector<std::string>{"first", "late"}));
}

TEST(StateManager, ASubscriberMayRemoveItselfWhileItIsCalled) {
  StateManager manager;
  int calls = 0;
  StateManager::SubscriptionId id = 0;
  id = manager.subscribe("m", [&](const DownloadState&) {
    ++calls;
    manager.unsubscribe(id);
  });
  manager.start_download("m", "M", at(0));
  manager.pause_download("m", at(1));
  EXPECT_EQ(calls, 1);
}

TEST(StateManager, AllSubscribersHearTheSameOrderEvenWhenOneOfThemActs) {
  StateManager manager;
  std::vector<Status> heard;
  manager.subscribe("m", [&](const DownloadState& s) {
    if (s.status == Status::kDownloading) manager.pause_download("m", at(1));
  });
  manager.subscribe("m", [&](const DownloadState& s) { heard.push_back(s.status); });
  manager.start_download("m", "M", at(0));
  EXPECT_EQ(heard, (std::vector<Status>{Status::kDownloading, Status::kPaused}));
}

TEST(StateManager, ASubscriberMayRemoveTheDownload) {
  StateManager manager;
  manager.subscribe("m", [&](const DownloadState&) { manager.remove_download("m", at(1)); });
  EXPECT_EQ(manager.start_download("m", "M", at(0)), StateError::kNone);
  EXPECT_FALSE(manager.state("m"));
}

TEST(StateManager, PersistsTransitionsAtOnceAndUpdatesTwiceASecond) {
  StateManager manager;
  manager.start_download("phi", "Phi-3", at(0));
  auto actions = manager.poll(at(0));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, StorageAction::Kind::kPersist);
  EXPECT_EQ(actions[0].key, "download_state_phi");
  EXPECT_EQ(actions[0].json, *manager.serialize("phi"));
  EXPECT_TRUE(manager.poll(at(1)).empty());
  EXPECT_FALSE(manager.wake_at());
  manager.update_download("phi", moved(1, 10), at(100));
  EXPECT_TRUE(manager.poll(at(100)).empty());
  ASSERT_TRUE(manager.wake_at());
  EXPECT_EQ(to_ms(*manager.wake_at()), 500);
  EXPECT_EQ(manager.poll(at(500)).size(), 1U);
  manager.pause_download("phi", at(510));
  EXPECT_EQ(manager.poll(at(510)).size(), 1U);
}

TEST(StateManager, CleansUpACompletedRecordAfterFiveSeconds) {
  StateManager manager;
  manager.start_download("phi", "Phi-3", at(0));
  manager.complete_download("phi", at(1000));
  manager.poll(at(1000));
  ASSERT_TRUE(manager.wake_at());
  EXPECT_EQ(to_ms(*manager.wake_at()), 6000);
  EXPECT_TRUE(manager.poll(at(5999)).empty());
  EXPECT_TRUE(manager.state("phi"));
  const auto actions = manager.poll(at(6000));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, StorageAction::Kind::kRemove);
  EXPECT_EQ(actions[0].key, "download_state_phi");
  EXPECT_FALSE(manager.state("phi"));
  EXPECT_FALSE(manager.wake_at());
}

TEST(StateManager, ANewDownloadIsNotCleanedUpWithTheOldOne) {
  StateManager manager;
  manager.start_download("phi", "Phi-3", at(0));
  manager.complete_download("phi", at(1000));
  manager.start_download("phi", "Phi-3", at(2000));
  manager.poll(at(7000));
  EXPECT_EQ(manager.state("phi")->status, Status::kDownloading);
  EXPECT_EQ(manager.state("phi")->bytes_downloaded, 0U);
}

TEST(StateManager, ARemovedDownloadLeavesNoRecord) {
  StateManager manager;
  manager.start_download("phi", "Phi-3", at(0));
  manager.remove_download("phi", at(1));
  ASSERT_TRUE(manager.wake_at());
  const auto actions = manager.poll(at(1));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, StorageAction::Kind::kRemove);
}

TEST(StateManager, RestoresWhatItWrote) {
  StateManager before;
  before.start_download("phi", "Phi-3 \xE2\x9C\x93 \"<b>\"", at(1000));
  before.update_download("phi", moved(400, 1000), at(2000));
  StateManager after;
  const auto restored = after.restore(*before.serialize("phi"), at(9000), "phi");
  ASSERT_EQ(restored.error, StateError::kNone);
  EXPECT_EQ(restored.state->status, Status::kPaused) << "nothing runs after a reload";
  EXPECT_EQ(restored.state->bytes_downloaded, 400U);
  EXPECT_EQ(restored.state->total_bytes, 1000U);
  EXPECT_EQ(restored.state->start_time, 1000);
  EXPECT_EQ(restored.state->model_name, "Phi-3 \xE2\x9C\x93 \"<b>\"");
  EXPECT_FALSE(restored.state->speed);
  EXPECT_FALSE(restored.state->time_remaining);
  EXPECT_EQ(after.start_download("phi", "Phi-3", at(9500)), StateError::kNone);
  EXPECT_EQ(after.state("phi")->bytes_downloaded, 400U);
}

TEST(StateManager, RestoresARecordWithoutTheOptionalFields) {
  StateManager manager;
  const auto restored = manager.restore(
      R"({"version":1,"modelKey":"a","modelName":"A","status":"failed","startTime":0,"lastUpdate":0,"bytesDownloaded":5})",
      at(1));
  ASSERT_EQ(restored.error, StateError::kNone);
  EXPECT_FALSE(restored.state->progress);
  EXPECT_EQ(restored.state->attempt, 1U);
}

TEST(StateManager, CleansUpARestoredCompletedRecord) {
  StateManager manager;
  std::string record = record_of();
  record.replace(record.find("downloading"), 11, "completed");
  ASSERT_EQ(manager.restore(record, at(100'000)).error, StateError::kNone);
  const auto actions = manager.poll(at(100'000));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, StorageAction::Kind::kRemove);
}

TEST(StateManager, IgnoresForeignFutureAndDamagedRecordsWithTheReason) {
  const auto error_of = [](const std::string& json, std::optional<std::string_view> key = std::nullopt) {
    StateManager manager;
    const auto restored = manager.restore(json, at(5000), key);
    EXPECT_FALSE(restored.state && restored.error != StateError::kNone);
    EXPECT_EQ(manager.state("phi").has_value(), restored.error == StateError::kNone);
    return restored.error;
  };
  EXPECT_EQ(error_of(record_of()), StateError::kNone);
  EXPECT_EQ(error_of(record_of(), "phi"), StateError::kNone);
  EXPECT_EQ(error_of(record_of(), "other"), StateError::kForeign);
  EXPECT_EQ(error_of(record_of("", 2)), StateError::kFutureVersion);
  EXPECT_EQ(error_of(record_of("", 0)), StateError::kDamaged);
  EXPECT_EQ(error_of("{\"theme\":\"dark\"}"), StateError::kForeign);
  EXPECT_EQ(error_of("[1,2,3]"), StateError::kForeign);
  EXPECT_EQ(error_of("null"), StateError::kForeign);
  EXPECT_EQ(error_of(""), StateError::kDamaged);
  EXPECT_EQ(error_of("{"), StateError::kDamaged);
  EXPECT_EQ(error_of(record_of().substr(0, 100)), StateError::kDamaged);
  EXPECT_EQ(error_of(std::string(1'000'000, '[')), StateError::kDamaged);
  EXPECT_EQ(error_of("\"" + std::string(1'000'000, 'x') + "\""), StateError::kDamaged);
  EXPECT_EQ(error_of("{\"modelKey\":\"\xFF\xFE\",\"version\":1}"), StateError::kDamaged);
  // A later member of the same name wins: each of these spoils one field.
  for (const char* spoiled : {R"(,"modelKey":"")",
                              R"(,"modelKey":5)",
                              R"(,"modelName":null)",
                              R"(,"status":"flying")",
                              R"(,"status":7)",
                              R"(,"progress":"40")",
                              R"(,"progress":-1)",
                              R"(,"progress":101)",
                              R"(,"startTime":"now")",
                              R"(,"startTime":-1)",
                              R"(,"startTime":1e300)",
                              R"(,"lastUpdate":0)",
                              R"(,"bytesDownloaded":-1)",
                              R"(,"bytesDownloaded":1.5)",
                              R"(,"bytesDownloaded":1e17)",
                              R"(,"totalBytes":10)",
                              R"(,"totalBytes":"1000")",
                              R"(,"speed":-1)",
                              R"(,"timeRemaining":{})",
                              R"(,"error":5)",
                              R"(,"phase":[])",
                              R"(,"attempt":0)",
                              R"(,"attempt":1.5)",
                              R"(,"speed":1e999)"}) {
    EXPECT_EQ(error_of(record_of(spoiled)), StateError::kDamaged) << spoiled;
  }
}

TEST(StateManager, DoesNotRestoreOverARunningDownload) {
  StateManager manager;
  manager.start_download("phi", "Phi-3", at(0));
  EXPECT_EQ(manager.restore(record_of(), at(5000)).error, StateError::kAlreadyActive);
  EXPECT_EQ(manager.state("phi")->status, Status::kDownloading);
}

TEST(StateManager, ARecordFromAClockThatWasSetBackIsNotInTheFuture) {
  StateManager manager;
  const auto restored = manager.restore(record_of(), at(500));
  ASSERT_TRUE(restored.state);
  EXPECT_EQ(restored.state->start_time, 500);
  EXPECT_EQ(restored.state->last_update, 500);
}

TEST(StateManager, CutsEndlessTextBetweenCharacters) {
  StateManager manager;
  manager.start_download("m", "M", at(0));
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "\xE2\x9C\x93";
  manager.fail_download("m", text, at(1));
  const std::string error = *manager.state("m")->error;
  EXPECT_LE(error.size(), 4096U);
  EXPECT_EQ(error.size() % 3, 0U);
  StateManager other;
  EXPECT_EQ(other.restore(*manager.serialize("m"), at(2)).error, StateError::kNone);
}

TEST(StateManager, SurvivesRandomDamageToARecord) {
  StateManager source;
  source.start_download("phi", "Phi-3", at(1000));
  source.update_download("phi", moved(400, 1000), at(2000));
  const std::string good = *source.serialize("phi");
  std::uint64_t random = 5;
  const auto below = [&random](std::uint64_t n) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (random >> 33U) % n;
  };
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    for (std::uint64_t j = 0; j <= below(4); ++j) {
      const std::size_t place = below(bad.size());
      switch (below(3)) {
        case 0:
          bad[place] = static_cast<char>(below(256));
          break;
        case 1:
          bad.erase(place, below(5));
          break;
        default:
          bad.insert(place, 1, static_cast<char>(below(256)));
      }
      if (bad.empty()) break;
    }
    StateManager manager;
    const auto restored = manager.restore(bad, at(9000));
    if (restored.state) {
      ASSERT_LE(restored.state->progress.value_or(0), 100);
      ASSERT_LE(restored.state->bytes_downloaded, restored.state->total_bytes.value_or(kMaxSafeBytes));
    }
  }
}

TEST(DownloadUpdates, AreReadFromAProgressInfoOrAnAggregate) {
  auto update =
      DownloadUpdate::from_json(R"({"progress":40,"loaded":400,"total":1000,"speed":10,"timeRemaining":60})");
  ASSERT_TRUE(update);
  EXPECT_EQ(update->progress, 40);
  EXPECT_EQ(update->bytes_downloaded, 400U);
  EXPECT_EQ(update->total_bytes, 1000U);
  update = DownloadUpdate::from_json(
      R"({"overallProgress":50,"totalDownloaded":500,"totalSize":null,"speed":-1})");
  ASSERT_TRUE(update);
  EXPECT_EQ(update->progress, 50);
  EXPECT_EQ(update->bytes_downloaded, 500U);
  EXPECT_FALSE(update->total_bytes);
  EXPECT_FALSE(update->speed);
  EXPECT_FALSE(DownloadUpdate::from_json("[]"));
  EXPECT_FALSE(DownloadUpdate::from_json("{"));
}

}  // namespace
}  // namespace candor
