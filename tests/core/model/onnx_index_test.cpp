#include "candor/model/onnx_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string_view>

namespace candor {
namespace {

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
  return out + static_cast<char>(value);
}
std::string number(unsigned field, std::uint64_t value) { return varint(field << 3U) + varint(value); }
std::string part(unsigned field, const std::string& bytes) {
  return varint(field << 3U | 2U) + varint(bytes.size()) + bytes;
}
std::string entry(const std::string& key, const std::string& value) {
  return part(13, part(1, key) + part(2, value));
}
std::string tensor(const std::string& name, unsigned type, const std::string& rest) {
  return part(5, number(1, 7) + number(2, type) + part(8, name) + rest);
}
std::string model(const std::string& graph) {
  return number(1, 8) + part(2, "test") + part(7, graph) + part(8, part(1, "") + number(2, 14));
}

const std::string kNode = part(1, part(1, "a") + part(2, "b") + part(4, "Add"));
const std::string kBig(5000, 'w');
const std::string kSmall(1023, 's');
const std::string kFile = "model_q4.onnx";

std::string referring(const std::string& file, std::size_t offset, std::size_t length) {
  return entry("location", file) + entry("offset", std::to_string(offset)) +
         entry("length", std::to_string(length)) + number(14, 1);
}

/// Reads `file` as a disk would: `piece` bytes at a time, and only what is asked for.
OnnxIndex read(const std::string& file, std::size_t piece, std::vector<std::string> others = {},
               std::uint64_t* bytes = nullptr) {
  OnnxIndex index(kFile, file.size());
  for (const std::string& other : others) index.external(other, 10'000);
  while (const auto at = index.next()) {
    const std::string_view view = std::string_view(file).substr(static_cast<std::size_t>(*at), piece);
    if (bytes != nullptr) *bytes += view.size();
    index.add({reinterpret_cast<const std::uint8_t*>(view.data()), view.size()});
  }
  return index;
}

/// As a download brings it: every byte in order.
OnnxIndex stream(const std::string& file, std::size_t piece) {
  OnnxIndex index(kFile, file.size());
  for (std::size_t at = 0; at < file.size(); at += piece) {
    const std::size_t end = std::min(file.size(), at + piece);
    const auto next = index.next();
    if (!next || *next >= end) continue;
    const std::size_t from = std::max(at, static_cast<std::size_t>(*next));
    index.add({reinterpret_cast<const std::uint8_t*>(file.data()) + from, end - from});
  }
  return index;
}

std::string example() {
  return model(kNode + tensor("big", 1, part(9, kBig)) + tensor("small", 1, part(9, kSmall)) +
               tensor("floats", 1, part(4, kBig)) + tensor("ints", 7, part(7, kBig)) + kNode +
               part(2, "main"));
}

TEST(OnnxIndex, LeavesTheWeightsWhereTheyLieAndRefersToThem) {
  const std::string file = example();
  const OnnxIndex index = read(file, 64);
  ASSERT_EQ(index.fault(), "");
  ASSERT_EQ(index.initializers().size(), 2U);
  const auto& [big, floats] = std::pair(index.initializers()[0], index.initializers()[1]);
  EXPECT_EQ(big.name, "big");
  EXPECT_EQ(floats.name, "floats");
  for (const auto& one : {big, floats}) {
    EXPECT_EQ(one.file, 0U);
    EXPECT_EQ(file.substr(static_cast<std::size_t>(one.offset), static_cast<std::size_t>(one.length)), kBig);
  }
  EXPECT_EQ(index.weight_bytes(), 2 * kBig.size());
  const std::string expected =
      number(1, 8) + part(2, "test") + part(8, part(1, "") + number(2, 14)) +
      part(7, kNode + tensor("big", 1, referring(kFile, static_cast<std::size_t>(big.offset), 5000)) +
                  tensor("small", 1, part(9, kSmall)) +
                  tensor("floats", 1, referring(kFile, static_cast<std::size_t>(floats.offset), 5000)) +
                  tensor("ints", 7, part(7, kBig)) + kNode + part(2, "main"));
  EXPECT_EQ(index.graph(), expected);
}

TEST(OnnxIndex, IsTheSameHoweverTheFileIsCut) {
  const std::string file = example();
  const std::string whole = read(file, file.size()).graph();
  ASSERT_NE(whole, "");
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 1000U, 4096U, 100'000U}) {
    EXPECT_EQ(read(file, piece).graph(), whole);
    EXPECT_EQ(stream(file, piece).graph(), whole);
  }
}

TEST(OnnxIndex, ReadsNoWeightsThatItIsNotHanded) {
  const std::string weights(1'000'000, 'w');
  const std::string file = model(kNode + tensor("w", 2, part(9, weights)) + kNode);
  std::uint64_t bytes = 0;
  EXPECT_EQ(read(file, 64, {}, &bytes).fault(), "");
  EXPECT_LT(bytes, 1000U);
}

TEST(OnnxIndex, KnowsWeightsInSeveralFilesBesideIt) {
  const std::string file = model(tensor("a", 1, referring("./model_q4.onnx_data", 0, 4096)) +
                                 tensor("b", 1, referring("model_q4.onnx_data_1", 4096, 5904)) +
                                 tensor("c", 1, entry("location", "model_q4.onnx_data_1") + number(14, 1)));
  const OnnxIndex index = read(file, 50, {"model_q4.onnx_data", "model_q4.onnx_data_1"});
  ASSERT_EQ(index.fault(), "");
  ASSERT_EQ(index.initializers().size(), 3U);
  EXPECT_EQ(index.initializers()[0].file, 1U);
  EXPECT_EQ(index.initializers()[1].file, 2U);
  EXPECT_EQ(index.initializers()[1].offset, 4096U);
  EXPECT_EQ(index.initializers()[2].length, 10'000U);
  EXPECT_EQ(index.weight_bytes(), 20'000U);
  EXPECT_TRUE(index.graph().find("model_q4.onnx_data_1") != std::string::npos);
}

TEST(OnnxIndex, SaysWhatIsWrongWithAFile) {
  const std::string data = "model_q4.onnx_data";
  const std::string good = tensor("a", 1, part(9, kBig));
  for (const std::string& file : {
           std::string(),
           std::string("<!doctype html><html><body>Not found</body></html>"),
           number(1, 8) + part(2, "a model without a graph"),
           model(good) + model(good),
           model(good + std::string("\x0b")),      // a group
           model(good) + std::string(11, '\xff'),  // a number without an end
           model(tensor("a", 1, part(9, kBig) + part(9, kBig))),
           model(tensor("a", 1, part(9, kBig) + referring(data, 0, 10))),
           model(tensor("a", 1, referring("elsewhere", 0, 10))),
           model(tensor("a", 1, referring("../" + data, 0, 10))),
           model(tensor("a", 1, referring(data, 10'001, 0))),
           model(tensor("a", 1, referring(data, 1, 10'000))),
           model(tensor("a", 1, entry("location", data) + entry("offset", "-1") + number(14, 1))),
           model(tensor("a", 1, entry("location", data) + entry("length", "1e9") + number(14, 1))),
           model(tensor("a", 1,
                        entry("location", data) + entry("offset", std::string(40, '9')) + number(14, 1))),
           number(1, 8) + varint(7U << 3U | 2U) + varint(std::uint64_t{1} << 62U) + good,
           part(7, varint(5U << 3U | 2U) + varint(90) + std::string(10, '\0')),  // longer than its graph
           part(7, part(5, varint(9U << 3U | 2U) + varint(5000) + "x")) + kBig,  // longer than its tensor
           part(7, part(5, "\x0d\x01")) + kBig,                                  // a number cut off
       }) {
    const OnnxIndex index = read(file, 100, {data});
    EXPECT_NE(index.fault(), "");
    EXPECT_EQ(index.graph(), "");
    EXPECT_TRUE(index.initializers().empty());
    EXPECT_EQ(index.weight_bytes(), 0U);
    EXPECT_FALSE(index.next());
  }
}

TEST(OnnxIndex, AFileThatEndsTooEarlyIsNoModelWhereverItEnds) {
  const std::string file = example();
  for (std::size_t length = 0; length < file.size(); length += 1 + length / 50) {
    OnnxIndex index(kFile, file.size());
    while (const auto at = index.next()) {
      const std::string_view kept = std::string_view(file).substr(0, length);
      const std::string_view view = *at < length ? kept.substr(static_cast<std::size_t>(*at)) : "";
      index.add({reinterpret_cast<const std::uint8_t*>(view.data()), view.size()});
    }
    EXPECT_NE(index.fault(), "") << length;
  }
}

TEST(OnnxIndex, WhateverBytesItMeetsItEndsAndItsTableLiesInsideItsFiles) {
  std::mt19937 random(7);
  const std::string good = example();
  for (int round = 0; round < 3000; ++round) {
    std::string file = good;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes)
      file[random() % (round % 2 == 0 ? 60 : file.size())] = static_cast<char>(random());
    const OnnxIndex index = read(file, 1 + random() % 300);
    EXPECT_EQ(index.fault().empty(), !index.graph().empty());
    EXPECT_LE(index.graph().size(), file.size() + 200 * index.initializers().size());
    for (const auto& one : index.initializers()) {
      EXPECT_LE(one.offset, file.size());
      EXPECT_LE(one.length, file.size() - one.offset);
    }
  }
}

}  // namespace
}  // namespace candor
