#include "daemon/sts_driver.h"

#include <utility>

#include "daemon/sts_events.h"
#include "lib/base/overloaded.h"

namespace posthaste::daemon {

namespace sts = policy::sts;

StsDriver::StsDriver(House house, std::shared_ptr<const Runtime> runtime, Rng rng, Tell tell,
                     Report report)
    : house_(house),
      runtime_(std::move(runtime)),
      tell_(std::move(tell)),
      report_(std::move(report)),
      cache_(sts::Options{}, rng) {}

StsDriver::~StsDriver() { house_.deadlines.forget(*this); }

void StsDriver::restore(const std::function<bool(const RoutingDomain&)>& ours) {
  std::vector<sts::Remembered> kept;
  const auto read =
      house_.store.store().notes(queue::NoteKind::kStsPolicy, house_.loop.now(),
                                 [&](const std::string& key, const std::string& value, Instant) {
                                   RoutingDomain domain(key);
                                   if (ours(domain)) kept.push_back({std::move(domain), value});
                                 });
  if (!read) {
    house_.log.write(LogLevel::kError, "sts_lost",
                     {{"words", "earlier policies cannot be read: " + read.error().words}});
  }
  for (auto& note : kept) handle(std::move(note));
}

void StsDriver::want(const RoutingDomain& domain) { handle(sts::Wanted{domain}); }
void StsDriver::doubt(const RoutingDomain& domain) { handle(sts::Doubted{domain}); }
void StsDriver::forget(const RoutingDomain& domain) { handle(sts::Forget{domain}); }
void StsDriver::on_deadline() { handle(sts::Tick{}); }

void StsDriver::handle(sts::Event event) {
  cache_.handle(std::move(event), house_.loop.now(), actions_);
  if (draining_) return;  // whoever is told of one action wants another
  draining_ = true;
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    auto action = std::move(actions_[i]);
    carry_out(action);
  }
  actions_.clear();
  draining_ = false;
  house_.deadlines.watch(*this);
}

void StsDriver::carry_out(sts::Action& action) {
  std::visit(
      Overloaded{
          [&](sts::AskTxt& e) { ask_txt(e); },
          [&](sts::Fetch& e) { fetch(e); },
          [&](sts::Keep& e) {
            house_.log.write(LogLevel::kInfo, "sts_policy", {{"domain", e.domain.text()}});
            house_.store.push(queue::Keep{queue::NoteKind::kStsPolicy, e.domain.text(),
                                          std::move(e.record), e.expires});
          },
          [&](sts::Drop& e) {
            house_.store.push(queue::DropNote{queue::NoteKind::kStsPolicy, e.domain.text()});
          },
          [&](sts::Known& e) {
            tell_(delivery::StsKnown{std::move(e.domain), std::move(e.policy), e.unsure, e.until});
          },
          [&](sts::Changed& e) { tell_(delivery::StsChanged{std::move(e.domain)}); },
          [&](sts::Failed& e) { on_failed(e); },
      },
      action);
}

void StsDriver::ask_txt(const sts::AskTxt& ask) {
  const auto known = house_.resolver.lookup(
      {ask.name, dns::RecordType::kTxt},
      [this, domain = ask.domain](const dns::Question&, const dns::Answer& answer) {
        on_txt(domain, answer);
      });
  if (known) on_txt(ask.domain, *known);
}

void StsDriver::on_txt(const RoutingDomain& domain, const dns::Answer& answer) {
  handle(txt_answered(domain, answer));
}

void StsDriver::fetch(const sts::Fetch& wanted) {
  house_.metrics.tls().sts_fetched();
  https::Request request;
  request.url = wanted.url;
  const auto& ca_file = runtime_->config.tls.mta_sts_ca_file;
  if (!ca_file.empty()) request.ca_file = ca_file;
  house_.fetcher.send(std::move(request), runtime_->config.delivery.allow_networks,
                      [this, domain = wanted.domain](https::Outcome outcome) {
                        handle(fetched(domain, std::move(outcome)));
                      });
}

void StsDriver::on_failed(const sts::Failed& failed) {
  house_.metrics.tls().sts_failed(failed.problem);
  house_.log.write(LogLevel::kWarning, "sts_failed",
                   {{"domain", failed.domain.text()},
                    {"problem", label(failed.problem)},
                    {"words", failed.words},
                    {"policy", failed.held ? "an older one goes on holding" : "none"}});
  if (!tlsrpt_result_type(failed.problem).empty()) report_(failed.domain, failed.problem);
}

}  // namespace posthaste::daemon
