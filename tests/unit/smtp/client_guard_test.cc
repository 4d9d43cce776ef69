// The guard before MAIL, provoked on purpose: sessions that do not have what the effective level
// wants, as only a bug elsewhere could make them.
#include <gmock/gmock.h>

#include "tests/unit/smtp/client_dialogue.h"

namespace posthaste::smtp {
namespace {

using policy::TlsFailure;
using testing::HasSubstr;
using testing::StartsWith;

class ClientGuard : public DialogueTest {};
INSTANTIATE_TEST_SUITE_P(Reads, ClientGuard, testing::Bool(), reads_name);

enum class Session { kPlaintext, kUnverified, kVerified };
constexpr Session kSessions[] = {Session::kPlaintext, Session::kUnverified, Session::kVerified};

// Up to Ready, whatever the guard will say to it.
void open(Dialogue& d, Session session) {
  if (session == Session::kPlaintext) return d.open({"PIPELINING"});
  d.event(Connected{});
  d.hear("220 hi\r\n");
  d.hear("250-peer\r\n250 STARTTLS\r\n");
  d.hear("220 go\r\n");
  policy::TlsFacts facts;
  facts.certificate_present = true;
  facts.verified = session == Session::kVerified;
  d.event(TlsUp{facts});
  d.hear("250-peer\r\n250 PIPELINING\r\n");
  ASSERT_TRUE(d.is_ready());
  (void)d.said();
}

bool breaks(Session session, bool plaintext_allowed, bool verified_required) {
  if (verified_required) return session != Session::kVerified;
  return session == Session::kPlaintext && !plaintext_allowed;
}

void expect_held_back(Dialogue& d) {
  EXPECT_EQ(d.said(), "QUIT\r\n");
  ASSERT_EQ(d.finished, 1);
  for (std::uint16_t i = 0; i < 2; ++i) {
    EXPECT_EQ(d.outcome(i).number, i);
    EXPECT_EQ(d.outcome(i).verdict, Verdict::kUntried);
    EXPECT_THAT(d.outcome(i).reply.text, StartsWith("MAIL was held back: "));
  }
  ASSERT_TRUE(d.failure.has_value());
  EXPECT_EQ(d.failure->tls, TlsFailure::kGuarded);
  EXPECT_EQ(policy::kind(d.failure->tls), policy::TlsFailureKind::kLocal);
  EXPECT_EQ(d.failure->stage, Stage::kMail);
  EXPECT_THAT(d.failure->words, StartsWith("MAIL was held back: "));
  EXPECT_TRUE(d.is_dead());
}

TEST_P(ClientGuard, HoldsMailBackWhereTheSessionIsBelowItsLevelAndOnlyThere) {
  for (const Session session : kSessions) {
    for (const bool plaintext_allowed : {false, true}) {
      for (const bool verified_required : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << static_cast<int>(session) << plaintext_allowed << verified_required);
        ClientOptions options = with(TlsNeed::kIfOffered);  // the mistake
        options.plaintext_allowed = plaintext_allowed;
        options.verified_required = verified_required;
        Dialogue d = dialogue(options);
        open(d, session);
        d.deliver({"a@peer.example", "b@peer.example"});
        if (breaks(session, plaintext_allowed, verified_required)) {
          expect_held_back(d);
        } else {
          EXPECT_THAT(d.said(), StartsWith("MAIL FROM:"));
          EXPECT_FALSE(d.failure.has_value());
        }
      }
    }
  }
}

TEST_P(ClientGuard, ActsAlsoWhereTlsWasForbidden) {
  ClientOptions options = with(TlsNeed::kNever);
  options.plaintext_allowed = false;
  Dialogue d = dialogue(options);
  d.open({"STARTTLS"});
  d.deliver({"a@peer.example", "b@peer.example"});
  expect_held_back(d);
}

// What a stripped session offers is no reason to return a message.
TEST_P(ClientGuard, GoesBeforeWhatThePeerLacks) {
  ClientOptions options;
  options.plaintext_allowed = false;
  Dialogue d = dialogue(options);
  d.open({"SIZE 1"});
  mail::Envelope envelope = plain_envelope();
  envelope.eight_bit = true;
  envelope.tls_wish = mail::TlsWish::kRequireTls;
  d.deliver(std::vector<std::string>{"a@peer.example", "b@peer.example"}, envelope);
  expect_held_back(d);
}

TEST_P(ClientGuard, SaysWhichDemandWasNotMet) {
  ClientOptions options;
  options.verified_required = true;
  Dialogue plaintext = dialogue(options);
  open(plaintext, Session::kPlaintext);
  plaintext.deliver({"a@peer.example"});
  EXPECT_THAT(plaintext.failure->words, HasSubstr("in plaintext"));
  Dialogue unverified = dialogue(options);
  open(unverified, Session::kUnverified);
  unverified.deliver({"a@peer.example"});
  EXPECT_THAT(unverified.failure->words, HasSubstr("not verified"));
}

}  // namespace
}  // namespace posthaste::smtp
