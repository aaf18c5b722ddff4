#pragma once

#include <chrono>

namespace candor {

/// Milliseconds as JavaScript counts them: fractional.
using Millis = std::chrono::duration<double, std::milli>;
/// Seconds, fractional. Converts implicitly from and to Millis.
using Seconds = std::chrono::duration<double>;

/// The clock of whoever calls the core. It has no `now()`: time always comes in as an argument.
/// The epoch is arbitrary (`performance.now()` or `Date.now()`), but one object must see one epoch only.
struct CallerClock {
  using rep = double;
  using period = std::milli;
  using duration = Millis;
  using time_point = std::chrono::time_point<CallerClock>;
  static constexpr bool is_steady = true;
};

/// A moment of the caller's clock.
using Instant = CallerClock::time_point;

/// The moment `ms` milliseconds after the caller's epoch. Any value is allowed, NaN too: see MonotonicTime.
constexpr Instant instant_from_ms(double ms) { return Instant{Millis{ms}}; }

/// Milliseconds since the caller's epoch.
constexpr double to_ms(Instant instant) { return instant.time_since_epoch().count(); }

/// A number of seconds from one moment to another; negative if `to` is earlier.
constexpr double seconds_between(Instant from, Instant to) { return Seconds{to - from}.count(); }

/// Makes time safe to compute with: it never runs backwards, and moments that are not finite or outside
/// JavaScript's range of dates (±8.64e15 ms) count as "no time has passed".
class MonotonicTime {
 public:
  /// The latest valid moment seen, `now` included. The epoch while none was valid yet.
  constexpr Instant advance(Instant now) {
    constexpr double kMaxDateMs = 8.64e15;
    const double ms = to_ms(now);
    // Written so that NaN fails the test.
    const bool valid = ms >= -kMaxDateMs && ms <= kMaxDateMs;
    if (valid && (!known_ || now > last_)) {
      last_ = now;
      known_ = true;
    }
    return last_;
  }

  /// Whether a valid moment was seen at all.
  constexpr bool known() const { return known_; }
  /// The latest valid moment seen.
  constexpr Instant last() const { return last_; }

 private:
  Instant last_{};
  bool known_ = false;
};

}  // namespace candor
