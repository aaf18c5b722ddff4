#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "candor/base/time.hpp"

namespace candor {

/// The facts of a reply's head, read from hostile text: what cannot be understood is absent.
struct HttpReply {
  struct ContentRange {
    /// Absent in the form of a 416, "bytes */total".
    std::optional<std::uint64_t> first;
    std::optional<std::uint64_t> last;  ///< inclusive
    /// Absent when the server wrote "*".
    std::optional<std::uint64_t> total;
  };

  int status = 0;
  bool redirected = false;
  /// Length of the body as sent: of the compressed one when the server compressed it, which script cannot
  /// see.
  std::optional<std::uint64_t> content_length;
  std::optional<ContentRange> content_range;
  /// There is a Content-Range that cannot be understood (as opposed to none, or one hidden from scripts).
  bool content_range_unreadable = false;
  /// The opaque part of the ETag, without W/, quotes, and the suffixes that servers add to compressed
  /// variants; empty: none.
  std::string etag;
  /// The Last-Modified date as written; one that cannot be read, or that build tools write on everything
  /// alike, is none. Scripts may read it without leave, unlike the ETag. Empty: none.
  std::string last_modified;
  /// How long the server asks us to wait. A date is taken relative to the reply's own Date, because our clock
  /// may be wrong.
  std::optional<Seconds> retry_after;
  /// The body claims to be a web page.
  bool html = false;
  /// The body is several ranges in a wrapper (multipart/byteranges), not the bytes that were asked for.
  bool multipart = false;
  /// Target of Link: rel="next", as written; empty: none.
  std::string next_link;
  /// X-Error-Code of the Hub: "GatedRepo", "RepoNotFound", "EntryNotFound", "RevisionNotFound", …; empty:
  /// none.
  std::string error_code;
  /// X-Error-Message of the Hub, at most 500 bytes.
  std::string error_message;

  /// `headers`: names in any case; of repeated names the first counts.
  static HttpReply from(int status, bool redirected,
                        const std::vector<std::pair<std::string, std::string>>& headers);
};

/// Seconds since 1970 of an HTTP-date (RFC 9110 §5.6.7, IMF-fixdate only); empty when it is not one.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace candor
