// Certificates of clients: what a server of ours makes of theirs, and what others make of ours. A
// bad one never ends a handshake, in whatever mode and version, first time or resumed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <ctime>
#include <optional>

#include "lib/tls/server_callbacks.h"
#include "lib/tls/session_cache.h"
#include "tests/unit/tls/test_client.h"
#include "tests/unit/tls/test_revocation.h"

namespace posthaste::tls {
namespace {

using policy::ClientIdentity;
using policy::TlsFacts;
using policy::TlsFailure;
using policy::TlsVersion;
using ::testing::AllOf;
using ::testing::HasSubstr;

policy::TlsProfile only(TlsVersion version) {
  policy::TlsProfile profile = policy::modern_profile();
  profile.min_version = profile.max_version = version;
  return profile;
}

class ClientCertificate : public ::testing::Test {
 protected:
  static CertificateOrder order(CertificateOrder base = {}) {
    base.common_name = "app.example.com";
    base.dns_names = {"app.example.com"};
    base.purpose = "clientAuth";
    return base;
  }
  ClientIdentity identity(const std::string& name, const TestCertificate& made) const {
    return {folder.write(name + ".pem", made.certificate_pem),
            folder.write(name + ".key", made.key_pem)};
  }
  ServerContext::Options options(ClientCertificates mode) const {
    ServerContext::Options made{.certificate_file = folder.path("server.pem"),
                                .private_key_file = folder.path("server.key")};
    made.client_certificates = mode;
    if (mode != ClientCertificates::kIgnore) made.client_trust.ca_file = folder.path("root.pem");
    return made;
  }
  ClientCertificate() {
    (void)identity("server", make_self_signed({}));
    folder.write("root.pem", root.certificate_pem);
  }
  void serve(const ServerContext::Options& made) {
    auto context = ServerContext::make(made, nullptr);
    ASSERT_TRUE(context) << context.error().words;
    server = std::move(*context);
  }
  // One whole connection; what the server came to know of the client.
  std::optional<TlsFacts> accept_from(ClientContext& context) {
    auto [near, far] = io::tcp_pair_at(listening.get());
    std::thread client([&context, fd = near.get()] {
      auto stream = TlsStream::client(context, fd, MxName("mx.example.com"));
      EXPECT_EQ(drive_handshake(**stream, fd).status, io::IoStatus::kOk)
          << (*stream)->failure_words();
      EXPECT_EQ(read_some(**stream, fd).second, "220 hello\r\n") << (*stream)->failure_words();
    });
    std::optional<TlsFacts> facts;
    {
      auto stream = TlsStream::server(*server, far.get());
      if (drive_handshake(**stream, far.get()).status == io::IoStatus::kOk) {
        facts = (*stream)->facts();
        write_all(**stream, far.get(), "220 hello\r\n");
      }
    }
    client.join();
    return facts;
  }

