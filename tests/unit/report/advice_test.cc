#include "lib/report/advice.h"

#include <gmock/gmock.h>

#include "tests/unit/report/notification_story.h"

namespace posthaste::report {
namespace {

using testing::HasSubstr;

std::string_view advice_on(std::string status) {
  ReportedRecipient told = unknown_user();
  told.status = std::move(status);
  return advice(told);
}

TEST(Advice, GoesByTheStatus) {
  EXPECT_THAT(advice_on("5.1.1"), HasSubstr("typing errors"));
  EXPECT_THAT(advice_on("5.1.10"), HasSubstr("takes no mail at all"));
  EXPECT_THAT(advice_on("5.1.8"), HasSubstr("sender address"));
  EXPECT_THAT(advice_on("4.2.2"), HasSubstr("full"));
  EXPECT_THAT(advice_on("5.2.1"), HasSubstr("does not take mail"));
  EXPECT_THAT(advice_on("5.3.4"), HasSubstr("too large"));
  EXPECT_THAT(advice_on("5.4.6"), HasSubstr("round in circles"));
  EXPECT_THAT(advice_on("5.7.1"), HasSubstr("rules"));
  EXPECT_THAT(advice_on("5.7.3"), HasSubstr("rules"));
  EXPECT_THAT(advice_on("5.7.10"), HasSubstr("encrypted connections"));
  EXPECT_THAT(advice_on("5.7.30"), HasSubstr("REQUIRETLS"));
  for (const char* odd : {"", "5", "5.", "5.0.0", "5.9.9", "nonsense"}) {
    EXPECT_THAT(advice_on(odd), HasSubstr("postmaster")) << odd;
  }
}

TEST(Advice, OnWhatWasTriedForDaysIsToSendItAgain) {
  EXPECT_THAT(advice(expired()), HasSubstr("again later"));
}

TEST(Advice, OnWhatTheOperatorReturnedIsToAskHim) {
  EXPECT_THAT(advice(returned_by_operator("")), HasSubstr("ask your postmaster"));
}

TEST(Advice, OnTlsGoesToWhoCanMendIt) {
  ReportedRecipient told = without_tls();
  EXPECT_THAT(advice(told), HasSubstr("postmaster of the recipient's"));
  told.tls_failure = policy::TlsFailure::kPeerRejectedOurCert;
  EXPECT_THAT(advice(told), HasSubstr("Ask your postmaster"));
  told.tls_failure = policy::TlsFailure::kRequireTlsMissing;
  told.status = "5.7.30";
  EXPECT_THAT(advice(told), HasSubstr("REQUIRETLS"));
}

TEST(Advice, EveryTlsFailureHasItsReasonInOneSentence) {
  for (int i = 0; i < policy::kTlsFailures; ++i) {
    const auto failure = static_cast<policy::TlsFailure>(i);
    const std::string_view reason = tls_reason(failure);
    const bool silent =
        failure == policy::TlsFailure::kNone || failure == policy::TlsFailure::kRequireTlsMissing;
    EXPECT_EQ(reason.empty(), silent) << label(failure);
    EXPECT_TRUE(silent || reason.ends_with('.')) << reason;
  }
}

}  // namespace
}  // namespace posthaste::report
