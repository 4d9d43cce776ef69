#include "daemon/https_fetcher.h"

#include <utility>

namespace posthaste::daemon {

struct HttpsFetcher::Job {
  https::Request request;
  std::vector<Network> allowed;
  https::Receiver receiver;
  std::string host;
  int awaited = 2;  // answers: A and AAAA
  bool refused = false;
};

void HttpsFetcher::send(https::Request request, const std::vector<Network>& allowed,
                        https::Receiver receiver) {
  const auto origin = https::origin_of(request.url);
  if (!origin) {  // the client says what is wrong with it
    client_.send(std::move(request), std::move(receiver));
    return;
  }
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->allowed = allowed;
  job->receiver = std::move(receiver);
  job->host = origin->host;
  ask(job, dns::RecordType::kAaaa);
  ask(job, dns::RecordType::kA);
}

void HttpsFetcher::ask(const std::shared_ptr<Job>& job, dns::RecordType type) {
  auto later = [this, job, alive = std::weak_ptr<bool>(alive_)](const dns::Question&,
                                                                const dns::Answer& answer) {
    if (!alive.expired()) on_answer(job, answer);
  };
  const auto known = resolver_.lookup({job->host, type}, std::move(later));
  if (known) on_answer(job, *known);
}

void HttpsFetcher::on_answer(const std::shared_ptr<Job>& job, const dns::Answer& answer) {
  for (const IpAddress& address : answer.addresses) {
    if (is_special_purpose(address) && !contains_any(job->allowed, address)) {
      job->refused = true;
    } else {
      job->request.addresses.push_back(address);
    }
  }
  if (--job->awaited > 0) return;
  if (job->request.addresses.empty() && job->refused) {
    // Without addresses the client fails; here it is told why.
    auto receiver = [told = std::move(job->receiver), host = job->host](https::Outcome outcome) {
      if (!outcome) {
        outcome.error().words = host + " has special-purpose addresses only, which are not " +
                                "called (delivery.allow_networks)";
      }
      told(std::move(outcome));
    };
    client_.send(std::move(job->request), std::move(receiver));
    return;
  }
  client_.send(std::move(job->request), std::move(job->receiver));
}

}  // namespace posthaste::daemon
