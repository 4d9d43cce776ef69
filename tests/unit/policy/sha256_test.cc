#include "lib/policy/sha256.h"

#include <gtest/gtest.h>

#include <set>

#include "lib/policy/fingerprint.h"

namespace posthaste::policy {
namespace {

std::string hex(std::string_view octets) {
  return render_fingerprint(sha256(octets)).substr(7);  // after "sha256:"
}

// The examples that NIST gives for FIPS 180-4, and the empty one.
TEST(Sha256, IsTheOneThatEverybodyMeans) {
  EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// One digest over the digests of 0, 1, 2 … 199 octets: each way in which a block can end.
TEST(Sha256, PadsEveryLength) {
  std::string all;
  std::set<std::string> different;
  for (std::size_t size = 0; size < 200; ++size) {
    all += sha256(std::string(size, '\xff'));
    different.insert(all.substr(all.size() - 32));
  }
  EXPECT_EQ(different.size(), 200U);
  EXPECT_EQ(hex(all), "b6c09c7450b74eedd4a6040b11526da475f2dfe2b8642b84e232cbc6c31bc748");
}

}  // namespace
}  // namespace posthaste::policy
