// RFC 2852 onward: what is told to a host of the time that a message has, and which host must not
// have it. And RFC 6710 and RFC 3461: what else goes along with MAIL and RCPT.
#include <gmock/gmock.h>

#include "tests/unit/smtp/client_dialogue.h"

namespace posthaste::smtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

class DeliverByOnward : public DialogueTest {
 protected:
  Dialogue open(std::vector<std::string> offers) {
    Dialogue d = dialogue();
    d.open(std::move(offers));
    return d;
  }
  static mail::Envelope due_in(Duration left, bool return_it, bool trace = false) {
    mail::Envelope envelope = plain_envelope();
    envelope.deliver_by = mail::DeliverBy{kStart + left, return_it, trace};
    return envelope;
  }
  static std::string first_line(Dialogue& d) {
    const std::string said = d.said();
    return said.substr(0, said.find("\r\n"));
  }
  // Answers a transaction without PIPELINING and CHUNKING to its end.
  static void accept(Dialogue& d) {
    d.hear("250 ok\r\n");
    d.hear("250 ok\r\n");
    d.hear("354 go\r\n");
    d.hear("250 done\r\n");
    ASSERT_TRUE(d.result.has_value());
    EXPECT_EQ(d.outcome(0).verdict, Verdict::kDelivered);
  }
  static void expect_refused(Dialogue& d, EnhancedCode status, Verdict verdict, const char* words) {
    EXPECT_EQ(d.said(), "");
    ASSERT_EQ(d.finished, 1);
    EXPECT_EQ(d.outcome(0).verdict, verdict);
    EXPECT_EQ(d.outcome(0).reply.code, 0);
    EXPECT_EQ(d.outcome(0).reply.enhanced, status);
    EXPECT_THAT(d.outcome(0).reply.text, HasSubstr(words));
    EXPECT_TRUE(d.is_ready()) << "the host may have other mail";
  }
};

