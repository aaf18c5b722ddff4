#include "candor/transfer/manifest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace candor {
namespace {

const std::string kSha = std::string(63, 'a') + "F";
const std::string kOid = std::string(40, 'b');

std::variant<Manifest, Error> tree(const std::string& page) {
  std::vector<ManifestFile> files;
  if (auto error = Manifest::read_tree_page(page, "https://hub.test/o/n/resolve/c0ffee/", files))
    return std::move(*error);
  return Manifest::from_list(std::move(files), "c0ffee");
}

std::variant<Manifest, Error> listed(const std::string& files) {
  return Manifest::from_candor_json(R"({"version":1,"files":)" + files + "}", "https://site.test/m/");
}

/// Of the list or, where all of it is needed, of what is in it.
std::string refusal(const std::variant<Manifest, Error>& result) {
  const Error* error = std::get_if<Error>(&result);
  std::optional<Error> fault;
  if (error == nullptr) fault = std::get<Manifest>(result).fault();
  if (fault) error = &*fault;
  if (error == nullptr) return "";
  EXPECT_EQ(error->code, ErrorCode::kUnsupported);
  EXPECT_NE(error->message.find('\t'), std::string::npos);
  return error->message;
}

TEST(Manifest, ReadsTheHubsTree) {
  const auto result = tree(R"([{"type":"directory","oid":"x","size":0,"path":"onnx"},
    {"type":"file","oid":")" +
                           kOid + R"(","size":12,"path":"config.json"},
    {"type":"file","oid":")" +
                           kOid + R"(","size":5000000000,"path":"onnx/model q4.onnx",
     "lfs":{"oid":")" + kSha +
                           R"(","size":5000000000,"pointerSize":135}}])");
  ASSERT_TRUE(std::holds_alternative<Manifest>(result)) << refusal(result);
  const auto& manifest = std::get<Manifest>(result);
  ASSERT_EQ(manifest.files().size(), 2U);
  EXPECT_EQ(manifest.commit(), "c0ffee");
  EXPECT_EQ(manifest.files()[0].git_sha1, kOid);
  EXPECT_EQ(manifest.files()[0].sha256, "");
  EXPECT_EQ(manifest.files()[1].sha256, std::string(63, 'a') + "f");
  EXPECT_EQ(manifest.files()[1].git_sha1, "");
  EXPECT_EQ(manifest.files()[1].url, "https://hub.test/o/n/resolve/c0ffee/onnx/model%20q4.onnx");
  EXPECT_EQ(manifest.files()[1].size, 5'000'000'000U);
}

TEST(Manifest, MindsOnlyWhatIsWrongWithTheFilesThatAreNeeded) {
  const std::string model = R"([{"path":"config.json","size":3},{"path":"onnx/model.onnx","size":4})";
  const std::array<std::string, 2> needed{"config.json", "onnx/model.onnx"};
  for (const std::string& other :
       {std::string(R"({"path":"README.md","size":3},{"path":"readme.md","size":3})"),
        std::string(R"({"path":"Config.json","size":3},{"path":"ONNX/model.onnx","size":3})"),
        std::string(R"({"path":"runs/12:30:00/events.log","size":3})"),
        std::string(R"({"path":"a\\b","size":3},{"path":"Icon\r","size":0})"),
        R"({"path":")" + std::string(256, 'a') + R"(","size":1},{"path":")" + std::string(600, 'a') + "\"}",
        std::string(R"({"path":"Assets","size":3},{"path":"assets/a.png","size":3})"),
        std::string(R"({"path":"a"},{"path":"","size":1},{"size":1},{"path":7,"size":1},8,null)"),
        std::string(R"({"path":"b","size":-1},{"path":"c","size":5000000000000},{"path":"d","size":1e300})"),
        std::string(
            R"({"path":"e","size":1,"sha256":"abc"},{"path":"e","size":1},{"path":"./f","size":1})")}) {
    const auto list = listed(model + "," + other + "]");
    ASSERT_TRUE(std::holds_alternative<Manifest>(list)) << other << refusal(list);
    const Manifest some = std::get<Manifest>(list).only(needed);
    EXPECT_EQ(some.files().size(), 2U) << other;
    EXPECT_FALSE(some.fault()) << other;
  }
  // What is needed is judged as ever.
  for (const char* other : {R"({"path":"config.json","size":3})", R"({"path":"onnx/model.onnx","size":4})"}) {
    const auto list = listed(model + "," + other + "]");
    ASSERT_TRUE(std::holds_alternative<Manifest>(list));
    EXPECT_TRUE(std::get<Manifest>(list).only(needed).fault()) << other;
  }
  for (const char* path : {"../evil.onnx", "a/../../b", "/etc/passwd", ".."})
    EXPECT_NE(refusal(listed(model + R"(,{"path":")" + path + R"(","size":1}])")), "") << path;
}

