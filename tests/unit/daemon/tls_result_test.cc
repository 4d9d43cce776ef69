#include "daemon/tls_result.h"

#include <gtest/gtest.h>

#include "daemon/sts_events.h"

namespace posthaste::daemon {
namespace {

using policy::TlsEvidence;
using policy::TlsFailure;
using report::TlsPolicyType;

delivery::Connect call_to(TlsEvidence evidence) {
  delivery::Connect call;
  call.endpoint = {*parse_ip("192.0.2.1"), 25};
  call.host = MxName("mx.good.example");
  call.domain = RoutingDomain("good.example");
  call.demand = std::make_shared<const policy::TlsDemand>();
  call.evidence = std::make_shared<const TlsEvidence>(std::move(evidence));
  return call;
}

TlsEvidence tlsa() {
  TlsEvidence evidence;
  evidence.dane = TlsEvidence::Dane::kUsable;
  evidence.records.push_back({3, 1, 1, std::string(32, '\1')});
  return evidence;
}

TlsEvidence sts(TlsEvidence::Sts mode, bool names_host) {
  TlsEvidence evidence;
  evidence.sts = mode;
  evidence.sts_names_host = names_host;
  return evidence;
}

policy::StsPolicy sts_policy() {
  policy::StsPolicy policy;
  policy.mode = policy::StsMode::kTesting;
  policy.mx = {"mx.good.example"};
  policy.max_age = std::chrono::hours(24);
  return policy;
}

TlsOutcome session(bool verified) {
  TlsOutcome outcome;
  outcome.tls.emplace();
  outcome.tls->certificate_present = true;
  outcome.tls->verified = verified;
  outcome.tls->verify_code = verified ? 0 : 62;  // another name
  outcome.from = *parse_ip("198.51.100.7");
  return outcome;
}

TlsOutcome failed(TlsFailure failure) {
  TlsOutcome outcome;
  outcome.failure = failure;
  outcome.from = *parse_ip("198.51.100.7");
  return outcome;
}

TEST(TlsResult, ASessionThatNobodyPublishedAnythingForCountsAsSuccess) {
  const auto result = tls_result_of(call_to({}), nullptr, session(false));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->success);
  EXPECT_EQ(result->domain, "good.example");
  EXPECT_EQ(result->policy.type, TlsPolicyType::kNoPolicyFound);
}

TEST(TlsResult, AFailureSaysWhoCalledWhomAndWhy) {
  const auto result = tls_result_of(call_to(tlsa()), nullptr, failed(TlsFailure::kDaneNoMatch));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->success);
  EXPECT_EQ(result->policy.type, TlsPolicyType::kTlsa);
  EXPECT_EQ(result->policy.strings, std::vector{render(tlsa().records[0])});
  EXPECT_EQ(result->failure.result_type, "validation-failure");
  EXPECT_EQ(result->failure.reason_code, "dane_no_match");
  EXPECT_EQ(result->failure.sending_address, "198.51.100.7");
  EXPECT_EQ(result->failure.receiving_host, "mx.good.example");
  EXPECT_EQ(result->failure.receiving_address, "192.0.2.1");
}

TEST(TlsResult, DaneComesBeforeMtaSts) {
  TlsEvidence both = tlsa();
  both.sts = TlsEvidence::Sts::kEnforce;
  const auto policy = sts_policy();
  EXPECT_EQ(tls_result_of(call_to(both), &policy, session(true))->policy.type,
            TlsPolicyType::kTlsa);
}

TEST(TlsResult, TestingCountsWhatEnforceWouldHaveRefused) {
  const auto policy = sts_policy();
  const auto testing = [&](bool names_host, bool verified) {
    return tls_result_of(call_to(sts(TlsEvidence::Sts::kTesting, names_host)), &policy,
                         session(verified));
  };
  EXPECT_TRUE(testing(true, true)->success);
  EXPECT_EQ(testing(true, true)->policy.mx_hosts, policy.mx);
  EXPECT_EQ(testing(true, false)->failure.result_type, "certificate-host-mismatch");
  EXPECT_EQ(testing(false, true)->failure.reason_code, "sts_mx_mismatch");
}

TEST(TlsResult, WhatIsNoSessionOfTheDomainsPolicyIsNotTold) {
  auto optional = call_to({});
  optional.tls_wish = mail::TlsWish::kOptional;
  EXPECT_FALSE(tls_result_of(optional, nullptr, session(true)));
  auto plaintext = call_to({});
  plaintext.tls = smtp::TlsNeed::kNever;
  EXPECT_FALSE(tls_result_of(plaintext, nullptr, failed(TlsFailure::kNone)));
  auto literal = call_to({});
  literal.domain = RoutingDomain("[192.0.2.1]");
  EXPECT_FALSE(tls_result_of(literal, nullptr, session(true)));
  EXPECT_FALSE(tls_result_of(call_to({}), nullptr, failed(TlsFailure::kLocalError)));
}

TEST(TlsResult, AHostThatPolicyBarsIsAFailureWithoutAConnection) {
  const auto policy = sts_policy();
  delivery::TlsBarred barred{RoutingDomain("good.example"), MxName("mx.bad.example"),
                             TlsFailure::kStsMxMismatch, false};
  const auto by_sts = tls_result_of(barred, &policy);
  ASSERT_TRUE(by_sts);
  EXPECT_EQ(by_sts->policy.type, TlsPolicyType::kSts);
  EXPECT_EQ(by_sts->failure.receiving_host, "mx.bad.example");
  EXPECT_EQ(by_sts->failure.receiving_address, "");
  barred.failure = TlsFailure::kDaneLookup;
  EXPECT_EQ(tls_result_of(barred, nullptr)->failure.result_type, "dnssec-invalid");
  barred.failure = TlsFailure::kRequireTlsMissing;  // the message's own matter
  EXPECT_FALSE(tls_result_of(barred, nullptr));
}

TEST(TlsResult, OurOwnTroubleWithAPolicyIsNotTold) {
  using Kind = https::Failure::Kind;
  EXPECT_EQ(problem_of(Kind::kLocal), policy::sts::Problem::kLocal);
  EXPECT_EQ(tlsrpt_result_type(problem_of(Kind::kLocal)), "");
  EXPECT_EQ(tlsrpt_result_type(problem_of(Kind::kCertificate)), "sts-webpki-invalid");
  EXPECT_EQ(tlsrpt_result_type(problem_of(Kind::kTimeout)), "sts-policy-fetch-error");
}

TEST(TlsResult, APolicyThatCannotBeHadIsToldAsMtaSts) {
  const auto result =
      tls_result_of(RoutingDomain("good.example"), policy::sts::Problem::kFetchError, nullptr);
  EXPECT_EQ(result.policy.type, TlsPolicyType::kSts);
  EXPECT_EQ(result.failure.result_type, "sts-policy-fetch-error");
  EXPECT_FALSE(result.success);
}

}  // namespace
}  // namespace posthaste::daemon
