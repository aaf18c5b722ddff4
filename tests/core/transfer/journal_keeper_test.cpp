#include "candor/transfer/journal_keeper.hpp"

#include <gtest/gtest.h>

#include <array>

namespace candor {
namespace {

const std::string kSha(64, 'a');

ManifestFile hashed(const std::string& path) { return {path, 10U, kSha, "", "https://x/" + path}; }
ManifestFile plain(const std::string& path) { return {path, 10U, "", "", "https://x/" + path}; }

Journal::Newest last(const std::string& commit) {
  Journal journal;
  journal.sequence = 7;
  journal.commit = commit;
  journal.files.push_back({"hashed", 10U, kSha, "", {}, true, {{0, 10}}});
  journal.files.push_back({"plain", 10U, "", "", {}, true, {{0, 10}}});
  return {journal, 1};
}

const std::array<event::StoredFile, 1> kDisk = {{{"hashed", 9}}};

Journal read(const action::WriteJournal& written) { return *Journal::parse(written.text); }

TEST(JournalKeeper, GivesWhatWasStoredOfAFileOnce) {
  JournalKeeper keeper(last("one"), kDisk, "one", {});
  const auto stored = keeper.take(hashed("hashed"));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->bytes, 9U);  // what is on disk, whatever the journal says
  EXPECT_EQ(stored->entry.ranges, (std::vector<ByteRange>{{0, 10}}));
  EXPECT_FALSE(keeper.take(hashed("hashed")));
  EXPECT_EQ(keeper.take(plain("plain"))->bytes, 0U);
  EXPECT_FALSE(keeper.take(plain("other")));
  EXPECT_FALSE(keeper.pace().stale());
}

TEST(JournalKeeper, SaysSoSoonWhereWhatIsStoredIsOfNoUse) {
  JournalKeeper keeper(last("one"), kDisk, "two", {});
  EXPECT_FALSE(keeper.take(plain("plain")));
  EXPECT_TRUE(keeper.pace().stale());
  const Journal next = read(keeper.write({}, {}));
  EXPECT_EQ(next.find("plain"), nullptr);
  EXPECT_NE(next.find("hashed"), nullptr);
}

TEST(JournalKeeper, KeepsTheFilesThatAreNotWantedAndTheCommitThatTheyAreOf) {
  JournalKeeper keeper(last("one"), kDisk, "two", {});
  const action::WriteJournal written = keeper.write({}, {});
  EXPECT_EQ(written.slot, 1U);
  const Journal next = read(written);
  EXPECT_EQ(next.sequence, 8U);
  EXPECT_EQ(next.commit, "two");
  ASSERT_EQ(next.files.size(), 2U);
  EXPECT_EQ(next.find("plain")->commit, "one");
  EXPECT_FALSE(next.manifest());
  // A visit later they are still not of the new commit; back at the old one they are.
  JournalKeeper later({next, 0}, kDisk, "two", {});
  EXPECT_FALSE(later.take(plain("plain")));
  EXPECT_TRUE(later.take(hashed("hashed")));
  JournalKeeper back({next, 0}, kDisk, "one", {});
  EXPECT_TRUE(back.take(plain("plain")));
}

TEST(JournalKeeper, BelievesNoJournalThatSaysNothingOfItsCommit) {
  JournalKeeper keeper(last(""), kDisk, "", {});
  EXPECT_FALSE(keeper.take(plain("plain")));
  EXPECT_TRUE(keeper.take(hashed("hashed")));
}

TEST(JournalKeeper, WritesTheFilesThatAreWanted) {
  JournalKeeper keeper({}, {}, "one", {});
  std::vector<FileTransfer> files;
  files.emplace_back(hashed("a"), 1);
  const Journal first = read(keeper.write(files, {}));
  EXPECT_EQ(first.sequence, 1U);
  EXPECT_EQ(first.commit, "one");
  EXPECT_NE(first.find("a"), nullptr);
  EXPECT_EQ(read(keeper.write(files, {})).sequence, 2U);
}

}  // namespace
}  // namespace candor
