#include "candor/transfer/recovery_policy.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"

namespace candor {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): one word of state, good enough for jitter.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// Replies of another version in a row that make a change: servers that take turns give so many by chance once
// in 32 times; once it is known that they do, once in 65,536.
constexpr unsigned kOthersMakeAChange = 5;
constexpr unsigned kOthersOfAlternating = 16;
// Times the replies in a row.
constexpr Seconds kOtherServer{0.25};

}  // namespace

Error error_of(const Failure& failure) {
  const auto error = [&](ErrorCode code, std::string_view message, bool retryable) -> Error {
    return {code, std::string(message), retryable, failure.detail};
  };
  const auto with_status = [&](std::string_view message) {
    return text::joined(message, static_cast<unsigned>(failure.status));
  };
  switch (failure.cause) {
    case Cause::kNetwork:
    case Cause::kShort:
      return error(ErrorCode::kNetwork, "connectionLost", true);
    case Cause::kTimeout:
      return error(ErrorCode::kNetwork, "serverSilent", true);
    case Cause::kServer:
      return error(ErrorCode::kHttp, with_status("serverProblem\t"), true);
    case Cause::kRateLimited:
      return error(ErrorCode::kRateLimited, "rateLimited", true);
    case Cause::kExpired:
      return error(ErrorCode::kHttp, "addressExpired", true);
    case Cause::kGated:
      return error(ErrorCode::kGated, "gated", false);
    case Cause::kNotFound:
      return error(ErrorCode::kNotFound, "notAtAddress", false);
    case Cause::kHttp:
      if (failure.status == 0) return error(ErrorCode::kHttp, "badAnswer", true);
      return error(ErrorCode::kHttp, with_status("unexpectedAnswer\t"), true);
    case Cause::kNotAModel:
    case Cause::kOtherKind:
      if (failure.found.empty()) return error(ErrorCode::kIntegrity, "webPageCame", true);
      return error(ErrorCode::kIntegrity,
                   text::joined("otherCame\t", text::file_name(failure.detail), "\t", failure.found),
                   failure.cause == Cause::kNotAModel);
    case Cause::kPortal:
      return error(ErrorCode::kNetwork, "portal", true);
    case Cause::kIntegrity:
      return error(ErrorCode::kIntegrity, "arrivedDamaged", true);
    case Cause::kChanged:
      return error(ErrorCode::kChanged, "fileChanging", true);
    case Cause::kQuota:
      return error(ErrorCode::kQuota, "diskFull", true);
    case Cause::kStorage:
      return error(ErrorCode::kStorage, "diskRefused", true);
  }
  return error(ErrorCode::kRuntime, "unknown", true);
}

Failure failure_of(const HttpReply& reply) {
  Failure failure;
  failure.status = reply.status;
  failure.retry_after = reply.retry_after;
  failure.detail = reply.error_message.empty() ? reply.error_code : reply.error_message;
  if (reply.error_code == "GatedRepo") {
    failure.cause = Cause::kGated;
  } else if (reply.error_code == "RepoNotFound" || reply.error_code == "RevisionNotFound" ||
             reply.error_code == "EntryNotFound") {
    failure.cause = Cause::kNotFound;
  } else if (reply.status == 429) {
    failure.cause = Cause::kRateLimited;
  } else if (reply.status == 408) {
    failure.cause = Cause::kTimeout;
  } else if (reply.status >= 500 && reply.status <= 599) {
    failure.cause = Cause::kServer;
  } else if (reply.status == 401 || reply.status == 403) {
    // Behind a redirect lies a signed address whose time may be over; the source itself would have said no
    // before.
    failure.cause = reply.redirected ? Cause::kExpired : Cause::kGated;
  } else if (reply.status == 404 || reply.status == 410) {
    failure.cause = Cause::kNotFound;
  } else {
    failure.cause = Cause::kHttp;
  }
  return failure;
}

