#include "config/bind.h"

#include <string_view>
#include <utility>

#include "config/values.h"
#include "lib/policy/fingerprint.h"

namespace posthaste::config {
namespace {

Duration duration(const Section& in, std::string_view key) {
  return parse_duration(in.text(key).value_or("")).value_or(Duration::zero());
}

std::uint64_t size(const Section& in, std::string_view key) {
  return parse_size(in.text(key).value_or("")).value_or(0);
}

template <typename Number>
std::optional<Number> maybe_count(const Section& in, std::string_view key) {
  const auto count = parse_count(in.text(key).value_or(""));
  return count ? std::optional(static_cast<Number>(*count)) : std::nullopt;
}

template <typename Number>
Number count(const Section& in, std::string_view key) {
  return maybe_count<Number>(in, key).value_or(0);
}

std::vector<Network> networks(const Section& in, std::string_view key) {
  std::vector<Network> networks;
  for (const std::string& text : in.texts(key)) {
    if (const auto network = parse_network(text)) networks.push_back(*network);
  }
  return networks;
}

std::vector<Listen> bind_listen(const Section& file) {
  constexpr std::array kAll{ListenTls::kNone, ListenTls::kStartTls, ListenTls::kImplicit};
  std::vector<Listen> listen;
  for (const Section& item : file.sections("listen")) {
    const auto address = parse_endpoint(item.text("address").value_or(""));
    const auto tls = parse_choice(item.text("tls").value_or(""), kAll);
    if (address && tls) listen.push_back({*address, *tls});
  }
  return listen;
}

// A key's fingerprint in one form, a name folded; a subject as it is.
std::string bind_holder(const std::string& text) {
  if (const auto octets = policy::parse_fingerprint(text))
    return policy::render_fingerprint(*octets);
  return text.find('=') == std::string::npos ? fold_domain(text) : text;
}

ClientCertificates bind_client_certificates(const Section& in) {
  constexpr std::array kAll{CertificateUse::kIgnore, CertificateUse::kOptional,
                            CertificateUse::kRequired};
  ClientCertificates clients;
  clients.mode = parse_choice(in.text("mode").value_or(""), kAll).value_or(CertificateUse::kIgnore);
  clients.ca_file = in.text("ca_file").value_or("");
  clients.crl_file = in.text("crl_file").value_or("");
  for (const std::string& text : in.texts("allow")) clients.allow.push_back(bind_holder(text));
  return clients;
}

Submission bind_submission(const Section& in) {
  return {.trusted = networks(in, "trusted"),
          .certificate = in.text("certificate").value_or(""),
          .private_key = in.text("private_key").value_or(""),
          .profile = in.text("profile").value_or(""),
          .client_certificates = bind_client_certificates(in.section("client_certificates")),
          .message_bytes_max = size(in, "limits.message_size"),
          .recipients_max = count<std::uint16_t>(in, "limits.recipients"),
          .connections_max = count<std::uint32_t>(in, "limits.connections"),
          .future_release_max = duration(in, "future_release_max"),
          .deliver_by = parse_flag(in.text("deliver_by").value_or("")).value_or(false),
          .deliver_by_min = duration(in, "deliver_by_min"),
          .priority = parse_flag(in.text("priority").value_or("")).value_or(false)};
}

std::vector<Endpoint> bind_dns_servers(const Section& in) {
  std::vector<Endpoint> servers;
  for (const std::string& text : in.texts("servers")) {
    if (const auto server = parse_dns_server(text)) servers.push_back(*server);
  }
  return servers;
}

Timeouts bind_timeouts(const Section& in) {
  return {.connect = duration(in, "connect"),
          .greeting = duration(in, "greeting"),
          .ehlo = duration(in, "ehlo"),
          .starttls = duration(in, "starttls"),
          .handshake = duration(in, "handshake"),
          .mail = duration(in, "mail"),
          .rcpt = duration(in, "rcpt"),
          .data = duration(in, "data"),
          .block = duration(in, "block"),
          .final_dot = duration(in, "final_dot"),
          .idle = duration(in, "idle")};
}

LimitsRule bind_limits(const Section& in) {
  return {.match = {},
          .connections = maybe_count<std::uint32_t>(in, "connections"),
          .messages_per_connection = maybe_count<std::uint32_t>(in, "messages_per_connection"),
          .recipients_per_message = maybe_count<std::uint32_t>(in, "recipients_per_message"),
          .message_rate = parse_rate(in.text("message_rate").value_or("")),
          .connection_rate = parse_rate(in.text("connection_rate").value_or(""))};
}

Limits bind_default_limits(const Section& in) {
  const LimitsRule all = bind_limits(in);  // the table has a default for each
  return {.connections = all.connections.value_or(0),
          .messages_per_connection = all.messages_per_connection.value_or(0),
          .recipients_per_message = all.recipients_per_message.value_or(0),
          .message_rate = all.message_rate.value_or(Rate{}),
          .connection_rate = all.connection_rate.value_or(Rate{})};
}

Delivery bind_delivery(const Section& in) {
  Delivery delivery;
  delivery.port = count<std::uint16_t>(in, "port");
  delivery.allow_networks = networks(in, "allow_networks");
  delivery.timeouts = bind_timeouts(in.section("timeouts"));
  delivery.limits = bind_default_limits(in.section("limits.default"));
  for (const Section& item : in.sections("limits.domains")) {
    LimitsRule rule = bind_limits(item);
    rule.match = bind_patterns(item, "match");
    delivery.limit_rules.push_back(std::move(rule));
  }
  for (const Section& item : in.sections("routes")) {
    Route route{.match = bind_patterns(item, "match"), .hosts = {}};
    for (const std::string& text : item.texts("hosts")) {
      if (auto host = parse_route_host(text)) route.hosts.push_back(std::move(*host));
    }
    delivery.routes.push_back(std::move(route));
  }
  return delivery;
}

Queue bind_queue(const Section& in) {
  return {.sync = parse_flag(in.text("sync").value_or("")).value_or(true),
          .min_free_bytes = size(in, "min_free_space"),
          .body_cache_bytes = size(in, "body_cache"),
          .history = duration(in, "history")};
}

Admin bind_admin(const Section& in) {
  Admin admin;
  // "none" is no endpoint.
  if (const auto http = parse_endpoint(in.text("http").value_or(""))) admin.http = *http;
  admin.socket = in.text("socket").value_or("");
  return admin;
}

Log bind_log(const Section& in) {
  constexpr std::array kLevels{LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning,
                               LogLevel::kError};
  constexpr std::array kFormats{LogFormat::kLogfmt, LogFormat::kJson};
  return {.level = parse_choice(in.text("level").value_or(""), kLevels).value_or(LogLevel::kInfo),
          .format =
              parse_choice(in.text("format").value_or(""), kFormats).value_or(LogFormat::kLogfmt)};
}

Metrics bind_metrics(const Section& in) {
  Metrics metrics;
  for (const std::string& text : in.texts("domains")) {
    if (auto name = parse_host_name(text)) metrics.domains.emplace_back(std::move(*name));
  }
  metrics.top_domains = count<std::uint32_t>(in, "top_domains");
  return metrics;
}

}  // namespace

std::vector<policy::DomainPattern> bind_patterns(const Section& rule, std::string_view key) {
  std::vector<policy::DomainPattern> patterns;
  for (const std::string& text : rule.texts(key)) {
    if (auto pattern = policy::parse_domain_pattern(text)) patterns.push_back(std::move(*pattern));
  }
  return patterns;
}

Config bind(const Section& file, Findings& findings) {
  Config config;
  config.hostname = parse_host_name(file.text("hostname").value_or("")).value_or("");
  config.data_dir = file.text("data_dir").value_or("");
  config.workers = count<unsigned>(file, "workers");  // "auto" is no count: 0
  config.listen = bind_listen(file);
  config.submission = bind_submission(file.section("submission"));
  config.dns_servers = bind_dns_servers(file.section("dns"));
  config.delivery = bind_delivery(file.section("delivery"));
  config.tls = bind_tls(file.section("tls"), findings);
  config.retry = bind_retry(file.section("retry"));
  config.replies = bind_replies(file.section("retry.replies"), findings);
  config.queue = bind_queue(file.section("queue"));
  config.admin = bind_admin(file.section("admin"));
  config.log = bind_log(file.section("log"));
  config.metrics = bind_metrics(file.section("metrics"));
  return config;
}

}  // namespace posthaste::config