  struct Row {
    const char* name;
    ClientIdentity identity;
    int verify_code;
  };
  std::vector<Row> rows() const {
    const auto stranger = make_self_signed(authority_order("Other Root"));
    auto server_only = order();
    server_only.purpose = "serverAuth";
    return {
        {"valid", identity("valid", make_issued(order(), root)), X509_V_OK},
        {"self-signed", identity("self", make_self_signed(order())),
         X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
        {"wrong CA", identity("wrong", make_issued(order(), stranger)),
         X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
        {"expired", identity("expired", make_issued(order(expired_order()), root)),
         X509_V_ERR_CERT_HAS_EXPIRED},
        {"wrong purpose", identity("purpose", make_issued(server_only, root)),
         X509_V_ERR_INVALID_PURPOSE},
        {"none", {}, X509_V_OK},
    };
  }
  void expect_row(const Row& row, const TlsFacts& facts) {
    const bool shown = row.identity != ClientIdentity{};
    EXPECT_EQ(facts.certificate_present, shown);
    const bool good = shown && row.verify_code == X509_V_OK;
    EXPECT_EQ(facts.verified, good);
    EXPECT_EQ(facts.authenticated_by,
              good ? policy::TlsAuthentication::kPkix : policy::TlsAuthentication::kNone);
    EXPECT_EQ(facts.subject, shown ? "CN=app.example.com" : "");
    if (!shown) return;
    EXPECT_EQ(facts.verify_code, row.verify_code);
    EXPECT_THAT(facts.names, ::testing::ElementsAre("app.example.com"));
    EXPECT_EQ(facts.fingerprint.size(), std::string("sha256:").size() + 64);
  }

  CertificateFolder folder;
  const TestCertificate root = make_self_signed(authority_order("Client Root"));
  io::Fd listening = std::move(*io::listen_tcp(io::any_port(), false));
  std::unique_ptr<ServerContext> server;
};

TEST_F(ClientCertificate, GivesTheSameRowsInEveryModeAndVersionFirstAndResumed) {
  const auto table = rows();
  for (const auto mode : {ClientCertificates::kOptional, ClientCertificates::kRequired}) {
    serve(options(mode));
    for (const auto version : {TlsVersion::kTls12, TlsVersion::kTls13}) {
      for (const Row& row : table) {
        SCOPED_TRACE(testing::Message()
                     << row.name << (version == TlsVersion::kTls12 ? " 1.2" : " 1.3")
                     << (mode == ClientCertificates::kRequired ? " required" : ""));
        const auto client = ClientContext::make(only(version), {}, row.identity);
        ASSERT_TRUE(client) << client.error().words;
        for (const bool resumed : {false, true}) {
          const auto facts = accept_from(**client);
          ASSERT_TRUE(facts);
          EXPECT_EQ(facts->resumed, resumed);
          expect_row(row, *facts);
        }
      }
    }
  }
}

TEST_F(ClientCertificate, IsNotAskedForWhereItIsIgnored) {
  serve(options(ClientCertificates::kIgnore));
  const auto client = ClientContext::make(policy::modern_profile(), {},
                                          identity("valid", make_issued(order(), root)));
  for (const bool resumed : {false, true}) {
    const auto facts = accept_from(**client);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->resumed, resumed);
    EXPECT_FALSE(facts->certificate_present);
    EXPECT_FALSE(facts->verified);
  }
}

TEST_F(ClientCertificate, IsJudgedAnewWhereTheRulesHaveChanged) {
  const auto stranger = make_self_signed(authority_order("Other Root"));
  const auto valid = make_issued(order(), root);
  for (const auto version : {TlsVersion::kTls12, TlsVersion::kTls13}) {
    const auto client = ClientContext::make(only(version), {}, identity("valid", valid));
    auto rules = options(ClientCertificates::kOptional);
    serve(rules);
    EXPECT_TRUE(accept_from(**client)->verified);
    EXPECT_TRUE(accept_from(**client)->resumed);
    rules.client_trust.crl_file = folder.write("lists.pem", make_revocation_list(root, {valid}));
    serve(rules);
    const auto revoked = accept_from(**client);
    ASSERT_TRUE(revoked);
    EXPECT_FALSE(revoked->resumed);
    EXPECT_EQ(revoked->verify_code, X509_V_ERR_CERT_REVOKED);
    rules.client_trust = {folder.write("other.pem", stranger.certificate_pem), ""};
    serve(rules);
    const auto untrusted = accept_from(**client);
    ASSERT_TRUE(untrusted);
    EXPECT_FALSE(untrusted->resumed);
    EXPECT_FALSE(untrusted->verified);
  }
}

TEST_F(ClientCertificate, OfATicketIsBelievedForADay) {
  const auto weigh = [](std::optional<std::time_t> age, SSL_TICKET_STATUS status) {
    const SessionPtr session(SSL_SESSION_new());
    if (age) {
      const std::time_t proven = std::time(nullptr) - *age;
      EXPECT_EQ(SSL_SESSION_set1_ticket_appdata(session.get(), &proven, sizeof proven), 1);
    }
    return weigh_ticket(nullptr, session.get(), nullptr, 0, status, nullptr);
  };
  EXPECT_EQ(weigh(0, SSL_TICKET_SUCCESS), SSL_TICKET_RETURN_USE);
  EXPECT_EQ(weigh(kProofSecondsMax - 60, SSL_TICKET_SUCCESS_RENEW), SSL_TICKET_RETURN_USE_RENEW);
  EXPECT_EQ(weigh(kProofSecondsMax, SSL_TICKET_SUCCESS), SSL_TICKET_RETURN_IGNORE_RENEW);
  EXPECT_EQ(weigh(std::nullopt, SSL_TICKET_SUCCESS), SSL_TICKET_RETURN_IGNORE_RENEW);
  EXPECT_EQ(weigh(0, SSL_TICKET_NO_DECRYPT), SSL_TICKET_RETURN_IGNORE_RENEW);
}

TEST_F(ClientCertificate, IsAskedForByTheNamesOfThoseWhoIssueIt) {
  serve(options(ClientCertificates::kOptional));
  std::string asked;
  {
    const FarEnd far = FarEnd::raw([&asked](int fd) {
      const SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
      const SslPtr ssl(SSL_new(context.get()));
      SSL_set_fd(ssl.get(), fd);
      EXPECT_EQ(SSL_connect(ssl.get()), 1);
      const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl.get());
      for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
        char line[256];
        asked += X509_NAME_oneline(sk_X509_NAME_value(names, i), line, sizeof line);
      }
      swallow(fd);
    });
    auto stream = TlsStream::server(*server, far.fd());
    EXPECT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
  }
  EXPECT_EQ(asked, "/CN=Client Root");
}

TEST_F(ClientCertificate, CannotBeAskedForWithoutSayingWhoIssuesIt) {
  auto wanting = options(ClientCertificates::kRequired);
  wanting.client_trust.ca_file.clear();
  const auto none = ServerContext::make(wanting, nullptr);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().words, HasSubstr("without a CA file"));
  wanting.client_trust.ca_file = folder.path("nowhere.pem");
  const auto missing = ServerContext::make(wanting, nullptr);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().words, AllOf(HasSubstr("the CA file"), HasSubstr("nowhere.pem")));
  wanting.client_trust = {folder.path("root.pem"), folder.path("nowhere.crl")};
  const auto unlisted = ServerContext::make(wanting, nullptr);
  ASSERT_FALSE(unlisted);
  EXPECT_THAT(unlisted.error().words, AllOf(HasSubstr("the CRL file"), HasSubstr("nowhere.crl")));
}

