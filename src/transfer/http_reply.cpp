#include "candor/transfer/http_reply.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"

namespace candor {
namespace {

using text::equals_ignoring_case;
using text::parse_uint;
using text::trim;

// 2001-09-09. The dates that reproducible builds, archives and store paths put on every file are older, and
// no model is.
constexpr std::int64_t kOldest = 1'000'000'000;

std::optional<HttpReply::ContentRange> parse_content_range(std::string_view value) {
  // "bytes first-last/total", with "*" for an unknown total or, after a 416, for the range.
  constexpr std::string_view unit = "bytes";
  if (value.size() <= unit.size() || !equals_ignoring_case(value.substr(0, unit.size()), unit))
    return std::nullopt;
  value = trim(value.substr(unit.size()));
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view range = trim(value.substr(0, slash));
  const std::string_view total = trim(value.substr(slash + 1));
  HttpReply::ContentRange result;
  if (total != "*") {
    result.total = parse_uint(total);
    if (!result.total) return std::nullopt;
  }
  if (range != "*") {
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    result.first = parse_uint(trim(range.substr(0, dash)));
    result.last = parse_uint(trim(range.substr(dash + 1)));
    if (!result.first || !result.last || *result.last < *result.first) return std::nullopt;
    if (result.total && *result.last >= *result.total) return std::nullopt;
  }
  return result;
}

std::string_view parse_etag(std::string_view value) {
  if (value.size() > 512) return {};
  if (value.starts_with("W/") || value.starts_with("w/")) value.remove_prefix(2);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  // Apache and others mark the compressed variant of the same content.
  for (const std::string_view suffix : {"-gzip", ";gzip", "--gzip", "-br", ";br"})
    if (value.ends_with(suffix)) {
      value.remove_suffix(suffix.size());
      break;
    }
  return value;
}

// RFC 8288, as far as "next" needs: <target>; param; rel="a b", <target> …
std::string parse_next_link(std::string_view value) {
  while (true) {
    const std::size_t open = value.find('<');
    if (open == std::string_view::npos) return {};
    const std::size_t close = value.find('>', open);
    if (close == std::string_view::npos) return {};
    const std::string_view target = value.substr(open + 1, close - open - 1);
    value = value.substr(close + 1);
    const std::string_view params = value.substr(0, std::min(value.find('<'), value.size()));
    const std::size_t rel = params.find("rel=");
    if (rel != std::string_view::npos) {
      std::string_view names = params.substr(rel + 4);
      if (names.starts_with('"'))
        names = names.substr(1, names.find('"', 1) - 1);
      else
        names = names.substr(0, names.find_first_of(";, "));
      while (!names.empty()) {
        const std::size_t space = names.find(' ');
        if (equals_ignoring_case(names.substr(0, space), "next")) return std::string(target);
        if (space == std::string_view::npos) break;
        names.remove_prefix(space + 1);
      }
    }
  }
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view value) {
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (value.size() != 29 || value[3] != ',' || value[4] != ' ' || value[7] != ' ' || value[11] != ' ' ||
      value[16] != ' ' || value[19] != ':' || value[22] != ':' || value.substr(25) != " GMT")
    return std::nullopt;
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto month = std::find(months.begin(), months.end(), value.substr(8, 3));
  const auto day = parse_uint(value.substr(5, 2));
  const auto year = parse_uint(value.substr(12, 4));
  const auto hour = parse_uint(value.substr(17, 2));
  const auto minute = parse_uint(value.substr(20, 2));
  const auto second = parse_uint(value.substr(23, 2));
  if (month == months.end() || !day || *day < 1 || *day > 31 || !year || *year < 1970 || !hour ||
      *hour > 23 || !minute || *minute > 59 || !second || *second > 60)
    return std::nullopt;
  // Days since 1970 of the civil calendar, counted in years that begin in March, so that the leap day comes
  // last.
  const std::int64_t m = (month - months.begin() + 10) % 12;
  const std::int64_t y = static_cast<std::int64_t>(*year) - (m >= 10 ? 1 : 0);
  const std::int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 +
                            static_cast<std::int64_t>(*day) - 1 - 719'468;
  return days * 86'400 + static_cast<std::int64_t>(*hour * 3'600 + *minute * 60 + *second);
}

HttpReply HttpReply::from(int status, bool redirected,
                          const std::vector<std::pair<std::string, std::string>>& headers) {
  const auto header = [&](std::string_view name) -> std::string_view {
    for (const auto& [key, value] : headers)
      if (equals_ignoring_case(key, name)) return trim(value);
    return {};
  };
  HttpReply reply;
  reply.status = status;
  reply.redirected = redirected;
  reply.content_length = parse_uint(header("content-length"));
  const std::string_view range = header("content-range");
  reply.content_range = parse_content_range(range);
  reply.content_range_unreadable = !range.empty() && !reply.content_range;
  reply.etag = parse_etag(header("etag"));
  const std::string_view modified = header("last-modified");
  if (parse_http_date(modified).value_or(0) > kOldest) reply.last_modified = modified;
  if (const std::string_view after = header("retry-after"); !after.empty()) {
    if (const auto seconds = parse_uint(after)) {
      reply.retry_after = Seconds{static_cast<double>(*seconds)};
    } else if (const auto at = parse_http_date(after)) {
      if (const auto date = parse_http_date(header("date")))
        reply.retry_after = Seconds{static_cast<double>(std::max<std::int64_t>(0, *at - *date))};
    }
  }
  std::string_view type = header("content-type");
  type = trim(type.substr(0, type.find(';')));
  reply.html = equals_ignoring_case(type, "text/html") || equals_ignoring_case(type, "application/xhtml+xml");
  reply.next_link = parse_next_link(header("link"));
  reply.error_code = header("x-error-code").substr(0, 64);
  reply.error_message = header("x-error-message").substr(0, 500);
  return reply;
}

}  // namespace candor
