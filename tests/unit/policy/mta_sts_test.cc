#include "lib/policy/mta_sts.h"

#include <gmock/gmock.h>

#include <optional>

namespace posthaste::policy {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kPlain = "text/plain";
const std::string kPolicy =
    "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n"
    "mx: backupmx.example.com\r\nmax_age: 604800\r\n";

TEST(StsTxt, IsItsId) {
  struct Row {
    std::string record;
    std::string id;
  };
  const std::vector<Row> rows{
      {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
      {"v=STSv1;id=1", "1"},
      {"v=STSv1 \t; \tid=abc \t; ", "abc"},
      {"v=STSv1; x-1.a_b=!:<~; id=2", "2"},
      {"v=STSv1; id=first; id=second", "first"},
      {"v=STSv1; id=first; id=not/an/id", "first"},
      {"v=STSv1; id=" + std::string(32, 'x'), std::string(32, 'x')},
  };
  for (const Row& row : rows) {
    const auto id = parse_sts_txt({row.record});
    ASSERT_TRUE(id) << row.record << ": " << id.error().words;
    EXPECT_EQ(*id, row.id);
  }
}

TEST(StsTxt, IsRefusedWhenItBreaksTheGrammar) {
  for (const std::string record :
       {"v=STSv1;", "v=STSv1; ", "v=STSv1; id", "v=STSv1; id=", "v=STSv1; id=a b",
        "v=STSv1; id=a-b", "v=STSv1; id=a;; x=y", "v=STSv1; ID=a", "v=STSv1; id=a; =b",
        "v=STSv1; id=a; b=", "v=STSv1; id=a; b=c=d", "v=STSv1; id=a; -b=c", "v=STSv1; id=\xC3\xA4",
        "v=STSv1;; id=a", "v=STSv1; id=123456789012345678901234567890123",
        "v=STSv1; id=a; b=c d"}) {
    const auto id = parse_sts_txt({record});
    ASSERT_FALSE(id) << record;
    EXPECT_EQ(id.error().code, ErrorCode::kInvalid) << record;
  }
}

TEST(StsTxt, IsTheOnlyOneOfItsKindAmongOthers) {
  EXPECT_EQ(parse_sts_txt({"v=spf1 -all", "v=STSv1; id=1", "v=STSv2; id=2", "v=STSv1", ""}), "1");
  EXPECT_EQ(parse_sts_txt({"v=STSv1; id=1", "v=STSv1; id=1"}).error().code, ErrorCode::kInvalid);
  // RFC 8461 §3.1: two are too many even where only one of them could be read.
  EXPECT_EQ(parse_sts_txt({"v=STSv1; id=1", "v=STSv1;"}).error().code, ErrorCode::kInvalid);
  for (const std::string record : {"", "v=STSv1", "v=STSv1x; id=1", "V=STSv1; id=1",
                                   " v=STSv1; id=1", "v=stsv1; id=1", "v=STSv10; id=1"}) {
    EXPECT_EQ(parse_sts_txt({record}).error().code, ErrorCode::kNotFound) << record;
  }
  EXPECT_EQ(parse_sts_txt({}).error().code, ErrorCode::kNotFound);
}

TEST(StsPolicy, IsReadAsTheRfcsExample) {
  const auto policy = parse_sts_policy(kPolicy, kPlain);
  ASSERT_TRUE(policy) << policy.error().words;
  EXPECT_EQ(policy->mode, StsMode::kEnforce);
  EXPECT_THAT(policy->mx, ElementsAre("mail.example.com", "*.example.net", "backupmx.example.com"));
  EXPECT_EQ(policy->max_age, seconds(604800));
}

TEST(StsPolicy, IsReadInAnyOrderWithAnyLineEndAndWithFieldsThatWeDoNotKnow) {
  const auto policy = parse_sts_policy(
      "max_age:1\nmx:\t Mail.Example.COM. \t\nfuture.field_1: any words, \xC3\xA4 : too\nmode: "
      "testing  \n"
      "version:STSv1\n\n \r\n",
      "Text/Plain ; charset=utf-8");
  ASSERT_TRUE(policy) << policy.error().words;
  EXPECT_EQ(*policy, (StsPolicy{StsMode::kTesting, {"mail.example.com"}, seconds(1)}));
}

TEST(StsPolicy, CountsTheFirstOfRepeatedFieldsButEveryMx) {
  const auto policy = parse_sts_policy(
      kPolicy + "mode: none\nmax_age: 1\nversion: STSv2\nmode: nonsense\nmx: last.example.com\n",
      kPlain);
  ASSERT_TRUE(policy) << policy.error().words;
  EXPECT_EQ(policy->mode, StsMode::kEnforce);
  EXPECT_EQ(policy->max_age, seconds(604800));
  EXPECT_EQ(policy->mx.size(), 4U);
}

TEST(StsPolicy, NeedsNoMxInModeNone) {
  const auto policy = parse_sts_policy("version: STSv1\nmode: none\nmax_age: 0", kPlain);
  ASSERT_TRUE(policy) << policy.error().words;
  EXPECT_EQ(*policy, (StsPolicy{StsMode::kNone, {}, Duration(0)}));
}

TEST(StsPolicy, LastsAYearAtMost) {
  for (const char* age : {"31557600", "31557601", "9999999999"}) {
    const auto policy = parse_sts_policy(
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: " + std::string(age), kPlain);
    ASSERT_TRUE(policy) << age;
    EXPECT_EQ(policy->max_age, kStsMaxAgeMax);
  }
}

TEST(StsPolicy, SaysWhatIsWrong) {
  const std::string version = "version: STSv1\n", mode = "mode: enforce\n", mx = "mx: a.example\n",
                    age = "max_age: 60\n";
  struct Row {
    std::string body, words;
  };
  const std::vector<Row> rows{
      {"", "no version"},
      {mode + mx + age, "no version"},
      {version + mx + age, "no mode"},
      {version + mode + mx, "no max_age"},
      {version + mode + age, "names no mx"},
      {"version: STSv2\n" + mode + mx + age, "version is \"STSv2\""},
      {version + "mode: Enforce\n" + mx + age, "mode is \"Enforce\""},
      {version + "mode: \n" + mx + age, "mode is \"\""},
      {version + mode + mx + "max_age: -1\n", "max_age is \"-1\""},
      {version + mode + mx + "max_age: 1d\n", "max_age is \"1d\""},
      {version + mode + mx + "max_age: 00000000060\n", "max_age is"},
      {version + mode + mx + "max_age:\n", "max_age is \"\""},
      {version + mode + age + "mx: *\n", "mx \"*\" is no domain"},
      {version + mode + age + "mx: mail.*.example\n", "is no domain"},
      {version + mode + age + "mx: *mail.example\n", "is no domain"},
      {version + mode + age + "mx: .example\n", "is no domain"},
      {version + mode + age + "mx: [192.0.2.1]\n", "is no domain"},
      {version + mode + age + "mx: m\xC3\xBCll.example\n", "is no domain"},
      {version + mode + age + "mx: a.example b.example\n", "is no domain"},
      {version + mode + age + "mx:\n", "is no domain"},
      {version + mode + mx + age + "words without a colon\n", "where a field should be"},
      {version + mode + mx + age + " mx: a.example\n", "where a field should be"},
      {version + "mode : enforce\n" + mx + age, "where a field should be"},
      {version + mode + mx + age + "x: a\rmode: none\n", "\"x: a?mode: none\""},
      {version + mode + mx + age + "x: \x01\n", "where a field should be"},
      {"<html>\n", "where a field should be"},
  };
  for (const Row& row : rows) {
    const auto policy = parse_sts_policy(row.body, kPlain);
    ASSERT_FALSE(policy) << row.body;
    EXPECT_THAT(policy.error().words, HasSubstr(row.words));
  }
}

TEST(StsPolicy, IsPlainText) {
  for (const char* type : {"", "text/html", "text/plainer", "text", "application/octet-stream"}) {
    EXPECT_FALSE(parse_sts_policy(kPolicy, type)) << type;
  }
}

TEST(StsPolicy, HasSoManyPatternsAndNotMore) {
  std::string body = "version: STSv1\nmode: enforce\nmax_age: 60\n";
  for (std::size_t i = 0; i < kStsPatternsMax; ++i) body += "mx: a.example\n";
  EXPECT_TRUE(parse_sts_policy(body, kPlain));
  EXPECT_FALSE(parse_sts_policy(body + "mx: a.example\n", kPlain));
}

TEST(StsPolicy, NamesHostsExactlyOrWithOneLabelMore) {
  const std::vector<std::string> patterns{"mail.example.com", "*.example.net", "*.co"};
  for (const char* host : {"mail.example.com", "a.example.net", "example.co"}) {
    EXPECT_TRUE(sts_matches(patterns, MxName(host))) << host;
  }
  for (const char* host :
       {"", "example.com", "a.mail.example.com", "xmail.example.com", "example.net",
        "a.b.example.net", ".example.net", "aexample.net", "co", "*.example.com"}) {
    EXPECT_FALSE(sts_matches(patterns, MxName(host))) << host;
  }
  EXPECT_FALSE(sts_matches({}, MxName("a.example")));
  EXPECT_FALSE(sts_matches({"*."}, MxName("a")));
}

TEST(StsPolicy, IsWrittenAsItIsRead) {
  const StsPolicy policy = parse_sts_policy(kPolicy, kPlain).value();
  std::string body;
  for (const std::string& line : sts_policy_lines(policy)) body += line + "\r\n";
  EXPECT_EQ(body, kPolicy);
  EXPECT_EQ(parse_sts_policy(body, kPlain), policy);
}

TEST(StsRecord, IsTheSameAfterwards) {
  const StsRecord record{parse_sts_policy(kPolicy, kPlain).value(), "20160831085700Z",
                         Instant(std::chrono::hours(500'000))};
  const std::string bytes = encode_sts_record(record);
  EXPECT_EQ(decode_sts_record(bytes), record);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_sts_record(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_sts_record(bytes + "x"));
  EXPECT_EQ(decode_sts_record("\x02" + bytes.substr(1)).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(decode_sts_record("\x01\x03" + bytes.substr(2)).error().code, ErrorCode::kCorrupt);
}

TEST(StsMode, HasItsNames) {
  EXPECT_EQ(name(StsMode::kNone), "none");
  EXPECT_EQ(name(StsMode::kTesting), "testing");
  EXPECT_EQ(name(StsMode::kEnforce), "enforce");
}

}  // namespace
}  // namespace posthaste::policy