TEST(Manifest, KeepsOfALongListWhatAModelMayNeed) {
  std::vector<ManifestFile> files;
  for (int page = 0; page < 20; ++page) {
    std::string text = "[";
    for (int i = 0; i < 1000; ++i)
      text += R"({"type":"file","oid":")" + kOid + R"(","size":1,"path":"runs/)" + std::to_string(page) +
              "/" + std::to_string(i) + ".log\"},";
    text +=
        R"({"type":"file","oid":")" + kOid + R"(","size":1,"path":"onnx/)" + std::to_string(page) + "\"}]";
    EXPECT_FALSE(Manifest::read_tree_page(text, "https://hub.test/", files));
  }
  EXPECT_EQ(files.size(), 20U);
}

TEST(Manifest, RefusesAPageOfMoreValuesThanAListHas) {
  std::string text = "[";
  for (int i = 0; i < 2'000'000; ++i) text += "1,";
  EXPECT_NE(refusal(tree(text + "1]")), "");
}

TEST(Manifest, ReadsACandorJson) {
  const auto result =
      listed(R"([{"path":"config.json","size":3},{"path":"m.onnx","size":4,"sha256":")" + kSha + R"("}])");
  ASSERT_TRUE(std::holds_alternative<Manifest>(result)) << refusal(result);
  const auto& manifest = std::get<Manifest>(result);
  EXPECT_FALSE(manifest.find("config.json")->has_hash());
  EXPECT_TRUE(manifest.find("m.onnx")->has_hash());
  EXPECT_EQ(manifest.find("m.onnx")->url, "https://site.test/m/m.onnx");
  EXPECT_EQ(manifest.find("other"), nullptr);
}

TEST(Manifest, RefusesPathsThatCouldLeaveTheFolder) {
  for (const char* path : {"", "/etc/passwd", "../x", "a/../b", "a/..", "./a", "a//b", "a/", "a\\\\b", "C:/x",
                           "a\\u0000b", "a\\nb", "a\\u007fb"})
    EXPECT_NE(refusal(listed(R"([{"path":")" + std::string(path) + R"(","size":3}])")), "") << path;
  EXPECT_NE(refusal(listed(R"([{"path":")" + std::string(600, 'a') + R"(","size":3}])")), "");
  EXPECT_NE(refusal(listed(R"([{"path":")" + std::string(300, 'a') + R"(","size":3}])")), "");
  EXPECT_EQ(path_fault("onnx/model_q4.onnx_data_1"), "");
  EXPECT_EQ(path_fault("..a/b..c/..."), "");
}

TEST(Manifest, RefusesTheSameFileTwice) {
  EXPECT_NE(refusal(listed(R"([{"path":"a","size":3},{"path":"a","size":3}])")), "");
  EXPECT_NE(refusal(listed(R"([{"path":"Model.onnx","size":3},{"path":"model.ONNX","size":3}])")), "");
  EXPECT_NE(refusal(listed(R"([{"path":"a","size":3},{"path":"a/b","size":3}])")), "");
  EXPECT_EQ(refusal(listed(R"([{"path":"a","size":3},{"path":"a.b","size":3},{"path":"ab/c","size":3}])")),
            "");
}

TEST(Manifest, RefusesSizesThatCannotBeReal) {
  for (const char* size :
       {"-1", "1.5", "9007199254740993", "1e300", "\"3\"", "null", "true", "5000000000000"})
    EXPECT_NE(refusal(listed(R"([{"path":"a","size":)" + std::string(size) + "}]")), "") << size;
  EXPECT_NE(refusal(listed(R"([{"path":"a"}])")), "");
  EXPECT_NE(refusal(listed(R"([{"path":"a","size":3000000000000},{"path":"b","size":3000000000000}])")), "");
}

