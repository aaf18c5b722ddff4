#include "base/fields.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace candor {
namespace {

using json::Value;

nlohmann::json as_nlohmann(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      return nullptr;
    case Value::Kind::kBoolean:
      return value.number != 0;
    case Value::Kind::kNumber:
      return value.number;
    case Value::Kind::kString:
      return value.text;
    case Value::Kind::kArray: {
      auto array = nlohmann::json::array();
      for (const Value& item : value.items) array.push_back(as_nlohmann(item));
      return array;
    }
    case Value::Kind::kObject: {
      auto object = nlohmann::json::object();
      for (const Value& item : value.items) object[item.name] = as_nlohmann(item);
      return object;
    }
  }
  return nullptr;
}

void expect_the_same_as_nlohmann(const std::string& text) {
  const auto expected = nlohmann::json::parse(text, nullptr, false);
  const auto value = json::parse(text);
  ASSERT_EQ(value.has_value(), !expected.is_discarded()) << text;
  if (value) {
    EXPECT_EQ(as_nlohmann(*value), expected) << text;
  }
}

TEST(Json, BuildsTheValueThatNlohmannBuilds) {
  for (const char* text : {"",
                           " ",
                           "null",
                           "nul",
                           "true",
                           "false",
                           "truefalse",
                           "0",
                           "-0",
                           "00",
                           "01",
                           "-",
                           "-1",
                           "+1",
                           "1.",
                           ".5",
                           "1.5",
                           "1e3",
                           "1E+3",
                           "1e-3",
                           "1e",
                           "1e+",
                           "1e999",
                           "0e999",
                           "-1e999",
                           "1e-999",
                           "0x10",
                           "NaN",
                           "Infinity",
                           "123456789",
                           "0.1",
                           "2.5e-7",
                           "1234567.875",
                           "[]",
                           "[ ]",
                           "[1,2]",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[",
                           "]",
                           "[1",
                           "{}",
                           "{\"a\":1}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{a:1}",
                           "{\"a\":1,}",
                           "{1:2}",
                           "{\"a\":1",
                           "{} {}",
                           "\t[\n1\r]",
                           "\v1",
                           "\"\"",
                           "\"a",
                           "a\"",
                           "\"\\n\\t\\\"\\\\\\/\"",
                           "\"\\b\\f\\r\"",
                           "\"\\x\"",
                           "\"\\",
                           "\"\\u0041\"",
                           "\"\\u00e9\"",
                           "\"\\u20AC\"",
                           "\"\\uD83D\\uDE00\"",
                           "\"\\uD83D\"",
                           "\"\\uDE00\"",
                           "\"\\uD83Dx\"",
                           "\"\\uD83D\\u0041\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\x01\"",
                           "\"\x7f\"",
                           "\"\xc3\xa9\"",
                           "\"\xc3\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\xf0\x9f\x98\x80\"",
                           "\"\xff\"",
                           "\xef\xbb\xbf[1]",
                           "\xef\xbb[1]",
                           "{\"a\":1,\"a\":2}",
                           "[[[[]]],{\"b\":[null,true,{\"c\":\"\"}]}]",
                           "// no\n1"})
    expect_the_same_as_nlohmann(text);
}

TEST(Json, BuildsFromDamagedTextWhatNlohmannBuilds) {
  const std::string whole =
      R"({"type":"head","request":12,"headers":{"etag":"\"x\"","näme":"\u00e9\n"},"list":[0,-1.5,2e3,true,null]})";
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (int change = 0; change <= round % 3; ++change) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = static_cast<char>(random() % 256);
      else
        text.erase(at, 1 + random() % 4);
      if (text.empty()) break;
    }
    expect_the_same_as_nlohmann(text);
  }
}