// Ours, shown to others.
class Identity : public ClientCertificate {
 protected:
  SslCtxPtr demanding_server(int version) {
    OtherServer other{
        .certificate = make_self_signed({}), .min_version = version, .max_version = version};
    other.adjust = [this](SSL_CTX* context) {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      SSL_CTX_load_verify_locations(context, folder.path("root.pem").c_str(), nullptr);
    };
    return other.make();
  }
  static Demand showing(const ClientIdentity& ours) {
    policy::TlsDemand demand;
    demand.identity = ours;
    return std::make_shared<const policy::TlsDemand>(std::move(demand));
  }
};

TEST_F(Identity, IsShownToAServerThatAsksForIt) {
  const auto demand = showing(identity("ours", make_issued(order(), root)));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto other = demanding_server(version);
    EXPECT_TRUE(connect_once(other.get(), demand).up);
  }
}

TEST_F(Identity, ThatIsNotAcceptedIsNamedInTheFailure) {
  const auto demand = showing(identity("ours", make_self_signed(order())));
  const auto other = demanding_server(TLS1_2_VERSION);
  const Attempt attempt = connect_once(other.get(), demand);
  EXPECT_EQ(attempt.failure, TlsFailure::kPeerRejectedOurCert);
  EXPECT_THAT(attempt.words, HasSubstr("was shown ours"));
}

TEST_F(Identity, OfNoUseIsAnErrorThatNamesTheFile) {
  const auto make = [](const ClientIdentity& ours) {
    const auto made = ClientContext::make(policy::modern_profile(), {}, ours);
    EXPECT_FALSE(made);
    return made ? Error{} : made.error();
  };
  const auto good = identity("ours", make_issued(order(), root));
  EXPECT_THAT(make({good.certificate_file, ""}).words, HasSubstr("name both files"));
  EXPECT_EQ(make({folder.path("none.pem"), good.private_key_file}).code, ErrorCode::kNotFound);
  EXPECT_THAT(make({good.certificate_file, folder.path("server.key")}).words,
              AllOf(HasSubstr("server.key"), HasSubstr("does not belong")));
}

TEST_F(Identity, ThatHasExpiredIsAWarning) {
  std::string warning = "stale";
  const auto old = identity("old", make_issued(order(expired_order()), root));
  EXPECT_TRUE(ClientContext::make(policy::modern_profile(), {}, old, &warning));
  EXPECT_THAT(warning, AllOf(HasSubstr("old.pem"), HasSubstr("has expired")));
  EXPECT_TRUE(ClientContext::make(policy::modern_profile(), {}, {}, &warning));
  EXPECT_EQ(warning, "");
}

}  // namespace
}  // namespace posthaste::tls
