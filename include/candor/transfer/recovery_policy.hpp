#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "candor/base/error.hpp"
#include "candor/base/time.hpp"
#include "candor/transfer/http_reply.hpp"

namespace candor {

/// Why an attempt failed.
enum class Cause {
  kNetwork,      ///< no connection, or it broke
  kShort,        ///< a body ended before the length that its file should have
  kTimeout,      ///< nothing came for too long
  kServer,       ///< 5xx
  kRateLimited,  ///< 429
  kExpired,      ///< a signed address was refused; asking the source again gives a new one
  kGated,        ///< 401, 403
  kNotFound,     ///< 404, 410
  kHttp,         ///< any other reply that makes no sense here
  kNotAModel,    ///< an error page came instead of the file
  kOtherKind,    ///< what is published under the file's name is something else
  kPortal,       ///< a web page comes for every question
  kIntegrity,    ///< the bytes do not match the checksum
  kChanged,      ///< the file changed on the server
  kQuota,        ///< no room left
  kStorage       ///< the disk refused
};

struct Failure {
  Cause cause = Cause::kNetwork;
  /// Status of the reply, 0 when there was none.
  int status = 0;
  /// What the server asked for.
  std::optional<Seconds> retry_after;
  /// Text from outside for the details.
  std::string detail{};
  /// What came instead of the file, by the id of a part of a sentence; empty: a web page.
  std::string_view found{};
};

/// What to do after a failure, and what to say.
struct Recovery {
  enum class Step {
    kRetryNow,
    kRetryAt,  ///< at `at`, by ourselves
    kAsk,      ///< the visitor decides; a retry may help
    kGiveUp    ///< a retry cannot help
  };
  Step step = Step::kAsk;
  Instant at{};
  Error error;
};

/// The one place that decides what follows a failure of one thing (a file, an API call). One cause, one
/// action.
///
/// Attempts count only without progress in between; after kMaxAttempts of them the visitor is asked. Damage
/// (a wrong checksum, a file that changed) is counted apart and is forgotten only by settled(), because such
/// attempts make progress and fail all the same.
class RecoveryPolicy {
 public:
  static constexpr unsigned kMaxAttempts = 3;
  /// Waits longer than this are not obeyed silently: the visitor is told and asked.
  static constexpr Seconds kLongestWait{600};
  /// A browser that says it is offline is often wrong, or the server is on this device: so a try now and
  /// then, which is not counted.
  static constexpr Seconds kOfflineProbe{30};

  /// `seed` of the jitter: equal seeds, equal waits. `crumb`: a connection that brought at least as many
  /// bytes before it broke is renewed at once.
  explicit RecoveryPolicy(std::uint64_t seed = 0, std::uint64_t crumb = 32U << 10U)
      : random_(seed), crumb_(crumb) {}

  /// Decides. `now` of the failure; `online`: what the browser says of the device.
  Recovery failed(const Failure& failure, Instant now, bool online = true);
  /// A reply was of another version than the bytes that are here: it came from another server of the same
  /// name, or the file changed. To be asked again until one of the two is clear; empty: it changed.
  std::optional<Recovery> other_version(Instant now);
  /// A reply was of the version that is here.
  void same_version();
  /// Whether the last reply was of another version.
  bool disputed() const { return others_ > 0; }
  /// New bytes are on disk (or a call succeeded: 1).
  void progressed(std::uint64_t bytes);
  /// The thing is done and verified.
  void settled();
  /// The visitor wants another round.
  void asked();

  /// Failed attempts since the last progress, 0..kMaxAttempts.
  unsigned attempts() const { return attempts_ > damaged_ ? attempts_ : damaged_; }

 private:
  Seconds backoff();

  std::uint64_t random_;
  std::uint64_t crumb_;
  unsigned attempts_ = 0;
  unsigned damaged_ = 0;
  unsigned others_ = 0;      ///< replies of another version in a row
  bool alternates_ = false;  ///< after another version the known one came again
  unsigned crumbs_ = 0;      ///< connections in a row that broke after less than crumb_
  std::uint64_t progress_ = 0;
};

/// What a reply to a request for a file or an API call means when it is not the wanted 200 or 206.
Failure failure_of(const HttpReply& reply);
/// The error of a cause as the visitor is told it.
Error error_of(const Failure& failure);

}  // namespace candor
