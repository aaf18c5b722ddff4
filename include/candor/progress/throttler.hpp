#pragma once

#include <optional>
#include <utility>

#include "candor/base/time.hpp"

namespace candor {

/// Lets through at most one value per interval. The first comes at once, later ones replace each other and
/// the latest is due when the interval ends (trailing edge). A final value is never held back: it comes at
/// once and takes the place of whatever was waiting, so the last state is always delivered.
template <typename T>
class Throttler {
 public:
  static constexpr Millis kDefaultInterval{100};

  /// An interval that is negative or not finite counts as the default one; 0 lets everything through.
  explicit Throttler(Millis interval = kDefaultInterval)
      : interval_(interval.count() >= 0 && interval.count() < 1e12 ? interval : kDefaultInterval) {}

  /// Offers a value. Returns the value to deliver now, if any.
  std::optional<T> push(T value, Instant now, bool is_final = false) {
    const Instant time = time_.advance(now);
    if (!is_final && delivered_ && time < due_) {
      waiting_ = std::move(value);
      return std::nullopt;
    }
    waiting_.reset();
    deliver(time);
    return value;
  }

  /// The waiting value, once its time has come. May be called at any time, any number of times.
  std::optional<T> poll(Instant now) {
    const Instant time = time_.advance(now);
    if (!waiting_ || time < due_) return std::nullopt;
    deliver(time);
    return std::exchange(waiting_, std::nullopt);
  }

  /// When poll() will have something; empty when nothing waits.
  std::optional<Instant> wake_at() const {
    if (!waiting_) return std::nullopt;
    return due_;
  }

 private:
  Millis interval_;
  MonotonicTime time_;
  bool delivered_ = false;
  Instant due_{};  // the end of the interval that the latest delivery began
  std::optional<T> waiting_;

  void deliver(Instant time) {
    delivered_ = true;
    due_ = time + interval_;
  }
};

}  // namespace candor
