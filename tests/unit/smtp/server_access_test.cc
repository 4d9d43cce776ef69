// Who may submit: by address, by client certificate, by both.
#include <gmock/gmock.h>

#include "lib/smtp/submission_access.h"
#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kKey =
    "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

enum class Shown { kAllowed, kNotAllowed, kUnverified, kNothing, kPlaintext };

policy::TlsFacts facts(Shown shown) {
  policy::TlsFacts made;
  made.version = "TLSv1.3";
  made.cipher = "TLS_AES_128_GCM_SHA256";
  if (shown == Shown::kNothing) return made;
  made.certificate_present = true;
  made.verified = shown != Shown::kUnverified;
  made.verify_code = made.verified ? 0 : 10;
  const bool ours = shown != Shown::kNotAllowed;  // an unverified one may say anything
  made.subject = ours ? "CN=app,O=Example" : "CN=other,O=Example";
  made.names = {ours ? "app.example" : "other.example"};
  made.fingerprint = ours ? kKey : "sha256:ff";
  return made;
}

ServerOptions options(ClientCertificates mode, bool trusted, bool implicit) {
  ServerOptions made = trusted_options();
  made.trusted = trusted;
  made.client_certificates = mode;
  made.allowed_certificates = {"app.example"};
  made.offer_starttls = !implicit;
  made.implicit_tls = implicit;
  return made;
}

// What MAIL is answered in a session that showed this.
std::string answer(const ServerOptions& given, Shown shown) {
  ServerDialogue dialogue(given);
  dialogue.event(server::Accepted{});
  if (given.implicit_tls) dialogue.event(server::TlsUp{facts(shown)});
  dialogue.say("EHLO client.example\r\n");
  if (!given.implicit_tls && shown != Shown::kPlaintext) {
    dialogue.say("STARTTLS\r\n");
    dialogue.event(server::TlsUp{facts(shown)});
    dialogue.say("EHLO client.example\r\n");
  }
  return dialogue.say("MAIL FROM:<a@example.com>\r\n");
}

struct Row {
  ClientCertificates mode;
  Shown shown;
  const char* trusted;   // how the answer begins for a peer in submission.trusted
  const char* stranger;  // and for one that is not
};
constexpr const char* kYes = "250 2.1.0 ";
constexpr const char* kNo = "550 5.7.1 ";
constexpr const char* kShowFirst = "530 5.7.0 ";
constexpr Row kRows[] = {
    {ClientCertificates::kIgnore, Shown::kAllowed, kYes, kNo},
    {ClientCertificates::kIgnore, Shown::kNotAllowed, kYes, kNo},
    {ClientCertificates::kIgnore, Shown::kUnverified, kYes, kNo},
    {ClientCertificates::kIgnore, Shown::kNothing, kYes, kNo},
    {ClientCertificates::kIgnore, Shown::kPlaintext, kYes, kNo},
    {ClientCertificates::kOptional, Shown::kAllowed, kYes, kYes},
    {ClientCertificates::kOptional, Shown::kNotAllowed, kYes, kNo},
    {ClientCertificates::kOptional, Shown::kUnverified, kYes, kNo},
    {ClientCertificates::kOptional, Shown::kNothing, kYes, kShowFirst},
    {ClientCertificates::kOptional, Shown::kPlaintext, kYes, kShowFirst},
    {ClientCertificates::kRequired, Shown::kAllowed, kYes, kYes},
    {ClientCertificates::kRequired, Shown::kNotAllowed, kYes, kNo},
    {ClientCertificates::kRequired, Shown::kUnverified, kNo, kNo},
    {ClientCertificates::kRequired, Shown::kNothing, kShowFirst, kShowFirst},
    {ClientCertificates::kRequired, Shown::kPlaintext, kShowFirst, kShowFirst},
};

TEST(ServerAccess, IsDecidedByAddressAndCertificateAlikeOnBothWaysIntoTls) {
  for (const Row& row : kRows) {
    for (const bool trusted : {true, false}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(row.mode) << " "
                                      << static_cast<int>(row.shown) << " " << trusted);
      const std::string starttls = answer(options(row.mode, trusted, false), row.shown);
      EXPECT_THAT(starttls, StartsWith(trusted ? row.trusted : row.stranger));
      if (row.shown == Shown::kPlaintext) continue;
      EXPECT_EQ(answer(options(row.mode, trusted, true), row.shown), starttls);
    }
  }
}

TEST(ServerAccess, AVerifiedCertificateIsEnoughWhereNobodyIsNamed) {
  for (const ClientCertificates mode :
       {ClientCertificates::kOptional, ClientCertificates::kRequired}) {
    ServerOptions all = options(mode, false, false);
    all.allowed_certificates.clear();
    EXPECT_THAT(answer(all, Shown::kNotAllowed), StartsWith(kYes));
    EXPECT_THAT(answer(all, Shown::kUnverified), StartsWith(kNo));
    EXPECT_THAT(answer(all, Shown::kNothing), StartsWith(kShowFirst));
  }
}

