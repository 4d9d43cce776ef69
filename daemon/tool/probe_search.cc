#include "daemon/tool/probe_search.h"

#include <algorithm>
#include <utility>

#include "daemon/sts_events.h"
#include "lib/base/overloaded.h"
#include "lib/delivery/settings.h"

namespace posthaste::daemon::tool {
namespace {

namespace sts = policy::sts;

constexpr auto kWish = mail::TlsWish::kPolicy;

}  // namespace

ProbeSearch::ProbeSearch(Tools tools, RoutingDomain domain, Teller tell)
    : tools_(std::move(tools)),
      domain_(std::move(domain)),
      tell_(std::move(tell)),
      report_{.domain = domain_},
      sts_(sts::Options{}, tools_.rng) {}

void ProbeSearch::begin() {
  const delivery::Options& options = tools_.options;
  if (const delivery::RouteRule* rule = delivery::route_for(options, domain_)) {
    report_.route = ProbeRoute::kRoute;
    plan_ = delivery::RoutePlan::of_route(*rule, options, domain_);
  } else if (domain_.text().starts_with('[')) {
    report_.route = ProbeRoute::kLiteral;
    plan_ = delivery::RoutePlan::of_literal(domain_, options);
  } else {
    mx_awaited_ = true;
    if (delivery::heeds_sts(options.tls.policy_for(domain_), kWish)) ask_sts();
    ask({domain_.text(), dns::RecordType::kMx});
  }
  drain();
}

// Answers come from the loop, as those do that the resolver had at once.
void ProbeSearch::ask(const dns::Question& question) {
  const auto known = tools_.resolver.lookup(
      question,
      [this](const dns::Question& asked, const dns::Answer& answer) { on_answer(asked, answer); });
  if (known) tools_.loop.defer([this, question, known] { on_answer(question, *known); });
}

void ProbeSearch::on_answer(const dns::Question& question, const dns::Answer& answer) {
  if (question.type == dns::RecordType::kMx) {
    on_mx(answer);
  } else if (question.type == dns::RecordType::kTxt) {
    on_sts(txt_answered(domain_, answer));
  } else {
    for (const auto& search : searches_) {
      search->on_answer(question, answer);
      for (const auto& next : search->take_questions()) ask(next);
    }
  }
  drain();
}

void ProbeSearch::on_mx(const dns::Answer& answer) {
  mx_awaited_ = false;
  mx_ = answer;
  report_.mx_secure = dns::hosts_secure(answer);
  const auto mx = dns::plan_mx(domain_, answer, tools_.options.helo, tools_.rng);
  if (mx.kind == dns::MxPlan::Kind::kTemporary) {
    report_.trouble = mx.words;
    return;
  }
  plan_ = delivery::RoutePlan::of_mx(mx, answer.expires, tools_.options, domain_);
}

void ProbeSearch::ask_sts() {
  sts_awaited_ = true;
  on_sts(sts::Wanted{domain_});
}

void ProbeSearch::on_sts(sts::Event event) {
  sts::Actions actions;
  sts_.handle(std::move(event), tools_.loop.now(), actions);
  for (auto& action : actions) {
    std::visit(Overloaded{
                   [&](sts::AskTxt& order) { carry_out(order); },
                   [&](sts::Fetch& order) { carry_out(order); },
                   [&](sts::Known& known) {
                     report_.sts = std::move(known);
                     sts_awaited_ = false;
                   },
                   [](auto&) {},  // nothing is kept, and Known says what has failed
               },
               action);
  }
}

void ProbeSearch::carry_out(sts::AskTxt& order) { ask({order.name, dns::RecordType::kTxt}); }

void ProbeSearch::carry_out(sts::Fetch& order) {
  https::Request request{.url = std::move(order.url), .ca_file = tools_.sts_ca_file};
  tools_.fetcher.send(std::move(request), tools_.options.allow_networks,
                      [this](https::Outcome outcome) {
                        on_sts(fetched(domain_, std::move(outcome)));
                        drain();
                      });
}

void ProbeSearch::search_hosts() {
  searching_ = true;
  if (plan_->verdict()) {
    report_.trouble = plan_->verdict()->reply.text;
    return;
  }
  for (std::size_t index = 0; index < plan_->hosts().size(); ++index) {
    const auto& host = plan_->hosts()[index];
    report_.hosts.push_back({.name = host.name, .port = host.port});
    if (host.known) {
      judge(index, nullptr);
    } else {
      search_host(index);
    }
  }
}

void ProbeSearch::search_host(std::size_t index) {
  const auto& host = plan_->hosts()[index];
  const auto policy = delivery::tls_policy_for(tools_.options, domain_, host.name);
  const bool secure = host.trusted || (mx_ && dns::hosts_secure(*mx_));
  searches_.push_back(std::make_unique<delivery::HostSearch>(
      index, host.name, host.port, delivery::heeds_dane(policy, kWish), secure));
  for (const auto& question : searches_.back()->take_questions()) ask(question);
}

void ProbeSearch::on_host(const delivery::HostSearch& found) {
  const std::size_t index = found.index();
  plan_->set_addresses(index, found.a(), found.aaaa(), tools_.options.allow_networks);
  const auto& host = plan_->hosts()[index];
  if (host.trouble) report_.hosts[index].trouble = host.trouble->reply.text;
  if (!host.addresses.empty()) judge(index, found.dane());
}

void ProbeSearch::judge(std::size_t index, const dns::DanePlan* dane) {
  ProbedHost& host = report_.hosts[index];
  policy::TlsEvidence evidence;
  evidence.insecure_mx = mx_ && !dns::hosts_secure(*mx_);
  if (dane != nullptr) {
    host.dane = *dane;
    delivery::add_dane(evidence, *dane);
    if (mx_) evidence.dane_names = dns::dane_names(*dane, domain_, *mx_);
  }
  if (report_.sts && report_.sts->policy) {
    delivery::add_sts(evidence, *report_.sts->policy, host.name);
  }
  host.tls = delivery::judge_host(tools_.options, domain_, host.name, std::move(evidence), kWish);
  for (const IpAddress& address : plan_->hosts()[index].addresses) {
    host.addresses.push_back({.endpoint = {address, host.port}});
  }
}

// Does what is now possible.
void ProbeSearch::drain() {
  if (mx_awaited_ || sts_awaited_) return;
  if (plan_ && !searching_) search_hosts();
  const auto done = std::stable_partition(searches_.begin(), searches_.end(),
                                          [](const auto& search) { return !search->done(); });
  for (auto each = done; each != searches_.end(); ++each) on_host(**each);
  searches_.erase(done, searches_.end());
  if (searches_.empty()) finish();
}

void ProbeSearch::finish() {
  if (std::exchange(told_, true)) return;
  tools_.loop.defer([this] {
    const Teller tell = tell_;  // may end us
    tell(ProbeReport(std::move(report_)));
  });
}

}  // namespace posthaste::daemon::tool
