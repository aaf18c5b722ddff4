#pragma once

#include <cstdint>
#include <vector>

namespace candor {

/// Bytes from `first` up to, not including, `end`.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  std::uint64_t length() const { return end > first ? end - first : 0; }
  bool operator==(const ByteRange&) const = default;
};

/// A set of bytes of one file, kept as disjoint ascending ranges that do not touch each other.
class ByteRanges {
 public:
  /// Adds a range; returns how many of its bytes were new.
  std::uint64_t add(ByteRange range);
  /// Takes a range out; returns how many bytes that removed.
  std::uint64_t remove(ByteRange range);

  /// Bytes of `range` that are in the set.
  std::uint64_t overlap(ByteRange range) const;
  /// End of the unbroken run that contains `offset`; `offset` itself when that byte is not in the set.
  std::uint64_t contiguous_end(std::uint64_t offset) const;
  /// Everything below `limit` that is not in the set.
  std::vector<ByteRange> gaps(std::uint64_t limit) const;
  /// Number of bytes in the set.
  std::uint64_t total() const { return total_; }
  const std::vector<ByteRange>& ranges() const { return ranges_; }

 private:
  std::vector<ByteRange> ranges_;
  std::uint64_t total_ = 0;
};

}  // namespace candor
