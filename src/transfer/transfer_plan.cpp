#include "candor/transfer/transfer_plan.hpp"

#include <algorithm>
#include <utility>

namespace candor {
namespace {

// One of several requests should last about this long: long enough that its start costs little, short enough
// that the checksum, which goes through the file in order, is never far behind.
constexpr Seconds kRequest{2};
// And this many times as long as its answer takes.
constexpr double kRequestTrips = 20;
constexpr double kRampTrips = 2;
// Pieces per connection that make a measurement; fewer are too coarse, but no window waits longer than
// kLongestWindow for them.
constexpr std::uint64_t kPieces = 6;
constexpr Seconds kLongestWindow{2};
// One connection alone is not waited for so long: whether it or the line is slow, only a second one can tell.
constexpr Seconds kLongestAlone{0.4};
constexpr Seconds kLongestLatency{1};

}  // namespace

TransferPlan::TransferPlan(unsigned max_connections, const TransferSizes& sizes)
    : sizes_(sizes), max_(std::clamp(max_connections, 1U, 6U)) {}

void TransferPlan::answered(Seconds after) {
  after = std::min(after, kLongestLatency);
  latency_ = latency_.count() == 0 ? after : 0.75 * latency_ + 0.25 * after;
}

void TransferPlan::received(std::uint64_t bytes, unsigned active, Instant now) {
  // A window counts only while all wanted connections flow; otherwise it would measure their start.
  if (active < target_) {
    window_start_.reset();
    return;
  }
  if (!window_start_) {
    // A new connection gets faster during its first round trips; what it does then says little.
    window_start_ = now + kRampTrips * latency_;
    window_bytes_ = window_pieces_ = 0;
    return;
  }
  if (now < *window_start_) return;
  window_bytes_ += bytes;
  ++window_pieces_;
  const Seconds elapsed = now - *window_start_;
  if (elapsed < std::max(kWindow, latency_)) return;
  if (window_pieces_ < kPieces * target_ && elapsed < (target_ == 1 ? kLongestAlone : kLongestWindow)) return;
  rate_ = static_cast<double>(window_bytes_) / elapsed.count();
  window_start_ = now;
  window_bytes_ = window_pieces_ = 0;
  if (yielded_) return;
  if (climbing_) {
    if (rate_ < rate_below_ * kWorthwhile) {
      // The machine may just have been busy, so one bad window is only a doubt.
      if (!std::exchange(doubtful_, true)) return;
      target_ = below_;
      climbing_ = false;
      settled_at_ = now;
      window_start_.reset();
    } else if (target_ < max_ && rate_ < kEnough * target_) {
      climb();
    } else {
      climbing_ = false;
      settled_at_ = now;
    }
  } else if (now - settled_at_ >= kSettle && target_ < max_ && rate_ < kEnough * target_) {
    climbing_ = true;
    climb();
  }
}

void TransferPlan::climb() {
  // 1, 2, 4, 6, or at once to the end where two bring twice as much as one: each step that is not tried saves
  // its window.
  const bool alike = below_ < target_ && rate_ > kAlike * rate_below_;
  doubtful_ = false;
  rate_below_ = rate_;
  below_ = target_;
  target_ = std::min(max_, target_ == 1 ? 2 : alike ? max_ : target_ + 2);
  window_start_.reset();
}

void TransferPlan::restart() {
  target_ = below_ = 1;
  climbing_ = true;
  yielded_ = false;
  rate_below_ = 0;
  window_start_.reset();
}

void TransferPlan::yield() {
  restart();
  yielded_ = true;
}

void TransferPlan::ask_again() {
  climbing_ = true;
  doubtful_ = false;
  below_ = target_;
  rate_below_ = 0;
  window_start_.reset();
}

void TransferPlan::limit(unsigned connections) {
  max_ = std::clamp(connections, 1U, max_);
  target_ = std::min(target_, max_);
  below_ = std::min(below_, max_);
  limited_ = true;
}

std::uint64_t TransferPlan::range_size(std::uint64_t missing) const {
  // Each request costs the time of its answer.
  if (target_ == 1) return missing;
  const double size = rate_ / target_ * std::max(kRequest, kRequestTrips * latency_).count();
  // Towards the end the connections share what is left, so that they finish together.
  const std::uint64_t share = missing / target_ + 1;
  return std::max(sizes_.smallest_range,
                  static_cast<std::uint64_t>(std::min(size, static_cast<double>(share))));
}

}  // namespace candor
