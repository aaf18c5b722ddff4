#pragma once

// Downloads over recorded throughput, in simulated time. Used by eta.cpp alone; kept apart so that what is
// simulated can be read without how it is scored.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace candor::bench {

/// splitmix64: small, seedable and the same everywhere, unlike the distributions of <random>.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }
  /// From `low` to `high`, evenly.
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(next() >> 11U) * 0x1.0p-53;
  }
  /// From `low` to `high`, evenly in the logarithm.
  double log_uniform(double low, double high) { return std::exp(uniform(std::log(low), std::log(high))); }

 private:
  std::uint64_t state_;
};

/// FNV-1a, so that a run's seed follows from its trace's name and not from the order of files.
inline std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

/// Throughput over time: each row holds until the next; the last row only marks the end; then it starts over.
class Trace {
 public:
  std::string name;

  double duration() const { return times_.back(); }
  double bytes() const { return sums_.back(); }

  /// Bytes delivered from the trace's beginning to `t` (seconds, may go round several times).
  double delivered(double t) const {
    const double rounds = std::floor(t / duration());
    const double in_round = t - rounds * duration();
    const std::size_t row = row_at(in_round);
    return rounds * bytes() + sums_[row] + rates_[row] * (in_round - times_[row]);
  }

  /// When `bytes` since the trace's beginning have been delivered; the inverse of delivered().
  double time_of(double total) const {
    const double rounds = std::floor(total / bytes());
    const double in_round = total - rounds * bytes();
    auto it = std::upper_bound(sums_.begin(), sums_.end(), in_round);
    std::size_t row = it == sums_.begin() ? 0 : static_cast<std::size_t>(it - sums_.begin()) - 1;
    row = std::min(row, rates_.size() - 1);
    // upper_bound passes rows without throughput, so this one has some, unless rounding ended at the very
    // end.
    const double within = rates_[row] > 0 ? (in_round - sums_[row]) / rates_[row] : 0;
    return rounds * duration() + times_[row] + within;
  }

  double rate_at(double t) const { return rates_[row_at(t - std::floor(t / duration()) * duration())]; }

  /// Reads `t_s,bytes_per_s`. Returns an error that names file and line, or nothing.
  std::optional<std::string> read(const std::string& path) {
    std::ifstream in(path);
    if (!in) return path + ": cannot be read";
    std::string line;
    std::size_t number = 0;
    const auto error = [&](const std::string& what) {
      return path + ":" + std::to_string(number) + ": " + what;
    };
    while (std::getline(in, line)) {
      ++number;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (number == 1) {
        if (line != "t_s,bytes_per_s") return error("the header must be t_s,bytes_per_s");
        continue;
      }
      std::istringstream fields(line);
      double t = 0;
      double rate = 0;
      char comma = 0;
      if (!(fields >> t >> comma >> rate) || comma != ',' || !(fields >> std::ws).eof()) {
        return error("expected two numbers, time and bytes per second");
      }
      if (!std::isfinite(t) || !std::isfinite(rate) || rate < 0)
        return error("a number is negative or not finite");
      if (times_.empty() ? t != 0 : t <= times_.back()) return error("times must start at 0 and increase");
      times_.push_back(t);
      rates_.push_back(rate);
    }
    if (times_.size() < 2) return error("a trace needs a row and an end marker");
    rates_.pop_back();  // the end marker holds for no time
    sums_.assign(1, 0);
    for (std::size_t i = 0; i < rates_.size(); ++i)
      sums_.push_back(sums_[i] + rates_[i] * (times_[i + 1] - times_[i]));
    if (sums_.back() <= 0) return error("no byte ever arrives");
    return std::nullopt;
  }

 private:
  std::vector<double> times_;  // one more than rates_
  std::vector<double> rates_;
  std::vector<double> sums_;  // bytes before each time

  std::size_t row_at(double t) const {
    const auto it = std::upper_bound(times_.begin(), times_.end(), t);
    const std::size_t row = it == times_.begin() ? 0 : static_cast<std::size_t>(it - times_.begin()) - 1;
    return std::min(row, rates_.size() - 1);
  }
};

/// One chunk as it reaches the page.
struct Arrival {
  double t;
  std::uint64_t bytes;
};

/// One simulated download. Times are seconds since its start.
struct Download {
  std::vector<Arrival> arrivals;
  std::uint64_t size = 0;
  double duration = 0;  // until the last byte has reached the page
  bool loops = false;   // longer than what was left of the trace
  bool bursty = false;
};

/// Delivers `size` bytes from `start` on. The chunks and the moments of delivery come from `random`.
inline Download simulate(const Trace& trace, double start, double size, bool bursty, Random random) {
  constexpr double kMinChunk = 64 * 1024;
  constexpr double kMaxChunk = 1024 * 1024;
  Download run;
  run.size = static_cast<std::uint64_t>(size);
  run.bursty = bursty;
  const double before = trace.delivered(start);
  std::uint64_t sent = 0;
  double t = 0;
  double drain = bursty ? random.uniform(0.080, 0.400) : 0;
  while (sent < run.size) {
    const double wanted = trace.rate_at(start + t) * random.log_uniform(0.020, 0.250);
    const auto chunk = static_cast<std::uint64_t>(std::clamp(wanted, kMinChunk, kMaxChunk));
    const std::uint64_t bytes = std::min(chunk, run.size - sent);
    sent += bytes;
    t = std::max(t, trace.time_of(before + static_cast<double>(sent)) - start);
    if (bursty) {
      while (drain < t) drain += random.uniform(0.080, 0.400);
      run.arrivals.push_back({drain, bytes});
    } else {
      run.arrivals.push_back({t, bytes});
    }
  }
  run.duration = run.arrivals.back().t;
  run.loops = t > trace.duration();
  return run;
}

/// The runs of one trace: three starts, three sizes, both ways of delivery.
inline std::vector<Download> downloads_of(const Trace& trace) {
  constexpr double kSizes[] = {25e6, 250e6, 2e9};
  std::vector<Download> runs;
  for (int third = 0; third < 3; ++third) {
    const double start = trace.duration() * third / 3;
    const double before = trace.delivered(start);
    for (const double nominal : kSizes) {
      Random random(hash_of(trace.name + "/" + std::to_string(third) + "/" +
                            std::to_string(static_cast<long>(nominal))));
      double size = nominal;
      const double duration = trace.time_of(before + size) - start;
      if (duration > 3 * 3600) continue;
      double wanted = duration;
      if (duration < 20) wanted = random.uniform(20, 60);
      if (duration > 1800) wanted = random.uniform(900, 1800);
      if (wanted != duration) size = trace.delivered(start + wanted) - before;
      for (const bool bursty : {false, true}) runs.push_back(simulate(trace, start, size, bursty, random));
    }
  }
  return runs;
}

}  // namespace candor::bench
