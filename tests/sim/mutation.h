// Mutation: a bug that is planted on purpose, to show that the simulator finds its like. It is
// applied in the harness, at the seams between engine, sessions, store and network; the production
// code knows nothing of it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace posthaste::sim {

enum class Bug {
  kNone,
  kAckBeforeCommit,    // 250 is said before the store has the message
  kDropPersist,        // an outcome is never given to the store
  kDropAnswer,         // DNS answered and nobody told the engine
  kDropClosed,         // a connection ends and the engine does not hear of it
  kLoseEntry,          // a restart overlooks a recipient
  kRetryEarly,         // the store is told a later due time than the engine keeps
  kForgetBounce,       // a recipient ends undelivered and nobody tells the sender
  kPlaintextAnyway,    // TLS is required, and the session is not told
  kNoDotStuffing,      // content goes out as it is
  kPipelineAnyway,     // commands are sent ahead to a server that does not bear it
  kConnectionTooMany,  // limits, each wider by one
  kMessageTooMany,
  kRecipientTooMany,
  kMaybeIsUntried,        // lost after the final dot, and tried again at once
  kLostIsDelivered,       // lost after the final dot, and taken for delivered
  kTemporaryIsPermanent,  // a 4xx bounces
  kExpireEarly,           // gives up before the time is up
  kBackOffShort,          // a destination is called before its back-off is over
  kFallBackAnyway,        // a TLS failure opens the way to plaintext, whatever policy says
  kOversleep,             // a deadline of the engine is missed
  kRedeliver,             // a delivered recipient is stored as deferred
  kPlaintextAtEncrypt,    // after a failed handshake the shell goes on in plaintext, and says it is
                          // TLS
  kReuseSocket,           // the next rung is tried on the socket that failed
  kLookupFailureIsNone,   // TLSA that cannot be looked up is taken for none
  kIgnoreSts,             // MTA-STS policies are not told
  kStripGuardOff,         // a host that offers no TLS any more is believed
  kDropRequireTls,        // the session is not told of REQUIRETLS
  kYoungInPlaintext,      // a failed handshake opens the way to plaintext at once
  kAnyCertificate,        // what a host shows is not looked at
  kIgnoreHold,            // the engine does not hear that mail is to be held
  kForgetHeld,            // after a restart, nothing is held any more
  kIgnoreRelease,         // the engine does not hear that mail is to be released
  kIgnoreSuspension,      // the engine does not hear what is suspended
  kForgetSuspension,      // after a restart, nothing is suspended any more
  kIgnoreHoldUntil,       // FUTURERELEASE: it is due when it arrives
  kIgnoreDeliverBy,       // the engine does not see until when it has to be there
  kDropDeliverBy,         // the next host is not told of it
  kIgnorePriority,        // the engine takes all mail for equal
  kDropPriority,          // the next host takes all mail for equal
  kDropEightBit,          // the session is not told of 8-bit content
  kDropUtf8,              // the session is not told of SMTPUTF8
  kNeverTellDelay,        // nobody is told that his mail is late
  kTellDelayEarly,        // he is told too soon
  kTellDelayTwice,        // the store does not keep that he was told
  kForgetDue,             // after a restart, all mail is due at once
  kForgetAttempts,        // after a restart, nothing has been tried yet
  kBelieveClock,          // a due time that a wrong clock has made is believed
  kIgnoreReload,          // a reload does not reach the engine
  kIgnoreRoutes,          // a reload brings no routes
  kIgnoreTlsReload,       // a reload brings no rules for TLS
  kIgnoreClasses,         // all reasons for a deferral have one schedule
  kIgnoreRetryRules,      // and all domains
  kMisreadGreylist,       // that we are on a grey list is taken for something else
  kForgetClass,           // after a restart, nobody knows why mail waits
  kNeverExpire,           // gives up long after the time is up
  kFloodAfterOutage,      // the engine counts verdicts that no host of a destination has given
  kIgnoreRemove,          // the engine does not hear that mail is to be removed
  kForgetRemove,          // what is removed stays in the store
  kIgnoreBounce,          // the engine does not hear that mail is to be returned
  kForgetSiteSuspension,  // after a restart, no site is suspended any more
  kWrongWorker,           // a restart gives a recipient to a worker that does not own its shard
  kForgetUnreadable,      // what cannot be read just now is taken for gone
  kNeverSlowDown,         // that a host has had enough of us is taken for nothing
};

struct Mutation {
  Bug bug = Bug::kNone;
  unsigned turns = 0;  // how often the bug had its chance

  bool is(Bug one) const { return bug == one; }
  // True for every `every`-th chance, the first time at the `every`-th.
  bool strikes(Bug one, unsigned every) { return is(one) && ++turns % every == 0; }
};

struct NamedBug {
  std::string_view name;
  Bug bug;
};
std::span<const NamedBug> all_bugs();

}  // namespace posthaste::sim
