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
  // Each run of `d` is a number; `?` may be anything.
  constexpr std::string_view form = "???, dd ??? dddd dd:dd:dd GMT";
  if (value.size() != form.size()) return std::nullopt;
  std::array<std::int64_t, 5> numbers{};
  std::size_t n = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const unsigned digit = static_cast<unsigned char>(value[i]) - unsigned{'0'};
    if (form[i] == 'd' ? digit > 9 : form[i] != '?' && form[i] != value[i]) return std::nullopt;
    if (form[i] == 'd') numbers[n] = numbers[n] * 10 + digit;
    if (form[i] == 'd' && form[i + 1] != 'd') ++n;
  }
  const auto [day, year, hour, minute, second] = numbers;
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t month = months.find(value.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0 || day < 1 || day > 31 || year < 1970 || hour > 23 ||
      minute > 59 || second > 60)
    return std::nullopt;
  // Days since 1970 of the civil calendar, counted in years that begin in March, so that the leap day comes
  // last.
  const std::int64_t m = (static_cast<std::int64_t>(month) / 3 + 10) % 12;
  const std::int64_t y = year - (m >= 10 ? 1 : 0);
  const std::int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719'468;
  return days * 86'400 + hour * 3'600 + minute * 60 + second;
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
  reply.multipart = text::to_lower(type).starts_with("multipart/");
  reply.next_link = parse_next_link(header("link"));
  reply.error_code = header("x-error-code").substr(0, 64);
  reply.error_message = header("x-error-message").substr(0, 500);
  return reply;
}

}  // namespace candor
