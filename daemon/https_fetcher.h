// HttpsFetcher: an HTTPS request from the URL alone: looks the host up, refuses addresses where a
// stranger's name must not lead us, and sends.
//
// Lifetime     not longer than its resolver and client; answers that are still awaited when it ends
//              do not come.
// Threads      the loop's.
// Limits       those of https::Client.
// Does not     retry, or know what is fetched.
#pragma once

#include <memory>
#include <vector>

#include "lib/base/ip.h"
#include "lib/https/client.h"
#include "lib/resolver/resolver.h"

namespace posthaste::daemon {

class HttpsFetcher {
 public:
  HttpsFetcher(resolver::Resolver& resolver, https::Client& client)
      : resolver_(resolver), client_(client), alive_(std::make_shared<bool>(true)) {}

  // `allowed`: special-purpose networks that it may go to all the same. REQUIRES request.addresses
  // empty. `receiver` is called once, never from inside this call.
  void send(https::Request request, const std::vector<Network>& allowed, https::Receiver receiver);

 private:
  struct Job;
  void ask(const std::shared_ptr<Job>& job, dns::RecordType type);
  void on_answer(const std::shared_ptr<Job>& job, const dns::Answer& answer);

  resolver::Resolver& resolver_;
  https::Client& client_;
  std::shared_ptr<bool> alive_;
};

}  // namespace posthaste::daemon
