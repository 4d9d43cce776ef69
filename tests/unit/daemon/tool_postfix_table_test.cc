#include <gtest/gtest.h>

#include "config/load.h"
#include "daemon/tool/postfix_table.h"

namespace posthaste::daemon::tool {
namespace {

constexpr const char* kPin =
    "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
    "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99";

bool has_remark(const ImportedPolicy& imported, std::size_t line, std::string_view words) {
  for (const PostfixRemark& remark : imported.remarks) {
    if (remark.line == line && remark.words.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST(PostfixTable, BecomesRules) {
  const auto imported = import_postfix(
      "# partners\n"
      "example.com   encrypt\n"
      ".example.com\tsecure match=nexthop:dot-nexthop:mail.example.net\n"
      "bank.example\n  verify\n   tafile=/etc/ssl/bank.pem\n"
      "none.example  none\n"
      "dane.example  dane-only\n");
  EXPECT_EQ(imported.rules, 5U);
  EXPECT_TRUE(imported.remarks.empty());
  EXPECT_EQ(imported.yaml,
            "tls:\n"
            "  domains:\n"
            "    - match: \"example.com\"\n"
            "      level: encrypt\n"
            "    - match: \"*.example.com\"\n"
            "      level: secure\n"
            "      match_names: [\"nexthop\", \"dot-nexthop\", \"mail.example.net\"]\n"
            "    - match: \"bank.example\"\n"
            "      level: verify\n"
            "      ca_file: \"/etc/ssl/bank.pem\"\n"
            "    - match: \"none.example\"\n"
            "      level: none\n"
            "    - match: \"dane.example\"\n"
            "      level: dane-only\n");
}

TEST(PostfixTable, KeepsSha256PinsAndAsksWhatTheyAreOf) {
  const auto imported =
      import_postfix(std::string("pin.example fingerprint match=") + kPin + "|12:34\n");
  EXPECT_NE(
      imported.yaml.find("sha256:aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899"),
      std::string::npos);
  EXPECT_TRUE(has_remark(imported, 1, "public key's"));
  EXPECT_TRUE(has_remark(imported, 1, "not SHA-256"));
}

TEST(PostfixTable, LeavesOutWhatItDoesNotUnderstandAndSaysSo) {
  const auto imported = import_postfix(
      "alone\n"
      "a.example perhaps\n"
      "b.example fingerprint match=12:34\n"
      "bad_*_name encrypt\n"
      "c.example encrypt ciphers=high servername=x protocols=Tls9 foo\n"
      "[relay.example]:587 encrypt\n"
      "d.example:26 may\n");
  EXPECT_EQ(imported.rules, 3U);
  EXPECT_TRUE(has_remark(imported, 1, "a key and a level"));
  EXPECT_TRUE(has_remark(imported, 2, "no level"));
  EXPECT_TRUE(has_remark(imported, 3, "needs a SHA-256 fingerprint"));
  EXPECT_TRUE(has_remark(imported, 4, "left out"));
  EXPECT_TRUE(has_remark(imported, 5, "ciphers=high"));
  EXPECT_TRUE(has_remark(imported, 5, "servername"));
  EXPECT_TRUE(has_remark(imported, 5, "protocols=Tls9"));
  EXPECT_TRUE(has_remark(imported, 5, "\"foo\" was not understood"));
  EXPECT_TRUE(has_remark(imported, 6, "the port"));
  EXPECT_TRUE(has_remark(imported, 7, "the port"));
  EXPECT_NE(imported.yaml.find("- mx: \"relay.example\"\n"), std::string::npos);
}

TEST(PostfixTable, TurnsProtocolsIntoLadders) {
  const auto imported = import_postfix(
      "a.example encrypt protocols=>=TLSv1.2\n"
      "b.example encrypt protocols=!SSLv2:!SSLv3\n"
      "c.example encrypt protocols=>=TLSv1.3\n"
      "d.example encrypt protocols=TLSv1.1:TLSv1.2\n");
  EXPECT_EQ(imported.yaml.find("a.example\"\n      level: encrypt\n      ladder"),
            std::string::npos);
  EXPECT_NE(imported.yaml.find("ladder: [modern, reduced, compat, postfix-tls10]"),
            std::string::npos);
  EXPECT_NE(imported.yaml.find("ladder: [postfix-tls13]"), std::string::npos);
  EXPECT_NE(imported.yaml.find("ladder: [modern, reduced, compat, postfix-tls11]"),
            std::string::npos);
}

TEST(PostfixTable, GivesAConfigurationThatLoads) {
  const auto imported = import_postfix(
      std::string(
          "a.example encrypt protocols=>=TLSv1\n.b.example secure match=nexthop\n"
          "c.example dane\n[mx.d.example] verify match=hostname tafile=/etc/ca.pem\n"
          "e.example none\nf.example encrypt protocols=>=TLSv1.3\ng.example fingerprint match=") +
      kPin + "\n");
  ASSERT_EQ(imported.rules, 7U);
  const auto loaded = config::load_config(imported.yaml, "imported.yaml");
  for (const auto& error : loaded.errors) ADD_FAILURE() << config::render_diagnostic(error);
  EXPECT_TRUE(loaded.config.has_value()) << imported.yaml;
}

}  // namespace
}  // namespace posthaste::daemon::tool
