#include "lib/dns/tlsa.h"

#include <gtest/gtest.h>

namespace posthaste::dns {
namespace {

TlsaRecord record(int usage, int selector, int matching, std::size_t octets) {
  return {static_cast<std::uint8_t>(usage), static_cast<std::uint8_t>(selector),
          static_cast<std::uint8_t>(matching), std::string(octets, 'x')};
}

TEST(TlsaRecord, IsWrittenAsInAZoneFile) {
  EXPECT_EQ(render({3, 1, 1, std::string("\xab\x12\0\xff", 4)}), "3 1 1 ab1200ff");
  EXPECT_EQ(render({255, 0, 2, ""}), "255 0 2 ");
}

TEST(TlsaRecord, IsUsableWithUsagesTwoAndThreeOnly) {
  for (int usage = 0; usage < 256; ++usage) {
    EXPECT_EQ(usable(record(usage, 1, 1, 32)), usage == 2 || usage == 3) << usage;
  }
}

TEST(TlsaRecord, IsUsableWithKnownSelectorsAndMatchingTypesOnly) {
  for (int value = 0; value < 256; ++value) {
    EXPECT_EQ(usable(record(3, value, 1, 32)), value <= 1) << value;
    EXPECT_EQ(usable(record(3, 1, value, 32)), value <= 1) << value;
    EXPECT_EQ(usable(record(3, 1, value, 64)), value == 0 || value == 2) << value;
  }
}

TEST(TlsaRecord, IsUnusableWithADigestOfAnyOtherLength) {
  for (std::size_t octets = 0; octets < 100; ++octets) {
    EXPECT_EQ(usable(record(3, 1, 1, octets)), octets == 32) << octets;
    EXPECT_EQ(usable(record(2, 0, 2, octets)), octets == 64) << octets;
    EXPECT_EQ(usable(record(2, 0, 0, octets)), octets > 0) << octets;
  }
  EXPECT_TRUE(usable(record(3, 0, 0, kTlsaOctetsMax)));
  EXPECT_FALSE(usable(record(3, 0, 0, kTlsaOctetsMax + 1)));
}

}  // namespace
}  // namespace posthaste::dns
