#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace candor::wire {

/// Where JavaScript puts bytes or numbers before it says how many came. It grows and never shrinks; the
/// address changes with it, so JavaScript asks for it each time.
template <typename T>
class Buffer {
 public:
  /// The address of room for at least `count` items.
  std::uintptr_t address(std::size_t count) {
    if (count > items_.size()) items_ = std::vector<T>(count);
    return reinterpret_cast<std::uintptr_t>(items_.data());
  }
  /// The first items; never more than there is room for.
  std::span<T> first(std::size_t count) { return std::span(items_).first(std::min(items_.size(), count)); }

 private:
  std::vector<T> items_;
};

}  // namespace candor::wire
