#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "candor/transfer/block_hash.hpp"

namespace candor {

/// SHA-256 (FIPS 180-4) of a stream.
class Sha256 : public BlockHash {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  Sha256();
  /// The digest of everything taken so far; the stream may go on afterwards.
  Digest digest() const;
};

/// The SHA-256 of a text as hexadecimal digits.
std::string sha256_of(std::string_view text);

}  // namespace candor
