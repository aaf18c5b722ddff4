#include "candor/transfer/recovery_policy.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

using Step = Recovery::Step;

Failure of(Cause cause) { return {cause, 0, std::nullopt, "detail"}; }

TEST(RecoveryPolicy, WaitsLongerEachTimeAndAsksAfterThreeAttempts) {
  RecoveryPolicy policy(1);
  const Instant now = instant_from_ms(1'000);
  const Recovery first = policy.failed(of(Cause::kServer), now);
  EXPECT_EQ(first.step, Step::kRetryAt);
  EXPECT_GE(first.at, now + Seconds{0.75});
  EXPECT_LE(first.at, now + Seconds{1.25});
  const Recovery second = policy.failed(of(Cause::kServer), now);
  EXPECT_EQ(second.step, Step::kRetryAt);
  EXPECT_GE(second.at, now + Seconds{3});
  EXPECT_LE(second.at, now + Seconds{5});
  EXPECT_EQ(policy.failed(of(Cause::kServer), now).step, Step::kAsk);
  EXPECT_EQ(policy.attempts(), 3U);
  policy.asked();
  EXPECT_EQ(policy.failed(of(Cause::kServer), now).step, Step::kRetryAt);
}

TEST(RecoveryPolicy, GivesEqualWaitsForEqualSeedsOnly) {
  RecoveryPolicy a(7), b(7), c(8);
  const Instant now{};
  const Instant at = a.failed(of(Cause::kNetwork), now).at;
  EXPECT_EQ(at, b.failed(of(Cause::kNetwork), now).at);
  EXPECT_NE(at, c.failed(of(Cause::kNetwork), now).at);
}

TEST(RecoveryPolicy, RenewsAConnectionThatBroughtSomethingAtOnceAndForEver) {
  RecoveryPolicy policy(1);
  for (int i = 0; i < 100; ++i) {
    policy.progressed(64U << 10U);
    EXPECT_EQ(policy.failed(of(Cause::kNetwork), {}).step, Step::kRetryNow);
    EXPECT_EQ(policy.attempts(), 0U);
  }
}

TEST(RecoveryPolicy, SlowsDownAServerThatGivesCrumbs) {
  RecoveryPolicy policy(1);
  Recovery recovery;
  for (int i = 0; i < 100; ++i) {
    policy.progressed(1);
    recovery = policy.failed(of(Cause::kNetwork), {});
    EXPECT_EQ(recovery.step, Step::kRetryAt);
  }
  EXPECT_EQ(recovery.at, Instant{} + Seconds{2});
}

TEST(RecoveryPolicy, ForgetsAttemptsWithProgress) {
  RecoveryPolicy policy(1);
  policy.failed(of(Cause::kServer), {});
  policy.failed(of(Cause::kServer), {});
  policy.progressed(1);
  EXPECT_EQ(policy.attempts(), 0U);
  EXPECT_EQ(policy.failed(of(Cause::kServer), {}).step, Step::kRetryAt);
}

TEST(RecoveryPolicy, DoesNotForgetDamageWithProgress) {
  RecoveryPolicy policy(1);
  for (int i = 0; i < 2; ++i) {
    policy.progressed(1'000'000);
    EXPECT_EQ(policy.failed(of(Cause::kIntegrity), {}).step, Step::kRetryNow);
  }
  policy.progressed(1'000'000);
  EXPECT_EQ(policy.failed(of(Cause::kChanged), {}).step, Step::kAsk);
  policy.settled();
  EXPECT_EQ(policy.failed(of(Cause::kIntegrity), {}).step, Step::kRetryNow);
}

TEST(RecoveryPolicy, ObeysRetryAfterUpToALimit) {
  RecoveryPolicy policy(1);
  Failure failure = of(Cause::kRateLimited);
  failure.retry_after = Seconds{90};
  EXPECT_EQ(policy.failed(failure, {}).at, Instant{} + Seconds{90});
  failure.retry_after = Seconds{0};
  EXPECT_GT(policy.failed(failure, {}).at, Instant{} + Seconds{1});
  RecoveryPolicy other(1);
  failure.retry_after = Seconds{86'400};
  EXPECT_EQ(other.failed(failure, {}).step, Step::kAsk);
}

TEST(RecoveryPolicy, DoesNotTryWhatCannotHelp) {
  for (const Cause cause : {Cause::kGated, Cause::kNotFound})
    EXPECT_EQ(RecoveryPolicy(1).failed(of(cause), {}).step, Step::kGiveUp);
  for (const Cause cause : {Cause::kQuota, Cause::kStorage})
    EXPECT_EQ(RecoveryPolicy(1).failed(of(cause), {}).step, Step::kAsk);
}

TEST(RecoveryPolicy, AsksForANewAddressAtOnceButNotForEver) {
  RecoveryPolicy policy(1);
  EXPECT_EQ(policy.failed(of(Cause::kExpired), {}).step, Step::kRetryNow);
  EXPECT_EQ(policy.failed(of(Cause::kExpired), {}).step, Step::kRetryAt);
  EXPECT_EQ(policy.failed(of(Cause::kExpired), {}).step, Step::kAsk);
}

TEST(RecoveryPolicy, TriesNowAndThenWithoutCountingWhileTheDeviceIsOffline) {
  RecoveryPolicy policy(1);
  for (const Cause cause : {Cause::kNetwork, Cause::kTimeout}) {
    for (int i = 0; i < 10; ++i) {
      const Recovery recovery = policy.failed(of(cause), {}, false);
      EXPECT_EQ(recovery.step, Step::kRetryAt);
      EXPECT_EQ(recovery.at, Instant{} + RecoveryPolicy::kOfflineProbe);
      EXPECT_EQ(recovery.error.code, ErrorCode::kNetwork);
    }
  }
  EXPECT_EQ(policy.attempts(), 0U);
  // A server that answers is there, whatever the browser says.
  EXPECT_EQ(policy.failed(of(Cause::kNotFound), {}, false).step, Step::kGiveUp);
}

TEST(RecoveryPolicy, AsksAgainForTheVersionThatIsHereUntilAFileHasChanged) {
  RecoveryPolicy policy(1);
  const auto others = [&] {
    int n = 0;
    Instant last{};
    while (const auto recovery = policy.other_version({})) {
      EXPECT_EQ(recovery->step, Step::kRetryAt);
      EXPECT_GT(recovery->at, last);
      last = recovery->at;
      EXPECT_TRUE(policy.disputed());
      ++n;
    }
    EXPECT_FALSE(policy.disputed());
    return n;
  };
  EXPECT_EQ(others(), 4);
  EXPECT_EQ(others(), 4);
  policy.same_version();
  EXPECT_EQ(others(), 4);
  // Servers that take turns are given more patience, until a change is seen.
  EXPECT_TRUE(policy.other_version({}));
  policy.same_version();
  EXPECT_FALSE(policy.disputed());
  EXPECT_EQ(others(), 15);
  EXPECT_EQ(others(), 4);
  EXPECT_EQ(policy.attempts(), 0U);
}

TEST(RecoveryPolicy, NamesASentenceForWhatHappened) {
  for (int i = 0; i <= static_cast<int>(Cause::kStorage); ++i) {
    const Error error = error_of({static_cast<Cause>(i), 503, std::nullopt, "<b>from outside</b>"});
    EXPECT_EQ(error.message.find_first_of(" .<"), std::string::npos);
    EXPECT_NE(error.message, "");
    EXPECT_EQ(error.detail, "<b>from outside</b>");
  }
}

Cause cause_of(int status, bool redirected = false, const char* code = "") {
  return failure_of(HttpReply::from(status, redirected, {{"x-error-code", code}})).cause;
}

TEST(FailureOf, FollowsTheStatusAndTheHubsReason) {
  EXPECT_EQ(cause_of(500), Cause::kServer);
  EXPECT_EQ(cause_of(503), Cause::kServer);
  EXPECT_EQ(cause_of(429), Cause::kRateLimited);
  EXPECT_EQ(cause_of(408), Cause::kTimeout);
  EXPECT_EQ(cause_of(401), Cause::kGated);
  EXPECT_EQ(cause_of(403), Cause::kGated);
  EXPECT_EQ(cause_of(403, true), Cause::kExpired);
  EXPECT_EQ(cause_of(403, true, "GatedRepo"), Cause::kGated);
  EXPECT_EQ(cause_of(401, false, "RepoNotFound"), Cause::kNotFound);
  EXPECT_EQ(cause_of(404), Cause::kNotFound);
  EXPECT_EQ(cause_of(410), Cause::kNotFound);
  EXPECT_EQ(cause_of(204), Cause::kHttp);
  EXPECT_EQ(cause_of(0), Cause::kHttp);
}

}  // namespace
}  // namespace candor
