#include "candor/progress/eta_estimator.hpp"

#include <algorithm>
#include <cmath>

#include "candor/base/bytes.hpp"

namespace candor {
namespace {

// All constants were chosen on flat stretches of bench/eta.cpp: halving or doubling one changes little.

constexpr double kTick = 0.25;  // s
constexpr std::int64_t kTicksPerSecond = 4;
constexpr std::int64_t kStallTicks = 12;  // 3 s; more than any batching, less than patience
constexpr double kFastTau = 5;            // s
constexpr double kReversion = 20;         // s, from the present level to the mean
constexpr double kFirstSecondDiscount = 0.8;
constexpr double kFloor = 0.05;  // of the mean rate; keeps logarithms and predictions sane in a dip

// A change of level must last, be large, and stand out from what the line does anyway.
constexpr std::size_t kMinChangeSeconds = 6;
constexpr double kMinSecondsBefore = 3;
constexpr double kMinLogChange = 1.0;    // a factor of e
constexpr double kChangeThreshold = 4;   // standard errors
constexpr double kCorrelation = 8;       // s; that many seconds are one independent sample
constexpr double kPriorVariance = 0.04;  // of the log rate ...
constexpr double kPriorCount = 10;       // ... worth as many seconds
constexpr double kSwing = 1.5;           // the threshold's growth when a change is undone
// Of the age of a level whose change was just likely enough; see predict().
constexpr double kPersistence = 0.15;
constexpr double kMaxPersistence = 20;

// Squared standard deviation of the log of the prediction: a floor, a share of the line's variance (lines
// that vary much also drift), and that variance averaged over the time ahead and over the time behind.
constexpr double kSigmaFloor = 0.003;
constexpr double kDrift = 0.14;
constexpr double kAhead = 5;             // s of correlation
constexpr double kAheadOffset = 10;      // s
constexpr double kBehind = 10;           // s of correlation
constexpr double kBehindOffset = 2;      // s
constexpr double kSpreadPrior = 0.1;     // variance before anything is known ...
constexpr double kSpreadPriorCount = 5;  // ... worth as many seconds
constexpr double kLow = 1.45;            // sigmas below the prediction, for 80 %
constexpr double kHigh = 1.2;            // sigmas above it

constexpr double kBand = 0.01;       // of the display, in logarithms ...
constexpr double kBandSigmas = 0.2;  // ... plus this many sigmas

}  // namespace

void EtaEstimator::Spread::add(double x) {
  count += 1;
  sum += x;
  squares += x * x;
}

EtaEstimator::Spread EtaEstimator::Spread::without(const Spread& part) const {
  return {count - part.count, sum - part.sum, squares - part.squares};
}

void EtaEstimator::start(Instant now) {
  if (started_) return;
  origin_ = time_.advance(now);
  started_ = time_.known();
}

void EtaEstimator::set_remaining(std::optional<std::uint64_t> bytes) {
  if (bytes != remaining_) must_jump_ = true;
  remaining_ = bytes;
}

double EtaEstimator::elapsed(Instant now) const { return seconds_between(origin_, now); }

bool EtaEstimator::stalled() const { return silent_ticks_ > kStallTicks; }

void EtaEstimator::record(std::uint64_t bytes, Instant now) {
  const Instant time = time_.advance(now);
  if (!started_) {
    start(now);  // these bytes have no duration
  } else if (!paused_) {
    // Bytes that arrive exactly at the end of a tick belong to it.
    close_ticks(elapsed(time), false);
    open_bytes_ += static_cast<double>(bytes);
  }
  if (remaining_) remaining_ = saturating_sub(*remaining_, bytes);
}

void EtaEstimator::pause(Instant now) {
  if (paused_) return;
  paused_at_ = time_.advance(now);
  if (started_) close_ticks(elapsed(paused_at_), true);
  paused_ = true;
}

void EtaEstimator::resume(Instant now) {
  if (!paused_) return;
  origin_ += time_.advance(now) - paused_at_;
  paused_ = false;
}

std::optional<EtaEstimate> EtaEstimator::estimate(Instant now) const {
  MonotonicTime time = time_;
  const double at = elapsed(time.advance(now));
  if (!started_ || paused_) return std::nullopt;
  if (!must_jump_ && at < static_cast<double>(ticks_ + 1) * kTick) return read(at);
  // What record() would find at that moment.
  EtaEstimator then = *this;
  then.close_ticks(at, true);
  if (then.must_jump_ && then.has_basis_ && then.remaining_ && *then.remaining_ > 0) then.predict();
  return then.read(at);
}

std::optional<EtaEstimate> EtaEstimator::read(double at_s) const {
  if (!has_basis_ || !remaining_) return std::nullopt;
  if (*remaining_ == 0) return EtaEstimate{};
  const double since = stalled() ? 0 : at_s - shown_at_;
  const double seconds = std::max(0.0, shown_ - since);
  const double low = predicted_ * std::exp(-kLow * sigma_) - since;
  const double high = predicted_ * std::exp(kHigh * sigma_) - since;
  return EtaEstimate{seconds, std::clamp(low, 0.0, seconds), std::max(high, seconds)};
}

void EtaEstimator::close_ticks(double until_s, bool including_end) {
  const double ticks = until_s / kTick;
  const double whole = including_end ? std::floor(ticks) : std::ceil(ticks) - 1;
  const auto until = static_cast<std::int64_t>(whole);
  while (ticks_ < until) {
    // In a stall nothing changes from tick to tick, however long it lasts.
    if (stalled() && open_bytes_ <= 0) {
      stalled_s_ += static_cast<double>(until - ticks_) * kTick;
      ticks_ = until;
      shown_at_ = static_cast<double>(ticks_) * kTick;
      break;
    }
    close_tick();
  }
}

void EtaEstimator::close_tick() {
  ++ticks_;
  silent_ticks_ = open_bytes_ > 0 ? 0 : silent_ticks_ + 1;
  if (stalled()) {
    stalled_s_ += kTick;
    shown_at_ = static_cast<double>(ticks_) * kTick;
    return;
  }
  double seconds = kTick;
  if (stalled_s_ > 0) {
    // As many bytes as that time would have brought: it was the delivery that slept, not the line.
    if (open_bytes_ > 0.5 * mean_rate_ * (stalled_s_ + static_cast<double>(kStallTicks) * kTick)) {
      seconds += stalled_s_;
      second_ = {};
    }
    stalled_s_ = 0;
  }
  level_.bytes += open_bytes_;
  level_.seconds += seconds;
  if (ticks_ <= kTicksPerSecond) first_second_bytes_ += open_bytes_;
  const double keep = std::exp(-seconds / kFastTau);
  fast_ = fast_ * keep + open_bytes_ / seconds * (1 - keep);
  fast_weight_ = fast_weight_ * keep + (1 - keep);
  if (seconds <= kTick) {
    second_.bytes += open_bytes_;
    second_.seconds += kTick;
  }
  open_bytes_ = 0;
  if (level_.bytes + before_.bytes <= 0) return;
  // The slow start matters in the first level only; a later one begins in mid-flow.
  const bool discount = before_.seconds <= 0 && level_.seconds > 1.5;
  const double bytes =
      discount ? std::max(level_.bytes - kFirstSecondDiscount * first_second_bytes_, 0.5 * level_.bytes)
               : level_.bytes;
  // At least a byte: a level that is silent so far has a logarithm, too.
  mean_rate_ = std::max(bytes, 1.0) / (level_.seconds - (discount ? kFirstSecondDiscount : 0));
  if (second_.seconds > 1 - kTick / 2) close_second();
  has_basis_ = has_basis_ || ticks_ >= kTicksPerSecond;
  if (has_basis_ && remaining_ && *remaining_ > 0) predict();
}

void EtaEstimator::close_second() {
  const double log_rate = std::log(std::max(second_.bytes / second_.seconds, kFloor * mean_rate_));
  if (all_.count == 0) reference_ = log_rate;
  const double x = log_rate - reference_;
  all_.add(x);
  if (recent_.full()) older_.add(recent_.front().log_rate);
  recent_.push({second_.bytes, x});
  second_ = {};
  look_for_change();
}

// How clearly two stretches differ in level: the squared shift over its squared standard error.
double EtaEstimator::likelihood(const Spread& before, const Spread& after) {
  const double shift = after.sum / after.count - before.sum / before.count;
  const double within = (before.squares - before.sum * before.sum / before.count) +
                        (after.squares - after.sum * after.sum / after.count);
  const double variance =
      (within + kPriorVariance * kPriorCount) / (before.count + after.count + kPriorCount);
  return shift * shift / (variance * kCorrelation * (1 / after.count + 1 / before.count));
}

// The most likely moment of a change of level in the last seconds, and whether it is likely enough
// (generalised likelihood ratio for a shift of the mean; Basseville and Nikiforov, Detection of Abrupt
// Changes, 1993, ch. 2.4).
void EtaEstimator::look_for_change() {
  Spread total = older_;
  for (std::size_t i = 0; i < recent_.size(); ++i) total.add(recent_[i].log_rate);
  const double threshold = kChangeThreshold * kChangeThreshold * swings_ * swings_;
  if (last_change_ != 0) {
    // The further the new level stands out from what the line did before, the less it is one of its moods.
    persistence_ = std::min(kPersistence * std::max(1.0, likelihood(spread_before_, total) / threshold),
                            kMaxPersistence);
  }
  Spread after;
  double after_bytes = 0;
  double best = 0;
  double best_bytes = 0;
  std::size_t best_seconds = 0;
  Spread best_after;
  for (std::size_t k = 1; k < recent_.size(); ++k) {
    const Second& second = recent_[recent_.size() - k];
    after.add(second.log_rate);
    after_bytes += second.bytes;
    const Spread before = total.without(after);
    if (before.count < kMinSecondsBefore) break;
    if (k < kMinChangeSeconds) continue;
    if (std::abs(after.sum / after.count - before.sum / before.count) < kMinLogChange) continue;
    const double likely = likelihood(before, after);
    if (likely > best) {
      best = likely;
      best_bytes = after_bytes;
      best_seconds = k;
      best_after = after;
    }
  }
  // At the edge of what is looked at, the true moment is perhaps a later one: the next second will tell.
  if (best <= threshold || best_seconds == kMinChangeSeconds) return;
  const Spread before = total.without(best_after);
  const int direction = best_after.sum / best_after.count > before.sum / before.count ? 1 : -1;
  if (last_change_ == -direction) {
    // Back again: this line swings. All of it is its level, and the next change must stand out more.
    level_.bytes += before_.bytes;
    level_.seconds += before_.seconds;
    before_ = {};
    last_change_ = 0;
    swings_ *= kSwing;
    return;
  }
  last_change_ = direction;
  spread_before_ = before;
  persistence_ = kPersistence;
  const double seconds = static_cast<double>(best_seconds);
  before_.bytes += std::max(0.0, level_.bytes - best_bytes);
  before_.seconds += std::max(0.0, level_.seconds - seconds);
  level_ = {best_bytes, seconds};
  mean_rate_ = std::max(best_bytes, 1.0) / seconds;
  recent_.keep_latest(best_seconds);
  older_ = {};
}

void EtaEstimator::predict() {
  const double remaining = static_cast<double>(*remaining_);
  double mean = mean_rate_;
  if (before_.seconds > 0) {
    // The new level has lasted for `age`; the chance that it lasts t more is taken as a / (a + t) with a
    // proportional to the age (Lindy). The mean of that chance over the time ahead weighs the two levels.
    const double everything = (level_.bytes + before_.bytes) / (level_.seconds + before_.seconds);
    const double ahead = remaining / std::sqrt(everything * mean);
    const double age = persistence_ * level_.seconds;
    const double weight = ahead > 0 ? age / ahead * std::log1p(ahead / age) : 1;
    mean = std::exp(weight * std::log(mean) + (1 - weight) * std::log(everything));
  }
  const double present = std::max(fast_ / fast_weight_, kFloor * mean) / mean;
  // Bytes that have come after x seconds, in units of the mean rate: x + (present - 1) r (1 - e^(-x / r)).
  // Newton's method; the function is increasing and bends one way only, so it converges from either side.
  const double target = remaining / mean;
  double x = target;
  for (int i = 0; i < 4; ++i) {
    const double decay = std::exp(-x / kReversion);
    const double came = x + (present - 1) * kReversion * (1 - decay);
    x = std::max(x - (came - target) / (1 + (present - 1) * decay), 0.0);
  }
  predicted_ = x;

  const double deviations =
      std::max(0.0, all_.squares - (all_.count > 0 ? all_.sum * all_.sum / all_.count : 0));
  const double spread = (deviations + kSpreadPrior * kSpreadPriorCount) / (all_.count + kSpreadPriorCount);
  const double behind = level_.seconds + before_.seconds;
  sigma_ = std::sqrt(kSigmaFloor +
                     spread * (kDrift + kAhead / (x + kAheadOffset) + kBehind / (behind + kBehindOffset)));

  const double now = static_cast<double>(ticks_) * kTick;
  const double band = std::exp(kBand + kBandSigmas * sigma_);
  if (must_jump_) {
    shown_ = predicted_;
    must_jump_ = false;
  } else {
    shown_ = std::clamp(shown_ - (now - shown_at_), predicted_ / band, predicted_ * band);
  }
  shown_at_ = now;
}

}  // namespace candor
