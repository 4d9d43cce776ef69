// From the connection to Ready: greeting, EHLO, STARTTLS, handshake, and all that can go wrong
// there.
#include <gmock/gmock.h>

#include "tests/unit/smtp/client_dialogue.h"

namespace posthaste::smtp {
namespace {

using policy::TlsFailure;
using testing::HasSubstr;

Capabilities helo_only() {
  Capabilities nothing;
  nothing.helo_only = true;
  return nothing;
}

class ClientOpening : public DialogueTest {};
INSTANTIATE_TEST_SUITE_P(Reads, ClientOpening, testing::Bool(), reads_name);

TEST_P(ClientOpening, SaysEhloAndIsReadyWithWhatWasOffered) {
  Dialogue d = dialogue();
  EXPECT_EQ(d.deadline(), kStart + std::chrono::seconds(30));
  d.event(Connected{});
  EXPECT_EQ(d.deadline(), kStart + std::chrono::minutes(5));
  d.hear("220-peer.example\r\n220 hello\r\n");
  EXPECT_EQ(d.said(), "EHLO client.example\r\n");
  EXPECT_FALSE(d.is_ready());
  d.hear("250-peer.example\r\n250-PIPELINING\r\n250-size 1000\r\n250 8BITMIME\r\n");
  EXPECT_TRUE(d.is_ready());
  EXPECT_EQ(d.deadline(), kNever);
  EXPECT_EQ(d.said(), "");
  Capabilities expected;
  expected.pipelining = expected.size = expected.eight_bit_mime = true;
  expected.size_max = 1000;
  EXPECT_EQ(d.ready->capabilities, expected);
  EXPECT_FALSE(d.ready->tls.has_value());
}

TEST_P(ClientOpening, TakesStartTlsAndAsksAgainInside) {
  Dialogue d = dialogue(with(TlsNeed::kRequired));
  d.event(Connected{});
  d.hear("220 hi\r\n");
  d.hear("250-peer\r\n250-CHUNKING\r\n250 STARTTLS\r\n");
  EXPECT_EQ(d.said(), "EHLO client.example\r\nSTARTTLS\r\n");
  EXPECT_EQ(d.handshakes, 0);
  d.hear("220 2.0.0 go\r\n");
  EXPECT_EQ(d.handshakes, 1);
  EXPECT_EQ(d.deadline(), d.now + std::chrono::seconds(30));
  policy::TlsFacts facts;
  facts.version = "TLSv1.3";
  d.event(TlsUp{facts});
  EXPECT_EQ(d.said(), "EHLO client.example\r\n");
  d.hear("250-peer\r\n250 DSN\r\n");
  ASSERT_TRUE(d.ready.has_value());
  EXPECT_EQ(d.ready->tls->version, "TLSv1.3");
  EXPECT_TRUE(d.ready->capabilities.dsn);
  EXPECT_FALSE(d.ready->capabilities.chunking) << "what was said in plaintext is forgotten";
}

TEST_P(ClientOpening, ImplicitTlsHandshakesBeforeTheGreeting) {
  ClientOptions options = with(TlsNeed::kRequired);
  options.implicit_tls = true;
  Dialogue d = dialogue(options);
  d.event(Connected{});
  EXPECT_EQ(d.handshakes, 1);
  d.event(TlsUp{});
  EXPECT_EQ(d.said(), "");
  d.hear("220 hi\r\n");
  d.hear("250 peer\r\n");
  EXPECT_TRUE(d.is_ready());
  EXPECT_EQ(d.said(), "EHLO client.example\r\n");
}

TEST_P(ClientOpening, LeavesStartTlsAloneWhereItIsNotWanted) {
  Dialogue d = dialogue(with(TlsNeed::kNever));
  d.event(Connected{});
  d.hear("220 hi\r\n");
  d.hear("250-peer\r\n250 STARTTLS\r\n");
  EXPECT_TRUE(d.is_ready());
  EXPECT_EQ(d.said(), "EHLO client.example\r\n");
}

TEST_P(ClientOpening, GoesOnInPlaintextWithoutAnOfferWhereThatIsAllowed) {
  Dialogue d = dialogue(with(TlsNeed::kIfOffered));
  d.open({"PIPELINING"});
  EXPECT_TRUE(d.is_ready());
  EXPECT_FALSE(d.ready->tls.has_value());
}

TEST_P(ClientOpening, FallsBackToHelo) {
  Dialogue d = dialogue();
  d.event(Connected{});
  d.hear("220 hi\r\n");
  d.hear("502 what?\r\n");
  EXPECT_EQ(d.said(), "EHLO client.example\r\nHELO client.example\r\n");
  d.hear("250 oh, hello\r\n");
  EXPECT_TRUE(d.is_ready());
  EXPECT_EQ(d.ready->capabilities, helo_only());
}

TEST_P(ClientOpening, AServerThatKnowsOnlyHeloInsideTlsOffersNothing) {
  Dialogue d = dialogue(with(TlsNeed::kRequired));
  d.event(Connected{});
  d.hear("220 hi\r\n");
  d.hear("250-peer\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
  d.hear("220 go\r\n");
  d.event(TlsUp{});
  d.hear("502 what?\r\n");
  d.hear("250 oh, hello\r\n");
  ASSERT_TRUE(d.ready.has_value());
  EXPECT_TRUE(d.ready->tls.has_value());
  EXPECT_EQ(d.ready->capabilities, helo_only()) << "not what was said in plaintext";
}

TEST_P(ClientOpening, WithoutEhloThereIsNoTlsToRequire) {
  Dialogue d = dialogue(with(TlsNeed::kRequired));
  d.event(Connected{});
  d.hear("220 hi\r\n");
  d.hear("502 what?\r\n");
  ASSERT_TRUE(d.failure.has_value());
  EXPECT_EQ(d.failure->tls, TlsFailure::kNotOffered);
  EXPECT_EQ(d.failure->reply.code, 502);
  EXPECT_TRUE(d.is_dead());
}

// ---- what can go wrong, as a table: what the peer says in a phase, and what comes of it

struct Fault {
  const char* name;
  TlsNeed need;
  std::vector<std::string> heard;
  Stage stage;
  TlsFailure tls;
  int code;           // of the failure's reply
  const char* words;  // part of them
  const char* last;   // what is said last
};
constexpr const char* kOffer = "250-peer\r\n250 STARTTLS\r\n";

const std::vector<Fault>& faults() {
  using enum Stage;
  using enum TlsFailure;
  static const std::vector<Fault> table{
      {"greeting 554",
       TlsNeed::kNever,
       {"554 5.7.1 go away\r\n"},
       kGreeting,
       kNone,
       554,
       "554 5.7.1 go away while waiting for the greeting",
       "QUIT\r\n"},
      {"greeting 421",
       TlsNeed::kNever,
       {"421 4.7.0 too busy\r\n"},
       kGreeting,
       kNone,
       421,
       "too busy",
       ""},
      {"greeting 451",
       TlsNeed::kRequired,
       {"451 later\r\n"},
       kGreeting,
       kNone,
       451,
       "later",
       "QUIT\r\n"},
      {"greeting 354", TlsNeed::kNever, {"354 go\r\n"}, kGreeting, kNone, 0, "protocol error", ""},
      {"greeting of another service",
       TlsNeed::kNever,
       {"SSH-2.0-OpenSSH_9\r\n"},
       kGreeting,
       kNone,
       0,
       "what came is no reply: \"SSH-2.0-OpenSSH_9\"",
       ""},
      {"EHLO 421",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", "421 bye\r\n"},
       kEhlo,
       kNone,
       421,
       "421 bye while sending EHLO",
       ""},
      {"EHLO 451",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", "451 later\r\n"},
       kEhlo,
       kNone,
       451,
       "later",
       "QUIT\r\n"},
      {"HELO 550",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", "550 no\r\n", "550 never\r\n"},
       kEhlo,
       kNone,
       550,
       "never",
       "QUIT\r\n"},
      {"two codes in one reply",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", "250-peer\r\n220 STARTTLS\r\n"},
       kEhlo,
       kNone,
       0,
       "different codes",
       ""},
      {"no offer",
       TlsNeed::kRequired,
       {"220 hi\r\n", "250 peer\r\n"},
       kStartTls,
       kNotOffered,
       0,
       "STARTTLS is required and not offered",
       "QUIT\r\n"},
      {"STARTTLS 454",
       TlsNeed::kRequired,
       {"220 hi\r\n", kOffer, "454 4.7.0 no entropy\r\n"},
       kStartTls,
       kRefusedTemporary,
       454,
       "no entropy while sending STARTTLS",
       "QUIT\r\n"},
      {"STARTTLS 454 where optional",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", kOffer, "454 no\r\n"},
       kStartTls,
       kRefusedTemporary,
       454,
       "454 no",
       "QUIT\r\n"},
      {"STARTTLS 421",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", kOffer, "421 no\r\n"},
       kStartTls,
       TlsFailure::kNone,
       421,
       "421 no",
       ""},
      {"STARTTLS 554 where optional",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", kOffer, "554 no\r\n"},
       kStartTls,
       kRefusedPermanent,
       554,
       "554 no",
       "QUIT\r\n"},
      {"STARTTLS 250",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", kOffer, "250 ok\r\n"},
       kStartTls,
       kProtocolError,
       0,
       "no answer to STARTTLS: 250 ok",
       ""},
      {"garbage for STARTTLS",
       TlsNeed::kIfOffered,
       {"220 hi\r\n", kOffer, "yes\r\n"},
       kStartTls,
       kProtocolError,
       0,
       "no reply",
       ""},
      {"garbage behind TLS",
       TlsNeed::kRequired,
       {"220 hi\r\n", kOffer, "220 go\r\n", "<TLS>", "what\r\n"},
       kEhlo,
       kNone,
       0,
       "protocol error while sending EHLO",
       ""},
      {"EHLO 550 behind TLS, then HELO",
       TlsNeed::kRequired,
       {"220 hi\r\n", kOffer, "220 go\r\n", "<TLS>", "550 what\r\n", "550 no\r\n"},
       kEhlo,
       kNone,
       550,
       "550 no",
       "QUIT\r\n"},
  };
  return table;
}

TEST_P(ClientOpening, EndsWithTheRightWordsForEveryFault) {
  for (const Fault& fault : faults()) {
    SCOPED_TRACE(fault.name);
    Dialogue d = dialogue(with(fault.need));
    d.event(Connected{});
    for (std::size_t i = 0; i < fault.heard.size(); ++i) {
      EXPECT_FALSE(d.is_dead());
      if (i + 1 == fault.heard.size()) (void)d.said();
      if (fault.heard[i] == "<TLS>") {
        d.event(TlsUp{});
      } else {
        d.hear(fault.heard[i]);
      }
    }
    ASSERT_TRUE(d.failure.has_value());
    EXPECT_EQ(d.failure->stage, fault.stage);
    EXPECT_EQ(d.failure->tls, fault.tls);
    EXPECT_EQ(d.failure->reply.code, fault.code);
    EXPECT_FALSE(d.failure->timed_out);
    EXPECT_THAT(d.failure->words, HasSubstr(fault.words));
    EXPECT_EQ(d.said(), fault.last);
    EXPECT_TRUE(d.is_dead());
    EXPECT_FALSE(d.ready.has_value());
    EXPECT_EQ(d.deadline(), kNever);
  }
}

// Brings a session to the point where it waits in `stage`.
void bring_to(Stage stage, Dialogue& d) {
  if (stage == Stage::kConnect) return;
  d.event(Connected{});
  if (stage == Stage::kGreeting) return;
  d.hear("220 hi\r\n");
  if (stage == Stage::kEhlo) return;
  d.hear(kOffer);
  if (stage == Stage::kStartTls) return;
  d.hear("220 go\r\n");
}
TlsFailure if_about_tls(Stage stage, TlsFailure failure) {
  return stage == Stage::kStartTls || stage == Stage::kHandshake ? failure : TlsFailure::kNone;
}
constexpr Stage kOpeningStages[] = {Stage::kConnect, Stage::kGreeting, Stage::kEhlo,
                                    Stage::kStartTls, Stage::kHandshake};

TEST_P(ClientOpening, TimesOutInEveryStage) {
  for (const Stage stage : kOpeningStages) {
    SCOPED_TRACE(name(stage));
    Dialogue d = dialogue();
    bring_to(stage, d);
    const Instant deadline = d.deadline();
    d.event(Tick{});
    EXPECT_FALSE(d.is_dead()) << "too early a Tick means nothing";
    EXPECT_EQ(d.deadline(), deadline);
    d.time_out();
    ASSERT_TRUE(d.failure.has_value());
    EXPECT_EQ(d.failure->stage, stage);
    EXPECT_TRUE(d.failure->timed_out);
    EXPECT_EQ(d.failure->tls, if_about_tls(stage, TlsFailure::kTimeout));
    EXPECT_THAT(d.failure->words, HasSubstr("timed out while " + std::string(words(stage))));
    EXPECT_TRUE(d.is_dead());
  }
}

TEST_P(ClientOpening, SaysWhereThePeerWentAway) {
  for (const Stage stage : kOpeningStages) {
    SCOPED_TRACE(name(stage));
    Dialogue d = dialogue();
    bring_to(stage, d);
    d.event(PeerGone{"connection reset by peer"});
    ASSERT_TRUE(d.failure.has_value());
    EXPECT_EQ(d.failure->stage, stage);
    EXPECT_EQ(d.failure->tls, if_about_tls(stage, TlsFailure::kClosed));
    EXPECT_THAT(d.failure->words, HasSubstr("connection reset by peer"));
    EXPECT_TRUE(d.is_dead());
  }
}

TEST_P(ClientOpening, TellsAResetFromACloseWhereTlsIsAtStake) {
  for (const Stage stage : kOpeningStages) {
    SCOPED_TRACE(name(stage));
    Dialogue d = dialogue();
    bring_to(stage, d);
    PeerGone gone{"connection reset by peer"};
    gone.reset = true;
    d.event(gone);
    EXPECT_EQ(d.failure->tls, if_about_tls(stage, TlsFailure::kReset));
    EXPECT_EQ(d.failure->stage, stage);
  }
}

TEST_P(ClientOpening, HalfAReplyToStartTlsIsNone) {
  Dialogue closed = dialogue();
  bring_to(Stage::kStartTls, closed);
  closed.hear("220-wait\r\n22");
  closed.event(PeerGone{"end of file"});
  EXPECT_EQ(closed.failure->tls, TlsFailure::kClosed);
  Dialogue silent = dialogue();
  bring_to(Stage::kStartTls, silent);
  silent.hear("220-wait\r\n22");
  silent.time_out();
  EXPECT_EQ(silent.failure->tls, TlsFailure::kTimeout);
  EXPECT_EQ(silent.failure->stage, Stage::kStartTls);
}

// A host that is slow or goes away once TLS is up has shown that TLS works.
TEST_P(ClientOpening, BehindTheHandshakeNothingButAnAlertIsATlsFailure) {
  ClientOptions implicit = with(TlsNeed::kRequired);
  implicit.implicit_tls = true;
  for (const bool starttls : {true, false}) {
    for (const bool times_out : {true, false}) {
      Dialogue d = dialogue(starttls ? with(TlsNeed::kRequired) : implicit);
      if (starttls) {
        bring_to(Stage::kHandshake, d);
      } else {
        d.event(Connected{});
      }
      d.event(TlsUp{});
      if (times_out) {
        d.time_out();
      } else {
        d.event(PeerGone{"reset", TlsFailure::kNone, true});
      }
      ASSERT_TRUE(d.failure.has_value());
      EXPECT_EQ(d.failure->tls, TlsFailure::kNone);
      EXPECT_EQ(d.failure->stage, starttls ? Stage::kEhlo : Stage::kGreeting);
    }
  }
}

TEST_P(ClientOpening, ALateAlertIsATlsFailure) {
  Dialogue d = dialogue();
  bring_to(Stage::kHandshake, d);
  d.event(TlsUp{});
  d.event(PeerGone{"certificate required", TlsFailure::kClientCertRequired});
  EXPECT_EQ(d.failure->tls, TlsFailure::kClientCertRequired);
  EXPECT_EQ(d.failure->stage, Stage::kEhlo);
}

TEST_P(ClientOpening, AFailedHandshakeEndsTheSession) {
  Dialogue d = dialogue();
  bring_to(Stage::kHandshake, d);
  (void)d.said();
  d.event(TlsFailed{TlsFailure::kProtocolVersion, "alert 70"});
  EXPECT_EQ(d.failure->tls, TlsFailure::kProtocolVersion);
  EXPECT_EQ(d.failure->stage, Stage::kHandshake);
  EXPECT_THAT(d.failure->words, HasSubstr("alert 70"));
  EXPECT_EQ(d.said(), "") << "nothing is said on a socket whose handshake failed";
  EXPECT_TRUE(d.is_dead());
}

// RFC 3207 §6 and CVE-2011-0411: what stands behind the 220 in plaintext was put there by somebody
// else.
TEST_P(ClientOpening, PlaintextBehindTheReplyToStartTlsIsInjection) {
  for (const char* injected : {"220 go\r\n250 injected\r\n", "220 go\r\nx"}) {
    Dialogue d = dialogue(with(TlsNeed::kRequired));
    bring_to(Stage::kStartTls, d);
    d.hear(injected);
    ASSERT_TRUE(d.failure.has_value());
    EXPECT_EQ(d.failure->tls, TlsFailure::kProtocolError);
    EXPECT_TRUE(d.is_dead());
  }
}

TEST(ClientSession, APeerThatTalksBeforeItIsAskedIsOutOfStep) {
  for (const char* heard : {"220 hi\r\n250 peer\r\n", "220 hi\r\nx"}) {
    Dialogue d;
    d.event(Connected{});
    d.hear(heard);
    ASSERT_TRUE(d.failure.has_value());
    EXPECT_THAT(d.failure->words, HasSubstr("talks before it is asked"));
  }
}

TEST(ClientSession, AnUnreachableHostIsAFailureToConnect) {
  Dialogue d;
  d.event(ConnectError{"connection refused"});
  EXPECT_EQ(d.failure->stage, Stage::kConnect);
  EXPECT_EQ(d.failure->words, "connection refused");
  EXPECT_FALSE(d.failure->timed_out);
  EXPECT_TRUE(d.is_dead());
}

TEST(ClientSession, QuitBeforeReadyJustCloses) {
  for (const Stage stage : kOpeningStages) {
    Dialogue d;
    bring_to(stage, d);
    d.event(Quit{});
    EXPECT_TRUE(d.is_dead());
    EXPECT_FALSE(d.failure.has_value());
  }
}

TEST(ClientSession, IgnoresEverythingAfterItsEnd) {
  Dialogue d;
  d.event(ConnectError{"connection refused"});
  d.event(Connected{});
  d.event(Bytes{"220 hi\r\n"});
  d.event(TlsUp{});
  d.event(Written{});
  d.event(Tick{});
  d.event(Quit{});
  d.event(PeerGone{});
  d.deliver({"a@peer.example"});
  EXPECT_EQ(d.finished, 0);
  EXPECT_EQ(d.said(), "");
}

TEST(ClientSession, AMovedSessionGoesOn) {
  ClientActions out;
  ClientOptions options;
  options.helo = HeloName("client.example");
  ClientSession first(options, kStart);
  ClientSession second = std::move(first);
  second.handle(Connected{}, kStart, out);
  second.handle(Bytes{"220 hi\r\n"}, kStart, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(std::get<Send>(out[0]).bytes, "EHLO client.example\r\n");
}

}  // namespace
}  // namespace posthaste::smtp
