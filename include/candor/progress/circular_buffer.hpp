#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace candor {

/// The last `capacity` items pushed, oldest first. Memory is taken once, in the constructor.
template <typename T>
class CircularBuffer {
 public:
  /// `capacity` may be 0: such a buffer keeps nothing.
  explicit CircularBuffer(std::size_t capacity) : capacity_(capacity) { items_.reserve(capacity); }

  /// Adds an item; the oldest one leaves if the buffer is full.
  void push(T item) {
    if (capacity_ == 0) return;
    if (items_.size() < capacity_) {
      items_.push_back(std::move(item));
    } else {
      items_[oldest_] = std::move(item);
      oldest_ = (oldest_ + 1) % capacity_;
    }
  }

  std::size_t size() const { return items_.size(); }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return items_.empty(); }
  bool full() const { return items_.size() == capacity_; }

  /// The i-th oldest item; `i` must be below `size()`.
  const T& operator[](std::size_t i) const { return items_[(oldest_ + i) % items_.size()]; }
  T& operator[](std::size_t i) { return items_[(oldest_ + i) % items_.size()]; }

  const T& front() const { return (*this)[0]; }
  const T& back() const { return (*this)[size() - 1]; }

  /// The mean of `accessor(item)`, 0 for an empty buffer.
  template <typename Accessor>
  double average(Accessor accessor) const {
    if (items_.empty()) return 0;
    double sum = 0;
    for (const T& item : items_) sum += static_cast<double>(accessor(item));
    return sum / static_cast<double>(items_.size());
  }

  void clear() {
    items_.clear();
    oldest_ = 0;
  }

 private:
  std::size_t capacity_;
  std::size_t oldest_ = 0;
  std::vector<T> items_;
};

}  // namespace candor