TEST_P(DeliverByOnward, TheTimeThatIsLeftGoesAlong) {
  struct Row {
    Duration left;
    bool return_it, trace;
    const char* parameter;
  };
  for (const Row& row : {Row{seconds(120), true, false, " BY=120;R"},
                         {milliseconds(1'999), true, true, " BY=1;RT"},
                         {seconds(120), false, true, " BY=120;NT"},
                         {seconds(0), false, false, " BY=0;N"},
                         {milliseconds(-1), false, false, " BY=-1;N"},
                         {seconds(-2'000'000'000), false, false, " BY=-999999999;N"}}) {
    Dialogue d = open({"DELIVERBY"});
    d.deliver({"a@peer.example"}, due_in(row.left, row.return_it, row.trace));
    EXPECT_EQ(first_line(d), std::string("MAIL FROM:<from@client.example>") + row.parameter);
  }
  Dialogue d = open({"DELIVERBY"});
  d.deliver({"a@peer.example"});
  EXPECT_EQ(first_line(d), "MAIL FROM:<from@client.example>") << "nobody has asked for it";
}

TEST_P(DeliverByOnward, TheTimeCountsFromTheDeliveryNotFromTheConnection) {
  Dialogue d = open({"DELIVERBY"});
  d.now += seconds(100);
  d.deliver({"a@peer.example"}, due_in(seconds(120), true));
  EXPECT_EQ(first_line(d), "MAIL FROM:<from@client.example> BY=20;R");
}

TEST_P(DeliverByOnward, AHostThatDoesNotKnowItMustNotHaveWhatIsToComeBack) {
  Dialogue d = open({"PIPELINING"});
  d.deliver({"a@peer.example"}, due_in(seconds(120), true));
  expect_refused(d, {5, 3, 3}, Verdict::kPermanent,
                 "message is to be returned if it is not delivered by Fri, 15 Jan 2027 08:02:00 "
                 "+0000, and the host does not offer DELIVERBY");
}

TEST_P(DeliverByOnward, AHostThatRefusedEhloMayKnowItLater) {
  Dialogue d = dialogue();
  d.event(Connected{});
  d.hear("220 hi\r\n");
  d.hear("502 what?\r\n");
  d.hear("250 hi\r\n");
  ASSERT_TRUE(d.is_ready());
  (void)d.said();
  d.deliver({"a@peer.example"}, due_in(seconds(120), true));
  expect_refused(d, {4, 3, 3}, Verdict::kTemporary, "the host refused EHLO");
}

TEST_P(DeliverByOnward, AHostThatTakesNoLessTimeMustNotHaveItEither) {
  {
    Dialogue d = open({"DELIVERBY 121"});
    d.deliver({"a@peer.example"}, due_in(seconds(120), true));
    expect_refused(d, {5, 3, 3}, Verdict::kPermanent,
                   "which is in 120 seconds, and the host takes no less than 121");
  }
  for (const bool return_it : {true, false}) {  // the least time does not count for "N"
    Dialogue d = open({return_it ? "DELIVERBY 120" : "DELIVERBY 999"});
    d.deliver({"a@peer.example"}, due_in(seconds(120), return_it));
    EXPECT_THAT(d.said(), StartsWith("MAIL FROM:<from@client.example> BY=120;"));
  }
}

TEST_P(DeliverByOnward, WhatIsTooLateToComeBackInTimeIsNotSentAnyMore) {
  Dialogue d = open({"DELIVERBY"});
  d.deliver({"a@peer.example"}, due_in(milliseconds(999), true));
  expect_refused(d, {5, 4, 7}, Verdict::kPermanent, "that time has passed");
}

TEST_P(DeliverByOnward, WhoLosesTrackOfTheTimeIsAskedToTellOfDelays) {
  Dialogue d = open({"DSN"});
  d.deliver({"a@peer.example"}, due_in(seconds(120), false));
  EXPECT_EQ(first_line(d), "MAIL FROM:<from@client.example>");
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.said(),
            "RCPT TO:<a@peer.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@peer.example\r\n");
}

TEST_P(DeliverByOnward, TheSenderIsToldWhereTheTimeIsLostOrEveryHopTraced) {
  struct Row {
    const char* offer;
    Duration left;
    bool trace, told;
  };
  for (const Row& row : {Row{"8BITMIME", seconds(120), false, true},
                         {"8BITMIME", seconds(0), false, false},  // a delay has been told already
                         {"8BITMIME", seconds(0), true, true},
                         {"DELIVERBY", seconds(120), false, false},
                         {"DELIVERBY", seconds(120), true, true}}) {
    Dialogue d = open({row.offer});
    d.deliver({"a@peer.example"}, due_in(row.left, false, row.trace));
    accept(d);
    EXPECT_EQ(d.result->tell_relayed, row.told) << row.offer << row.left.count() << row.trace;
    // The next message is judged by itself.
    d.deliver({"a@peer.example"});
    accept(d);
    EXPECT_FALSE(d.result->tell_relayed);
  }
}

TEST_P(DeliverByOnward, WhoKnowsDsnReportsWhatBecomesOfTheMessage) {
  for (const bool dsn : {false, true}) {
    Dialogue d = open({dsn ? "DSN" : "8BITMIME"});
    d.deliver({"a@peer.example"});
    accept(d);
    EXPECT_EQ(d.result->dsn_passed_on, dsn);
  }
}

// RFC 6710 §4.2: 0 too.
TEST_P(DeliverByOnward, ThePriorityGoesAlongWhereItIsOffered) {
  for (const int priority : {-9, 0, 3}) {
    mail::Envelope envelope = plain_envelope();
    envelope.priority = static_cast<std::int8_t>(priority);
    Dialogue offering = open({"MT-PRIORITY MIXER"});
    offering.deliver({"a@peer.example"}, envelope);
    EXPECT_EQ(first_line(offering),
              "MAIL FROM:<from@client.example> MT-PRIORITY=" + std::to_string(priority));
    Dialogue silent = open({"DELIVERBY"});
    silent.deliver({"a@peer.example"}, envelope);
    EXPECT_EQ(first_line(silent), "MAIL FROM:<from@client.example>");
  }
}

INSTANTIATE_TEST_SUITE_P(Reads, DeliverByOnward, testing::Bool(), reads_name);

}  // namespace
}  // namespace posthaste::smtp
