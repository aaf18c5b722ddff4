#include "candor/transfer/transfer_plan.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

/// A link that gives each connection `per_connection` bytes per second, and all together no more than
/// `total`.
class Link {
 public:
  Link(TransferPlan& plan, double per_connection, double total)
      : plan_(plan), per_connection_(per_connection), total_(total) {}

  /// Runs for some time with as many connections as the plan wants. `share`: what a busy machine takes of it.
  void run(double seconds, double share = 1) {
    const double until = now_ + seconds;
    while (now_ < until) {
      const double rate = share * std::min(per_connection_ * plan_.target(), total_);
      now_ += 16'384 / rate;
      plan_.received(16'384, plan_.target(), instant_from_ms(now_ * 1'000));
    }
  }

 private:
  TransferPlan& plan_;
  double per_connection_, total_;
  double now_ = 0;
};

TEST(TransferPlan, BeginsWithOneConnection) { EXPECT_EQ(TransferPlan().target(), 1U); }

TEST(TransferPlan, AddsConnectionsWhileEachBringsMore) {
  TransferPlan plan;
  Link(plan, 8e6, 64e6).run(1);
  EXPECT_EQ(plan.target(), 6U);
}

TEST(TransferPlan, UsesAllAtOnceWhereTwoBringTwiceAsMuchAsOne) {
  TransferPlan plan;
  Link link(plan, 8e6, 64e6);
  unsigned before = 1;
  while (plan.target() < 6) {
    before = plan.target();
    link.run(0.01);
  }
  EXPECT_EQ(before, 2U);
}

TEST(TransferPlan, StepsBackWhereTheyShareOneLink) {
  TransferPlan plan;
  Link(plan, 20e6, 20e6).run(1);
  EXPECT_EQ(plan.target(), 1U);
}

TEST(TransferPlan, StopsWhereMoreBringsNothingMore) {
  TransferPlan plan;
  Link(plan, 8e6, 16e6).run(2);
  EXPECT_EQ(plan.target(), 2U);
}

TEST(TransferPlan, KeepsTheOrderWhereOneConnectionBringsEnough) {
  TransferPlan plan;
  Link(plan, 100e6, 600e6).run(20);
  EXPECT_EQ(plan.target(), 1U);
  TransferPlan slower;
  Link(slower, 31e6, 600e6).run(5);
  EXPECT_EQ(slower.target(), 6U);
}

TEST(TransferPlan, GivesNoLevelUpForOneBadMoment) {
  TransferPlan plan;
  Link link(plan, 8e6, 16e6);
  while (plan.target() < 2) link.run(0.01);
  link.run(0.12, 0.3);
  link.run(2);
  EXPECT_GE(plan.target(), 2U);
}

TEST(TransferPlan, AsksAgainLater) {
  TransferPlan plan;
  Link(plan, 20e6, 20e6).run(2);
  EXPECT_EQ(plan.target(), 1U);
  // The link is another one now.
  Link later(plan, 8e6, 64e6);
  later.run(30);
  EXPECT_EQ(plan.target(), 6U);
}

TEST(TransferPlan, NeverExceedsItsLimit) {
  TransferPlan plan(3);
  Link(plan, 8e6, 64e6).run(5);
  EXPECT_EQ(plan.target(), 3U);
  EXPECT_EQ(TransferPlan(0).target(), 1U);
}

TEST(TransferPlan, StaysAtOneWhileTheServerWantsLess) {
  TransferPlan plan;
  plan.yield();
  Link(plan, 8e6, 64e6).run(20);
  EXPECT_EQ(plan.target(), 1U);
  plan.restart();
  Link(plan, 8e6, 64e6).run(60);
  EXPECT_EQ(plan.target(), 6U);
}

TEST(TransferPlan, OneConnectionAsksForAllThatIsMissing) {
  EXPECT_EQ(TransferPlan().range_size(1U << 30U), 1U << 30U);
}

TEST(TransferPlan, SeveralAskForAboutTwoSecondsWorthEach) {
  TransferPlan plan;
  const TransferSizes sizes;
  Link(plan, 8e6, 64e6).run(2);
  EXPECT_NEAR(static_cast<double>(plan.range_size(1U << 30U)), 16e6, 1e6);
  EXPECT_EQ(plan.range_size(6U << 20U), (1U << 20U) + 1);
  EXPECT_EQ(plan.range_size(1), sizes.smallest_range);
}

}  // namespace
}  // namespace candor
