#include "candor/sha256.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace candor {
namespace {

constexpr std::array<std::uint32_t, 64> kRound = {
    0x428a2f98U, 0x71374491U, 0xb5c0fbcfU, 0xe9b5dba5U, 0x3956c25bU, 0x59f111f1U, 0x923f82a4U, 0xab1c5ed5U,
    0xd807aa98U, 0x12835b01U, 0x243185beU, 0x550c7dc3U, 0x72be5d74U, 0x80deb1feU, 0x9bdc06a7U, 0xc19bf174U,
    0xe49b69c1U, 0xefbe4786U, 0x0fc19dc6U, 0x240ca1ccU, 0x2de92c6fU, 0x4a7484aaU, 0x5cb0a9dcU, 0x76f988daU,
    0x983e5152U, 0xa831c66dU, 0xb00327c8U, 0xbf597fc7U, 0xc6e00bf3U, 0xd5a79147U, 0x06ca6351U, 0x14292967U,
    0x27b70a85U, 0x2e1b2138U, 0x4d2c6dfcU, 0x53380d13U, 0x650a7354U, 0x766a0abbU, 0x81c2c92eU, 0x92722c85U,
    0xa2bfe8a1U, 0xa81a664bU, 0xc24b8b70U, 0xc76c51a3U, 0xd192e819U, 0xd6990624U, 0xf40e3585U, 0x106aa070U,
    0x19a4c116U, 0x1e376c08U, 0x2748774cU, 0x34b0bcb5U, 0x391c0cb3U, 0x4ed8aa4aU, 0x5b9cca4fU, 0x682e6ff3U,
    0x748f82eeU, 0x78a5636fU, 0x84c87814U, 0x8cc70208U, 0x90befffaU, 0xa4506cebU, 0xbef9a3f7U, 0xc67178f2U};

std::uint32_t load_big_endian(const std::uint8_t* from) {
  std::uint32_t word;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap32(word);
  return word;
}

// Eight rounds with the names of the variables turned instead of their values, which saves the moves; the
// schedule lives in sixteen words that are renewed in place.
void compress(std::array<std::uint32_t, 8>& state, const std::uint8_t* data, std::size_t blocks) {
  std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  std::uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (; blocks > 0; --blocks, data += 64) {
    std::uint32_t w[16];
    for (unsigned i = 0; i < 16; ++i) w[i] = load_big_endian(data + 4 * i);
    const std::uint32_t a0 = a, b0 = b, c0 = c, d0 = d, e0 = e, f0 = f, g0 = g, h0 = h;

#define CANDOR_ROUND(A, B, C, D, E, F, G, H, word, i)                                            \
  {                                                                                              \
    const std::uint32_t t = H + (std::rotr(E, 6) ^ std::rotr(E, 11) ^ std::rotr(E, 25)) +        \
                            (G ^ (E & (F ^ G))) + kRound[i] + (word);                            \
    D += t;                                                                                      \
    H = t + (std::rotr(A, 2) ^ std::rotr(A, 13) ^ std::rotr(A, 22)) + ((A & B) | (C & (A | B))); \
  }
#define CANDOR_SCHEDULE(i)                                                                           \
  (w[(i)&15] +=                                                                                      \
   w[((i) + 9) & 15] +                                                                               \
   (std::rotr(w[((i) + 1) & 15], 7) ^ std::rotr(w[((i) + 1) & 15], 18) ^ (w[((i) + 1) & 15] >> 3)) + \
   (std::rotr(w[((i) + 14) & 15], 17) ^ std::rotr(w[((i) + 14) & 15], 19) ^ (w[((i) + 14) & 15] >> 10)))
#define CANDOR_EIGHT(word, i)                                  \
  CANDOR_ROUND(a, b, c, d, e, f, g, h, word(i), i)             \
  CANDOR_ROUND(h, a, b, c, d, e, f, g, word((i) + 1), (i) + 1) \
  CANDOR_ROUND(g, h, a, b, c, d, e, f, word((i) + 2), (i) + 2) \
  CANDOR_ROUND(f, g, h, a, b, c, d, e, word((i) + 3), (i) + 3) \
  CANDOR_ROUND(e, f, g, h, a, b, c, d, word((i) + 4), (i) + 4) \
  CANDOR_ROUND(d, e, f, g, h, a, b, c, word((i) + 5), (i) + 5) \
  CANDOR_ROUND(c, d, e, f, g, h, a, b, word((i) + 6), (i) + 6) \
  CANDOR_ROUND(b, c, d, e, f, g, h, a, word((i) + 7), (i) + 7)
#define CANDOR_FIRST(i) w[i]

    CANDOR_EIGHT(CANDOR_FIRST, 0)
    CANDOR_EIGHT(CANDOR_FIRST, 8)
    for (unsigned i = 16; i < 64; i += 16) {
      CANDOR_EIGHT(CANDOR_SCHEDULE, i)
      CANDOR_EIGHT(CANDOR_SCHEDULE, i + 8)
    }
#undef CANDOR_FIRST
#undef CANDOR_EIGHT
#undef CANDOR_SCHEDULE
#undef CANDOR_ROUND

    a += a0, b += b0, c += c0, d += d0, e += e0, f += f0, g += g0, h += h0;
  }
  state = {a, b, c, d, e, f, g, h};
}

}  // namespace

void Sha256::update(std::span<const std::uint8_t> bytes) {
  const std::size_t filled = static_cast<std::size_t>(length_ % 64);
  length_ += bytes.size();
  if (filled != 0) {
    const std::size_t taken = std::min(bytes.size(), 64 - filled);
    std::copy_n(bytes.begin(), taken, tail_.begin() + static_cast<std::ptrdiff_t>(filled));
    bytes = bytes.subspan(taken);
    if (filled + taken < 64) return;
    compress(state_, tail_.data(), 1);
  }
  const std::size_t blocks = bytes.size() / 64;
  if (blocks > 0) compress(state_, bytes.data(), blocks);
  bytes = bytes.subspan(blocks * 64);
  std::copy(bytes.begin(), bytes.end(), tail_.begin());
}

Sha256::Digest Sha256::digest() const {
  Sha256 last = *this;
  std::array<std::uint8_t, 72> padding{0x80};
  const std::size_t zeros = static_cast<std::size_t>((119 - length_ % 64) % 64);
  const std::uint64_t bits = length_ * 8;
  for (std::size_t i = 0; i < 8; ++i)
    padding[1 + zeros + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  last.update({padding.data(), 1 + zeros + 8});
  Digest digest;
  for (std::size_t i = 0; i < 32; ++i)
    digest[i] = static_cast<std::uint8_t>(last.state_[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
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
