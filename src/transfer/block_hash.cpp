#include "candor/transfer/block_hash.hpp"

#include <algorithm>

namespace candor {

void BlockHash::update(std::span<const std::uint8_t> bytes) {
  const std::size_t filled = static_cast<std::size_t>(length_ % 64);
  length_ += bytes.size();
  if (filled != 0) {
    const std::size_t taken = std::min(bytes.size(), 64 - filled);
    std::copy_n(bytes.begin(), taken, tail_.begin() + static_cast<std::ptrdiff_t>(filled));
    bytes = bytes.subspan(taken);
    if (filled + taken < 64) return;
    compress_(state_, tail_.data(), 1);
  }
  const std::size_t blocks = bytes.size() / 64;
  if (blocks > 0) compress_(state_, bytes.data(), blocks);
  bytes = bytes.subspan(blocks * 64);
  std::copy(bytes.begin(), bytes.end(), tail_.begin());
}

void BlockHash::write_digest(std::span<std::uint8_t> digest) const {
  BlockHash last = *this;
  std::array<std::uint8_t, 72> padding{0x80};
  const std::size_t zeros = static_cast<std::size_t>((119 - length_ % 64) % 64);
  const std::uint64_t bits = length_ * 8;
  for (std::size_t i = 0; i < 8; ++i)
    padding[1 + zeros + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  last.update({padding.data(), 1 + zeros + 8});
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::uint8_t>(last.state_[i / 4] >> (24 - 8 * (i % 4)));
}

std::string BlockHash::hex() const {
  std::array<std::uint8_t, sizeof(State)> digest;
  const auto used = std::span(digest).first(digest_bytes_);
  write_digest(used);
  return to_hex(used);
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace candor
