#include "candor/transfer/sha1.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "base/text.hpp"

namespace candor {
namespace {

// Only files of a few kilobytes come this way, so this is the short form, not the fast one.
void compress(std::array<std::uint32_t, 5>& state, const std::uint8_t* data) {
  std::array<std::uint32_t, 80> w;
  for (std::size_t i = 0; i < 16; ++i)
    w[i] = std::uint32_t{data[4 * i]} << 24 | std::uint32_t{data[4 * i + 1]} << 16 |
           std::uint32_t{data[4 * i + 2]} << 8 | std::uint32_t{data[4 * i + 3]};
  for (std::size_t i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    std::uint32_t f;
    if (i < 20)
      f = ((b & c) | (~b & d)) + 0x5a827999U;
    else if (i < 40)
      f = (b ^ c ^ d) + 0x6ed9eba1U;
    else if (i < 60)
      f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcU;
    else
      f = (b ^ c ^ d) + 0xca62c1d6U;
    const std::uint32_t next = std::rotl(a, 5) + f + e + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

}  // namespace

Sha1 Sha1::git_blob(std::uint64_t size) {
  // git hashes "blob <size>\0" before the content.
  const std::string header = text::joined("blob ", size);
  Sha1 sha1;
  sha1.update({reinterpret_cast<const std::uint8_t*>(header.c_str()), header.size() + 1});
  return sha1;
}

void Sha1::update(std::span<const std::uint8_t> bytes) {
  std::size_t filled = static_cast<std::size_t>(length_ % 64);
  length_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), 64 - filled);
    std::copy_n(bytes.begin(), taken, tail_.begin() + static_cast<std::ptrdiff_t>(filled));
    bytes = bytes.subspan(taken);
    filled += taken;
    if (filled < 64) return;
    compress(state_, tail_.data());
    filled = 0;
  }
}

Sha1::Digest Sha1::digest() const {
  Sha1 last = *this;
  std::array<std::uint8_t, 72> padding{0x80};
  const std::size_t zeros = static_cast<std::size_t>((119 - length_ % 64) % 64);
  const std::uint64_t bits = length_ * 8;
  for (std::size_t i = 0; i < 8; ++i)
    padding[1 + zeros + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  last.update({padding.data(), 1 + zeros + 8});
  Digest digest;
  for (std::size_t i = 0; i < 20; ++i)
    digest[i] = static_cast<std::uint8_t>(last.state_[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

}  // namespace candor
