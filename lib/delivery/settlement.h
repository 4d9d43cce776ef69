// Settler: gives the recipients of one batch their fates, in full words.
//
// Lifetime     one batch, so that recipients that are deferred together become due together and are
//              one batch again; jitter spreads batches, not recipients.
// Does not     store, or tell the sender: see Persist.
#pragma once

#include <vector>

#include "lib/base/rng.h"
#include "lib/delivery/engine.h"
#include "lib/delivery/trouble.h"

namespace posthaste::delivery {

class Settler {
 public:
  // `id`: the message of all of them. The references outlive the settler.
  Settler(MessageId id, const RoutingDomain& domain, const policy::RetryPolicies& retry,
          Instant now, Rng& rng)
      : id_(id), domain_(domain), retry_(retry), now_(now), rng_(rng) {}

  Settlement delivered(const mail::PendingRecipient& before, const smtp::RecipientOutcome& outcome,
                       const std::string& host, const std::string& tls) const;
  // Bounced where the trouble is permanent; else deferred, or expired where the time is up.
  Settlement failed(const mail::PendingRecipient& before, const Trouble& trouble,
                    const std::string& tls, bool maybe_delivered);
  // Expired while it waited. `last`: what the destination suffers from, for who was never tried
  // himself.
  Settlement expired(const mail::PendingRecipient& before, const Trouble& last) const;

 private:
  struct Due {
    policy::RetryClass retry_class;
    std::uint32_t attempts;
    Instant at;
  };
  Instant next_due(policy::RetryClass retry_class, std::uint32_t attempts);
  Instant plaintext_from(Duration wait);
  void defer(Settlement& settlement, const Trouble& trouble, Instant expiry);

  const MessageId id_;
  const RoutingDomain& domain_;
  const policy::RetryPolicies& retry_;
  const Instant now_;
  Rng& rng_;
  std::vector<Due> dues_;
  double plaintext_jitter_ = -1;  // drawn once for all
};

}  // namespace posthaste::delivery
