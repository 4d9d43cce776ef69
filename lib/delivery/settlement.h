// Settler: gives the recipients of one batch their fates, in full words.
//
// Lifetime     one batch, so that recipients that are deferred together become due together and are
//              one batch again; jitter spreads batches, not recipients.
// Does not     store, or tell the sender: see Persist.
#pragma once

#include <optional>
#include <vector>

#include "lib/base/rng.h"
#include "lib/delivery/batch.h"
#include "lib/delivery/engine.h"
#include "lib/delivery/steering.h"
#include "lib/delivery/time_limits.h"
#include "lib/delivery/trouble.h"

namespace posthaste::delivery {

class Settler {
 public:
  // `envelope`: of all of them. The references outlive the settler.
  Settler(const mail::Envelope& envelope, const RoutingDomain& domain,
          const policy::RetryPolicies& retry, Instant now, Rng& rng)
      : envelope_(envelope), domain_(domain), retry_(retry), now_(now), rng_(rng) {}

  Settlement delivered(const mail::PendingRecipient& before, const smtp::RecipientOutcome& outcome,
                       const std::string& host, const std::string& tls) const;
  // Bounced where the trouble is permanent; else deferred, or expired where the time is up.
  Settlement failed(const mail::PendingRecipient& before, const Trouble& trouble,
                    const std::string& tls, bool maybe_delivered);
  // Expired while it waited, or its sender is to be told that it still does; nullopt: neither is
  // so. REQUIRES doom.kind is kOverdue or kStranded.
  std::optional<Settlement> overdue(const mail::PendingRecipient& before, const Doom& doom) const;
  // When overdue() has something to say.
  Instant next_limit(const mail::PendingRecipient& before) const;
  // REQUIRES order.verb != kRetry.
  Settlement steered(const mail::PendingRecipient& before, const SteerOrder& order) const;

 private:
  struct Due {
    policy::RetryClass retry_class;
    std::uint32_t attempts;
    Instant at;
  };
  Instant next_due(policy::RetryClass retry_class, std::uint32_t attempts);
  Instant plaintext_from(Duration wait);
  void defer(Settlement& settlement, const Trouble& trouble, const TimeLimits& limits);
  TimeLimits limits_of(const mail::PendingRecipient& before) const;
  Settlement left_waiting(const mail::PendingRecipient& before, const Doom& doom) const;

  const mail::Envelope& envelope_;
  const RoutingDomain& domain_;
  const policy::RetryPolicies& retry_;
  const Instant now_;
  Rng& rng_;
  std::vector<Due> dues_;
  double plaintext_jitter_ = -1;  // drawn once for all
};

}  // namespace posthaste::delivery
