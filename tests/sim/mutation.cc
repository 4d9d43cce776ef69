#include "tests/sim/mutation.h"

#include <array>

namespace posthaste::sim {
namespace {

constexpr std::array kBugs{
    NamedBug{"ack-before-commit", Bug::kAckBeforeCommit},
    NamedBug{"drop-persist", Bug::kDropPersist},
    NamedBug{"drop-answer", Bug::kDropAnswer},
    NamedBug{"drop-closed", Bug::kDropClosed},
    NamedBug{"lose-entry", Bug::kLoseEntry},
    NamedBug{"retry-early", Bug::kRetryEarly},
    NamedBug{"forget-bounce", Bug::kForgetBounce},
    NamedBug{"plaintext-anyway", Bug::kPlaintextAnyway},
    NamedBug{"no-dot-stuffing", Bug::kNoDotStuffing},
    NamedBug{"pipeline-anyway", Bug::kPipelineAnyway},
    NamedBug{"connection-too-many", Bug::kConnectionTooMany},
    NamedBug{"message-too-many", Bug::kMessageTooMany},
    NamedBug{"recipient-too-many", Bug::kRecipientTooMany},
    NamedBug{"maybe-is-untried", Bug::kMaybeIsUntried},
    NamedBug{"lost-is-delivered", Bug::kLostIsDelivered},
    NamedBug{"temporary-is-permanent", Bug::kTemporaryIsPermanent},
    NamedBug{"expire-early", Bug::kExpireEarly},
    NamedBug{"redeliver", Bug::kRedeliver},
    NamedBug{"back-off-short", Bug::kBackOffShort},
    NamedBug{"fall-back-anyway", Bug::kFallBackAnyway},
    NamedBug{"oversleep", Bug::kOversleep},
    NamedBug{"plaintext-at-encrypt", Bug::kPlaintextAtEncrypt},
    NamedBug{"reuse-socket", Bug::kReuseSocket},
    NamedBug{"lookup-failure-is-none", Bug::kLookupFailureIsNone},
    NamedBug{"ignore-sts", Bug::kIgnoreSts},
    NamedBug{"strip-guard-off", Bug::kStripGuardOff},
    NamedBug{"drop-requiretls", Bug::kDropRequireTls},
    NamedBug{"young-in-plaintext", Bug::kYoungInPlaintext},
    NamedBug{"any-certificate", Bug::kAnyCertificate},
    NamedBug{"ignore-hold", Bug::kIgnoreHold},
    NamedBug{"forget-held", Bug::kForgetHeld},
    NamedBug{"ignore-release", Bug::kIgnoreRelease},
    NamedBug{"ignore-suspension", Bug::kIgnoreSuspension},
    NamedBug{"forget-suspension", Bug::kForgetSuspension},
    NamedBug{"ignore-hold-until", Bug::kIgnoreHoldUntil},
    NamedBug{"ignore-deliver-by", Bug::kIgnoreDeliverBy},
    NamedBug{"drop-deliver-by", Bug::kDropDeliverBy},
    NamedBug{"ignore-priority", Bug::kIgnorePriority},
    NamedBug{"drop-priority", Bug::kDropPriority},
    NamedBug{"drop-eight-bit", Bug::kDropEightBit},
    NamedBug{"drop-utf8", Bug::kDropUtf8},
    NamedBug{"never-tell-delay", Bug::kNeverTellDelay},
    NamedBug{"tell-delay-early", Bug::kTellDelayEarly},
    NamedBug{"tell-delay-twice", Bug::kTellDelayTwice},
    NamedBug{"forget-due", Bug::kForgetDue},
    NamedBug{"forget-attempts", Bug::kForgetAttempts},
    NamedBug{"believe-clock", Bug::kBelieveClock},
    NamedBug{"ignore-reload", Bug::kIgnoreReload},
    NamedBug{"ignore-routes", Bug::kIgnoreRoutes},
    NamedBug{"ignore-tls-reload", Bug::kIgnoreTlsReload},
    NamedBug{"ignore-classes", Bug::kIgnoreClasses},
    NamedBug{"ignore-retry-rules", Bug::kIgnoreRetryRules},
    NamedBug{"misread-greylist", Bug::kMisreadGreylist},
    NamedBug{"forget-class", Bug::kForgetClass},
    NamedBug{"never-expire", Bug::kNeverExpire},
    NamedBug{"flood-after-outage", Bug::kFloodAfterOutage},
    NamedBug{"ignore-remove", Bug::kIgnoreRemove},
    NamedBug{"forget-remove", Bug::kForgetRemove},
    NamedBug{"ignore-bounce", Bug::kIgnoreBounce},
    NamedBug{"forget-site-suspension", Bug::kForgetSiteSuspension},
    NamedBug{"wrong-worker", Bug::kWrongWorker},
    NamedBug{"forget-unreadable", Bug::kForgetUnreadable},
    NamedBug{"never-slow-down", Bug::kNeverSlowDown},
};

}  // namespace

std::span<const NamedBug> all_bugs() { return kBugs; }

}  // namespace posthaste::sim
