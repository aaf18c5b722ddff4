#include "candor/transfer/journal.hpp"

#include <gtest/gtest.h>

#include <array>

namespace candor {
namespace {

Journal example() {
  Journal journal;
  journal.sequence = 7;
  journal.commit = "c0ffee";
  journal.files.push_back(
      {"config.json", 10U, "", std::string(40, 'a'), {"tag \"x\"", "then"}, true, {{0, 10}}});
  journal.files.push_back(
      {"onnx/model.onnx", 1'000U, std::string(64, 'b'), "", {}, false, {{0, 100}, {200, 300}}});
  journal.files.push_back({"empty", 0U, std::string(64, 'c'), "", {}, true, {}});
  journal.files.push_back({"unknown", std::nullopt, "", "", {}, false, {{0, 5}}, "before"});
  return journal;
}

bool is_read(const std::string& text) { return Journal::parse(text).has_value(); }

std::string sealed(const std::string& body) {
  const std::uint32_t crc = crc32(body);
  char hex[9];
  std::snprintf(hex, sizeof hex, "%08x", static_cast<unsigned>(crc));
  return body + "\n" + hex + "\n";
}

TEST(Journal, ReadsWhatItWrote) {
  const auto result = Journal::parse(example().to_text());
  ASSERT_TRUE(result);
  const Journal& journal = *result;
  EXPECT_EQ(journal.sequence, 7U);
  EXPECT_EQ(journal.commit, "c0ffee");
  ASSERT_EQ(journal.files.size(), 4U);
  EXPECT_EQ(journal.files[0].version, (FileVersion{"tag \"x\"", "then"}));
  EXPECT_EQ(journal.files[0].commit, "");
  EXPECT_EQ(journal.files[3].commit, "before");
  EXPECT_TRUE(journal.files[0].verified);
  EXPECT_EQ(journal.files[1].ranges, (std::vector<ByteRange>{{0, 100}, {200, 300}}));
  EXPECT_FALSE(journal.files[3].size);
  EXPECT_EQ(journal.to_text(), example().to_text());
}

TEST(Journal, NoticesEveryTornWriteAndEveryFlippedBit) {
  const std::string text = example().to_text();
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(is_read(text.substr(0, length))) << length;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string flipped = text;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(is_read(flipped)) << i;
  }
  EXPECT_FALSE(is_read(text + text));
}

TEST(Journal, RefusesWhatIsSealedButMakesNoSense) {
  const auto with_file = [](const std::string& file) {
    return sealed(R"({"candorJournal":1,"sequence":1,"commit":"c","files":[)" + file + "]}");
  };
  EXPECT_TRUE(is_read(with_file(R"({"path":"a","size":5,"ranges":[0,5]})")));
  for (const char* file :
       {R"({"path":"../a","size":5,"ranges":[]})", R"({"path":"a","size":5})",
        R"({"path":"a","size":5,"ranges":[0]})", R"({"path":"a","size":5,"ranges":[3,2]})",
        R"({"path":"a","size":5,"ranges":[0,6]})", R"({"path":"a","size":5,"ranges":[2,4,0,1]})",
        R"({"path":"a","size":5,"ranges":[0,-1]})", R"({"path":"a","size":5,"ranges":[0,4],"verified":true})",
        R"({"path":"a","ranges":[0,4],"verified":true})", R"({"path":"a","size":5,"ranges":[],"sha256":"x"})",
        R"({"path":"a","size":5,"ranges":[],"oid":"x"})",
        R"({"path":"a","size":5,"ranges":[]},{"path":"a","size":5,"ranges":[]})", "7", "null"})
    EXPECT_FALSE(is_read(with_file(file))) << file;
  EXPECT_FALSE(is_read(sealed(R"({"candorJournal":2,"files":[]})")));
  EXPECT_FALSE(is_read(sealed(R"({"candorJournal":1})")));
  EXPECT_FALSE(is_read(sealed("[]")));
  EXPECT_FALSE(is_read(sealed("")));
}

TEST(Journal, KnowsWhetherTheNetworkIsNeeded) {
  const Journal journal = example();
  const std::array<event::StoredFile, 2> disk = {{{"config.json", 10}, {"onnx/model.onnx", 1'000}}};
  using Paths = std::vector<std::string>;
  EXPECT_TRUE(journal.complete(Paths{"config.json"}, disk));
  EXPECT_FALSE(journal.complete(Paths{"config.json", "onnx/model.onnx"}, disk));
  EXPECT_FALSE(journal.complete(Paths{"other"}, disk));
  EXPECT_FALSE(journal.complete(Paths{"empty"}, disk));  // verified once, gone now
  const std::array<event::StoredFile, 1> shorter = {{{"config.json", 9}}};
  EXPECT_FALSE(journal.complete(Paths{"config.json"}, shorter));
}

TEST(Journal, GivesAManifestForWorkWithoutNetwork) {
  const auto manifest = example().manifest();
  ASSERT_TRUE(manifest);
  // Not the one that an earlier list named: it may be of another version of the model.
  EXPECT_EQ(manifest->files().size(), 3U);
  EXPECT_EQ(manifest->find("unknown"), nullptr);
  EXPECT_EQ(manifest->find("config.json")->version, (FileVersion{"tag \"x\"", "then"}));
  EXPECT_EQ(manifest->find("onnx/model.onnx")->sha256, std::string(64, 'b'));
  EXPECT_EQ(manifest->commit(), "c0ffee");
  EXPECT_FALSE(Journal{}.manifest());
}

TEST(Journal, IsTheNewestThatIsWholeAndTheNextGoesToTheOtherPlace) {
  Journal older = example();
  Journal newer = example();
  older.sequence = 9;
  newer.sequence = 10;
  const std::string torn = newer.to_text().substr(0, 50);
  using Texts = std::array<std::optional<std::string>, 2>;
  const auto check = [](const Texts& texts, std::optional<std::uint64_t> sequence, unsigned slot) {
    const Journal::Newest newest = Journal::newest(texts);
    const auto found = newest.journal ? std::optional(newest.journal->sequence) : std::nullopt;
    EXPECT_EQ(found, sequence);
    EXPECT_EQ(newest.next_slot, slot);
  };
  check({older.to_text(), newer.to_text()}, 10, 0);
  check({newer.to_text(), older.to_text()}, 10, 1);
  check({older.to_text(), torn}, 9, 1);
  check({torn, older.to_text()}, 9, 0);
  check({older.to_text(), std::nullopt}, 9, 1);
  check({std::nullopt, older.to_text()}, 9, 0);
  check({torn, torn}, std::nullopt, 0);
  check({std::nullopt, std::nullopt}, std::nullopt, 0);
  check({older.to_text(), older.to_text()}, 9, 1);
}

TEST(Journal, KnowsAFileOfAnotherVersion) {
  const ManifestFile hashed{"a", 5U, std::string(64, 'a'), "", "https://x/a"};
  const Journal::File entry{"a", 5U, std::string(64, 'a'), "", {"e", ""}, false, {}};
  // A checksum says it, whatever the commits and the servers' names are.
  EXPECT_TRUE(is_same(hashed, entry, "new", "old"));
  ManifestFile other = hashed;
  other.sha256 = std::string(64, 'b');
  EXPECT_FALSE(is_same(other, entry, "same", "same"));
  other = hashed;
  other.size = 6;
  EXPECT_FALSE(is_same(other, entry, "same", "same"));
  other = hashed;
  other.sha256.clear();
  EXPECT_FALSE(is_same(other, entry, "same", "same"));

  // Without one, what the server said of it.
  ManifestFile plain{"a", 5U, "", "", "https://x/a", {"e", "1"}};
  Journal::File stored{"a", 5U, "", "", {"e", "1"}, false, {}};
  EXPECT_TRUE(is_same(plain, stored, "new", "old"));
  plain.size.reset();
  EXPECT_TRUE(is_same(plain, stored, "new", "old"));
  plain.version = {"f", "2"};
  EXPECT_FALSE(is_same(plain, stored, "same", "same"));
  // And without that, only if the list is the same.
  plain.version = {};
  EXPECT_TRUE(is_same(plain, stored, "same", "same"));
  EXPECT_FALSE(is_same(plain, stored, "new", "old"));
  EXPECT_FALSE(is_same(plain, stored, "", ""));
  stored.commit = "older";
  EXPECT_FALSE(is_same(plain, stored, "same", "same"));
  EXPECT_TRUE(is_same(plain, stored, "older", "same"));
}

TEST(Crc32, GivesThePublishedCheckValue) { EXPECT_EQ(crc32("123456789"), 0xcbf43926U); }

}  // namespace
}  // namespace candor
