#include "candor/transfer/byte_ranges.hpp"

#include <algorithm>

namespace candor {

std::uint64_t ByteRanges::add(ByteRange range) {
  if (range.length() == 0) return 0;
  // Everything that overlaps or touches the new range melts into it.
  std::uint64_t held = 0;
  std::vector<ByteRange> before;
  std::vector<ByteRange> after;
  for (const ByteRange& r : ranges_) {
    if (r.end < range.first) {
      before.push_back(r);
    } else if (r.first > range.end) {
      after.push_back(r);
    } else {
      range.first = std::min(range.first, r.first);
      range.end = std::max(range.end, r.end);
      held += r.length();
    }
  }
  before.push_back(range);
  for (const ByteRange& r : after) before.push_back(r);
  ranges_ = std::move(before);
  const std::uint64_t added = range.length() - held;
  total_ += added;
  return added;
}

std::uint64_t ByteRanges::remove(ByteRange range) {
  std::uint64_t removed = 0;
  std::vector<ByteRange> left;
  for (const ByteRange& r : ranges_) {
    const ByteRange before{r.first, std::min(r.end, range.first)};
    const ByteRange after{std::max(r.first, range.end), r.end};
    if (range.length() == 0 || r.end <= range.first || r.first >= range.end) {
      left.push_back(r);
      continue;
    }
    if (before.length() > 0) left.push_back(before);
    if (after.length() > 0) left.push_back(after);
    removed += r.length() - before.length() - after.length();
  }
  ranges_ = std::move(left);
  total_ -= removed;
  return removed;
}

std::uint64_t ByteRanges::overlap(ByteRange range) const {
  std::uint64_t bytes = 0;
  for (const ByteRange& r : ranges_)
    bytes += ByteRange{std::max(r.first, range.first), std::min(r.end, range.end)}.length();
  return bytes;
}

std::uint64_t ByteRanges::contiguous_end(std::uint64_t offset) const {
  for (const ByteRange& r : ranges_)
    if (r.first <= offset && offset < r.end) return r.end;
  return offset;
}

std::vector<ByteRange> ByteRanges::gaps(std::uint64_t limit) const {
  std::vector<ByteRange> result;
  std::uint64_t at = 0;
  for (const ByteRange& r : ranges_) {
    if (r.first >= limit) break;
    if (r.first > at) result.push_back({at, r.first});
    at = r.end;
  }
  if (at < limit) result.push_back({at, limit});
  return result;
}

}  // namespace candor
