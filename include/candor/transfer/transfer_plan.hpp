#pragma once

#include <cstdint>
#include <optional>

#include "candor/base/time.hpp"
#include "candor/transfer/transfer_sizes.hpp"

namespace candor {

/// How many connections to use and how much each should ask for. Climbs while throughput grows, steps back
/// when it does not.
///
/// One measurement compares the rate of a window with that of the level below; a level that brought less than
/// kWorthwhile more is given up again, and the question is asked anew after kSettle, because links change.
class TransferPlan {
 public:
  static constexpr double kWorthwhile = 1.08;
  /// Two connections that bring this many times as much as one are each held to a pace of its own, so all are
  /// used.
  static constexpr double kAlike = 1.7;
  /// A window is at least this long, and longer where the network answers slowly or few pieces arrive.
  static constexpr Seconds kWindow{0.1};
  static constexpr Seconds kSettle{8};
  /// Connections that bring this many bytes per second each are enough: soon the checksum and the disk set
  /// the pace, and more could only bring bytes out of order, which have to be read back for the checksum.
  static constexpr double kEnough = 32e6;

  explicit TransferPlan(unsigned max_connections = 6, const TransferSizes& sizes = {});

  /// A request was answered after this time.
  void answered(Seconds after);
  /// Time from a request to its answer, as it was lately; 0 before the first.
  Seconds latency() const { return latency_; }
  /// Bytes arrived. `active`: requests that are in their bodies now.
  void received(std::uint64_t bytes, unsigned active, Instant now);
  /// Nothing more to learn from the bytes so far: connections broke or were paused.
  void restart();
  /// The server asked for less: one connection from now on, until restart().
  void yield();

  /// What was learnt came from a connection that brought next to nothing: goes on from the present level.
  void ask_again();
  /// The server refused a connection beside so many others (at least 1): there will never be more.
  void limit(unsigned connections);

  /// Whether the server asked for less: then small files wait for their turn, too.
  bool yielded() const { return yielded_ || limited_; }
  /// Connections wanted now, 1..max.
  unsigned target() const { return target_; }
  /// Bytes that the next request should ask for, when `missing` bytes of its file have no request yet: one
  /// connection asks for all of them, and what is left is divided when more are wanted.
  std::uint64_t range_size(std::uint64_t missing) const;

 private:
  void climb();

  TransferSizes sizes_;
  unsigned max_;
  unsigned target_ = 1;
  unsigned below_ = 1;  ///< the level to step back to
  bool yielded_ = false;
  bool limited_ = false;
  bool climbing_ = true;
  bool doubtful_ = false;  ///< the level brought too little in its first window
  Seconds latency_{0};
  std::optional<Instant> window_start_;
  std::uint64_t window_pieces_ = 0;
  std::uint64_t window_bytes_ = 0;
  double rate_below_ = 0;  ///< bytes_per_second at that level
  double rate_ = 0;        ///< bytes_per_second of the last window
  Instant settled_at_{};
};

}  // namespace candor
