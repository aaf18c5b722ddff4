#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace candor {

/// SHA-1 (FIPS 180-4) of a stream. Only good enough to compare with the object names of git.
class Sha1 {
 public:
  using Digest = std::array<std::uint8_t, 20>;

  /// A stream that has already taken git's blob header, so that digest() is the object name of `size` bytes.
  static Sha1 git_blob(std::uint64_t size);

  void update(std::span<const std::uint8_t> bytes);
  /// The digest of everything taken so far; the stream may go on afterwards.
  Digest digest() const;

 private:
  std::array<std::uint32_t, 5> state_{0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U, 0xc3d2e1f0U};
  std::uint64_t length_ = 0;
  std::array<std::uint8_t, 64> tail_{};
};

}  // namespace candor
