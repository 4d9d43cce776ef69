// ProbeSearch: what DNS and HTTPS have to say of a domain's mail hosts: who they are, where, and
// what they must show, by the same parts that the daemon asks with.
//
//   [MX, MTA-STS] --> for every host: addresses, TLSA --> judged
//
// Lifetime     until it has told its end, once; its owner may end it in that call, and not before.
// Threads      the loop's.
// Does not     connect to mail hosts, remember anything.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/https_fetcher.h"
#include "daemon/tool/probe_report.h"
#include "lib/base/rng.h"
#include "lib/delivery/host_search.h"
#include "lib/delivery/route_plan.h"
#include "lib/io/loop.h"
#include "lib/policy/mta_sts_cache.h"
#include "lib/resolver/resolver.h"

namespace posthaste::daemon::tool {

class ProbeSearch {
 public:
  struct Tools {
    io::Loop& loop;
    resolver::Resolver& resolver;
    HttpsFetcher& fetcher;
    const delivery::Options& options;
    std::optional<std::string> sts_ca_file;  // instead of the system's roots
    Rng rng;
  };
  // The report has hosts with their endpoints, and nobody was called yet.
  using Teller = std::function<void(ProbeReport report)>;

  ProbeSearch(Tools tools, RoutingDomain domain, Teller tell);
  void begin();

 private:
  void ask(const dns::Question& question);
  void on_answer(const dns::Question& question, const dns::Answer& answer);
  void on_mx(const dns::Answer& answer);

  void ask_sts();
  void on_sts(policy::sts::Event event);
  void carry_out(policy::sts::AskTxt& order);
  void carry_out(policy::sts::Fetch& order);

  void search_hosts();
  void search_host(std::size_t index);
  void on_host(const delivery::HostSearch& found);
  void judge(std::size_t index, const dns::DanePlan* dane);
  void drain();
  void finish();

  Tools tools_;
  const RoutingDomain domain_;
  const Teller tell_;
  ProbeReport report_;
  policy::sts::Cache sts_;
  bool sts_awaited_ = false;
  bool mx_awaited_ = false;
  bool searching_ = false;
  std::optional<dns::Answer> mx_;
  std::optional<delivery::RoutePlan> plan_;
  std::vector<std::unique_ptr<delivery::HostSearch>> searches_;  // under way
  bool told_ = false;
};

}  // namespace posthaste::daemon::tool
