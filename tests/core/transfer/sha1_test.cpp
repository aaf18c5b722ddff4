#include "candor/transfer/sha1.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "candor/transfer/sha256.hpp"

namespace candor {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string sha1(std::string_view text) {
  Sha1 sha;
  sha.update(bytes_of(text));
  return to_hex(sha.digest());
}

TEST(Sha1, GivesThePublishedDigests) {
  EXPECT_EQ(sha1(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TEST(Sha1, PadsEveryLengthAroundABlock) {
  // A digest of all digests of 0 to 200 bytes, computed with another implementation (Python's hashlib).
  Sha1 all;
  std::vector<std::uint8_t> bytes;
  for (unsigned n = 0; n <= 200; ++n) {
    Sha1 one;
    one.update(bytes);
    const auto digest = one.digest();
    all.update(digest);
    bytes.push_back(static_cast<std::uint8_t>(n));
  }
  EXPECT_EQ(to_hex(all.digest()), "30f906e3c78b841ee4b73d0cb2850660435758b3");
}

TEST(Sha1, NamesABlobAsGitDoes) {
  // `printf 'hello\n' | git hash-object --stdin`, and the empty blob.
  Sha1 hello = Sha1::git_blob(6);
  hello.update(bytes_of("hello\n"));
  EXPECT_EQ(to_hex(hello.digest()), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(to_hex(Sha1::git_blob(0).digest()), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

}  // namespace
}  // namespace candor
