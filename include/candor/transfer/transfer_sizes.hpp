#pragma once

#include <cstdint>

namespace candor {

/// The sizes in bytes that a download works with. Tests make all of them smaller, so that small files show
/// everything.
struct TransferSizes {
  /// What one request asks for at least.
  std::uint64_t smallest_range = 1U << 20U;
  /// Up to here a file comes in one request without a range, so that the server may compress it.
  std::uint64_t whole_file = 1U << 20U;
  /// Distance of the points that a checksum can go back to, and the grain in which damage is found; a
  /// multiple of 64. Costs 104 bytes of memory each.
  std::uint64_t mark = 4U << 20U;
  /// One read; short, so that the network is served in between.
  std::uint64_t read = 1U << 20U;
  /// The journal is never more than this behind, and not more than `journal_soon` for long.
  std::uint64_t journal = 8U << 20U;
  std::uint64_t journal_soon = 256U << 10U;
  /// Stored bytes in order that the checksum has not reached: with more, only one connection is used.
  std::uint64_t backlog = 48U << 20U;
  /// A connection that brought at least this much before it broke is renewed at once.
  std::uint64_t crumb = 32U << 10U;

  /// Everything `divisor` times smaller; a power of two up to 65,536.
  constexpr TransferSizes scaled_down(std::uint64_t divisor) const {
    TransferSizes s = *this;
    for (std::uint64_t* size : {&s.smallest_range, &s.whole_file, &s.mark, &s.read, &s.journal,
                                &s.journal_soon, &s.backlog, &s.crumb}) {
      *size /= divisor;
      if (*size == 0) *size = 1;
    }
    return s;
  }
};

}  // namespace candor
