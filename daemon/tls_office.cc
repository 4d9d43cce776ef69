#include "daemon/tls_office.h"

#include <utility>

#include "lib/base/check.h"

namespace posthaste::daemon {
namespace {

using policy::TlsFailure;

TlsMode mode_of(const delivery::Connect& call) {
  return call.implicit_tls ? TlsMode::kImplicit : TlsMode::kStartTls;
}

HandshakeLine line_of(const delivery::Connect& call) {
  HandshakeLine line;
  line.direction = Direction::kOutbound;
  line.mode = mode_of(call);
  line.peer = render_endpoint(call.endpoint);
  line.profile = call.profile;
  line.id = render_id(call.message);
  line.domain = call.domain.text();
  line.host = call.host.text();
  line.level = name(call.demand->level);
  line.source = name(call.demand->source);
  return line;
}

}  // namespace

Result<std::unique_ptr<TlsOffice>> TlsOffice::make(House house,
                                                   std::shared_ptr<const Runtime> runtime,
                                                   unsigned worker, Rng rng, Tell tell) {
  auto client = https::Client::make(house.loop, {});
  if (!client) return tl::unexpected(client.error());
  return std::unique_ptr<TlsOffice>(
      new TlsOffice(house, std::move(runtime), worker, std::move(*client), rng, std::move(tell)));
}

TlsOffice::TlsOffice(House house, std::shared_ptr<const Runtime> runtime, unsigned worker,
                     std::unique_ptr<https::Client> client, Rng rng, Tell tell)
    : house_(house),
      runtime_(std::move(runtime)),
      worker_(worker),
      workers_(runtime_->workers),
      tell_(std::move(tell)),
      client_(std::move(client)),
      fetcher_(house.resolver, *client_) {
  const auto on_sts_problem = [this](const RoutingDomain& domain, policy::sts::Problem problem) {
    report(tls_result_of(domain, problem, sts_policy(domain)));
  };
  sts_ = std::make_unique<StsDriver>(
      StsDriver::House{house.loop, house.deadlines, house.resolver, fetcher_, house.store,
                       house.metrics, house.log},
      runtime_, rng, [this](delivery::Event event) { pass_on(std::move(event)); }, on_sts_problem);
}

void TlsOffice::pass_on(delivery::Event event) {
  if (const auto* known = std::get_if<delivery::StsKnown>(&event)) {
    for (std::size_t i = 0; i < rehearsals_.size(); ++i) rehearsals_[i]->on_sts(*known);
  }
  tell_(std::move(event));
}

void TlsOffice::rehearse(const RoutingDomain& domain, std::vector<delivery::Remembered> memory,
                         TlsRehearsal::Done done) {
  CHECK(may_rehearse());
  auto ended = [this, done = std::move(done)](const TlsRehearsal::Outcome& outcome) {
    done(outcome);
    // It calls from inside, and we may be going through all of them.
    house_.loop.defer([this] {
      std::erase_if(rehearsals_, [](const auto& rehearsal) { return rehearsal->over(); });
    });
  };
  rehearsals_.push_back(std::make_unique<TlsRehearsal>(
      TlsRehearsal::House{house_.loop, house_.deadlines, house_.resolver}, *runtime_->engine,
      domain, [this](const RoutingDomain& of) { sts_->want(of); }, std::move(ended)));
  rehearsals_.back()->begin(std::move(memory));
}

// Of hosts every worker hears, since any domain may lead to them; of policies only who has the
// domain.
void TlsOffice::restore() {
  restore_memory(queue::NoteKind::kTlsHost);
  restore_memory(queue::NoteKind::kTlsShown);
  sts_->restore(
      [this](const RoutingDomain& domain) { return shard_of(domain) % workers_ == worker_; });
}

void TlsOffice::restore_memory(queue::NoteKind kind) {
  const bool shown = kind == queue::NoteKind::kTlsShown;
  const auto read = house_.store.store().notes(
      kind, house_.loop.now(),
      [&](const std::string& key, const std::string& value, Instant expires) {
        tell_(delivery::Remembered{shown, key, value, expires});
      });
  if (!read) {
    house_.log.write(LogLevel::kError, "tls_memory_lost",
                     {{"words", "what was learned cannot be read: " + read.error().words}});
  }
}

void TlsOffice::reconfigure(std::shared_ptr<const Runtime> runtime) {
  runtime_ = std::move(runtime);
  sts_->reconfigure(runtime_);
}

const policy::StsPolicy* TlsOffice::sts_policy(const RoutingDomain& domain) const {
  const policy::StsRecord* record = sts_->find(domain);
  return record == nullptr ? nullptr : &record->policy;
}

void TlsOffice::report(std::optional<report::TlsResult> result) {
  if (!result) return;
  const bool success = result->success;
  if (house_.reporter.count(std::move(*result))) {
    house_.metrics.tls().counted_for_report(success);
  }
}

void TlsOffice::on(const delivery::FellBack& fell) {
  house_.metrics.tls().fell_back(fell.from, fell.to, fell.reason);
  house_.log.write(LogLevel::kWarning, "tls_fell_back",
                   {{"domain", fell.domain.text()},
                    {"host", fell.host.text()},
                    {"from", fell.from},
                    {"to", fell.to},
                    {"reason", label(fell.reason)}});
}

void TlsOffice::on(const delivery::TlsBarred& barred) {
  if (!barred.sts_testing) house_.metrics.tls().barred(barred.failure);
  house_.log.write(barred.sts_testing ? LogLevel::kInfo : LogLevel::kWarning, "tls_barred",
                   {{"domain", barred.domain.text()},
                    {"host", barred.host.text()},
                    {"reason", label(barred.failure)},
                    {"sts_testing", barred.sts_testing ? "yes" : ""}});
  // In mode `testing` the host is called all the same, and its connection tells.
  if (!barred.sts_testing) report(tls_result_of(barred, sts_policy(barred.domain)));
  if (barred.failure == TlsFailure::kStsMxMismatch) sts_->doubt(barred.domain);
}

void TlsOffice::on(const delivery::SuspectedStrip& strip) {
  house_.metrics.tls().suspected_strip();
  house_.log.write(LogLevel::kWarning, "tls_suspected_strip",
                   {{"domain", strip.domain.text()},
                    {"host", strip.host.text()},
                    {"peer", render_endpoint(strip.endpoint)}});
}

void TlsOffice::on(delivery::Remember& change) {
  const auto kind = change.shown ? queue::NoteKind::kTlsShown : queue::NoteKind::kTlsHost;
  if (change.drop) {
    house_.store.push(queue::DropNote{kind, std::move(change.key)});
  } else {
    house_.store.push(
        queue::Keep{kind, std::move(change.key), std::move(change.value), change.expires});
  }
}

void TlsOffice::on_handshake(const delivery::Connect& call, const policy::TlsFacts& facts,
                             Duration took) {
  house_.metrics.tls().up(Direction::kOutbound, mode_of(call), facts, took);
  HandshakeLine line = line_of(call);
  line.took = took;
  log_up(house_.log, line, facts);
  if (!facts.forward_secret) warn_of_secrecy(call, facts);
}

void TlsOffice::warn_of_secrecy(const delivery::Connect& call, const policy::TlsFacts& facts) {
  if (warned_.size() >= kWarnedMax) warned_.clear();
  if (!warned_.insert(call.host.text()).second) return;
  house_.log.write(LogLevel::kWarning, "tls_without_forward_secrecy",
                   {{"domain", call.domain.text()},
                    {"host", call.host.text()},
                    {"profile", call.profile},
                    {"version", facts.version},
                    {"cipher", facts.cipher}});
}

void TlsOffice::on_ready(const delivery::Connect& call, const std::optional<policy::TlsFacts>& tls,
                         const IpAddress& from) {
  const bool met = satisfies(*call.demand, tls);
  house_.metrics.tls().demanded(*call.demand, met);
  if (!met) {  // the engine will not use it: its last guard, which has no other way to tell
    constexpr auto kReason = TlsFailure::kGuarded;
    house_.metrics.tls().failed(Direction::kOutbound, mode_of(call), call.profile, kReason);
    log_failed(house_.log, line_of(call), kReason, "the session is not what was demanded");
  }
  const bool lacks = !tls && call.tls == smtp::TlsNeed::kIfOffered;
  const TlsFailure reason = lacks        ? TlsFailure::kNotOffered
                            : met || tls ? TlsFailure::kNone
                                         : TlsFailure::kGuarded;
  if (lacks) {
    house_.metrics.tls().failed(Direction::kOutbound, mode_of(call), call.profile, reason);
    log_failed(house_.log, line_of(call), reason, "EHLO does not offer STARTTLS");
  }
  report(tls_result_of(call, sts_policy(call.domain), {tls, reason, from}));
}

void TlsOffice::on_failed(const delivery::Connect& call, TlsFailure reason, std::string_view words,
                          const IpAddress& from, bool reported) {
  house_.metrics.tls().failed(Direction::kOutbound, mode_of(call), call.profile, reason);
  log_failed(house_.log, line_of(call), reason, words);
  if (!reported) {
    house_.metrics.tls().demanded(*call.demand, false);
    report(tls_result_of(call, sts_policy(call.domain), {std::nullopt, reason, from}));
  }
  // RFC 8461 §5.1: the domain may have moved, and said so.
  const bool by_sts = call.demand->source == policy::TlsSource::kMtaSts;
  if (by_sts && reason == TlsFailure::kCertHostMismatch) sts_->doubt(call.domain);
}

}  // namespace posthaste::daemon
