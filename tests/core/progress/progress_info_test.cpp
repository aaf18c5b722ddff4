#include "candor/progress/progress_info.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace candor {
namespace {

using Kind = TransformersEvent::Kind;

TEST(RawNumbers, OnlyFiniteNumbersThatAreNotNegativeCount) {
  EXPECT_EQ(parse_number(12.5), 12.5);
  EXPECT_EQ(parse_number(std::string("12.5")), 12.5);
  EXPECT_EQ(parse_number(0.0), 0.0);
  EXPECT_FALSE(parse_number(RawNumber{}));
  EXPECT_FALSE(parse_number(-1.0));
  EXPECT_FALSE(parse_number(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(parse_number(std::numeric_limits<double>::infinity()));
  for (const char* text : {"", " ", "abc", "-5", "1e9", "0x10", "1.2.3", ".", "12px", "NaN", "Infinity",
                           "111111111111111111111111111111111111111111"}) {
    EXPECT_FALSE(parse_number(std::string(text))) << text;
  }
}

TEST(RawNumbers, BytesAreExactOrAbsent) {
  EXPECT_EQ(parse_bytes(9007199254740991.0), 9007199254740991U);
  EXPECT_FALSE(parse_bytes(9007199254740992.0));
  EXPECT_EQ(parse_bytes(std::string("1024")), 1024U);
}

TEST(TransformersEvent, ReadsWhatTransformersJsSends) {
  const auto event = TransformersEvent::from_json(
      R"({"status":"progress","name":"org/m","file":"onnx/m.onnx","progress":12.5,"loaded":125,"total":1000})");
  EXPECT_EQ(event.kind, Kind::kProgress);
  EXPECT_EQ(event.name, "org/m");
  EXPECT_EQ(event.file, "onnx/m.onnx");
  EXPECT_EQ(event.progress, 12.5);
  EXPECT_EQ(event.loaded, 125U);
  EXPECT_EQ(event.total, 1000U);
  EXPECT_FALSE(event.cached);
}

TEST(TransformersEvent, KnowsEveryStatus) {
  EXPECT_EQ(TransformersEvent::from_json(R"({"status":"initiate"})").kind, Kind::kInitiate);
  EXPECT_EQ(TransformersEvent::from_json(R"({"status":"download"})").kind, Kind::kDownload);
  EXPECT_EQ(TransformersEvent::from_json(R"({"status":"progress_total"})").kind, Kind::kProgressTotal);
  EXPECT_EQ(TransformersEvent::from_json(R"({"status":"done"})").kind, Kind::kDone);
  EXPECT_EQ(TransformersEvent::from_json(R"({"status":"ready"})").kind, Kind::kReady);
  EXPECT_EQ(TransformersEvent::from_json(R"({"status":"later"})").kind, Kind::kUnknown);
}

TEST(TransformersEvent, ATotalOfZeroIsNoTotal) {
  EXPECT_FALSE(
      TransformersEvent::from_json(R"({"status":"progress","file":"a","loaded":5,"total":0})").total);
}

TEST(TransformersEvent, AFileWithoutANameFallsBack) {
  EXPECT_EQ(TransformersEvent::from_json(R"({"status":"done","name":"m"})").file, "m");
  EXPECT_EQ(TransformersEvent::from_json(R"({"status":"done"})").file, "unknown");
}

TEST(TransformersEvent, SurvivesHostileText) {
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[1]"), std::string("{"), std::string("\"x\""),
        std::string(100'000, '['), std::string("{\"status\":{}}"), std::string("{\"status\":\"\xFF\"}")}) {
    EXPECT_EQ(TransformersEvent::from_json(text).kind, Kind::kUnknown);
  }
  const auto event = TransformersEvent::from_json(
      R"({"status":"progress","file":["a"],"name":{"x":1},"loaded":{"valueOf":1},"total":true,"progress":"x","files":[1,2],"__proto__":{"loaded":5}})");
  EXPECT_EQ(event.file, "unknown");
  EXPECT_FALSE(event.loaded);
  EXPECT_FALSE(event.total);
  EXPECT_FALSE(event.progress);
  EXPECT_TRUE(event.files.empty());
}

TEST(ProgressInfoJson, SaysNullForWhatIsUnknown) {
  ProgressInfo info;
  info.name = "m\"\n<b>";
  const std::string json = to_json(info);
  for (const char* part : {"\"progress\":null", "\"total\":null", "\"speed\":null", "\"timeRemaining\":null",
                           "\"etaLow\":null", "\"etaHigh\":null", "\"error\":null", "\"loaded\":0",
                           "\"status\":\"initiate\"", "\"name\":\"m\\\"\\n<b>\""}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  }
}

TEST(ProgressInfoJson, AnAggregateHasTheNamesOfTheOriginal) {
  const std::string json = to_json(AggregateProgressInfo{});
  for (const char* name : {"overallProgress", "filesCompleted", "totalFiles", "currentFile",
                           "totalDownloaded", "totalSize", "files"}) {
    EXPECT_NE(json.find("\"" + std::string(name) + "\":"), std::string::npos) << name;
  }
}

TEST(ProgressInfoJson, ARowHasNoFieldThatNothingFills) {
  AggregateProgressInfo info;
  info.files.resize(1);
  const std::string json = to_json(info);
  const std::string row = json.substr(json.find("\"files\":"));
  for (const char* name : {"etaLow", "etaHigh", "stalledFor", "error", "eta", "throughput"})
    EXPECT_EQ(row.find("\"" + std::string(name) + "\":"), std::string::npos) << name;
  for (const char* name : {"speed", "timeRemaining", "discarded", "fromCache"})
    EXPECT_NE(row.find("\"" + std::string(name) + "\":"), std::string::npos) << name;
}

}  // namespace
}  // namespace candor
