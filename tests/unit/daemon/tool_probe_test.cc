// What a probe has found, in JSON and in words; and what policy makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "daemon/tool/probe_json.h"
#include "daemon/tool/tls_story.h"

namespace posthaste::daemon::tool {
namespace {

using namespace std::chrono_literals;
using policy::OnTlsFailure;
using policy::TlsFailure;
using policy::TlsLevel;
using testing::HasSubstr;
using testing::Not;

const RoutingDomain kDomain("example.com");
const MxName kHost("mx.example.com");

delivery::Options options_of(policy::TlsOverlay defaults) {
  delivery::Options options;
  options.tls = *policy::TlsPolicies::make(std::move(defaults), "tls.default", {});
  return options;
}

policy::TlsFacts facts(bool verified) {
  policy::TlsFacts made;
  made.version = "TLSv1.3";
  made.cipher = "TLS_AES_256_GCM_SHA384";
  made.group = "X25519";
  made.certificate_present = true;
  made.verified = verified;
  made.verify_code = verified ? 0 : 18;
  made.authenticated_by =
      verified ? policy::TlsAuthentication::kPkix : policy::TlsAuthentication::kNone;
  return made;
}

ProbedCall ready_call(std::optional<policy::TlsFacts> tls) {
  ProbedCall call{.profile = "modern"};
  call.capabilities.emplace().pipelining = true;
  call.facts = std::move(tls);
  return call;
}

ProbedCall failed_call(TlsFailure failure, std::string words = "words") {
  return {.profile = "modern",
          .stage = smtp::Stage::kHandshake,
          .failure = failure,
          .words = std::move(words)};
}

class ToolProbe : public testing::Test {
 protected:
  ProbedHost host(policy::TlsOverlay defaults, policy::TlsEvidence evidence = {}) {
    const auto options = options_of(std::move(defaults));
    ProbedHost made{.name = kHost, .port = 25};
    made.tls =
        delivery::judge_host(options, kDomain, kHost, std::move(evidence), mail::TlsWish::kPolicy);
    return made;
  }
  ProbeVerdict verdict(policy::TlsOverlay defaults, std::vector<ProbedCall> calls) {
    return verdict_on(host(std::move(defaults)), {.endpoint = {}, .calls = std::move(calls)});
  }
};

TEST_F(ToolProbe, FindsThatMailGoesWhereTheSessionIsWhatIsAskedFor) {
  EXPECT_EQ(verdict({}, {ready_call(facts(false))}), ProbeVerdict::kDelivers);
  EXPECT_EQ(verdict({.level = TlsLevel::kVerify}, {ready_call(facts(true))}),
            ProbeVerdict::kDelivers);
  EXPECT_EQ(verdict({.level = TlsLevel::kVerify}, {ready_call(facts(false))}),
            ProbeVerdict::kDefers);
  EXPECT_EQ(verdict({.level = TlsLevel::kNone}, {ready_call({})}), ProbeVerdict::kPlaintext);
}

TEST_F(ToolProbe, FindsWhatBecomesOfMailWhereThereIsNoTls) {
  EXPECT_EQ(verdict({}, {failed_call(TlsFailure::kNotOffered)}), ProbeVerdict::kPlaintext);
  EXPECT_EQ(verdict({}, {failed_call(TlsFailure::kNotTls)}), ProbeVerdict::kPlaintextLater);
  EXPECT_EQ(verdict({.plaintext_after = 0s}, {failed_call(TlsFailure::kNotTls)}),
            ProbeVerdict::kPlaintext);
  EXPECT_EQ(verdict({.level = TlsLevel::kEncrypt}, {failed_call(TlsFailure::kNotOffered)}),
            ProbeVerdict::kDefers);
  EXPECT_EQ(verdict({.level = TlsLevel::kEncrypt, .refused = OnTlsFailure::kBounce},
                    {failed_call(TlsFailure::kRefusedPermanent)}),
            ProbeVerdict::kBounces);
  EXPECT_EQ(verdict({}, {failed_call(TlsFailure::kLocalError)}), ProbeVerdict::kDefers);
}

TEST_F(ToolProbe, TakesNoTroubleOfAConnectionForLackOfTls) {
  EXPECT_EQ(verdict({}, {failed_call(TlsFailure::kNone, "connection refused")}),
            ProbeVerdict::kUnreachable);
}

TEST_F(ToolProbe, DoesNotCountTheCallThatOnlyLooks) {
  auto looked = ready_call(facts(false));
  looked.observing = true;
  EXPECT_EQ(
      verdict({.level = TlsLevel::kVerify}, {failed_call(TlsFailure::kCertSelfSigned), looked}),
      ProbeVerdict::kDefers);
  policy::TlsEvidence bogus;
  bogus.dane = policy::TlsEvidence::Dane::kTemporary;
  EXPECT_EQ(verdict_on(host({}, bogus), {.endpoint = {}, .calls = {looked}}),
            ProbeVerdict::kDefers);
}

class ToolProbeStory : public ToolProbe {
 protected:
  ToolProbeStory() {
    report.sts.emplace().words = "no MTA-STS record";
    auto& called = report.hosts.emplace_back(host({.level = TlsLevel::kVerify}));
    auto looked = ready_call(facts(false));
    looked.observing = true;
    looked.handshake = 12ms;
    looked.chain.push_back({.subject = "CN=mx\x1b[2J",
                            .issuer = "CN=Other \xff Root",
                            .not_before = Instant{} + 24h,
                            .not_after = Instant{} + 48h,
                            .fingerprint = "sha256:ab",
                            .names = {"mx.example.com"}});
    called.addresses.push_back(
        {.endpoint = {ipv4(192, 0, 2, 1), 25},
         .calls = {failed_call(TlsFailure::kCertSelfSigned, "it has signed itself"), looked}});
    auto& nowhere = report.hosts.emplace_back();
    nowhere.name = MxName("gone.example.com");
    nowhere.trouble = "mail host gone.example.com has no address";
  }
  ProbeReport report{.domain = kDomain};
};

TEST_F(ToolProbeStory, IsJsonThatSaysAllOfIt) {
  const auto json = nlohmann::json::parse(probe_json(report));
  EXPECT_EQ(json["takes_mail"], false);
  EXPECT_EQ(json["mta_sts"]["mode"], "none");
  const auto& address = json["hosts"][0]["addresses"][0];
  EXPECT_EQ(address["endpoint"], "192.0.2.1:25");
  EXPECT_EQ(address["verdict"], "defers");
  EXPECT_EQ(address["calls"][0]["failure"], "cert_self_signed");
  EXPECT_EQ(address["calls"][0]["tls"], nullptr);
  EXPECT_EQ(address["calls"][1]["tls"]["certificate"], "cert_self_signed");
  EXPECT_EQ(address["calls"][1]["chain"][0]["not_after"], "1970-01-03T00:00:00.000Z");
  EXPECT_EQ(address["calls"][1]["offers"], nlohmann::json::array({"PIPELINING"}));
  EXPECT_EQ(json["hosts"][1]["demand"], nullptr);
  EXPECT_EQ(json["hosts"][1]["trouble"], "mail host gone.example.com has no address");
}

TEST_F(ToolProbeStory, IsToldInWordsThatMoveNoCursor) {
  const auto told = tell_probe(probe_json(report), {});
  ASSERT_TRUE(told);
  EXPECT_THAT(*told, Not(HasSubstr("\x1b")));
  EXPECT_THAT(*told, HasSubstr("TLS of example.com"));
  EXPECT_THAT(*told, HasSubstr("MTA-STS    none: no MTA-STS record"));
  EXPECT_THAT(*told, HasSubstr("192.0.2.1:25  no mail goes there"));
  EXPECT_THAT(*told, HasSubstr("modern        cert_self_signed: it has signed itself"));
  EXPECT_THAT(*told, HasSubstr("to look       TLSv1.3 TLS_AES_256_GCM_SHA384, X25519, not "
                               "verified: cert_self_signed, 12 ms"));
  EXPECT_THAT(*told, HasSubstr("certificate 0 CN=mx?[2J"));
  EXPECT_THAT(*told, HasSubstr("valid       1970-01-02 to 1970-01-03"));
  EXPECT_THAT(*told, HasSubstr("mail host gone.example.com has no address"));
}

TEST_F(ToolProbeStory, TakesMailWhereOneHostDoes) {
  EXPECT_FALSE(takes_mail(report));
  report.hosts.push_back(host({}));
  report.hosts.back().addresses.push_back({.endpoint = {}, .calls = {ready_call(facts(false))}});
  EXPECT_TRUE(takes_mail(report));
}

}  // namespace
}  // namespace posthaste::daemon::tool