Seconds RecoveryPolicy::backoff() {
  // 1, 4, 16 s, times 0.75 to 1.25, so that many visitors of a broken server don't come back at the same
  // moment.
  double seconds = 1;
  for (unsigned i = 1; i < attempts_ && i < kMaxAttempts; ++i) seconds *= 4;
  const double unit = static_cast<double>(next_random(random_) >> 11) * 0x1p-53;
  return Seconds{seconds * (0.75 + 0.5 * unit)};
}

Recovery RecoveryPolicy::failed(const Failure& failure, Instant now, bool online) {
  Recovery recovery;
  recovery.error = error_of(failure);
  if (!online && (failure.cause == Cause::kNetwork || failure.cause == Cause::kShort ||
                  failure.cause == Cause::kTimeout)) {
    recovery.step = Recovery::Step::kRetryAt;
    recovery.at = now + kOfflineProbe;
    recovery.error.message = "offline";
    return recovery;
  }
  switch (failure.cause) {
    case Cause::kGated:
    case Cause::kNotFound:
    case Cause::kOtherKind:
      recovery.step = Recovery::Step::kGiveUp;
      return recovery;
    case Cause::kQuota:
    case Cause::kStorage:
      recovery.step = Recovery::Step::kAsk;
      return recovery;
    case Cause::kIntegrity:
    case Cause::kChanged:
      recovery.step = ++damaged_ >= kMaxAttempts ? Recovery::Step::kAsk : Recovery::Step::kRetryNow;
      return recovery;
    case Cause::kNetwork:
    case Cause::kShort:
    case Cause::kTimeout:
    case Cause::kServer:
    case Cause::kRateLimited:
    case Cause::kExpired:
    case Cause::kHttp:
    case Cause::kNotAModel:
    case Cause::kPortal:
      break;
  }
  if (failure.retry_after && *failure.retry_after > kLongestWait) {
    recovery.step = Recovery::Step::kAsk;
    return recovery;
  }
  const std::uint64_t progress = std::exchange(progress_, 0);
  const bool broken = failure.cause == Cause::kNetwork || failure.cause == Cause::kShort ||
                      failure.cause == Cause::kTimeout || failure.cause == Cause::kExpired;
  if (broken && progress > 0 && !failure.retry_after) {
    // It went well until now. A server that gives a few bytes per connection gets a few connections per
    // second.
    crumbs_ = progress >= crumb_ ? 0 : std::min(crumbs_ + 1, 4U);
    recovery.step = crumbs_ == 0 ? Recovery::Step::kRetryNow : Recovery::Step::kRetryAt;
    recovery.at = now + Seconds{0.125} * (1U << crumbs_);
    return recovery;
  }
  if (++attempts_ >= kMaxAttempts) {
    recovery.step = Recovery::Step::kAsk;
    return recovery;
  }
  if (failure.cause == Cause::kExpired && attempts_ == 1) {
    recovery.step = Recovery::Step::kRetryNow;
    return recovery;
  }
  recovery.step = Recovery::Step::kRetryAt;
  recovery.at = now + std::max(backoff(), failure.retry_after.value_or(Seconds{0}));
  return recovery;
}

std::optional<Recovery> RecoveryPolicy::other_version(Instant now) {
  if (++others_ >= (alternates_ ? kOthersOfAlternating : kOthersMakeAChange)) {
    others_ = 0;
    alternates_ = false;
    return std::nullopt;
  }
  Recovery recovery;
  recovery.step = Recovery::Step::kRetryAt;
  recovery.at = now + kOtherServer * others_;
  recovery.error = {ErrorCode::kChanged, "otherVersion", true, {}};
  return recovery;
}

void RecoveryPolicy::same_version() {
  if (others_ > 0) alternates_ = true;
  others_ = 0;
}

void RecoveryPolicy::progressed(std::uint64_t bytes) {
  if (bytes == 0) return;
  progress_ = saturating_add(progress_, bytes);
  attempts_ = 0;
}

void RecoveryPolicy::settled() {
  attempts_ = damaged_ = crumbs_ = 0;
  progress_ = 0;
}

void RecoveryPolicy::asked() { settled(); }

}  // namespace candor
