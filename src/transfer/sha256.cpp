#include "candor/transfer/sha256.hpp"

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

// Four words at once, which compilers turn into SIMD instructions, in WebAssembly too: the schedule of the
// words is half of the work, and in each step the next four words follow from the sixteen before (FIPS
// 180-4, 6.2.2).
using Words = std::uint32_t __attribute__((vector_size(16)));
using Bytes = std::uint8_t __attribute__((vector_size(16)));

template <int kBits>
Words rotated(Words x) {
  return (x >> kBits) | (x << (32 - kBits));
}

Words sigma0(Words x) { return rotated<7>(x) ^ rotated<18>(x) ^ (x >> 3); }
Words sigma1(Words x) { return rotated<17>(x) ^ rotated<19>(x) ^ (x >> 10); }

Words load_big_endian(const std::uint8_t* from) {
  Bytes bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  if constexpr (std::endian::native == std::endian::little)
    bytes = __builtin_shufflevector(bytes, bytes, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  return (Words)bytes;
}

Words next_words(Words w0, Words w1, Words w2, Words w3) {
  const Words none{};
  const Words t =
      w0 + sigma0(__builtin_shufflevector(w0, w1, 1, 2, 3, 4)) + __builtin_shufflevector(w2, w3, 1, 2, 3, 4);
  // The last two of the four depend on the first two.
  const Words two =
      t + __builtin_shufflevector(sigma1(__builtin_shufflevector(w3, w3, 2, 3, 2, 3)), none, 0, 1, 4, 5);
  return two + __builtin_shufflevector(none, sigma1(two), 0, 1, 4, 5);
}

void round(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t& d, std::uint32_t e,
           std::uint32_t f, std::uint32_t g, std::uint32_t& h, std::uint32_t word) {
  using std::rotr;
  const std::uint32_t t = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + word;
  d += t;
  // The majority of a, b and c; a ^ b is the next round's b ^ c.
  h = t + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + (b ^ ((a ^ b) & (b ^ c)));
}

// The variables change their roles instead of their values.
void rounds(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d, std::uint32_t& e,
            std::uint32_t& f, std::uint32_t& g, std::uint32_t& h, Words words) {
  round(a, b, c, d, e, f, g, h, words[0]);
  round(h, a, b, c, d, e, f, g, words[1]);
  round(g, h, a, b, c, d, e, f, words[2]);
  round(f, g, h, a, b, c, d, e, words[3]);
}

void compress(std::array<std::uint32_t, 8>& state, const std::uint8_t* data, std::size_t blocks) {
  for (; blocks > 0; --blocks, data += 64) {
    Words w0 = load_big_endian(data);
    Words w1 = load_big_endian(data + 16);
    Words w2 = load_big_endian(data + 32);
    Words w3 = load_big_endian(data + 48);
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t i = 0; i < 64; i += 16) {
      Words k[4];
      std::memcpy(k, &kRound[i], sizeof k);
      const Words k0 = w0 + k[0];
      const Words k1 = w1 + k[1];
      const Words k2 = w2 + k[2];
      const Words k3 = w3 + k[3];
      w0 = next_words(w0, w1, w2, w3);
      w1 = next_words(w1, w2, w3, w0);
      w2 = next_words(w2, w3, w0, w1);
      w3 = next_words(w3, w0, w1, w2);
      rounds(a, b, c, d, e, f, g, h, k0);
      rounds(e, f, g, h, a, b, c, d, k1);
      rounds(a, b, c, d, e, f, g, h, k2);
      rounds(e, f, g, h, a, b, c, d, k3);
    }
    state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d,
             state[4] + e, state[5] + f, state[6] + g, state[7] + h};
  }
}

}  // namespace

Sha256::Sha256()
    : BlockHash({0x6a09e667U, 0xbb67ae85U, 0x3c6ef372U, 0xa54ff53aU, 0x510e527fU, 0x9b05688cU, 0x1f83d9abU,
                 0x5be0cd19U},
                compress, sizeof(Digest)) {}

Sha256::Digest Sha256::digest() const {
  Digest digest;
  write_digest(digest);
  return digest;
}

std::string sha256_of(std::string_view text) {
  Sha256 hash;
  hash.update({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return hash.hex();
}

}  // namespace candor