TEST(ServerAccess, NamesACertificateByKeyByNameOrByWholeSubject) {
  ServerOptions given = options(ClientCertificates::kOptional, false, false);
  const auto allows = [&](std::string entry) {
    given.allowed_certificates = {"sha256:77", "nobody.example", std::move(entry)};
    return allowed(given, facts(Shown::kAllowed));
  };
  EXPECT_TRUE(allows(kKey));
  EXPECT_TRUE(allows("SHA256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"));
  EXPECT_TRUE(allows("app.example"));
  EXPECT_TRUE(allows("App.EXAMPLE"));
  EXPECT_TRUE(allows("CN=app,O=Example"));
  for (const char* other :
       {"", "sha256:", "app", "example", "sub.app.example", "CN=app", "O=Example",
        "cn=app,o=example", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}) {
    EXPECT_FALSE(allows(other)) << other;
  }
  given.allowed_certificates = {kKey, "app.example", "CN=app,O=Example"};
  EXPECT_FALSE(allowed(given, facts(Shown::kUnverified)));
}

TEST(ServerAccess, SaysWhatWouldHelp) {
  const auto stranger = [](ClientCertificates mode, Shown shown) {
    return answer(options(mode, false, false), shown);
  };
  EXPECT_EQ(stranger(ClientCertificates::kIgnore, Shown::kAllowed),
            "550 5.7.1 192.0.2.7 may not submit mail here: it is not in submission.trusted\r\n");
  EXPECT_EQ(stranger(ClientCertificates::kRequired, Shown::kPlaintext),
            "530 5.7.0 Must issue a STARTTLS command first: everybody needs a client certificate "
            "here\r\n");
  EXPECT_EQ(stranger(ClientCertificates::kOptional, Shown::kNothing),
            "530 5.7.0 192.0.2.7, which is not in submission.trusted, needs a client certificate "
            "here, and none was shown\r\n");
  EXPECT_THAT(stranger(ClientCertificates::kOptional, Shown::kUnverified),
              HasSubstr("CN=app,O=Example could not be verified (X.509 code 10)"));
  EXPECT_THAT(stranger(ClientCertificates::kRequired, Shown::kNotAllowed),
              HasSubstr("CN=other,O=Example is not in submission.client_certificates.allow"));
  ServerOptions no_tls = options(ClientCertificates::kRequired, true, false);
  no_tls.offer_starttls = false;
  EXPECT_THAT(answer(no_tls, Shown::kPlaintext), StartsWith("550 5.7.1 everybody needs"));
}

TEST(ServerAccess, NoAnswerIsLongerThanAReplyLine) {
  ServerOptions given = options(ClientCertificates::kRequired, false, false);
  for (const bool verified : {true, false}) {
    policy::TlsFacts long_name = facts(Shown::kNotAllowed);
    long_name.verified = verified;
    long_name.subject = "CN=" + std::string(5000, 'x') + "\r\n250 ok";
    const std::string refusal = access_refusal(given, long_name);
    EXPECT_LE(refusal.size() + 2, 512U);  // RFC 5321 §4.5.3.1.5
    EXPECT_THAT(refusal, Not(HasSubstr("\r")));
  }
}

std::string submitter_of(const policy::TlsFacts& shown, std::string* body) {
  ServerDialogue dialogue(options(ClientCertificates::kOptional, true, true));
  dialogue.event(server::Accepted{});
  dialogue.event(server::TlsUp{shown});
  dialogue.say("EHLO client.example\r\n" + data_message("x\r\n.\r\n"));
  *body = dialogue.body();
  return dialogue.submissions.at(0).envelope->submitter;
}

TEST(ServerAccess, TheHolderOfAVerifiedCertificateIsNamedWithTheMessage) {
  constexpr const char* kSession =
      "client.example[192.0.2.7]:50123 ESMTPS TLSv1.3 TLS_AES_128_GCM_SHA256";
  std::string body;
  EXPECT_EQ(submitter_of(facts(Shown::kNotAllowed), &body),
            std::string(kSession) + " CN=other,O=Example");
  EXPECT_THAT(body, HasSubstr("\r\n\t(verified client certificate CN=other,O=Example) id "));
  for (const Shown shown : {Shown::kUnverified, Shown::kNothing}) {
    EXPECT_EQ(submitter_of(facts(shown), &body), kSession);
    EXPECT_THAT(body, Not(HasSubstr("certificate")));
  }
  policy::TlsFacts nameless = facts(Shown::kAllowed);
  nameless.subject.clear();
  EXPECT_EQ(submitter_of(nameless, &body), std::string(kSession) + " app.example");
  nameless.names.clear();
  EXPECT_EQ(submitter_of(nameless, &body), std::string(kSession) + " " + kKey);
}

}  // namespace
}  // namespace posthaste::smtp
