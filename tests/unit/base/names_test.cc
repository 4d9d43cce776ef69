#include "lib/base/names.h"

#include <gtest/gtest.h>

namespace posthaste {
namespace {

TEST(Names, FoldsCaseAndOneTrailingDot) {
  EXPECT_EQ(fold_domain("Example.COM."), "example.com");
  EXPECT_EQ(fold_domain(""), "");
  EXPECT_EQ(fold_domain("B\xc3\x9c.example"), "b\xc3\x9c.example") << "other octets are left alone";
}

TEST(Names, ShardsAreStableForEver) {  // they are stored in keys: these figures must never change
  EXPECT_EQ(shard_of(RoutingDomain("example.com")), shard_of(RoutingDomain("example.com")));
  EXPECT_EQ(shard_of(RoutingDomain("example.com")), 58);
  EXPECT_EQ(shard_of(RoutingDomain("")), 217);
}

TEST(Names, ComparesAsciiWithoutCase) {
  EXPECT_TRUE(equal_fold("EHLO", "ehlo"));
  EXPECT_FALSE(equal_fold("EHLO", "ehl"));
  EXPECT_FALSE(equal_fold("a", "b"));
}

}  // namespace
}  // namespace posthaste
