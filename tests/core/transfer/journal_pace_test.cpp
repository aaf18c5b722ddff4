#include "candor/transfer/journal_pace.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

constexpr TransferSizes kSizes;

Instant at(double ms) { return instant_from_ms(ms); }

JournalPace started(unsigned slot = 0) {
  JournalPace pace(kSizes, slot);
  pace.start(at(1'000));
  return pace;
}

TEST(JournalPace, HasNothingToSayAtFirst) {
  JournalPace pace = started();
  EXPECT_FALSE(pace.stale());
  EXPECT_FALSE(pace.due_at());
  EXPECT_FALSE(pace.due(at(1e6)));
}

TEST(JournalPace, NamesAFewBytesWithinASecond) {
  JournalPace pace = started();
  pace.came(1);
  EXPECT_TRUE(pace.stale());
  EXPECT_EQ(to_ms(*pace.due_at()), 2'000);
  EXPECT_FALSE(pace.due(at(1'999.9)));
  EXPECT_TRUE(pace.due(at(2'000)));
  pace.write(at(2'000));
  EXPECT_FALSE(pace.stale());
  EXPECT_FALSE(pace.due(at(9'000)));
}

TEST(JournalPace, SaysWithinASecondWhatIsNoLongerSo) {
  JournalPace pace = started();
  pace.changed();
  EXPECT_TRUE(pace.stale());
  EXPECT_FALSE(pace.due(at(1'999.9)));
  EXPECT_TRUE(pace.due(at(2'000)));
  pace.write(at(2'000));
  EXPECT_FALSE(pace.stale());
}

TEST(JournalPace, WritesAsOftenAsTheDiskKeepsUpWhereEnoughCame) {
  JournalPace pace = started();
  pace.came(kSizes.journal_soon - 1);
  EXPECT_FALSE(pace.due(at(1'010)));
  pace.came(1);
  EXPECT_FALSE(pace.due(at(1'009.9)));
  EXPECT_TRUE(pace.due(at(1'010)));
  pace.write(at(1'010));
  pace.came(kSizes.journal_soon);
  EXPECT_FALSE(pace.due(at(1'500)));  // the disk is behind
  pace.written();
  EXPECT_TRUE(pace.due(at(1'500)));
}

TEST(JournalPace, WaitsForNoDiskOnceMuchIsUnnamed) {
  JournalPace pace = started();
  pace.came(1);
  pace.write(at(1'000));
  pace.came(kSizes.journal - 1);
  EXPECT_FALSE(pace.due(at(1'001)));
  pace.came(1);
  EXPECT_TRUE(pace.due(at(1'001)));
  // Nor once a second is over.
  pace.write(at(1'001));
  pace.came(1);
  EXPECT_TRUE(pace.due(at(2'001)));
}

TEST(JournalPace, TakesTheTwoPlacesInTurn) {
  for (const unsigned first : {0U, 1U}) {
    JournalPace pace = started(first);
    for (unsigned i = 0; i < 4; ++i) {
      EXPECT_EQ(pace.write(at(i)), (first + i) % 2);
      pace.written();
    }
    // Also where the store has not answered yet.
    EXPECT_EQ(pace.write(at(10)), first);
    EXPECT_EQ(pace.write(at(11)), 1 - first);
  }
}

TEST(JournalPace, GoesToTheSamePlaceAgainAfterAWriteThatFailedAndNotAtOnce) {
  JournalPace pace = started();
  EXPECT_EQ(pace.write(at(1'000)), 0U);
  pace.written();
  EXPECT_EQ(pace.write(at(1'100)), 1U);
  EXPECT_FALSE(pace.stale());
  pace.failed(at(1'200));
  EXPECT_TRUE(pace.stale());
  EXPECT_FALSE(pace.due(at(2'199.9)));
  EXPECT_TRUE(pace.due(at(2'200)));
  EXPECT_EQ(pace.write(at(2'200)), 1U);
  pace.written();
  EXPECT_EQ(pace.write(at(2'300)), 0U);
  // The one behind it was given to the store before: the places go on in turn.
  EXPECT_EQ(pace.write(at(2'400)), 1U);
  pace.failed(at(2'500));
  pace.written();
  EXPECT_EQ(pace.write(at(2'600)), 0U);
}

TEST(JournalPace, BarsWhatTheLastJournalNamesUntilTheNextOneIsOnDisk) {
  JournalPace pace = started();
  EXPECT_FALSE(pace.barred());
  pace.overruled();
  EXPECT_TRUE(pace.barred());
  EXPECT_TRUE(pace.stale());
  pace.written();
  EXPECT_TRUE(pace.barred()) << "that was none of the new ones";
  pace.write(at(1'000));
  EXPECT_TRUE(pace.barred());
  pace.failed(at(1'100));
  EXPECT_TRUE(pace.barred()) << "the old one is still the newest";
  pace.write(at(2'100));
  pace.written();
  EXPECT_FALSE(pace.barred());
}

TEST(JournalPace, IgnoresAnswersThatNothingWasAskedFor) {
  JournalPace pace = started();
  pace.written();
  pace.failed(at(1'000));
  EXPECT_EQ(pace.write(at(1'001)), 0U);
  pace.came(kSizes.journal_soon);
  EXPECT_FALSE(pace.due(at(1'500)));
}

}  // namespace
}  // namespace candor
