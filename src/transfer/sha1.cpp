#include "candor/transfer/sha1.hpp"

#include <bit>
#include <string>

#include "base/text.hpp"

namespace candor {
namespace {

// Only files of a few kilobytes come this way, so this is the short form, not the fast one.
void compress_one(std::array<std::uint32_t, 8>& state, const std::uint8_t* data) {
  std::array<std::uint32_t, 80> w;
  for (std::size_t i = 0; i < 16; ++i)
    w[i] = std::uint32_t{data[4 * i]} << 24 | std::uint32_t{data[4 * i + 1]} << 16 |
           std::uint32_t{data[4 * i + 2]} << 8 | std::uint32_t{data[4 * i + 3]};
  for (std::size_t i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  std::uint32_t a = state[0];
  std::uint32_t b = state[1];
  std::uint32_t c = state[2];
  std::uint32_t d = state[3];
  std::uint32_t e = state[4];
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

void compress(std::array<std::uint32_t, 8>& state, const std::uint8_t* data, std::size_t blocks) {
  for (; blocks > 0; --blocks, data += 64) compress_one(state, data);
}

}  // namespace

Sha1 Sha1::git_blob(std::uint64_t size) {
  // git hashes "blob <size>\0" before the content.
  const std::string header = text::joined("blob ", size);
  Sha1 sha1;
  sha1.update({reinterpret_cast<const std::uint8_t*>(header.c_str()), header.size() + 1});
  return sha1;
}

Sha1::Sha1()
    : BlockHash({0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U, 0xc3d2e1f0U}, compress, sizeof(Digest)) {
}

Sha1::Digest Sha1::digest() const {
  Digest digest;
  write_digest(digest);
  return digest;
}

}  // namespace candor
