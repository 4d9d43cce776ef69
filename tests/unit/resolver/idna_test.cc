#include "lib/resolver/idna.h"

#include <gtest/gtest.h>

namespace posthaste::resolver {
namespace {

TEST(Idna, MakesALabelsAndLeavesAsciiAlone) {
  struct Row {
    const char* domain;
    const char* expected;
  };
  for (const Row& row : {Row{"Example.COM.", "example.com"}, Row{"", ""},
                         Row{"_25._tcp.mx.example", "_25._tcp.mx.example"},
                         Row{"b\xc3\xbc\x63her.example", "xn--bcher-kva.example"},
                         Row{"B\xc3\x9c\x43HER.Example.", "xn--bcher-kva.example"},
                         Row{"bu\xcc\x88\x63her.example", "xn--bcher-kva.example"} /* not NFC */,
                         Row{"stra\xc3\x9f\x65.example", "xn--strae-oqa.example"} /* not ss */,
                         Row{"xn--bcher-kva.example", "xn--bcher-kva.example"}}) {
    EXPECT_EQ(to_a_labels(row.domain).value(), row.expected);
  }
}

TEST(Idna, RefusesWhatIsNoUtf8OrTooLong) {
  using namespace std::string_literals;
  for (const std::string& domain : {"\xff.example"s, "\xc3.example"s, "b\xc3\xbc\0x.example"s,
                                    "\xc3\xbc" + std::string(63, 'a') + ".example"}) {
    const auto name = to_a_labels(domain);
    ASSERT_FALSE(name) << domain;
    EXPECT_EQ(name.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace posthaste::resolver