TEST(Manifest, RefusesMalformedChecksums) {
  for (const std::string& sha :
       {std::string("abc"), std::string(64, 'g'), std::string(65, 'a'), std::string()})
    EXPECT_NE(refusal(listed(R"([{"path":"a","size":3,"sha256":")" + sha + R"("}])")), "") << sha;
  EXPECT_NE(refusal(listed(R"([{"path":"a","size":3,"sha256":7}])")), "");
  EXPECT_NE(refusal(tree(R"([{"type":"file","oid":"zz","size":1,"path":"a"}])")), "");
  EXPECT_NE(refusal(tree(R"([{"type":"file","oid":"x","size":1,"path":"a","lfs":{"size":1}}])")), "");
  EXPECT_NE(
      refusal(tree(R"([{"type":"file","size":1,"path":"a","lfs":{"oid":")" + kSha + R"(","size":2}}])")), "");
}

TEST(Manifest, RefusesWhatIsNoListAtAll) {
  EXPECT_EQ(refusal(tree("<!doctype html><html>Sign in</html>")), "hubList\twebPage");
  EXPECT_EQ(refusal(tree("{")), "hubList\tnotJson");
  EXPECT_NE(refusal(tree("{}")), "");
  EXPECT_NE(refusal(tree("[]")), "");
  EXPECT_NE(refusal(tree("[1]")), "");
  EXPECT_NE(refusal(tree(R"([{"type":"file"}])")), "");
  EXPECT_NE(refusal(tree(std::string(100'000, '['))), "");
  EXPECT_NE(
      refusal(Manifest::from_candor_json(R"({"version":2,"files":[{"path":"a","size":1}]})", "https://s/")),
      "");
  EXPECT_NE(refusal(Manifest::from_candor_json(R"({"version":1})", "https://s/")), "");
  EXPECT_NE(refusal(Manifest::from_candor_json(std::string(Manifest::kMaxJson + 1, ' '), "https://s/")), "");
}

TEST(Manifest, RefusesMoreFilesThanCanBeReal) {
  std::string list = "[";
  for (int i = 0; i <= 10'000; ++i)
    list += (i == 0 ? "{\"path\":\"" : ",{\"path\":\"") + std::to_string(i) + "\",\"size\":1}";
  EXPECT_NE(refusal(listed(list + "]")), "");
}

TEST(Manifest, CanBeReducedToSomeFiles) {
  const auto result = listed(R"([{"path":"a","size":3},{"path":"b","size":4},{"path":"c","size":5}])");
  const Manifest some = std::get<Manifest>(result).only(std::array<std::string, 3>{"c", "x", "a"});
  ASSERT_EQ(some.files().size(), 2U);
  EXPECT_EQ(some.files()[0].path, "c");
  EXPECT_EQ(some.files()[1].path, "a");
}

TEST(Manifest, TakesMoreFilesOnAndChecksThemLikeTheFirst) {
  const auto result = listed(R"([{"path":"a","size":3},{"path":"b","size":4}])");
  const Manifest all = std::get<Manifest>(result);
  Manifest some = all.only(std::array<std::string, 1>{"a"});
  EXPECT_FALSE(some.add({all.files()[1]}));
  ASSERT_EQ(some.files().size(), 2U);
  EXPECT_EQ(some.files()[1].path, "b");
  EXPECT_EQ(some.commit(), all.commit());
  EXPECT_TRUE(some.add({all.files()[0]}));  // twice
  ManifestFile outside;
  outside.path = "../c";
  EXPECT_TRUE(some.add({outside}));
  EXPECT_EQ(some.files().size(), 2U);
}

TEST(Manifest, IsAnotherOneAsSoonAsItsListIs) {
  const auto commit = [](const std::string& files) { return std::get<Manifest>(listed(files)).commit(); };
  EXPECT_NE(commit(R"([{"path":"a","size":3}])"), "");
  EXPECT_EQ(commit(R"([{"path":"a","size":3}])"), commit(R"([{"path":"a","size":3}])"));
  EXPECT_NE(commit(R"([{"path":"a","size":3}])"), commit(R"([{"path":"a","size":4}])"));
}

TEST(Manifest, EncodesPathsForAddresses) {
  EXPECT_EQ(url_path("a b/ü?#%.onnx"), "a%20b/%C3%BC%3F%23%25.onnx");
}

}  // namespace
}  // namespace candor
