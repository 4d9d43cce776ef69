#include "lib/base/ip.h"

#include <gtest/gtest.h>

#include "lib/base/rng.h"

namespace posthaste {
namespace {

TEST(IpAddress, IsReadAndRenderedInItsOneCanonicalForm) {
  struct Row {
    const char* text;
    const char* rendered;
  };
  constexpr Row kRows[] = {
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"192.0.2.1", "192.0.2.1"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:DB8::A", "2001:db8::a"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // RFC 5952 §4.2.2: never for one group
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // §4.2.3: the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // §4.2.3: of equal ones the first
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"fe80::1:0:0", "fe80::1:0:0"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"::ffff:192.0.2.1", "192.0.2.1"},  // mapped: folded
      {"::FFFF:c000:0201", "192.0.2.1"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
      {"::1.2.3.4", "::102:304"},
  };
  for (const Row& row : kRows) {
    const auto address = parse_ip(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(render_ip(*address), row.rendered);
    EXPECT_EQ(parse_ip(render_ip(*address)), *address);
  }
}

TEST(IpAddress, RefusesWhatOthersMightReadDifferently) {
  for (const char* text : {"",
                           ".",
                           ":",
                           ":::",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.4.",
                           ".1.2.3.4",
                           "1..2.3",
                           "256.1.1.1",
                           "01.2.3.4",
                           "1.2.3.04",
                           "0x1.2.3.4",
                           "1.2.3.-4",
                           "1.2.3.+4",
                           " 1.2.3.4",
                           "1.2.3.4 ",
                           "1.2.3.99999999999",
                           "[::1]",
                           "fe80::1%eth0",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           "1::2::3",
                           ":1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:",
                           "::12345",
                           "::g",
                           "::1.2.3",
                           "::1.2.3.4:5",
                           "1.2.3.4::",
                           "1.2.3.4::1",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::-1",
                           "example.com"}) {
    const auto address = parse_ip(text);
    EXPECT_FALSE(address) << text;
  }
}

TEST(IpAddress, AnyOctetsAreReadBack) {
  Rng rng(42);
  for (int i = 0; i < 10'000; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t group = 0; group < 8; ++group) {
      if (rng.chance(0.5)) continue;  // runs of zeros are what goes wrong
      bytes[2 * group] = static_cast<std::uint8_t>(rng.below(256));
      bytes[2 * group + 1] = static_cast<std::uint8_t>(rng.below(256));
    }
    const IpAddress address = ipv6(bytes);
    EXPECT_EQ(parse_ip(render_ip(address)), address) << render_ip(address);
  }
}

TEST(Network, ContainsExactlyWhatSharesItsPrefix) {
  struct Row {
    const char* network;
    const char* inside;
    const char* outside;
  };
  constexpr Row kRows[] = {
      {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
      {"172.16.0.0/12", "172.31.255.255", "172.32.0.0"},
      {"192.0.2.1", "192.0.2.1", "192.0.2.0"},
      {"192.0.2.128/25", "192.0.2.255", "192.0.2.127"},
      {"0.0.0.0/0", "203.0.113.9", "::1"},
      {"::/0", "2001:db8::1", "1.2.3.4"},
      {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
      {"::1/128", "::1", "::2"},
      {"::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"},
  };
  for (const Row& row : kRows) {
    const auto network = parse_network(row.network);
    ASSERT_TRUE(network) << row.network;
    EXPECT_TRUE(network->contains(parse_ip(row.inside).value())) << row.network;
    EXPECT_FALSE(network->contains(parse_ip(row.outside).value())) << row.network;
  }
  EXPECT_EQ(render_network(parse_network("::1").value()), "::1/128");
  EXPECT_EQ(render_network(parse_network("10.0.0.0/8").value()), "10.0.0.0/8");
  EXPECT_EQ(render_network(parse_network("::ffff:10.0.0.0/104").value()), "10.0.0.0/8");
}

TEST(Network, RefusesHostBitsAndBadPrefixes) {
  for (const char* text :
       {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8",
        "::1/64", "::/129", "::ffff:10.0.0.0/95", "/8", "mail/8"}) {
    const auto network = parse_network(text);
    EXPECT_FALSE(network) << text;
  }
}

TEST(IpAddress, SpecialPurposeIsWhatTheRegistriesDoNotCallGloballyReachable) {
  struct Row {
    const char* address;
    bool special;
  };
  constexpr Row kRows[] = {
      // iana-ipv4-special-registry, in its order, with the neighbours on both sides.
      {"0.0.0.0", true},
      {"0.255.255.255", true},
      {"1.0.0.0", false},
      {"9.255.255.255", false},
      {"10.0.0.0", true},
      {"10.255.255.255", true},
      {"11.0.0.0", false},
      {"100.63.255.255", false},
      {"100.64.0.0", true},
      {"100.127.255.255", true},
      {"100.128.0.0", false},
      {"126.255.255.255", false},
      {"127.0.0.1", true},
      {"127.255.255.255", true},
      {"128.0.0.0", false},
      {"169.253.255.255", false},
      {"169.254.1.1", true},
      {"169.255.0.0", false},
      {"172.15.255.255", false},
      {"172.16.0.0", true},
      {"172.31.255.255", true},
      {"172.32.0.0", false},
      {"192.0.0.0", true},
      {"192.0.0.8", true},
      {"192.0.0.9", false},
      {"192.0.0.10", false},
      {"192.0.0.11", true},
      {"192.0.0.170", true},
      {"192.0.1.0", false},
      {"192.0.2.1", true},
      {"192.0.3.0", false},
      {"192.31.196.1", false},
      {"192.52.193.1", false},
      {"192.88.98.255", false},
      {"192.88.99.1", true},
      {"192.88.100.0", false},
      {"192.167.255.255", false},
      {"192.168.0.0", true},
      {"192.168.255.255", true},
      {"192.169.0.0", false},
      {"192.175.48.1", false},
      {"198.17.255.255", false},
      {"198.18.0.0", true},
      {"198.19.255.255", true},
      {"198.20.0.0", false},
      {"198.51.99.255", false},
      {"198.51.100.1", true},
      {"198.51.101.0", false},
      {"203.0.112.255", false},
      {"203.0.113.1", true},
      {"203.0.114.0", false},
      {"223.255.255.255", false},
      {"224.0.0.1", true},
      {"239.255.255.255", true},
      {"240.0.0.0", true},
      {"255.255.255.255", true},
      {"8.8.8.8", false},
      // iana-ipv6-special-registry, multicast, and what was never handed out.
      {"::", true},
      {"::1", true},
      {"::127.0.0.1", true},
      {"::8.8.8.8", true},
      {"::ffff:10.0.0.1", true},
      {"::ffff:8.8.8.8", false},
      {"64:ff9b::7f00:1", true},
      {"64:ff9b::10.1.2.3", true},
      {"64:ff9b::8.8.8.8", false},
      {"64:ff9b:1::8.8.8.8", true},
      {"100::1", true},
      {"100:0:0:1::1", true},
      {"1fff:ffff::", true},
      {"2001::1", true},
      {"2001:1::", true},
      {"2001:1::1", false},
      {"2001:1::2", false},
      {"2001:1::3", false},
      {"2001:1::4", true},
      {"2001:2::1", true},
      {"2001:3::1", false},
      {"2001:4:112::1", false},
      {"2001:4:113::1", true},
      {"2001:10::1", true},
      {"2001:20::1", false},
      {"2001:2f:ffff::1", false},
      {"2001:30::1", false},
      {"2001:40::1", true},
      {"2001:1ff:ffff::1", true},
      {"2001:200::1", false},
      {"2001:db7::1", false},
      {"2001:db8::1", true},
      {"2001:db9::1", false},
      {"2002:7f00:1::1", true},
      {"2002:c0a8:101::1", true},
      {"2002:808:808::1", false},
      {"2606:4700::1", false},
      {"2620:4f:8000::1", false},
      {"2a00:1450::1", false},
      {"3ffe:ffff::1", false},
      {"3fff::1", true},
      {"3fff:fff::1", true},
      {"3fff:1000::1", false},
      {"4000::1", true},
      {"5f00::1", true},
      {"fc00::1", true},
      {"fd12::1", true},
      {"fe80::1", true},
      {"fec0::1", true},
      {"ff02::1", true},
      {"ff0e::1", true},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(is_special_purpose(parse_ip(row.address).value()), row.special) << row.address;
  }
}

TEST(IpAddress, LoopbackIsTheWholeOfNetwork127AndOneIpv6Address) {
  for (const char* text : {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_loopback(parse_ip(text).value())) << text;
  }
  for (const char* text : {"128.0.0.1", "126.0.0.1", "::", "::2", "7f00::1", "7f00:1::"}) {
    EXPECT_FALSE(is_loopback(parse_ip(text).value())) << text;
  }
}

TEST(Endpoint, IsReadAndRenderedWithBracketsForIpv6) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:25").value(), (Endpoint{ipv4(127, 0, 0, 1), 25}));
  for (const char* text : {"127.0.0.1:25", "[::1]:25", "[2001:db8::1]:65535", "192.0.2.1:0"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(render_endpoint(*endpoint), text);
  }
  for (const char* text :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:25", "[::1]",
        "[::1]25", "[127.0.0.1]:25", "mail.example:25", ":25", "[]:25"}) {
    const auto endpoint = parse_endpoint(text);
    EXPECT_FALSE(endpoint) << text;
  }
}

}  // namespace
}  // namespace posthaste
