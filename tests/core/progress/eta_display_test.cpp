#include "candor/progress/eta_display.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

using Kind = EtaDisplay::Kind;

EtaDisplay show(EtaDisplayRounder& rounder, double seconds, double low, double high) {
  const EtaDisplay shown = rounder.show(EtaEstimate{seconds, low, high}, Millis{0});
  rounder.keep(shown);
  return shown;
}

EtaDisplay fresh(double seconds, double low, double high) {
  EtaDisplayRounder rounder;
  return show(rounder, seconds, low, high);
}

TEST(EtaDisplay, SaysNothingWithoutAnEstimate) {
  EtaDisplayRounder rounder;
  EXPECT_EQ(rounder.show(std::nullopt, Millis{0}), EtaDisplay{});
}

TEST(EtaDisplay, CountsTheSecondsOfAStallWhateverIsEstimated) {
  EtaDisplayRounder rounder;
  EXPECT_EQ(rounder.show(EtaEstimate{10, 9, 11}, Millis{12'900}), (EtaDisplay{Kind::kStalled, 12, 12}));
  EXPECT_EQ(rounder.show(std::nullopt, Millis{13'100}), (EtaDisplay{Kind::kStalled, 13, 13}));
}

TEST(EtaDisplay, IsOneNumberWhileTheRangeIsNarrow) {
  EXPECT_EQ(fresh(42.3, 38, 47), (EtaDisplay{Kind::kExact, 42, 42}));
  EXPECT_EQ(fresh(184, 170, 200), (EtaDisplay{Kind::kExact, 185, 185}));
  EXPECT_EQ(fresh(4340, 4000, 4700), (EtaDisplay{Kind::kExact, 4320, 4320}));
}

TEST(EtaDisplay, SaysAboutWhenItIsLessSure) {
  EXPECT_EQ(fresh(170, 130, 240), (EtaDisplay{Kind::kAbout, 180, 180}));
  EXPECT_EQ(fresh(33, 25, 45), (EtaDisplay{Kind::kAbout, 30, 30}));
  EXPECT_EQ(fresh(1450, 1100, 2000), (EtaDisplay{Kind::kAbout, 1500, 1500}));
}

TEST(EtaDisplay, IsARangeWhenItIsWide) {
  EXPECT_EQ(fresh(180, 110, 260), (EtaDisplay{Kind::kRange, 120, 240}));
  EXPECT_EQ(fresh(30, 12, 55), (EtaDisplay{Kind::kRange, 10, 60}));
}

TEST(EtaDisplay, NeverShowsARangeOfOneNumber) {
  const EtaDisplay display = fresh(3, 1, 6);
  EXPECT_EQ(display, (EtaDisplay{Kind::kAbout, 5, 5}));
}

TEST(EtaDisplay, NeverSaysZeroWhileSomethingIsLeft) {
  EXPECT_EQ(fresh(0.2, 0.1, 0.3), (EtaDisplay{Kind::kExact, 1, 1}));
  EXPECT_EQ(fresh(0, 0, 0), (EtaDisplay{Kind::kExact, 1, 1}));
}

TEST(EtaDisplay, DoesNotFlickerBetweenTwoKinds) {
  EtaDisplayRounder rounder;
  EXPECT_EQ(show(rounder, 100, 85, 85 * 1.39).kind, Kind::kExact);
  EXPECT_EQ(show(rounder, 100, 85, 85 * 1.5).kind, Kind::kExact);
  EXPECT_EQ(show(rounder, 100, 85, 85 * 1.6).kind, Kind::kAbout);
  EXPECT_EQ(show(rounder, 100, 85, 85 * 1.35).kind, Kind::kAbout);
  EXPECT_EQ(show(rounder, 100, 85, 85 * 1.2).kind, Kind::kExact);

  EXPECT_EQ(show(rounder, 300, 150, 150 * 2.5).kind, Kind::kRange);
  EXPECT_EQ(show(rounder, 300, 150, 150 * 2.1).kind, Kind::kRange);
  EXPECT_EQ(show(rounder, 300, 150, 150 * 1.9).kind, Kind::kAbout);
  EXPECT_EQ(show(rounder, 300, 150, 150 * 2.3).kind, Kind::kAbout);
}

TEST(EtaDisplay, DoesNotFlickerBetweenTwoNumbers) {
  EtaDisplayRounder rounder;
  EXPECT_EQ(show(rounder, 205, 150, 290).low, 180);
  EXPECT_EQ(show(rounder, 212, 150, 290).low, 180) << "past the middle, but not clearly";
  EXPECT_EQ(show(rounder, 230, 170, 320).low, 240);
  EXPECT_EQ(show(rounder, 208, 150, 290).low, 240);
}

TEST(EtaDisplay, AskingDoesNotMoveWhatIsHeld) {
  EtaDisplayRounder rounder;
  show(rounder, 205, 150, 290);
  rounder.show(EtaEstimate{230, 170, 320}, Millis{0});
  EXPECT_EQ(rounder.show(EtaEstimate{212, 150, 290}, Millis{0}).low, 180);
}

TEST(EtaDisplay, AStallIsNotHeldTo) {
  EtaDisplayRounder rounder;
  show(rounder, 205, 150, 290);
  rounder.keep(rounder.show(std::nullopt, Millis{4000}));
  EXPECT_EQ(show(rounder, 212, 150, 290).low, 180) << "as if there had been no stall";
}

TEST(EtaDisplay, CountsDownToOneSecond) {
  EtaDisplayRounder rounder;
  double last = 61;
  for (double t = 60; t > 0; t -= 0.1) {
    const EtaDisplay display = show(rounder, t, t * 0.95, t * 1.05);
    EXPECT_EQ(display.kind, Kind::kExact);
    EXPECT_LE(display.low, last);
    EXPECT_NEAR(display.low, t, 1);
    last = display.low;
  }
  EXPECT_EQ(last, 1);
}

}  // namespace
}  // namespace candor
