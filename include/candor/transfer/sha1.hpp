#pragma once

#include <array>
#include <cstdint>

#include "candor/transfer/block_hash.hpp"

namespace candor {

/// SHA-1 (FIPS 180-4) of a stream. Only good enough to compare with the object names of git.
class Sha1 : public BlockHash {
 public:
  using Digest = std::array<std::uint8_t, 20>;

  Sha1();
  /// A stream that has already taken git's blob header, so that the digest is the object name of `size`
  /// bytes.
  static Sha1 git_blob(std::uint64_t size);
  /// The digest of everything taken so far; the stream may go on afterwards.
  Digest digest() const;
};

}  // namespace candor
