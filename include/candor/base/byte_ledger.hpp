#pragma once

#include <cstdint>
#include <optional>

namespace candor {

/// What became of the bytes of a file, or of several in sum, since its transfer began. Written by who moves
/// the bytes, read by all who show or judge them: nobody else counts.
///
///     position + discarded == kept + restored + fresh        cached + (fresh ones of position) == position
///     heard() == fresh + repeated + wasted
///
/// `kept`, `restored`, `fresh`, `repeated`, `wasted` and `discarded` only grow.
struct ByteLedger {
  /// Bytes of the whole; absent while unknown.
  std::optional<std::uint64_t> size;
  /// In place now. Falls only by what `discarded` grows.
  std::uint64_t position = 0;
  /// Those of them that did not come over the network in this transfer.
  std::uint64_t cached = 0;
  /// Those of them that went through the checksum (all of `verified` did).
  std::uint64_t hashed = 0;
  /// Those of them that are known to be right.
  std::uint64_t verified = 0;

  /// Were in place when the transfer began.
  std::uint64_t kept = 0;
  /// Had been thrown away, lay on the disk still, and turned out to be good.
  std::uint64_t restored = 0;
  /// Came over the network to where nothing was: what speed is made of.
  std::uint64_t fresh = 0;
  /// Came over the network to where the same bytes were.
  std::uint64_t repeated = 0;
  /// Came over the network and had no place.
  std::uint64_t wasted = 0;
  /// Were in place and were thrown away.
  std::uint64_t discarded = 0;

  /// Bytes of bodies that came over the network, of use or not: silence is when this stands still.
  std::uint64_t heard() const { return fresh + repeated + wasted; }
};

/// Sums up; the size is unknown as soon as one is.
ByteLedger& operator+=(ByteLedger& sum, const ByteLedger& part);

}  // namespace candor
