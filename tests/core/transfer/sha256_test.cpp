#include "candor/transfer/sha256.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace candor {
namespace {

std::string sha256(std::string_view text) {
  Sha256 sha;
  sha.update({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return to_hex(sha.digest());
}

// The examples of FIPS 180-4's companion document (NIST, "SHA256.pdf").
TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotCareHowTheStreamIsCut) {
  std::vector<std::uint8_t> bytes(1'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  Sha256 whole;
  whole.update(bytes);
  for (std::size_t cut = 1; cut < 200; ++cut) {
    Sha256 parts;
    for (std::size_t at = 0; at < bytes.size(); at += cut)
      parts.update(std::span(bytes).subspan(at, std::min(cut, bytes.size() - at)));
    ASSERT_EQ(parts.digest(), whole.digest()) << cut;
    ASSERT_EQ(parts.length(), bytes.size());
  }
}

TEST(Sha256, PadsEveryLengthAroundABlock) {
  // A digest of all digests of 0 to 200 bytes, computed with another implementation (Python's hashlib).
  Sha256 all;
  std::vector<std::uint8_t> bytes;
  for (unsigned n = 0; n <= 200; ++n) {
    Sha256 one;
    one.update(bytes);
    const auto digest = one.digest();
    all.update(digest);
    bytes.push_back(static_cast<std::uint8_t>(n));
  }
  EXPECT_EQ(to_hex(all.digest()), "64ef7c229fce2408b5336b6a542fea0e078c3a87d2da85cb3fc52e2008b65021");
}

TEST(Sha256, GoesOnAfterADigestAndFromACopy) {
  Sha256 sha;
  const std::uint8_t a[] = {'a'};
  const std::uint8_t bc[] = {'b', 'c'};
  sha.update(a);
  (void)sha.digest();
  Sha256 copy = sha;
  sha.update(bc);
  copy.update(bc);
  EXPECT_EQ(to_hex(sha.digest()), sha256("abc"));
  EXPECT_EQ(copy.digest(), sha.digest());
}

TEST(Sha256, OfATextInDigits) {
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace candor
