#pragma once

// The estimators that others ship, each written anew from its published algorithm. Times are seconds since
// the start of the download, `loaded` and `total` bytes. A prediction that is not finite counts as missing.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <optional>

#include "candor/progress/eta_estimator.hpp"

namespace candor::bench {

inline constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

class Predictor {
 public:
  virtual ~Predictor() = default;
  /// A chunk arrived; `loaded` includes it.
  virtual void record(double t, double bytes, double loaded, double total) = 0;
  virtual double predict(double t, double loaded, double total) = 0;
  /// The 80 % range of the last prediction, for those that have one.
  virtual std::optional<EtaEstimate> range() const { return std::nullopt; }
};

/// curl and GNU wget: all bytes over all time.
class OverallAverage : public Predictor {
 public:
  void record(double, double, double, double) override {}
  double predict(double t, double loaded, double total) override {
    return loaded > 0 ? (total - loaded) * t / loaded : kNothing;
  }
};

/// The original sketch: the mean of the last five speeds, one speed an event, computed when an event comes.
class OriginalSketch : public Predictor {
 public:
  void record(double t, double bytes, double loaded, double total) override {
    if (started_) {
      speeds_.push_back(bytes / (t - last_));
      if (speeds_.size() > 5) speeds_.pop_front();
      double sum = 0;
      for (const double speed : speeds_) sum += speed;
      shown_ = std::ceil((total - loaded) / (sum / static_cast<double>(speeds_.size())));
    }
    started_ = true;
    last_ = t;
  }
  double predict(double, double, double) override { return shown_ > 0 ? shown_ : kNothing; }

 private:
  std::deque<double> speeds_;
  double last_ = 0;
  double shown_ = kNothing;
  bool started_ = false;
};

/// tqdm: exponential means (smoothing 0.3) of the bytes and of the time between two redraws, at least 0.1 s
/// apart.
class Tqdm : public Predictor {
 public:
  void record(double t, double bytes, double, double) override {
    bytes_ += bytes;
    if (t - last_ < 0.1) return;
    mean_bytes_.add(bytes_);
    mean_time_.add(t - last_);
    bytes_ = 0;
    last_ = t;
  }
  double predict(double t, double loaded, double total) override {
    const double rate = mean_time_.calls > 0 ? mean_bytes_.value() / mean_time_.value() : loaded / t;
    return rate > 0 ? (total - loaded) / rate : kNothing;
  }

 private:
  struct Mean {
    double last = 0;
    int calls = 0;
    void add(double x) {
      last = 0.3 * x + 0.7 * last;
      ++calls;
    }
    double value() const { return last / (1 - std::pow(0.7, calls)); }
  };
  Mean mean_bytes_;
  Mean mean_time_;
  double bytes_ = 0;
  double last_ = 0;
};

/// indicatif: an exponentially weighted rate (a tenth of the weight after 15 s), smoothed twice, silence
/// included.
class Indicatif : public Predictor {
 public:
  void record(double t, double bytes, double, double) override {
    pending_ += bytes;
    const double dt = t - last_;
    if (dt <= 0) return;
    const double w = weight(dt);
    smooth_ = smooth_ * w + pending_ / dt * (1 - w);
    const double normalized = smooth_ / (1 - weight(t));
    twice_ = twice_ * w + normalized * (1 - w);
    pending_ = 0;
    last_ = t;
  }
  double predict(double t, double loaded, double total) override {
    const double rate = twice_ * weight(t - last_) / (1 - weight(t));
    return rate > 0 ? (total - loaded) / rate : kNothing;
  }

 private:
  static double weight(double age) { return std::pow(0.1, age / 15); }
  double smooth_ = 0;
  double twice_ = 0;
  double pending_ = 0;
  double last_ = 0;
};

/// Chromium's downloads: ten buckets of one second; their sum over the time since the oldest one began.
class Chromium : public Predictor {
 public:
  void record(double t, double bytes, double, double) override {
    advance(t);
    buckets_[static_cast<std::size_t>(now_ % 10)] += bytes;
  }
  double predict(double t, double loaded, double total) override {
    advance(t);
    double sum = 0;
    for (const double bucket : buckets_) sum += bucket;
    const double rate = sum / static_cast<double>(std::min<long>(now_ + 1, 10));
    return rate > 0 ? (total - loaded) / rate : kNothing;
  }

