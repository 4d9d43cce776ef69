#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tls/test_peer.h"

namespace posthaste::tls {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ServerContextTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<ServerContext>> make(const std::string& certificate,
                                              const std::string& key) {
    return ServerContext::make({certificate, key}, &warning);
  }
  void expect_error(const std::string& certificate, const std::string& key, ErrorCode code,
                    const ::testing::Matcher<std::string>& words) {
    const auto made = make(certificate, key);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, code);
    EXPECT_THAT(made.error().words, words);
    EXPECT_EQ(made.error().words.find('\n'), std::string::npos);
  }

  CertificateFolder folder;
  const TestCertificate root = make_self_signed(authority_order("Test Root"));
  const TestCertificate good = make_issued({}, root);
  const std::string good_file = folder.write("cert.pem", good.certificate_pem);
  const std::string good_key = folder.write("key.pem", good.key_pem);
  std::string warning = "stale";
};

TEST_F(ServerContextTest, ServesItsCertificateAndTellsItsFacts) {
  const auto middle = make_issued(authority_order("Test Intermediate"), root);
  const auto leaf = make_issued({}, middle);
  auto context = make(folder.write("chain.pem", leaf.certificate_pem + middle.certificate_pem),
                      folder.write("leaf.pem", leaf.key_pem));
  ASSERT_TRUE(context) << context.error().words;
  EXPECT_EQ(warning, "");
  const policy::TrustStore trust{folder.write("root.pem", root.certificate_pem), ""};
  auto client_context = ClientContext::make(policy::modern_profile(), trust);
  auto listening = io::listen_tcp(io::any_port(), false);
  for (const bool resumed : {false, true}) {
    auto [ours, theirs] = io::tcp_pair_at(listening->get());
    const auto demand = demand_name("mx.example.com", trust);
    std::thread client([&, fd = ours.get()] {
      auto stream = TlsStream::client(**client_context, fd, MxName("mx.example.com"), demand);
      EXPECT_EQ(drive_handshake(**stream, fd).status, io::IoStatus::kOk)
          << (*stream)->failure_words();
      EXPECT_EQ((*stream)->facts().resumed, resumed);
      EXPECT_EQ(read_some(**stream, fd).second, "220 hello\r\n");
    });
    {
      auto stream = TlsStream::server(**context, theirs.get());
      ASSERT_EQ(drive_handshake(**stream, theirs.get()).status, io::IoStatus::kOk);
      const policy::TlsFacts& facts = (*stream)->facts();
      EXPECT_EQ(facts.version, "TLSv1.3");
      EXPECT_EQ(facts.profile, "modern");
      EXPECT_EQ(facts.group, "X25519");
      EXPECT_EQ(facts.resumed, resumed);
      EXPECT_FALSE(facts.certificate_present);
      EXPECT_FALSE(facts.verified) << "no certificate, however well it verified";
      write_all(**stream, theirs.get(), "220 hello\r\n");
    }
    client.join();
    // The next connection is answered by another worker's context.
    context = make(folder.path("chain.pem"), folder.path("leaf.pem"));
  }
}

TEST_F(ServerContextTest, NamesAMissingFile) {
  expect_error(folder.path("none.pem"), good_key, ErrorCode::kNotFound,
               AllOf(HasSubstr(folder.path("none.pem")), HasSubstr("certificate"),
                     HasSubstr("does not exist")));
  expect_error(good_file, folder.path("none.key"), ErrorCode::kNotFound,
               AllOf(HasSubstr(folder.path("none.key")), HasSubstr("private key")));
  expect_error(folder.path(""), good_key, ErrorCode::kInvalid, HasSubstr("directory"));
}

TEST_F(ServerContextTest, TellsAKeyThatDoesNotMatch) {
  const auto other = make_issued({}, root);
  const auto other_key = folder.write("other.pem", other.key_pem);
  expect_error(good_file, other_key, ErrorCode::kInvalid,
               AllOf(HasSubstr(other_key), HasSubstr(good_file), HasSubstr("does not belong")));
}

TEST_F(ServerContextTest, TellsWhatIsNoPem) {
  const auto garbage = folder.write("garbage.pem", "these are not the bytes\n");
  expect_error(garbage, good_key, ErrorCode::kInvalid,
               AllOf(HasSubstr(garbage), HasSubstr("BEGIN CERTIFICATE")));
  expect_error(good_file, garbage, ErrorCode::kInvalid,
               AllOf(HasSubstr(garbage), HasSubstr("PRIVATE KEY")));
  expect_error(good_key, good_file, ErrorCode::kInvalid, HasSubstr("BEGIN CERTIFICATE"));
  expect_error(folder.write("empty.pem", ""), good_key, ErrorCode::kInvalid,
               HasSubstr("BEGIN CERTIFICATE"));
  std::string damaged = good.certificate_pem;
  damaged.replace(damaged.size() / 2, 5, "%%%%%");
  expect_error(folder.write("damaged.pem", damaged), good_key, ErrorCode::kInvalid,
               HasSubstr("damaged.pem"));
  expect_error(folder.write("chain.pem", good.certificate_pem + damaged), good_key,
               ErrorCode::kInvalid, HasSubstr("intermediate"));
}

TEST_F(ServerContextTest, DoesNotAskForAPassphrase) {
  const std::string encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjUJGQZzm+K2AICCAAw\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  expect_error(good_file, folder.write("locked.pem", encrypted), ErrorCode::kInvalid,
               AllOf(HasSubstr("locked.pem"), HasSubstr("without a passphrase")));
}

TEST_F(ServerContextTest, RefusesAKeyThatIsTooWeakForTheProfile) {
  const auto weak = make_issued({.key = CertificateOrder::Key::kRsa1024}, root);
  policy::TlsProfile strict = policy::modern_profile();
  strict.security_level = 2;
  const auto made = ServerContext::make({folder.write("weak.pem", weak.certificate_pem),
                                         folder.write("weak.key", weak.key_pem), strict},
                                        nullptr);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().words, AllOf(HasSubstr("weak.pem"), HasSubstr("2048 bits")));
}

TEST_F(ServerContextTest, OnlyWarnsOfAnExpiredCertificate) {
  const auto expired = make_issued(expired_order(), root);
  EXPECT_TRUE(make(folder.write("old.pem", expired.certificate_pem),
                   folder.write("old.key", expired.key_pem)));
  EXPECT_THAT(warning, AllOf(HasSubstr("old.pem"), HasSubstr("has expired"), HasSubstr("renew")));
  const auto early = make_issued(not_yet_valid_order(), root);
  EXPECT_TRUE(
      make(folder.write("new.pem", early.certificate_pem), folder.write("new.key", early.key_pem)));
  EXPECT_THAT(warning, AllOf(HasSubstr("new.pem"), HasSubstr("not valid before")));
}

}  // namespace
}  // namespace posthaste::tls
