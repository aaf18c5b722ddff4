#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace candor {

/// SHA-1 and SHA-256 of a stream: 64 bytes at a time go into a state of 32-bit words, and the end is told by
/// a bit, zeros and the length in bits (FIPS 180-4, 5.1.1). Copying keeps the state, so a copy is a point to
/// come back to.
class BlockHash {
 public:
  /// Takes the next bytes; any length, any number of calls.
  void update(std::span<const std::uint8_t> bytes);
  /// Bytes taken so far.
  std::uint64_t length() const { return length_; }
  /// The digest of everything taken so far in lower-case hexadecimal digits; the stream may go on afterwards.
  std::string hex() const;

 protected:
  using State = std::array<std::uint32_t, 8>;  ///< of which SHA-1 uses five
  using Compress = void (*)(State& state, const std::uint8_t* data, std::size_t blocks);

  BlockHash(const State& initial, Compress compress, std::size_t digest_bytes)
      : state_(initial), compress_(compress), digest_bytes_(digest_bytes) {}
  void write_digest(std::span<std::uint8_t> digest) const;

 private:
  State state_;
  Compress compress_;
  std::size_t digest_bytes_;
  std::uint64_t length_ = 0;
  std::array<std::uint8_t, 64> tail_{};
};

/// Lower-case hexadecimal digits.
std::string to_hex(std::span<const std::uint8_t> bytes);

}  // namespace candor