 private:
  void advance(double t) {
    const long second = static_cast<long>(t);
    while (now_ < second) buckets_[static_cast<std::size_t>(++now_ % 10)] = 0;
  }
  std::array<double, 10> buckets_{};
  long now_ = 0;
};

/// Uppy's status bar: exponential means with a half-life of 2 s, of the speed and again of the ETA, which
/// otherwise counts down; both only move when new bytes are seen, looked for every half second.
class Uppy : public Predictor {
 public:
  void record(double t, double, double loaded, double total) override {
    if (t - last_ < 0.5 && started_) return;
    const double dt = t - last_;
    const double fresh = loaded - seen_;
    if (dt <= 0 || fresh <= 0) return;
    const double speed = fresh / dt;
    speed_ = started_ ? smooth(speed, speed_, dt) : speed;
    const double eta = (total - loaded) / speed_;
    eta_ = started_ ? smooth(eta, std::max(eta_ - dt, 0.0), dt) : eta;
    started_ = true;
    seen_ = loaded;
    last_ = t;
  }
  double predict(double, double, double) override { return started_ ? std::round(eta_ * 10) / 10 : kNothing; }

 private:
  static double smooth(double value, double before, double dt) {
    return value + (before - value) * std::exp2(-dt / 2);
  }
  double speed_ = 0;
  double eta_ = 0;
  double seen_ = 0;
  double last_ = 0;
  bool started_ = false;
};

/// hls.js: the smaller of two exponential means weighted by duration, half-lives 3 s and 9 s; a sample lasts
/// at least 50 ms.
class HlsJs : public Predictor {
 public:
  void record(double t, double bytes, double, double) override {
    const double duration = std::max(t - last_, 0.05);
    fast_.add(duration, bytes / duration);
    slow_.add(duration, bytes / duration);
    last_ = t;
  }
  double predict(double, double loaded, double total) override {
    if (fast_.weight <= 0) return kNothing;
    return (total - loaded) / std::min(fast_.value(), slow_.value());
  }

 private:
  struct Mean {
    explicit Mean(double half_life) : decay(std::exp2(-1 / half_life)) {}
    void add(double seconds, double value) {
      const double keep = std::pow(decay, seconds);
      estimate = value * (1 - keep) + keep * estimate;
      weight += seconds;
    }
    double value() const { return estimate / (1 - std::pow(decay, weight)); }
    double decay;
    double estimate = 0;
    double weight = 0;
  };
  Mean fast_{3};
  Mean slow_{9};
  double last_ = 0;
};

/// FESTIVE: the harmonic mean of the throughput of the last 20 segments, here of 4 MB (some seconds of
/// video).
class HarmonicMean : public Predictor {
 public:
  void record(double t, double bytes, double, double) override {
    advance(t);
    bytes_ += bytes;
  }
  double predict(double t, double loaded, double total) override {
    advance(t);
    if (samples_.empty()) return loaded > 0 ? (total - loaded) * t / loaded : kNothing;
    double sum = 0;
    for (const double sample : samples_) sum += 1 / sample;
    return (total - loaded) * sum / static_cast<double>(samples_.size());
  }

 private:
  static constexpr double kSegment = 4e6;
  void advance(double t) {
    if (t <= last_ || bytes_ < kSegment) return;
    samples_.push_back(bytes_ / (t - last_));
    if (samples_.size() > 20) samples_.pop_front();
    bytes_ = 0;
    last_ = t;
  }
  std::deque<double> samples_;
  double bytes_ = 0;
  double last_ = 0;
};

}  // namespace candor::bench
