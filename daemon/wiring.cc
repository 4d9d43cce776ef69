#include "daemon/wiring.h"

#include <algorithm>
#include <utility>

namespace posthaste::daemon {
namespace {

constexpr std::size_t kBurstOfAll = 250;
constexpr unsigned kWorkersMax = 255;  // of the lanes of ids one is the TLS reporter's

delivery::Rate rate(const config::Rate& from) { return {from.count, from.per}; }

std::optional<delivery::Rate> rate(const std::optional<config::Rate>& from) {
  if (!from) return std::nullopt;
  return rate(*from);
}

delivery::Limits limits(const config::Limits& from) {
  return {from.connections, from.messages_per_connection, from.recipients_per_message,
          rate(from.message_rate), rate(from.connection_rate)};
}

smtp::ClientTimeouts timeouts(const config::Timeouts& from) {
  smtp::ClientTimeouts to;
  to.connect = from.connect;
  to.greeting = from.greeting;
  to.ehlo = from.ehlo;
  to.starttls = from.starttls;
  to.handshake = from.handshake;
  to.mail = from.mail;
  to.rcpt = from.rcpt;
  to.data = from.data;
  to.block = from.block;
  to.final_dot = from.final_dot;
  return to;
}

smtp::ClientCertificates client_certificates(const config::Submission& from) {
  switch (from.client_certificates.mode) {
    case config::CertificateUse::kIgnore: return smtp::ClientCertificates::kIgnore;
    case config::CertificateUse::kOptional: return smtp::ClientCertificates::kOptional;
    case config::CertificateUse::kRequired: return smtp::ClientCertificates::kRequired;
  }
  return smtp::ClientCertificates::kRequired;
}

std::shared_ptr<const delivery::Options> engine_options(
    const config::Config& from, const HeloName& hostname, unsigned workers,
    std::shared_ptr<const policy::ReplyRules> replies) {
  auto to = std::make_shared<delivery::Options>();
  to->helo = hostname;
  to->port = from.delivery.port;
  to->allow_networks = from.delivery.allow_networks;
  to->limits = limits(from.delivery.limits);
  for (const auto& rule : from.delivery.limit_rules) {
    to->limit_rules.push_back({rule.match, rule.connections, rule.messages_per_connection,
                               rule.recipients_per_message, rate(rule.message_rate),
                               rate(rule.connection_rate)});
  }
  for (const auto& route : from.delivery.routes) {
    delivery::RouteRule rule{route.match, {}};
    for (const auto& host : route.hosts) rule.hosts.push_back({host.name, host.port});
    to->routes.push_back(std::move(rule));
  }
  to->timeouts = timeouts(from.delivery.timeouts);
  to->idle = from.delivery.timeouts.idle;
  to->warm_bytes_max = from.queue.body_cache_bytes / workers;
  to->tls = from.tls.policies;
  to->profiles = from.tls.profiles;
  to->retry = from.retry;
  if (replies != nullptr) to->replies = std::move(replies);
  return to;
}

}  // namespace

std::shared_ptr<const Runtime> make_runtime(config::Config config, const std::string& machine_name,
                                            unsigned cores,
                                            std::shared_ptr<const policy::ReplyRules> replies) {
  auto runtime = std::make_shared<Runtime>();
  runtime->hostname =
      HeloName(config.hostname.empty() ? fold_domain(machine_name) : config.hostname);
  runtime->workers = std::clamp(config.workers == 0 ? cores : config.workers, 1U, kWorkersMax);
  runtime->engine = engine_options(config, runtime->hostname, runtime->workers, std::move(replies));
  runtime->resolver.servers = config.dns_servers;
  // Together the workers' bursts must fit into the socket buffer of a resolver with default
  // settings.
  runtime->resolver.burst_max = std::max<std::size_t>(10, kBurstOfAll / runtime->workers);
  runtime->submission.hostname = runtime->hostname;
  runtime->submission.message_bytes_max = config.submission.message_bytes_max;
  runtime->submission.recipients_max = config.submission.recipients_max;
  runtime->submission.deliver_by = config.submission.deliver_by;
  runtime->submission.deliver_by_min = config.submission.deliver_by_min;
  runtime->submission.future_release_max = config.submission.future_release_max;
  runtime->submission.priority = config.submission.priority;
  runtime->submission.client_certificates = client_certificates(config.submission);
  runtime->submission.allowed_certificates = config.submission.client_certificates.allow;
  runtime->config = std::move(config);
  return runtime;
}

TlsMetrics::Vocabulary tls_vocabulary(const config::Config& config) {
  TlsMetrics::Vocabulary vocabulary;
  vocabulary.inbound_profile = config.submission.profile;
  for (const auto& profile : config.tls.profiles) {
    vocabulary.outbound_profiles.push_back(profile.name);
  }
  for (const auto& policy : config.tls.policies.materials()) {
    policy::Ladder ladder;
    for (const auto& rung : policy.ladder) {
      if (const auto* profile = config.tls.profile(rung)) ladder.push_back(*profile);
    }
    vocabulary.ladders.push_back(std::move(ladder));
  }
  return vocabulary;
}

LogLevel log_level(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kDebug: return LogLevel::kDebug;
    case config::LogLevel::kInfo: return LogLevel::kInfo;
    case config::LogLevel::kWarning: return LogLevel::kWarning;
    case config::LogLevel::kError: return LogLevel::kError;
  }
  return LogLevel::kInfo;
}

LogFormat log_format(config::LogFormat format) {
  return format == config::LogFormat::kJson ? LogFormat::kJson : LogFormat::kLogfmt;
}

}  // namespace posthaste::daemon