TEST(Json, ReadsNumbersToTheLastBit) {
  std::mt19937_64 random(11);
  const auto digits = [&](std::size_t count) {
    std::string text(count, '0');
    for (char& c : text) c = static_cast<char>('0' + random() % 10);
    return text;
  };
  std::vector<std::string> texts{"1.2345678901234567",
                                 "9007199254740993",
                                 "9223372036854775807",
                                 "-9223372036854775808",
                                 "18446744073709551615",
                                 "18446744073709551616",
                                 "99999999999999999999",
                                 "-9223372036854775809",
                                 "1.7976931348623157e308",
                                 "2.2250738585072011e-308",
                                 "5e-324",
                                 "0.1e-6"};
  for (int round = 0; round < 5'000; ++round) {
    std::string text = random() % 2 == 0 ? "-" : "";
    text += static_cast<char>('1' + random() % 9);
    text += digits(random() % 22);
    if (random() % 2 == 0) text += "." + digits(1 + random() % 20);
    if (random() % 2 == 0) text += "e-" + std::to_string(random() % 300);
    texts.push_back(text);
  }
  for (const std::string& text : texts) {
    const auto value = json::parse(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(value->number, std::strtod(text.c_str(), nullptr)) << text;
  }
}

TEST(Json, GivesEachMemberItsOwnName) {
  const auto value = json::parse(R"({"a":{"b":[1,{"c":null}]},"":2,"\u0000x":"y"})");
  ASSERT_TRUE(value);
  ASSERT_EQ(value->items.size(), 3U);
  EXPECT_EQ(value->items[0].name, "a");
  EXPECT_EQ(value->items[0].items[0].name, "b");
  EXPECT_EQ(value->items[0].items[0].items[0].name, "");
  EXPECT_EQ(value->items[0].items[0].items[1].items[0].name, "c");
  EXPECT_EQ(value->items[1].name, "");
  EXPECT_EQ(value->items[2].name, (std::string{"\0x", 2}));
  EXPECT_EQ(value->items[2].text, "y");
}

TEST(Json, OfTwoMembersWithOneNameTheLastCounts) {
  const auto value = json::parse(R"({"a":1,"a":2})");
  ASSERT_TRUE(value);
  EXPECT_EQ(json::uint_at(*value, "a"), 2U);
}

TEST(Json, RefusesWhatIsTooLongOrTooDeep) {
  EXPECT_TRUE(json::parse("[[1]]", {.max_bytes = 5, .max_depth = 2}));
  EXPECT_FALSE(json::parse("[[1]]", {.max_bytes = 4, .max_depth = 2}));
  EXPECT_FALSE(json::parse("[[1]]", {.max_bytes = 5, .max_depth = 1}));
  EXPECT_FALSE(json::parse(R"({"a":[1]})", {.max_bytes = 9, .max_depth = 1}));
  EXPECT_TRUE(json::parse("[[],{},[]]", {.max_bytes = 10, .max_depth = 2})) << "what is closed is no depth";
  EXPECT_FALSE(json::parse("1", {.max_bytes = 0, .max_depth = 9}));
  EXPECT_TRUE(json::parse("1", {.max_bytes = 1, .max_depth = 0}));
  EXPECT_FALSE(json::parse(std::string(100'000, '[')));
}

TEST(Json, WritesNumbersThatReadBackAsTheyWere) {
  for (const double number : {0.0, 1.0, -1.0, 0.5, 0.1, 99.9, 1.0 / 3, 1e-9, 123456.789, 1.7e12 + 0.25,
                              9007199254740991.0, -2.5, 1e15, 1e18, 0.999999999}) {
    const double back = nlohmann::json::parse(json::text_from(number)).get<double>();
    EXPECT_NEAR(back, number, std::max(5e-13, 4e-16 * std::abs(number))) << json::text_from(number);
  }
  for (const double number : {1e19, 1.5e300, 1e300}) {
    const double back = nlohmann::json::parse(json::text_from(number)).get<double>();
    EXPECT_NEAR(back / number, 1, 1e-12) << json::text_from(number);
  }
  EXPECT_TRUE(std::isfinite(nlohmann::json::parse(json::text_from(DBL_MAX)).get<double>()));
  EXPECT_EQ(json::text_from(0.9999999999999), "1");
  EXPECT_EQ(json::text_from(12.5), "12.5");
  EXPECT_EQ(json::text_from(0.0), "0");
  EXPECT_EQ(json::text_from(-0.25), "-0.25");
  EXPECT_EQ(json::text_from(2e18), "200000000000000000e1");
  EXPECT_EQ(json::text_from(std::uint64_t{18'446'744'073'709'551'615U}), "18446744073709551615");
  EXPECT_EQ(json::text_from(std::nan("")), "null");
  EXPECT_EQ(json::text_from(-INFINITY), "null");
}

TEST(Json, WritesAnyBytesAsText) {
  std::mt19937 random(3);
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes(random() % 12, ' ');
    for (char& c : bytes) c = static_cast<char>(random() % 2 == 0 ? random() % 256 : 0xc0 + random() % 64);
    // nlohmann writes the same text; only its short names of control characters differ.
    const auto ours = nlohmann::json::parse(json::text_from(bytes));
    const auto theirs = nlohmann::json::parse(
        nlohmann::json(bytes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    EXPECT_EQ(ours, theirs);
  }
}

TEST(Json, WritesTextAsItIsWhereItCan) {
  EXPECT_EQ(json::text_from(std::string_view("a b~\x7f\xc3\xa9")), "\"a b~\x7f\xc3\xa9\"");
  EXPECT_EQ(json::text_from(std::string_view("\"\\\n\t\x1f")), R"("\"\\\n\u0009\u001f")");
  EXPECT_EQ(json::text_from(std::string_view("\xf0\x9f\x98")), "\"\xef\xbf\xbd\"")
      << "one mark for what broke off";
}

TEST(Json, ReadsMembersOfTheirTypeOnly) {
  const auto value = json::parse(
      R"({"n":0,"m":-1,"f":1.5,"s":"x","b":true,"max":9007199254740991,"more":9007199254740992})");
  ASSERT_TRUE(value);
  EXPECT_EQ(json::amount_at(*value, "n"), 0.0);
  EXPECT_FALSE(json::amount_at(*value, "m"));
  EXPECT_EQ(json::number_at(*value, "m"), -1.0);
  EXPECT_FALSE(json::number_at(*value, "s") || json::number_at(*value, "b"));
  EXPECT_FALSE(json::uint_at(*value, "f"));
  EXPECT_EQ(json::uint_at(*value, "max"), 9'007'199'254'740'991U);
  EXPECT_FALSE(json::uint_at(*value, "more"));
  EXPECT_EQ(json::text_at(*value, "s"), "x");
  EXPECT_EQ(json::text_at(*value, "n"), "");
  EXPECT_FALSE(json::string_at(*value, "b"));
  EXPECT_EQ(json::bool_at(*value, "b"), true);
  EXPECT_FALSE(json::bool_at(*value, "n"));
}

}  // namespace
}  // namespace candor
