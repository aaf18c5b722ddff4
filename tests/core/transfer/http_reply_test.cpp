#include "candor/transfer/http_reply.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

HttpReply with(const std::string& name, const std::string& value) {
  return HttpReply::from(206, false, Headers{{name, value}});
}

TEST(HttpReply, ReadsContentRange) {
  const auto range = with("Content-Range", "bytes 5-9/100").content_range;
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5U);
  EXPECT_EQ(range->last, 9U);
  EXPECT_EQ(range->total, 100U);
  EXPECT_FALSE(with("content-range", "bytes 5-9/*").content_range->total);
  EXPECT_FALSE(with("content-range", "bytes */100").content_range->first);
  EXPECT_EQ(with("content-range", "bytes */100").content_range->total, 100U);
}

TEST(HttpReply, TellsAnUnreadableContentRangeFromNone) {
  for (const char* text :
       {"bytes", "bytes 9-5/100", "bytes 5-100/100", "bytes 5-9", "lines 1-2/3", "bytes -5-9/10",
        "bytes 5-9/99999999999999999999", "bytes 5-9/1e3", "bytes 18446744073709551615-1/2"}) {
    EXPECT_FALSE(with("content-range", text).content_range) << text;
    EXPECT_TRUE(with("content-range", text).content_range_unreadable) << text;
  }
  EXPECT_FALSE(with("x", "y").content_range_unreadable);
}

TEST(HttpReply, ReadsLengthsAsNumbersOnly) {
  EXPECT_EQ(with("Content-Length", " 42 ").content_length, 42U);
  for (const char* text : {"", "-1", "4 2", "0x10", "1e3", "9007199254740992", "99999999999999999999"})
    EXPECT_FALSE(with("content-length", text).content_length) << text;
}

TEST(HttpReply, ComparesEtagsByWhatTheyMean) {
  EXPECT_EQ(with("etag", "\"abc\"").etag, "abc");
  EXPECT_EQ(with("etag", "W/\"abc\"").etag, "abc");
  EXPECT_EQ(with("etag", "\"abc-gzip\"").etag, "abc");
  EXPECT_EQ(with("etag", std::string(5'000, 'x')).etag, "");
}

TEST(HttpReply, ReadsWhenAFileWasModified) {
  EXPECT_EQ(with("last-modified", " Sun, 01 Nov 2026 10:00:00 GMT ").last_modified,
            "Sun, 01 Nov 2026 10:00:00 GMT");
  // What tools write on everything alike tells no versions apart, and neither does nonsense.
  for (const char* date : {"Thu, 01 Jan 1970 00:00:01 GMT", "Tue, 01 Jan 1980 00:00:00 GMT", "yesterday", ""})
    EXPECT_EQ(with("last-modified", date).last_modified, "") << date;
}

TEST(HttpReply, ReadsRetryAfterInSecondsAndAsADate) {
  EXPECT_EQ(with("retry-after", "120").retry_after, Seconds{120});
  const auto date = HttpReply::from(
      429, false,
      {{"retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"}, {"date", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_EQ(date.retry_after, Seconds{60});
  const auto past = HttpReply::from(
      429, false,
      {{"retry-after", "Sun, 06 Nov 1994 08:40:00 GMT"}, {"date", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_EQ(past.retry_after, Seconds{0});
  // Without the server's own clock a date says nothing.
  EXPECT_FALSE(with("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT").retry_after);
  EXPECT_FALSE(with("retry-after", "soon").retry_after);
}

TEST(HttpReply, ReadsHttpDates) {
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784'111'777);
  EXPECT_EQ(parse_http_date("Thu, 29 Feb 2024 12:00:00 GMT"), 1'709'208'000);
  EXPECT_EQ(parse_http_date("Fri, 01 Mar 2024 00:00:00 GMT"), 1'709'251'200);
  EXPECT_EQ(parse_http_date("Tue, 31 Dec 2999 23:59:59 GMT"), 32'503'679'999);
  for (const char* text :
       {"", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT"})
    EXPECT_FALSE(parse_http_date(text)) << text;
}

TEST(HttpReply, KnowsAWebPage) {
  EXPECT_TRUE(with("content-type", "Text/HTML; charset=utf-8").html);
  EXPECT_TRUE(with("content-type", "application/xhtml+xml").html);
  EXPECT_FALSE(with("content-type", "application/octet-stream").html);
  EXPECT_FALSE(with("x", "y").html);
}

TEST(HttpReply, FindsTheNextPage) {
  EXPECT_EQ(with("link", "<https://h/api?cursor=a>; rel=\"next\"").next_link, "https://h/api?cursor=a");
  EXPECT_EQ(with("link", "<https://h/1>; rel=\"prev\", <https://h/3>; rel=\"next\"").next_link,
            "https://h/3");
  EXPECT_EQ(with("link", "<https://h/3>; rel=\"last next\"").next_link, "https://h/3");
  EXPECT_EQ(with("link", "<https://h/3>; rel=next").next_link, "https://h/3");
  for (const char* text : {"", "<https://h/1>; rel=\"prev\"", "<https://h/1", "https://h/1; rel=\"next\"",
                           "<https://h/1>; rel=\"nextish\"", "<a>; rel=\""})
    EXPECT_EQ(with("link", text).next_link, "") << text;
}

TEST(HttpReply, KeepsTheHubsReasonsShort) {
  const auto reply = HttpReply::from(
      403, false, {{"X-Error-Code", "GatedRepo"}, {"X-Error-Message", std::string(10'000, 'm')}});
  EXPECT_EQ(reply.error_code, "GatedRepo");
  EXPECT_EQ(reply.error_message.size(), 500U);
}

}  // namespace
}  // namespace candor
