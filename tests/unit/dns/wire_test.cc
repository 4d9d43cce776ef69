#include "lib/dns/wire.h"

#include <gtest/gtest.h>

#include "lib/dns/query.h"
#include "tests/unit/dns/packet_builder.h"

namespace posthaste::dns {
namespace {

using namespace std::string_literals;

std::string read_name(std::string_view octets, std::size_t at = 0) {
  WireReader reader(octets);
  reader.seek(at);
  const std::string text = reader.domain_name();
  return reader.failed() ? "failed" : text;
}

TEST(WireReader, ReadsNamesFoldedAndWithoutTrailingDot) {
  EXPECT_EQ(read_name("\4Mail\7EXAMPLE\3com\0"s), "mail.example.com");
  EXPECT_EQ(read_name("\0"s), "");
}

TEST(WireReader, EscapesOddOctetsSoThatTextsDifferWhereNamesDo) {
  EXPECT_EQ(read_name("\3a.b\1c\0"s), "a\\.b.c");
  EXPECT_EQ(read_name("\3a\\b\0"s), "a\\\\b");
  EXPECT_EQ(read_name("\4\0\x20\x7f\xff\0"s), "\\000\\032\\127\\255");
}

TEST(WireReader, FollowsPointersBackwardsAndGoesOnBehindThem) {
  const std::string octets = "\7example\0\4mail\xc0\0\x12\x34"s;
  WireReader reader(octets);
  reader.seek(9);
  EXPECT_EQ(reader.domain_name(), "mail.example");
  EXPECT_EQ(reader.u16(), 0x1234);
  EXPECT_FALSE(reader.failed());
}

TEST(WireReader, RefusesPointersThatLoopOrLeadForward) {
  EXPECT_EQ(read_name("\xc0\0"s), "failed") << "to itself";
  EXPECT_EQ(read_name("\1a\xc0\0"s), "failed") << "to its own beginning";
  EXPECT_EQ(read_name("\xc0\2\xc0\0"s), "failed") << "forward";
  EXPECT_EQ(read_name("\xc0\2\1a\xc0\0"s, 2), "failed") << "back, then forward";
  EXPECT_EQ(read_name("\1a\0\xc0\xff"s, 3), "failed") << "out of the packet";
  EXPECT_EQ(read_name("\1a\0\xc0"s, 3), "failed") << "half a pointer";
}

TEST(WireReader, RefusesALongChainOfPointers) {
  std::string octets = "\1a\0\0"s;
  for (std::size_t target = 0, at = 4; at < 1000; target = at, at += 2) {
    octets += PacketBuilder::pointer(target);
  }
  EXPECT_EQ(read_name(octets, 4), "a");
  EXPECT_EQ(read_name(octets, 4 + 2 * 127), "a");
  EXPECT_EQ(read_name(octets, 4 + 2 * 128), "failed");
}

TEST(WireReader, HoldsTheLimitsOfNames) {
  const std::string label = "\x3f"s + std::string(63, 'a');
  EXPECT_NE(read_name(label + label + label + "\x3d"s + std::string(61, 'b') + "\0"s), "failed");
  EXPECT_EQ(read_name(label + label + label + "\x3e"s + std::string(62, 'b') + "\0"s), "failed");
  EXPECT_EQ(read_name("\x40"s + std::string(64, 'a') + "\0"s), "failed");
  EXPECT_EQ(read_name("\x80"s + std::string(128, 'a') + "\0"s), "failed");
  EXPECT_EQ(read_name("\4abc"s), "failed") << "a label that breaks off";
  EXPECT_EQ(read_name("\3abc"s), "failed") << "no root";
  EXPECT_EQ(read_name(""), "failed");
}

TEST(WireReader, OnceFailedItGivesNothingMore) {
  WireReader reader("\1\2\3");
  EXPECT_EQ(reader.u16(), 0x0102);
  EXPECT_EQ(reader.u16(), 0x0300) << "half of it was there";
  EXPECT_TRUE(reader.failed());
  reader.seek(0);
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.octets(0), "");
  EXPECT_TRUE(reader.failed());
}

TEST(EncodeName, WritesWhatTheReaderReadsBack) {
  for (const char* text : {"", "com", "mail.example.com", "a\\.b.c", "a\\\\b", "\\000\\255.x"}) {
    EXPECT_EQ(read_name(encode_name(text).value()), text);
  }
}

TEST(EncodeName, RefusesWhatIsNoName) {
  std::string long_name;
  for (int i = 0; i < 126; ++i) long_name += "a.";
  EXPECT_TRUE(encode_name(long_name + "b"));
  for (const std::string& text : {"."s, ".a"s, "a."s, "a..b"s, std::string(64, 'a'),
                                  long_name + "bb", "a\\"s, "a\\25"s, "a\\256"s, "a\\2x5"s}) {
    const auto wire = encode_name(text);
    EXPECT_FALSE(wire) << text;
  }
}

TEST(RenderQuery, AsksWithAdAndAnOptThatIsLastAndWithoutOptions) {
  const auto packet = render_query({"example.com", RecordType::kMx}, 0xBEEF);
  EXPECT_EQ(packet.value(),
            "\xBE\xEF\x01\x20\0\1\0\0\0\0\0\1"s
            "\7example\3com\0\0\x0f\0\1"s
            "\0\0\x29\x04\xd0\0\0\0\0\0\0"s);
  const auto refused = render_query({"a..b", RecordType::kA}, 1);
  EXPECT_FALSE(refused);
}

}  // namespace
}  // namespace posthaste::dns
