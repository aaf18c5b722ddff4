// What visits meet that nobody plans: one test for each kind of trouble.

#include <gtest/gtest.h>

#include "candor/loader/model_loader.hpp"
#include "loader/loader_world.hpp"

namespace candor {
namespace {

template <typename T>
std::size_t count(const LoaderWorld& world) {
  return static_cast<std::size_t>(
      std::count_if(world.seen.begin(), world.seen.end(),
                    [](const Action& action) { return std::holds_alternative<T>(action); }));
}

bool is_loading(const Snapshot& s) { return s.status == LoadStatus::kLoading; }

void load(LoaderWorld& world) {
  world.tell(event::Load{});
  world.run_for(2'000);
  ASSERT_EQ(world.last().status, LoadStatus::kReady);
  ASSERT_EQ(world.broken, "");
}

/// The published files with other weights.
std::map<std::string, std::string> next_version() {
  auto files = LoaderWorld::published();
  files["onnx/model_q4f16.onnx"] = LoaderWorld::content(250'000, 77);
  return files;
}

// --- no session may be born that nobody wants ---

TEST(LoaderFaults, NoSessionIsLeftWhenTheVisitorGivesUpBeforeItIsBorn) {
  for (const Event& command : {Event(event::Cancel{}), Event(event::Dispose{}), Event(event::Remove{3})}) {
    LoaderWorld world;
    world.session_answers = false;
    world.tell(event::Load{});
    ASSERT_TRUE(world.run_until(is_loading));
    const SessionId born = world.session_id;
    world.tell(command);
    world.run_for(100);
    EXPECT_FALSE(world.session) << "it was closed";
    EXPECT_EQ(count<action::CloseSession>(world), 1U);
    world.tell(event::SessionReady{born});
    EXPECT_NE(world.snapshot().status, LoadStatus::kReady) << "its late answer meets nobody";
    EXPECT_EQ(world.broken, "");
  }
}

TEST(LoaderFaults, AnAnswerOfAnEarlierSessionIsNotTakenForTheNewOnes) {
  LoaderWorld world;
  world.session_answers = false;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until(is_loading));
  const SessionId first = world.session_id;
  world.tell(event::Cancel{});
  world.tell(event::Load{});
  world.run_for(500);
  ASSERT_EQ(world.last().status, LoadStatus::kLoading);
  EXPECT_NE(world.session_id, first);
  world.tell(event::SessionReady{first});
  world.tell(event::SessionFailed{first, {std::nullopt, "bad_alloc"}});
  world.tell(event::SessionLost{first, "gone"});
  EXPECT_EQ(world.snapshot().status, LoadStatus::kLoading);
  world.tell(event::SessionReady{world.session_id});
  EXPECT_EQ(world.snapshot().status, LoadStatus::kReady);
}

TEST(LoaderFaults, ADeviceThatIsLostWhileLoadingEndsTheLoad) {
  LoaderWorld world;
  world.session_answers = false;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until(is_loading));
  world.tell(event::SessionLost{world.session_id, "reset"});
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kDeviceLost);
  EXPECT_FALSE(world.session);
  world.session_answers = true;
  world.tell(event::Retry{});
  world.run_for(1'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
}

TEST(LoaderFaults, ARuntimeThatDiesInAnAnswerLosesTheSession) {
  LoaderWorld world;
  load(world);
  world.tell(event::Answered{world.session_id, 20, 5});
  world.tell(event::AnswerFailed{world.session_id, 7,
                                 "RuntimeError: Aborted(). Build with -sASSERTIONS for more info."});
  ASSERT_EQ(world.rejected.size(), 1U);
  EXPECT_EQ(world.rejected[0].chat, 7U);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_TRUE(world.last().can.retry);
  EXPECT_FALSE(world.session);
  world.tell(event::Retry{});
  world.run_for(1'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
}

TEST(LoaderFaults, AnAnswerThatOnlyFailedLeavesTheModelReady) {
  LoaderWorld world;
  load(world);
  world.tell(event::Answered{world.session_id, 20, 5});
  world.tell(event::AnswerFailed{world.session_id, 8, "TypeError: x is not a function"});
  ASSERT_EQ(world.rejected.size(), 1U);
  EXPECT_EQ(world.rejected[0].error.code, ErrorCode::kRuntime);
  EXPECT_EQ(world.rejected[0].error.detail, "TypeError: x is not a function");
  EXPECT_EQ(world.snapshot().status, LoadStatus::kReady);
  EXPECT_TRUE(world.session);
}

TEST(LoaderFaults, AnAnswerOfAnEarlierSessionIsRejectedAndChangesNothingElse) {
  LoaderWorld world;
  load(world);
  world.tell(event::AnswerFailed{world.session_id + 1, 9, "bad_alloc"});
  EXPECT_EQ(world.rejected.size(), 1U);
  EXPECT_EQ(world.snapshot().status, LoadStatus::kReady);
}

// --- the disk ---

TEST(LoaderFaults, AJournalThatCannotBeWrittenAfterAllWasVerifiedEndsNothing) {
  LoaderWorld world;
  world.session_answers = false;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until(is_loading));
  world.tell(event::StoreFailed{world.visit(), event::StoreFailed::Work::kJournal, std::nullopt,
                                ErrorCode::kQuota, "full"});
  EXPECT_EQ(world.snapshot().status, LoadStatus::kLoading);
  world.tell(event::SessionReady{world.session_id});
  EXPECT_EQ(world.snapshot().status, LoadStatus::kReady);
}

TEST(LoaderFaults, AModelWhoseJournalsAllFailLoadsAllTheSame) {
  LoaderWorld world;
  world.journal_fails = true;
  world.device.persistent = false;
  load(world);
}

// --- answers from before ---

TEST(LoaderFaults, AnswersFromBeforeAQuickPauseStartNoWorkWithoutTheTurn) {
  LoaderWorld world;
  world.tell(event::Load{});
  world.run(1);  // the turn
  ASSERT_TRUE(world.holds());
  const Visit before = world.visit();
  world.tell(event::Pause{});
  world.elsewhere = true;
  world.tell(event::Resume{});
  world.seen.clear();
  world.tell(event::Probed{before, world.device});
  world.tell(event::Journal{before, {}, {}});
  world.run_for(3'000);
  EXPECT_EQ(count<action::Fetch>(world), 0U);
  EXPECT_EQ(count<action::WriteJournal>(world), 0U);
  EXPECT_EQ(world.snapshot().status, LoadStatus::kQueued);
  world.grant();
  world.run_for(3'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
  EXPECT_EQ(world.broken, "");
}

TEST(LoaderFaults, AnswersToNobodyChangeNothingInAnyState) {
  // Whatever the state, what belongs to another visit, session or request is not heard.
  for (int steps = 0; steps < 200; steps += 7) {
    LoaderWorld world;
    world.tell(event::Load{});
    world.run(steps);
    const LoadStatus before = world.snapshot().status;
    const auto position = world.snapshot().total_downloaded;
    world.seen.clear();
    world.tell(event::Locked{99});
    world.tell(event::Busy{99});
    world.tell(event::Journal{99, {}, {}});
    world.tell(event::Opened{99, 0, 5});
    world.tell(event::StoreFailed{99, event::StoreFailed::Work::kFile, 0, ErrorCode::kStorage, "x"});
    world.tell(event::Removed{99});
    world.tell(event::SessionReady{99});
    world.tell(event::SessionFailed{99, {std::nullopt, "x"}});
    world.tell(event::SessionLost{99, "x"});
    EXPECT_EQ(world.snapshot().status, before) << steps;
    EXPECT_EQ(world.snapshot().total_downloaded, position) << steps;
    EXPECT_EQ(count<action::Publish>(world), world.seen.size()) << steps;
  }
}

// --- no network, says the browser ---

TEST(LoaderFaults, ABrowserThatThinksItIsOfflineIsAskedToTryAllTheSame) {
  LoaderWorld world;
  world.device.online = true;
  world.thinks_it_is_offline = true;
  world.tell(event::Load{});
  world.run_for(40'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady) << "the server is this machine, or a service worker";
}

// --- removing ---

TEST(LoaderFaults, WhatAnotherTabIsLoadingFromIsNotRemoved) {
  LoaderWorld world;
  load(world);
  const auto files = world.disk;
  world.others_read = true;
  world.tell(event::Remove{5});
  world.run_for(100);
  ASSERT_EQ(world.done.size(), 1U);
  EXPECT_EQ(world.done[0].ticket, 5U);
  ASSERT_TRUE(world.done[0].error);
  EXPECT_EQ(world.done[0].error->code, ErrorCode::kStorage);
  EXPECT_TRUE(world.disk == files);
  EXPECT_EQ(count<action::RemoveFolder>(world), 0U);
  EXPECT_EQ(world.snapshot().status, LoadStatus::kPaused);
  EXPECT_GT(world.snapshot().total_downloaded, 0U);
  EXPECT_EQ(world.storage.count("candor_timings_mini"), 1U);

  world.others_read = false;
  world.tell(event::Remove{6});
  world.run_for(100);
  ASSERT_EQ(world.done.size(), 2U);
  EXPECT_FALSE(world.done[1].error);
  EXPECT_TRUE(world.disk.empty());
  EXPECT_EQ(world.snapshot().status, LoadStatus::kIdle);
  EXPECT_EQ(world.snapshot().total_downloaded, 0U);
  EXPECT_EQ(world.storage.count("candor_timings_mini"), 0U);
  EXPECT_EQ(world.storage.count("download_state_mini"), 0U);
  const auto last = [&](auto holds) { return std::find_if(world.seen.rbegin(), world.seen.rend(), holds); };
  const auto done = last([](const Action& a) { return std::holds_alternative<action::Done>(a); });
  const auto forgotten = last([](const Action& a) { return std::holds_alternative<action::Unpersist>(a); });
  EXPECT_LT(done, forgotten) << "who waited for the answer finds all done";
  EXPECT_EQ(world.broken, "");
}

TEST(LoaderFaults, ARemovalThatFailsSaysSoToWhoAskedForIt) {
  LoaderWorld world;
  load(world);
  world.removal_fails = true;
  world.tell(event::Remove{5});
  world.tell(event::Remove{6});
  world.run_for(100);
  ASSERT_EQ(world.done.size(), 2U);
  for (const auto& done : world.done) {
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->message, "notRemoved");
  }
  EXPECT_EQ(world.snapshot().status, LoadStatus::kFailed);
  EXPECT_FALSE(world.snapshot().can.retry) << "that would load";
  EXPECT_TRUE(world.snapshot().can.remove);
}

TEST(LoaderFaults, WhoLoadsKeepsOtherTabsFromTakingTheFilesAway) {
  LoaderWorld world;
  world.session_answers = false;
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until(is_loading));
  EXPECT_EQ(count<action::Share>(world), 1U);
  EXPECT_EQ(count<action::Unlock>(world), 0U);
  world.tell(event::SessionReady{world.session_id});
  EXPECT_EQ(count<action::Unlock>(world), 1U);
}

// --- another version ---

TEST(LoaderFaults, ANewerVersionIsToldAndFetchedOnlyWhenAskedFor) {
  LoaderWorld world;
  world.config.revalidate = Revalidate::kDefault;
  load(world);
  world.reload();
  world.publish(next_version(), 'c');
  const std::uint64_t before = world.body_bytes;
  load(world);
  EXPECT_EQ(world.body_bytes, before) << "it loads at once, from disk";
  world.run_for(2'000);
  const Snapshot told = world.snapshot();
  ASSERT_TRUE(told.newer);
  EXPECT_EQ(told.newer->bytes, 250'000U);
  EXPECT_TRUE(told.can.update);
  EXPECT_EQ(told.status, LoadStatus::kReady);

  world.tell(event::Update{});
  world.run_for(2'000);
  ASSERT_EQ(world.last().status, LoadStatus::kReady);
  EXPECT_EQ(world.body_bytes - before, 250'000U) << "what did not change stays";
  EXPECT_TRUE(world.disk.at("onnx/model_q4f16.onnx") == world.server.at("onnx/model_q4f16.onnx"));
  EXPECT_FALSE(world.snapshot().newer);
  EXPECT_EQ(world.broken, "");
}

TEST(LoaderFaults, NothingIsToldWhereNothingThatIsUsedHasChanged) {
  LoaderWorld world;
  world.config.revalidate = Revalidate::kDefault;
  load(world);
  world.reload();
  auto files = LoaderWorld::published();
  files["README.md"] = "other words";
  world.publish(std::move(files), 'c');
  load(world);
  world.run_for(2'000);
  EXPECT_FALSE(world.snapshot().newer);
  EXPECT_FALSE(world.snapshot().can.update);
  world.tell(event::Update{});
  EXPECT_EQ(world.snapshot().status, LoadStatus::kReady) << "there is nothing to fetch";
}

TEST(LoaderFaults, APlainFolderThatIsRepublishedIsFoundWithAndWithoutAList) {
  for (const bool list : {true, false}) {
    LoaderWorld world;
    world.config.revalidate = Revalidate::kDefault;
    world.hub = false;
    world.candor_json = list;
    world.config.source.repo = "https://example.org/mini";
    load(world);
    world.reload();
    world.publish(next_version(), 'c');
    load(world);
    world.run_for(2'000);
    ASSERT_TRUE(world.snapshot().newer) << "list: " << list;
    world.tell(event::Update{});
    world.run_for(2'000);
    EXPECT_EQ(world.last().status, LoadStatus::kReady);
    EXPECT_TRUE(world.disk.at("onnx/model_q4f16.onnx") == world.server.at("onnx/model_q4f16.onnx"));
    EXPECT_EQ(world.broken, "");
  }
}

TEST(LoaderFaults, WhatThePageWantsDecidesWhenTheSourceIsAsked) {
  LoaderWorld world;
  load(world);
  world.publish(next_version(), 'c');
  struct Case {
    Revalidate revalidate;
    std::string revision;
    bool asks;
    std::uint64_t fetches;
  };
  for (const Case& one :
       {Case{Revalidate::kNever, "main", false, 0}, Case{Revalidate::kBackground, "main", true, 0},
        Case{Revalidate::kDefault, "main", true, 0}, Case{Revalidate::kBeforeLoad, "main", true, 250'000}}) {
    LoaderWorld other = LoaderWorld();
    other.disk = world.disk;
    other.journal = world.journal;
    other.publish(LoaderWorld::published(), 'a');
    other.publish(next_version(), 'c');
    other.config.revalidate = one.revalidate;
    load(other);
    other.run_for(2'000);
    EXPECT_EQ(!other.fetched.empty(), one.asks);
    EXPECT_EQ(other.body_bytes, one.fetches);
  }
}

TEST(LoaderFaults, ACommitIsNeverAskedForAgain) {
  LoaderWorld world;
  world.config.revalidate = Revalidate::kDefault;
  world.config.source.revision = world.commit;
  load(world);
  const std::size_t asked = world.fetched.size();
  world.reload();
  load(world);
  world.run_for(2'000);
  EXPECT_EQ(world.fetched.size(), asked);
}

TEST(LoaderFaults, WhatIsHereIsUsedWhenTheListThatShouldComeFirstDoesNot) {
  LoaderWorld world;
  load(world);
  world.reload();
  world.config.revalidate = Revalidate::kBeforeLoad;
  world.network = false;
  world.tell(event::Load{});
  world.run_for(60'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
}

TEST(LoaderFaults, AnUpdateThatBreaksOffNeverMixesFilesOfTwoVersions) {
  for (int steps = 0; steps < 120; steps += 3) {
    LoaderWorld world;
    world.config.revalidate = Revalidate::kDefault;
    load(world);
    world.reload();
    auto files = next_version();
    files["tokenizer.json"] = std::string(3'000, 'u');
    world.publish(std::move(files), 'c');
    load(world);
    world.run_for(2'000);
    world.tell(event::Update{});
    world.run(steps);
    world.reload();
    world.tell(event::Load{});
    world.run_for(3'000);
    EXPECT_EQ(world.last().status, LoadStatus::kReady) << steps;
    EXPECT_EQ(world.broken, "") << steps;
  }
}

TEST(LoaderFaults, NothingIsWrittenOverWhileTheJournalOnDiskVouchesForIt) {
  LoaderWorld world;
  load(world);
  world.reload();
  auto files = next_version();
  files["tokenizer.json"] = std::string(3'000, 'u');  // as long as before
  world.publish(std::move(files), 'c');
  world.config.revalidate = Revalidate::kBeforeLoad;
  world.journal_fails = true;
  world.tell(event::Load{});
  world.run_for(10'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_TRUE(world.disk.at("tokenizer.json") == std::string(3'000, 't'));
  world.journal_fails = false;
  world.reload();
  world.tell(event::Load{});
  world.run_for(3'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
  EXPECT_EQ(world.broken, "");
}

TEST(LoaderFaults, AnotherVariantOfAnOlderVersionIsNotMixedWithTheNewOne) {
  LoaderWorld world;
  world.config.revalidate = Revalidate::kDefault;
  world.config.variant.dtype.all = "q4";
  load(world);  // q4 of the first version
  world.reload();
  auto files = next_version();
  files["tokenizer.json"] = std::string(3'000, 'u');
  files["onnx/model_q4.onnx"] = LoaderWorld::content(300'000, 78);
  world.publish(std::move(files), 'c');
  world.config.variant.dtype.all = "q4f16";
  load(world);  // q4f16 of the second
  world.reload();
  world.config.variant.dtype.all = "q4";
  load(world);
  EXPECT_TRUE(world.disk.at("onnx/model_q4.onnx") == world.server.at("onnx/model_q4.onnx"));
}

// --- commands that make no sense ---

TEST(LoaderFaults, OnlyWhatIsPausedIsResumed) {
  const auto resumes = [](LoaderWorld& world) {
    world.seen.clear();
    const LoadStatus before = world.snapshot().status;
    world.tell(event::Resume{});
    for (const Action& action : world.seen)
      EXPECT_TRUE(std::holds_alternative<action::Publish>(action) ||
                  std::holds_alternative<action::Persist>(action))
          << to_string(before);
    EXPECT_EQ(world.snapshot().status, before);
  };
  LoaderWorld world;
  resumes(world);  // idle
  world.tell(event::Load{});
  resumes(world);  // queued
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.phase == LoadPhase::kDownload; }));
  resumes(world);  // downloading
  world.session_answers = false;
  ASSERT_TRUE(world.run_until(is_loading));
  resumes(world);
  world.tell(event::SessionFailed{world.session_id, {std::nullopt, "bad_alloc"}});
  ASSERT_TRUE(world.snapshot().can.retry);
  resumes(world);  // failed
  world.tell(event::Cancel{});
  resumes(world);  // cancelled
  world.session_answers = true;
  load(world);
  resumes(world);  // ready
}

TEST(LoaderFaults, AListThatIsOldEachTimeAsksTheVisitorInTheEnd) {
  LoaderWorld world;
  world.hub = false;
  world.config.source.repo = "https://example.org/mini";
  world.config.sizes = TransferSizes{}.scaled_down(1'024);
  const auto list_of = LoaderWorld::published();
  world.served_list = list_of;
  auto files = list_of;
  files["onnx/model_q4f16.onnx"] = LoaderWorld::content(260'000, 9);
  world.publish(std::move(files), 'c');
  world.tell(event::Load{});
  world.run_for(60'000);
  EXPECT_EQ(world.last().status, LoadStatus::kFailed);
  EXPECT_EQ(world.last().attempt, ModelLoader::kMaxAttempts);
  EXPECT_EQ(world.last().error->error.code, ErrorCode::kChanged);
  world.served_list.reset();
  world.tell(event::Load{});
  world.run_for(60'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
  EXPECT_EQ(world.broken, "");
}

TEST(LoaderFaults, AFileThatIsAlwaysShorterThanTheListSaysHasTheListAskedForAnew) {
  LoaderWorld world;
  world.hub = false;
  world.config.source.repo = "https://example.org/mini";
  world.served_list = LoaderWorld::published();
  auto files = LoaderWorld::published();
  files["onnx/model_q4f16.onnx"] = LoaderWorld::content(240'000, 9);
  world.ignores_ranges = true;
  world.publish(std::move(files), 'c');
  world.tell(event::Load{});
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.attempt == 2; }));
  world.served_list.reset();
  world.run_for(60'000);
  EXPECT_EQ(world.last().status, LoadStatus::kReady);
  EXPECT_EQ(world.broken, "");
}

// --- the page that comes back ---

TEST(LoaderFaults, ThePageIsToldWhatItGoesOnWithByItself) {
  LoaderWorld world;
  EXPECT_FALSE(world.snapshot().goes_on);
  world.tell(event::Load{});
  EXPECT_TRUE(world.snapshot().goes_on);
  ASSERT_TRUE(world.run_until([](const Snapshot& s) { return s.total_downloaded > 100'000; }));
  world.stalled = true;
  world.run_for(1'000);  // the record is written
  world.reload();
  world.stalled = false;
  EXPECT_EQ(world.snapshot().status, LoadStatus::kPaused);
  EXPECT_TRUE(world.snapshot().goes_on) << "it was left in the middle of it";
  world.tell(event::Load{});
  world.tell(event::Pause{});
  EXPECT_FALSE(world.snapshot().goes_on) << "the visitor has said so";
}

}  // namespace
}  // namespace candor
