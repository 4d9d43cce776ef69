#include "lib/report/original_header.h"

#include <gtest/gtest.h>

namespace posthaste::report {
namespace {

std::string subject(const std::string& value) {
  return read_original_header("From: a@b\r\nSubject:" + value + "\r\nTo: c@d\r\n").subject;
}
std::string message_id(const std::string& value) {
  return read_original_header("Message-ID:" + value + "\r\n").message_id;
}

TEST(OriginalHeader, FindsTheFirstFieldOfItsNameHoweverItIsWritten) {
  const OriginalHeader header = read_original_header(
      "X-Subject: no\r\nReceived: x\r\n\tSubject: no\r\nSUBJECT : one\r\nSubject: two\r\n"
      "message-id:\t<1@b>\r\n\r\nSubject: body\r\n");
  EXPECT_EQ(header.subject, "one");
  EXPECT_EQ(header.message_id, "<1@b>");
}

TEST(OriginalHeader, IsEmptyWhereThereIsNone) {
  for (const char* section :
       {"", "\r\n", "Subject", "Subject\r\n", "Subjects: x\r\n", "\r\nSubject: x\r\n"}) {
    const OriginalHeader header = read_original_header(section);
    EXPECT_EQ(header.subject, "") << section;
    EXPECT_EQ(header.message_id, "") << section;
  }
}

TEST(OriginalHeader, UnfoldsASubject) {
  EXPECT_EQ(subject(" The\r\n minutes\r\n\tof May"), "The minutes of May");
  EXPECT_EQ(subject("\r\n late"), "late");
}

TEST(OriginalHeader, DecodesEncodedWords) {
  const std::pair<const char*, const char*> rows[] = {
      {" =?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"},
      {" =?UTF-8?b?R3LDvMOfZQ==?=", "Grüße"},
      {" =?utf-8?B?R3LDvMOfZQ?=", "Grüße"},
      {" =?iso-8859-1?q?Gr=FC=DFe_an_alle?= today", "Grüße an alle today"},
      {" =?us-ascii*en?q?hello?=", "hello"},
      {" Re: =?utf-8?q?a?= =?utf-8?q?b?=\r\n =?utf-8?q?c?= d", "Re: abc d"},
      // A character may begin in one word and end in the next.
      {" =?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?=", "Grüße"},
      {" =?utf-8?q?=C3=A4?= =?iso-8859-1?q?=F6?=", "äö"},
  };
  for (const auto& [written, read] : rows) EXPECT_EQ(subject(written), read) << written;
}

TEST(OriginalHeader, LeavesWhatItCannotDecodeAsItIs) {
  for (const char* odd :
       {"=?koi8-r?q?=C1?=", "=?utf-8?x?a?=", "=?utf-8?q?=C?=", "=?utf-8?q?=GG?=", "=?utf-8?b?!?=",
        "=?utf-8?q?a b?=", "=?utf-8?q?a", "=?utf-8", "=?", "a=?utf-8?q?b?="}) {
    EXPECT_EQ(subject(std::string(" ") + odd), odd);
  }
}

TEST(OriginalHeader, IsOneLineWithoutControlsHoweverTheyCame) {
  EXPECT_EQ(subject(" a\x01\x7F"
                    "b"),
            "a b");
  EXPECT_EQ(subject(" =?utf-8?Q?a=0D=0ABcc:_x=00y?="), "a Bcc: x y");
  EXPECT_EQ(subject(" =?utf-8?b?YQ0KQmNjOiB4?="), "a Bcc: x");
  EXPECT_EQ(subject(" =?utf-8?q?a=C2=85b=E2=80=A8c?="), "abc") << "NEL, line separator";
  EXPECT_EQ(subject(" =?utf-8?q?=E2=80=AEgpj=E2=81=A6.exe=E2=80=8F?="), "gpj.exe") << "directions";
}

TEST(OriginalHeader, HasNoOctetsThatAreNoUtf8) {
  EXPECT_EQ(subject(" Gr\xFC\xDF"), "Gr??");
  EXPECT_EQ(subject(" =?utf-8?q?Gr=FC=DF?="), "Gr??");
  EXPECT_EQ(subject(" Gr\xC3\xBC\xC3\x9F"), "Grüß");
}

TEST(OriginalHeader, CutsALongSubjectBetweenCharacters) {
  std::string value = " x";
  for (int i = 0; i < 200; ++i) value += "ü";
  EXPECT_EQ(subject(value).size(), kSubjectOctetsMax - 1);
}

TEST(OriginalHeader, TakesAMessageIdThatCanStandInAHeader) {
  EXPECT_EQ(message_id(" <1@app.example>"), "<1@app.example>");
  EXPECT_EQ(message_id("\r\n <a+b.c=d@[192.0.2.1]>"), "<a+b.c=d@[192.0.2.1]>");
}

TEST(OriginalHeader, TakesNoOtherMessageId) {
  for (const std::string& odd :
       {std::string(""), std::string("1@a"), std::string("<1>"), std::string("<@a>"),
        std::string("<1@>"), std::string("<1@a@b>"), std::string("<1@a> <2@b>"),
        std::string("<1 2@a>"), std::string("<\"1\"@a>"), std::string("<1@\xC3\xA4>"),
        std::string("<1@a>\x01"), "<" + std::string(300, '1') + "@a>"}) {
    EXPECT_EQ(message_id(" " + odd), odd == "<1@a>\x01" ? "<1@a>" : "") << odd;
  }
}

}  // namespace
}  // namespace posthaste::report
