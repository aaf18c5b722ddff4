#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace candor {

/// SHA-256 (FIPS 180-4) of a stream. Copying keeps the state, so a copy is a point to come back to.
class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  /// Takes the next bytes; any length, any number of calls.
  void update(std::span<const std::uint8_t> bytes);
  /// The digest of everything taken so far; the stream may go on afterwards.
  Digest digest() const;
  /// Bytes taken so far.
  std::uint64_t length() const { return length_; }

 private:
  std::array<std::uint32_t, 8> state_{0x6a09e667U, 0xbb67ae85U, 0x3c6ef372U, 0xa54ff53aU,
                                      0x510e527fU, 0x9b05688cU, 0x1f83d9abU, 0x5be0cd19U};
  std::uint64_t length_ = 0;
  std::array<std::uint8_t, 64> tail_{};
};

/// Lower-case hexadecimal digits.
std::string to_hex(std::span<const std::uint8_t> bytes);
/// The SHA-256 of a text as 64 such digits.
std::string sha256_of(std::string_view text);

}  // namespace candor
