// Stopped: the mail that does not go just now because the operator wants it so, as far as one look
// at the queue has to know it.
//
// Domains and senders are seen by what is suspended alone. Whom a suspended site serves only the
// engines know: they are asked which domains stand still.
//
// Lifetime     one look: what was asked grows old.
// Threads      immutable once made; ask_what_is_stopped() is the admin's.
// Limits       a worker that hangs leaves its asker without an answer.
// Does not     stop mail: see lib/delivery/engine.h.
#pragma once

#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "daemon/admin_return_address.h"
#include "lib/base/names.h"
#include "lib/mail/envelope.h"
#include "lib/policy/suspension.h"

namespace posthaste::daemon {

class Worker;

class Stopped {
 public:
  using Domains = std::unordered_set<RoutingDomain>;

  Stopped() = default;  // nothing is
  // `suspensions` is never null; `still`: domains that stand still besides those it names.
  explicit Stopped(std::shared_ptr<const policy::Suspensions> suspensions, Domains still = {})
      : suspensions_(std::move(suspensions)),
        still_(std::make_shared<const Domains>(std::move(still))) {}

  // Some mail goes or not by who sent it.
  bool by_sender() const { return suspensions_ != nullptr && suspensions_->has_senders(); }
  // `envelope` may be null where it is not wanted, or the message has ended meanwhile.
  bool stops(const RoutingDomain& domain, const mail::Envelope* envelope, Instant now) const;

 private:
  std::shared_ptr<const policy::Suspensions> suspensions_;
  std::shared_ptr<const Domains> still_;
};

// `done` where `home` leads to; at once where no site is suspended.
void ask_what_is_stopped(const std::vector<Worker*>& workers, std::shared_ptr<ReturnAddress> home,
                         std::shared_ptr<const policy::Suspensions> suspensions,
                         std::function<void(Stopped)> done);

}  // namespace posthaste::daemon
