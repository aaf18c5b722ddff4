#include "candor/transfer/file_transfer.hpp"

#include <gtest/gtest.h>

#include "candor/transfer/sha256.hpp"

namespace candor {
namespace {

using Kind = FileTransfer::Verdict::Kind;
using Check = FileTransfer::Check;
using State = FileTransfer::State;

// "abc", whose digest is published.
FileTransfer abc() {
  ManifestFile file;
  file.path = "model.onnx";
  file.size = 3;
  file.sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  return FileTransfer(file, 1);
}

std::vector<std::uint8_t> bytes(std::string_view text) { return {text.begin(), text.end()}; }

HttpReply reply(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return HttpReply::from(status, false, headers);
}

TEST(FileTransfer, GoesFromProbingThroughFetchingAndVerifyingToDone) {
  FileTransfer file = abc();
  EXPECT_EQ(file.state(), State::kProbing);
  EXPECT_EQ(file.received(1, bytes("bc")), 2U);
  EXPECT_EQ(file.state(), State::kFetching);
  EXPECT_EQ(file.hashed(), 0U);
  EXPECT_EQ(file.received(0, bytes("a")), 1U);
  EXPECT_EQ(file.state(), State::kVerifying);
  EXPECT_EQ(file.hashed(), 1U);
  EXPECT_EQ(file.check(), Check::kPending);
  const auto read = file.next_read(file.end());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (ByteRange{1, 3}));
  file.reading(*read);
  EXPECT_FALSE(file.next_read(file.end()));
  file.read_back(1, bytes("bc"));
  EXPECT_EQ(file.check(), Check::kGood);
  EXPECT_EQ(file.state(), State::kDone);
  EXPECT_EQ(file.ledger().verified, 3U);
}

TEST(FileTransfer, ChecksWhatWasOverwrittenAgain) {
  FileTransfer file = abc();
  file.received(0, bytes("ab"));
  EXPECT_EQ(file.hashed(), 2U);
  EXPECT_EQ(file.received(1, bytes("x")), 0U);  // the same place, other bytes
  EXPECT_EQ(file.hashed(), 0U);
  file.received(2, bytes("c"));
  file.reading({0, 3});
  file.read_back(0, bytes("axc"));
  EXPECT_EQ(file.check(), Check::kDamaged);
  EXPECT_EQ(file.ledger().position, 0U);
  EXPECT_EQ(file.ledger().discarded, 3U);
}

TEST(FileTransfer, IgnoresAReadThatWasOvertakenByAWrite) {
  FileTransfer file = abc();
  file.received(0, bytes("a"));
  file.received(2, bytes("c"));
  file.reading({1, 3});
  file.received(1, bytes("b"));
  file.read_back(1, bytes("?c"));
  EXPECT_EQ(file.hashed(), 1U);
  EXPECT_EQ(file.check(), Check::kPending);
  EXPECT_TRUE(file.next_read(file.end()));
}

TEST(FileTransfer, BelievesADiskThatEndsEarlier) {
  FileTransfer file = abc();
  Journal::File journal = file.journal();
  journal.ranges = {{0, 3}};
  file.restore(journal, 3);
  EXPECT_EQ(file.ledger().cached, 3U);
  file.reading({0, 3});
  file.read_back(0, bytes("a"));
  file.read_back(1, {});
  EXPECT_EQ(file.ledger().position, 1U);
  EXPECT_EQ(file.ledger().cached, 1U);
  EXPECT_EQ(file.ledger().discarded, 2U);
}

TEST(FileTransfer, GivesUpOnAServerThatSendsTheSameWrongBytesTwice) {
  FileTransfer file = abc();
  file.received(0, bytes("abd"));
  EXPECT_EQ(file.check(), Check::kDamaged);
  file.received(0, bytes("abd"));
  EXPECT_EQ(file.check(), Check::kHopeless);
}

TEST(FileTransfer, AcceptsTheRangeThatWasAskedFor) {
  FileTransfer file = abc();
  const auto verdict = file.judge(reply(206, {{"content-range", "bytes 1-2/3"}}), {1, 3}, true);
  EXPECT_EQ(verdict.kind, Kind::kAccept);
  EXPECT_EQ(verdict.range, (ByteRange{1, 3}));
  EXPECT_EQ(file.judge(reply(206, {{"content-range", "bytes 1-1/*"}}), {1, 3}, true).range,
            (ByteRange{1, 2}));
  // A longer range than asked for is cut.
  EXPECT_EQ(file.judge(reply(206, {{"content-range", "bytes 0-2/3"}}), {0, 2}, true).range,
            (ByteRange{0, 2}));
}

TEST(FileTransfer, NamesWhatIsWrongWithAReply) {
  FileTransfer file = abc();
  const auto cause = [&](const HttpReply& r, bool ranged = true) {
    const auto verdict = file.judge(r, {1, 3}, ranged);
    EXPECT_EQ(verdict.kind, Kind::kFail);
    return verdict.failure.cause;
  };
  EXPECT_EQ(cause(reply(206, {{"content-range", "bytes 0-1/3"}})), Cause::kHttp);
  EXPECT_EQ(cause(reply(206, {{"content-range", "nonsense"}})), Cause::kHttp);
  EXPECT_EQ(cause(reply(206, {{"content-range", "bytes 1-2/4"}})), Cause::kChanged);
  EXPECT_EQ(cause(reply(206, {{"content-length", "5"}})), Cause::kHttp);
  EXPECT_EQ(cause(reply(200, {{"content-length", "4"}})), Cause::kChanged);
  EXPECT_EQ(cause(reply(416, {{"content-range", "bytes */4"}})), Cause::kChanged);
  EXPECT_EQ(cause(reply(200, {{"content-type", "text/html"}})), Cause::kNotAModel);
  EXPECT_EQ(cause(reply(404)), Cause::kNotFound);
  EXPECT_TRUE(file.ranges_work());
  EXPECT_EQ(cause(reply(416, {{"content-range", "bytes */3"}})), Cause::kHttp);
  EXPECT_FALSE(file.ranges_work());
}

TEST(FileTransfer, TakesTheWholeBodyWhereTheServerKnowsNoRanges) {
  FileTransfer file = abc();
  const auto verdict = file.judge(reply(200, {{"content-length", "3"}}), {1, 3}, true);
  EXPECT_EQ(verdict.kind, Kind::kWhole);
  EXPECT_EQ(verdict.range, (ByteRange{0, 3}));
  EXPECT_FALSE(file.ranges_work());
}

TEST(FileTransfer, DoesNotTrustTheLengthOfABodyThatMayBeCompressed) {
  FileTransfer file = abc();
  EXPECT_EQ(file.judge(reply(200, {{"content-length", "23"}}), {0, 3}, false).kind, Kind::kWhole);
  EXPECT_TRUE(file.ranges_work());
}

HttpReply part(const std::string& etag, const std::string& day) {
  return reply(206, {{"etag", "\"" + etag + "\""},
                     {"last-modified", day.empty() ? "" : "Sun, " + day + " Nov 2026 10:00:00 GMT"}});
}

TEST(FileTransfer, LetsTheChecksumDecideWhateverTheServersCallTheFile) {
  FileTransfer file = abc();
  for (const char* etag : {"a", "b", "a"})
    EXPECT_EQ(file.judge(part(etag, "01"), {0, 2}, true).kind, Kind::kAccept);
  EXPECT_EQ(file.judge(part("a", "02"), {0, 2}, true).kind, Kind::kAccept);
  EXPECT_EQ(file.judge(reply(200, {{"etag", "c"}}), {0, 2}, true).kind, Kind::kWhole);
  EXPECT_FALSE(file.policy().disputed());
}

FileTransfer unpinned(FileVersion version = {}) {
  ManifestFile file;
  file.path = "model.onnx";
  file.size = 3;
  file.version = std::move(version);
  return FileTransfer(file, 1);
}

TEST(FileTransfer, TakesOnlyOneVersionWhereNoChecksumTells) {
  FileTransfer file = unpinned();
  EXPECT_EQ(file.judge(part("a", "01"), {0, 2}, true).kind, Kind::kAccept);
  EXPECT_EQ(file.judge(reply(206, {{"etag", "W/\"a-gzip\""}}), {0, 2}, true).kind, Kind::kAccept);
  EXPECT_EQ(file.judge(reply(206), {0, 2}, true).kind, Kind::kAccept);
  EXPECT_EQ(file.judge(part("b", "01"), {0, 2}, true).kind, Kind::kAccept);  // of another server
  EXPECT_EQ(file.judge(part("b", "02"), {0, 2}, true).kind, Kind::kOther);
  EXPECT_EQ(file.judge(reply(200, {{"etag", "b"}}), {0, 3}, false).kind, Kind::kOther);
  EXPECT_TRUE(file.ranges_work());  // what it is refused for says nothing of the server that is asked
  EXPECT_EQ(file.journal().version, (FileVersion{"a", "Sun, 01 Nov 2026 10:00:00 GMT"}));
  // One that is known again ends the doubt.
  EXPECT_TRUE(file.policy().other_version({}));
  EXPECT_TRUE(file.policy().disputed());
  EXPECT_EQ(file.judge(part("a", "01"), {0, 2}, true).kind, Kind::kAccept);
  EXPECT_FALSE(file.policy().disputed());
  // What could not be used is fetched again from whoever has it.
  file.discard("It could not be used.");
  EXPECT_EQ(file.judge(part("b", "02"), {0, 2}, true).kind, Kind::kAccept);
}

TEST(FileTransfer, TakesTheVersionThatTheListMeans) {
  FileTransfer file = unpinned({"a", ""});
  EXPECT_EQ(file.judge(part("b", ""), {0, 2}, true).kind, Kind::kOther);
  EXPECT_EQ(file.judge(part("a", ""), {0, 2}, true).kind, Kind::kAccept);
  file.received(0, bytes("ab"));
  file.discard("It could not be used.");
  EXPECT_EQ(file.judge(part("b", ""), {0, 2}, true).kind, Kind::kOther);
  file.changed("It changed.");
  EXPECT_EQ(file.judge(part("b", ""), {0, 2}, true).kind, Kind::kAccept);
}

TEST(FileTransfer, LosesOnlyWhatAWebPageWasWrittenOver) {
  FileTransfer file = abc();
  file.received(0, bytes("ab"));
  file.wasted(1);
  file.spoiled({0, 1}, "A web page came.");
  const ByteLedger ledger = file.ledger();
  EXPECT_EQ(ledger.position, 1U);
  EXPECT_EQ(ledger.hashed, 0U);
  EXPECT_EQ(ledger.discarded, 1U);
  EXPECT_EQ(ledger.heard(), 3U);
}

TEST(FileTransfer, CountsWhatBecameOfEveryByte) {
  FileTransfer file = abc();
  Journal::File journal = file.journal();
  journal.ranges = {{0, 1}};
  file.restore(journal, 3);
  EXPECT_EQ(file.received(0, bytes("ab")), 1U);
  file.wasted(5);
  ByteLedger ledger = file.ledger();
  EXPECT_EQ(ledger.size, 3U);
  EXPECT_EQ(ledger.position, 2U);
  EXPECT_EQ(ledger.kept, 1U);
  EXPECT_EQ(ledger.cached, 1U);
  EXPECT_EQ(ledger.fresh, 1U);
  EXPECT_EQ(ledger.repeated, 1U);
  EXPECT_EQ(ledger.wasted, 5U);
  file.discard("Gone.");
  ledger = file.ledger();
  EXPECT_EQ(ledger.position, 0U);
  EXPECT_EQ(ledger.cached, 0U);
  EXPECT_EQ(ledger.discarded, 2U);
  EXPECT_EQ(ledger.kept, 1U);
}

TEST(FileTransfer, RestoresTheRestOfADamagedCopyAndFetchesItAfterAllWhereThatIsDamagedToo) {
  // Marks every 64 bytes; right is all zeros.
  ManifestFile described;
  described.path = "model.onnx";
  described.size = 256;
  const std::vector<std::uint8_t> right(256);
  Sha256 sha;
  sha.update(right);
  described.sha256 = to_hex(sha.digest());
  TransferSizes sizes;
  sizes.mark = 64;
  FileTransfer file(described, 1, sizes);
  std::vector<std::uint8_t> wrong = right;
  wrong[10] = wrong[200] = 1;
  file.received(0, wrong);
  ASSERT_EQ(file.check(), Check::kDamaged);
  file.received(0, std::span(right).first(64));
  ASSERT_EQ(file.check(), Check::kSalvage);
  ByteLedger ledger = file.ledger();
  EXPECT_EQ(ledger.position, 256U);
  EXPECT_EQ(ledger.restored, 192U);
  EXPECT_EQ(ledger.cached, 192U);
  EXPECT_EQ(ledger.fresh, 256U + 64);
  EXPECT_EQ(ledger.discarded, 256U);
  const auto range = file.next_read(file.end());
  ASSERT_TRUE(range);
  file.reading(*range);
  file.read_back(64, std::span(wrong).subspan(64));
  EXPECT_EQ(file.check(), Check::kPending);
  ledger = file.ledger();
  EXPECT_EQ(ledger.position, 64U);
  EXPECT_EQ(ledger.discarded, 256U + 192);
  file.received(64, std::span(right).subspan(64));
  EXPECT_EQ(file.check(), Check::kGood);
}

/// What a file of this path is told to be, when it begins so; "-" where nothing is said.
std::string told(const std::string& path, const std::string& start, std::size_t piece = 1000) {
  ManifestFile listed;
  listed.path = path;
  FileTransfer file(listed, 1);
  for (std::size_t at = 0; at < start.size(); at += piece)
    if (const auto failure = file.stranger(at, bytes(start.substr(at, piece))))
      return error_of(*failure).message;
  return "-";
}

TEST(FileTransfer, KnowsWhatCameInsteadByItsFirstBytes) {
  const std::string weights = "onnx/model_q4.onnx";
  const std::string page = "webPageCame";
  for (const std::size_t piece : {1000U, 1U, 7U}) {
    EXPECT_EQ(told(weights, "\xef\xbb\xbf \n<!DOCTYPE HTML><p>", piece), page);
    EXPECT_EQ(told("config.json", "<html lang=en>", piece), page);
    const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    for (const std::string& path :
         {weights, std::string("onnx/model.onnx_data"), std::string("tokenizer.json")})
      EXPECT_EQ(told(path, pointer, piece), "otherCame\t" + path + "\tlfsPointer");
    EXPECT_EQ(told(weights, "PK\x03\x04\x14", piece), "otherCame\t" + weights + "\tarchive");
    EXPECT_EQ(told("config.json", "\x1f\x8b\x08", piece), "otherCame\tconfig.json\tarchive");
    const std::string xml = "otherCame\t" + weights + "\txmlError";
    EXPECT_EQ(told(weights, "<?xml version=\"1.0\"?><Error><Code>AccessDenied", piece), xml);
    EXPECT_EQ(told(weights, "<Error><Code>NoSuchKey", piece), xml);
    const std::string json = "\tjsonError";
    EXPECT_EQ(told(weights, "{\"message\": \"rate limited\"}", piece), "otherCame\t" + weights + json);
    EXPECT_EQ(told("tokenizer.json", "{ \"error\": \"nope\"}", piece), "otherCame\ttokenizer.json" + json);
  }
}

TEST(FileTransfer, TakesForTheFileWhatMayBeIt) {
  EXPECT_EQ(told("onnx/model.onnx", std::string("\x08\x07\x12\x07pytorch", 11)), "-");
  EXPECT_EQ(told("onnx/model.onnx", ""), "-");
  EXPECT_EQ(told("README.HTML", "<html>"), "-");
  EXPECT_EQ(told("config.json", "{\"architectures\": [], \"error\": 1}"), "-");
  EXPECT_EQ(told("chat_template.jinja", "{%- for message in messages %}"), "-");
  EXPECT_EQ(told("onnx/model.onnx_data", "{\"\x01\x02"), "-");
  EXPECT_EQ(told("onnx/model.onnx_data", "PK\x05\x06"), "-");
  EXPECT_EQ(told("README.md", "{\"message\": 1}"), "-");
  // A name that is no part of a sentence is left out of it.
  EXPECT_EQ(told("a<b>.onnx", "PK\x03\x04"), "otherCame\tfile\tarchive");
}

TEST(FileTransfer, LearnsTheLengthWhereAllOtherHeadersAreHidden) {
  ManifestFile listed;
  listed.path = "onnx/model.onnx";
  FileTransfer file(listed, 1);
  const auto whole = file.judge(reply(206, {{"content-length", "300"}}), {0, file.end()}, true);
  EXPECT_EQ(whole.kind, Kind::kAccept);
  EXPECT_EQ(whole.range, (ByteRange{0, 300}));
  EXPECT_EQ(file.size(), 300U);
  const auto rest = file.judge(reply(206, {{"content-length", "100"}}), {200, 300}, true);
  EXPECT_EQ(rest.kind, Kind::kAccept);
  EXPECT_EQ(rest.range, (ByteRange{200, 300}));
  FileTransfer other(listed, 1);
  EXPECT_EQ(other.judge(reply(200, {{"content-length", "300"}}), {0, other.end()}, true).kind, Kind::kWhole);
  EXPECT_EQ(other.size(), 300U);
  EXPECT_FALSE(other.ranges_work());
}

TEST(FileTransfer, RefusesSeveralRangesInAWrapper) {
  FileTransfer file = abc();
  const auto verdict =
      file.judge(reply(206, {{"content-type", "Multipart/ByteRanges; boundary=x"}}), {0, 3}, true);
  EXPECT_EQ(verdict.kind, Kind::kFail);
  EXPECT_EQ(verdict.failure.cause, Cause::kHttp);
  EXPECT_FALSE(file.ranges_work());
}

TEST(FileTransfer, LearnsASizeThatTheListDoesNotTell) {
  ManifestFile listed;
  listed.path = "model.onnx";
  FileTransfer told(listed, 1);
  Journal::File journal = told.journal();
  journal.size = 7;
  told.restore(journal, 0);
  EXPECT_EQ(told.size(), 7U);

  FileTransfer asked(listed, 1);
  asked.judge(reply(206, {{"content-range", "bytes 0-2/9"}, {"content-length", "3"}}), {0, 3}, true);
  EXPECT_EQ(asked.size(), 9U);
}

}  // namespace
}  // namespace candor
