#include "config/values.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

namespace posthaste::config {
namespace {

using namespace std::chrono_literals;

TEST(ConfigValues, ADurationIsANumberAndAUnit) {
  struct Row {
    std::string_view text;
    std::optional<Duration> value;
  };
  const Row rows[] = {
      {"500ms", 500ms}, {"10s", 10s},  {"5m", 5min},         {"2h", 2h},
      {"5d", 120h},     {"0s", 0s},    {"90m", 90min},       {"", std::nullopt},
      {"5", {}},        {"s", {}},     {"-5s", {}},          {"5 s", {}},
      {"5S", {}},       {"1.5h", {}},  {"5min", {}},         {"5s ", {}},
      {"0x5s", {}},     {"1h30m", {}}, {"99999999999d", {}}, {"99999999999999999999s", {}},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_duration(row.text), row.value) << row.text;
}

TEST(ConfigValues, ADurationIsShownInItsLargestExactUnit) {
  EXPECT_EQ(render_duration(0s), "0s");
  EXPECT_EQ(render_duration(1500ms), "1500ms");
  EXPECT_EQ(render_duration(60s), "1m");
  EXPECT_EQ(render_duration(90min), "90m");
  EXPECT_EQ(render_duration(120h), "5d");
}

TEST(ConfigValues, ASizeCountsInThousandsOrIn1024s) {
  struct Row {
    std::string_view text;
    std::optional<std::uint64_t> value;
  };
  const Row rows[] = {
      {"50MiB", 52428800},
      {"10KB", 10000},
      {"2GiB", 2147483648},
      {"4096", 4096},
      {"0", 0},
      {"7B", 7},
      {"1TB", 1000000000000},
      {"50mib", {}},
      {"50M", {}},
      {"MiB", {}},
      {"-1", {}},
      {"1.5GiB", {}},
      {"50 MiB", {}},
      {"9999999TiB", {}},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_size(row.text), row.value) << row.text;
}

TEST(ConfigValues, EverySizeAndRateReadsBackAsItWasShown) {
  for (const std::uint64_t octets :
       {0ULL, 1ULL, 999ULL, 1000ULL, 1024ULL, 1536ULL, 52428800ULL, 1ULL << 40}) {
    EXPECT_EQ(parse_size(render_size(octets)), octets) << render_size(octets);
  }
  for (const std::string_view text : {"unlimited", "100/m", "1/s", "7/h", "3/d"}) {
    const auto rate = parse_rate(text);
    ASSERT_TRUE(rate) << text;
    EXPECT_EQ(render_rate(*rate), text);
  }
}

TEST(ConfigValues, ARateNeedsAPositiveNumberAndAKnownTime) {
  EXPECT_EQ(parse_rate("100/m"), (Rate{100, 1min}));
  EXPECT_EQ(parse_rate("unlimited")->count, 0U);
  for (const std::string_view text :
       {"", "100", "100/", "0/s", "/s", "100/min", "1/ms", "-1/s", "4294967296/s"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
}

TEST(ConfigValues, AFractionIsDigitsAndAPointOnly) {
  EXPECT_EQ(parse_fraction("0.1"), 0.1);
  EXPECT_EQ(parse_fraction("0"), 0.0);
  for (const std::string_view text : {"", "nan", "inf", "1e3", "-0.1", "0,1", "0.1.2", "."}) {
    EXPECT_FALSE(parse_fraction(text)) << text;
  }
}

TEST(ConfigValues, AHostNameIsFoldedAndHasNothingButLabels) {
  EXPECT_EQ(parse_host_name("MTA1.Example.COM."), "mta1.example.com");
  EXPECT_EQ(parse_host_name("localhost"), "localhost");
  for (const std::string_view text : {"", ".", "a..b", "-a.example", "a-.example", "a_b.example",
                                      "a b", "bücher.de", "*.example.com", "a.example:25"}) {
    EXPECT_FALSE(parse_host_name(text)) << text;
  }
  EXPECT_FALSE(parse_host_name(std::string(64, 'a') + ".example"));
  EXPECT_TRUE(parse_host_name(std::string(63, 'a') + ".example"));
}

TEST(ConfigValues, ARouteHostIsANameOrAnAddressWithOrWithoutPort) {
  struct Row {
    std::string_view text, name;
    std::uint16_t port;
  };
  const Row rows[] = {
      {"relay.example:2525", "relay.example", 2525},
      {"relay.example", "relay.example", 0},
      {"192.0.2.1:25", "192.0.2.1", 25},
      {"192.0.2.1", "192.0.2.1", 0},
      {"[2001:db8::1]:25", "2001:db8::1", 25},
      {"[2001:db8::1]", "2001:db8::1", 0},
      {"2001:db8::1", "2001:db8::1", 0},
  };
  for (const Row& row : rows) {
    const auto host = parse_route_host(row.text);
    ASSERT_TRUE(host) << row.text;
    EXPECT_EQ(host->name.text(), row.name);
    EXPECT_EQ(host->port, row.port);
    EXPECT_EQ(parse_route_host(render_route_host(*host))->port, row.port);
  }
  for (const std::string_view text :
       {"", ":25", "relay.example:", "relay.example:0", "relay.example:65536", "192.0.2.256",
        "192.0.2.1:0", "a b:25"}) {
    EXPECT_FALSE(parse_route_host(text)) << text;
  }
}

TEST(ConfigValues, ADnsServerHasPort53WhereNoneIsWritten) {
  EXPECT_EQ(parse_dns_server("127.0.0.1")->port, 53);
  EXPECT_EQ(parse_dns_server("127.0.0.1:5300")->port, 5300);
  EXPECT_EQ(parse_dns_server("[::1]:5300")->port, 5300);
  EXPECT_EQ(parse_dns_server("::1")->port, 53);
  EXPECT_FALSE(parse_dns_server("dns.example"));
  EXPECT_FALSE(parse_dns_server("127.0.0.1:0"));
}

TEST(ConfigValues, MailAddressesAreAsciiWithoutQuotes) {
  EXPECT_EQ(parse_mail_address("Post.Master+tls@Example.COM"), "Post.Master+tls@example.com");
  for (const char* text : {"", "a", "@a.example", "a@", "a b@c.example", ".a@b.example", "a.@b.c",
                           "a..b@c.example", "\"a\"@b.example", "a@b@c.example", "<a@b.example>",
                           "\xC3\xA9@b.example", "a@b_c.example"}) {
    EXPECT_EQ(parse_mail_address(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_mail_address(std::string(65, 'a') + "@b.example"), std::nullopt);
}

}  // namespace
}  // namespace posthaste::config
