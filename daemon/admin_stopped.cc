#include "daemon/admin_stopped.h"

#include <algorithm>
#include <utility>

#include "daemon/admin_ask_all.h"
#include "daemon/worker.h"

namespace posthaste::daemon {
namespace {

bool names_sites(const policy::Suspensions& suspensions) {
  return std::any_of(suspensions.all().begin(), suspensions.all().end(),
                     [](const auto& each) { return each.kind == policy::SuspensionKind::kSite; });
}

Stopped::Domains standing_still(const Worker& worker) {
  Stopped::Domains domains;
  worker.engine().for_each_suspended([&](const RoutingDomain& domain) { domains.insert(domain); });
  return domains;
}

}  // namespace

bool Stopped::stops(const RoutingDomain& domain, const mail::Envelope* envelope,
                    Instant now) const {
  if (suspensions_ == nullptr || suspensions_->empty()) return false;
  return suspensions_->of_domain(domain, now) != nullptr || still_->contains(domain) ||
         (envelope != nullptr && suspensions_->of_sender(envelope->sender.text(), now) != nullptr);
}

void ask_what_is_stopped(const std::vector<Worker*>& workers, std::shared_ptr<ReturnAddress> home,
                         std::shared_ptr<const policy::Suspensions> suspensions,
                         std::function<void(Stopped)> done) {
  if (!names_sites(*suspensions)) return done(Stopped(std::move(suspensions)));
  const auto parts = std::make_shared<std::vector<Stopped::Domains>>(workers.size());
  ask_all(
      workers, std::move(home),
      [parts](Worker& worker, std::size_t index) { (*parts)[index] = standing_still(worker); },
      [parts, suspensions = std::move(suspensions), done = std::move(done)] {
        Stopped::Domains all;
        for (auto& part : *parts) all.merge(part);
        done(Stopped(suspensions, std::move(all)));
      });
}

}  // namespace posthaste::daemon
