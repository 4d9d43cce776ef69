#include "lib/base/codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste {
namespace {

using std::string_literals::operator""s;

std::string var_bytes(std::uint64_t value) {
  std::string out;
  ByteWriter(out).var(value);
  return out;
}

TEST(Codec, ReadsBackWhatItWrote) {
  const Instant never = Instant::max();
  const Instant before_the_epoch{Duration(-5)};
  std::string out = "kept";
  ByteWriter to(out);
  to.u8(7);
  to.var(300);
  to.str("nul \0 inside"s);
  to.str("");
  to.time(never);
  to.time(before_the_epoch);
  to.rest("the end");

  ASSERT_TRUE(out.starts_with("kept"));
  ByteReader in(std::string_view(out).substr(4));
  EXPECT_EQ(in.u8(0xFF), 7);
  EXPECT_EQ(in.var<std::uint16_t>(), 300);
  EXPECT_EQ(in.str(), "nul \0 inside"s);
  EXPECT_EQ(in.str(), "");
  EXPECT_EQ(in.time(), never);
  EXPECT_EQ(in.time(), before_the_epoch);
  EXPECT_EQ(in.left(), 7U);
  EXPECT_FALSE(in.used_up());
  EXPECT_EQ(in.rest(), "the end");
  EXPECT_TRUE(in.used_up());
}

TEST(Codec, WritesTheBytesOfTheFormat) {
  EXPECT_EQ(var_bytes(0), "\0"s);
  EXPECT_EQ(var_bytes(127), "\x7F");
  EXPECT_EQ(var_bytes(128), "\x80\x01");
  EXPECT_EQ(var_bytes(300), "\xAC\x02");
  std::string out;
  ByteWriter(out).time(Instant(Duration(0x0102)));
  EXPECT_EQ(out, "\x02\x01\0\0\0\0\0\0"s);
}

TEST(Codec, ReadsEveryNumberUpTo64Bits) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (const std::uint64_t value : {power - 1, power, power + 1}) {
      const std::string bytes = var_bytes(value);
      ByteReader in(bytes);
      EXPECT_EQ(in.var<std::uint64_t>(), value);
      EXPECT_TRUE(in.used_up());
    }
  }
  const std::string bytes = var_bytes(std::numeric_limits<std::uint64_t>::max());
  ByteReader in(bytes);
  EXPECT_EQ(in.var<std::uint64_t>(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(in.used_up());
}

TEST(Codec, RejectsNumbersThatAreLongerThanNeededOrTooLarge) {
  for (const std::string& bytes :
       {""s, "\x80"s, "\x80\0"s, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"s,
        "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81\x01"s}) {
    ByteReader in(bytes);
    EXPECT_EQ(in.var<std::uint64_t>(), 0U);
    EXPECT_FALSE(in.right());
  }
  const std::string bytes = var_bytes(65'536);
  ByteReader in(bytes);
  EXPECT_EQ(in.var<std::uint16_t>(), 0);
  EXPECT_FALSE(in.right());
}

TEST(Codec, RejectsAByteAboveItsMaximum) {
  ByteReader in("\x04");
  EXPECT_EQ(in.u8(3), 0);
  EXPECT_FALSE(in.right());
}

TEST(Codec, RejectsALengthThatIsNotThere) {
  std::string bytes;
  ByteWriter(bytes).var(std::numeric_limits<std::uint64_t>::max());
  bytes += "abc";
  ByteReader in(bytes);
  EXPECT_EQ(in.str(), "");
  EXPECT_FALSE(in.right());
}

TEST(Codec, ReadsNothingAfterTheFirstFieldThatIsWrong) {
  ByteReader in("\x04\x01\x01\x01\x01\x01\x01\x01\x01\x01");
  in.u8(3);
  EXPECT_EQ(in.u8(0xFF), 0);
  EXPECT_EQ(in.var<std::uint32_t>(), 0U);
  EXPECT_EQ(in.str(), "");
  EXPECT_EQ(in.time(), Instant{});
  EXPECT_EQ(in.rest(), "");
  EXPECT_FALSE(in.used_up());
}

TEST(Codec, RejectsEveryShorterForm) {
  std::string whole;
  ByteWriter to(whole);
  to.u8(1);
  to.var(300);
  to.str("text");
  to.time(Instant(Duration(1)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ByteReader in(std::string_view(whole).substr(0, size));
    in.u8(0xFF);
    in.var<std::uint32_t>();
    in.str();
    in.time();
    EXPECT_FALSE(in.right()) << size;
  }
}

}  // namespace
}  // namespace posthaste
