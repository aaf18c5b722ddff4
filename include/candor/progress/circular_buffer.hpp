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
  explicit CircularBuffer(std::size_t capacity) : items_(capacity) {}

  /// Adds an item; the oldest one leaves if the buffer is full.
  void push(T item) {
    if (items_.empty()) return;
    items_[place(size_)] = std::move(item);
    if (full()) {
      oldest_ = place(1);
    } else {
      ++size_;
    }
  }

  /// All but the `count` latest items leave.
  void keep_latest(std::size_t count) {
    if (count >= size_) return;
    oldest_ = place(size_ - count);
    size_ = count;
  }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return items_.size(); }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == capacity(); }

  /// The i-th oldest item; `i` must be below `size()`.
  const T& operator[](std::size_t i) const { return items_[place(i)]; }
  T& operator[](std::size_t i) { return items_[place(i)]; }

  const T& front() const { return (*this)[0]; }
  const T& back() const { return (*this)[size_ - 1]; }

  /// The mean of `accessor(item)`, 0 for an empty buffer.
  template <typename Accessor>
  double average(Accessor accessor) const {
    if (empty()) return 0;
    double sum = 0;
    for (std::size_t i = 0; i < size_; ++i) sum += static_cast<double>(accessor((*this)[i]));
    return sum / static_cast<double>(size_);
  }

  void clear() { size_ = 0; }

 private:
  std::vector<T> items_;
  std::size_t oldest_ = 0;
  std::size_t size_ = 0;

  // Of the i-th oldest; cheaper than a division.
  std::size_t place(std::size_t i) const {
    const std::size_t at = oldest_ + i;
    return at < capacity() ? at : at - capacity();
  }
};

}  // namespace candor
