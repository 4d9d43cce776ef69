#include "config/render.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/render_retry.h"
#include "config/values.h"
#include "config/yaml_writer.h"

namespace posthaste::config {
namespace {

void write_client_certificates(YamlWriter& out, const ClientCertificates& clients) {
  out.section("client_certificates");
  out.text("mode", name(clients.mode));
  if (!clients.ca_file.empty()) out.text("ca_file", clients.ca_file);
  if (!clients.crl_file.empty()) out.text("crl_file", clients.crl_file);
  out.texts("allow", clients.allow);
  out.end();
}

void write_submission(YamlWriter& out, const Submission& submission) {
  out.section("submission");
  out.texts("trusted", rendered(submission.trusted, render_network));
  if (!submission.certificate.empty()) out.text("certificate", submission.certificate);
  if (!submission.private_key.empty()) out.text("private_key", submission.private_key);
  out.text("profile", submission.profile);
  write_client_certificates(out, submission.client_certificates);
  out.section("limits");
  out.size("message_size", submission.message_bytes_max);
  out.count("recipients", submission.recipients_max);
  out.count("connections", submission.connections_max);
  out.end();
  out.duration("future_release_max", submission.future_release_max);
  out.flag("deliver_by", submission.deliver_by);
  out.duration("deliver_by_min", submission.deliver_by_min);
  out.flag("priority", submission.priority);
  out.end();
}

void write_timeouts(YamlWriter& out, const Timeouts& timeouts) {
  out.section("timeouts");
  out.duration("connect", timeouts.connect);
  out.duration("greeting", timeouts.greeting);
  out.duration("ehlo", timeouts.ehlo);
  out.duration("starttls", timeouts.starttls);
  out.duration("handshake", timeouts.handshake);
  out.duration("mail", timeouts.mail);
  out.duration("rcpt", timeouts.rcpt);
  out.duration("data", timeouts.data);
  out.duration("block", timeouts.block);
  out.duration("final_dot", timeouts.final_dot);
  out.duration("idle", timeouts.idle);
  out.end();
}

void write_limits(YamlWriter& out, const LimitsRule& limits) {
  if (limits.connections) out.count("connections", *limits.connections);
  if (limits.messages_per_connection)
    out.count("messages_per_connection", *limits.messages_per_connection);
  if (limits.recipients_per_message)
    out.count("recipients_per_message", *limits.recipients_per_message);
  if (limits.message_rate) out.text("message_rate", render_rate(*limits.message_rate));
  if (limits.connection_rate) out.text("connection_rate", render_rate(*limits.connection_rate));
}

void write_delivery(YamlWriter& out, const Delivery& delivery) {
  out.section("delivery");
  out.count("port", delivery.port);
  out.texts("allow_networks", rendered(delivery.allow_networks, render_network));
  write_timeouts(out, delivery.timeouts);
  out.section("limits");
  out.section("default");
  const Limits& all = delivery.limits;
  write_limits(out, {{},
                     all.connections,
                     all.messages_per_connection,
                     all.recipients_per_message,
                     all.message_rate,
                     all.connection_rate});
  out.end();
  out.items("domains", delivery.limit_rules, [&](const LimitsRule& rule) {
    write_patterns(out, "match", rule.match);
    write_limits(out, rule);
  });
  out.end();
  out.items("routes", delivery.routes, [&](const Route& route) {
    write_patterns(out, "match", route.match);
    out.texts("hosts", rendered(route.hosts, render_route_host));
  });
  out.end();
}

void write_profile(YamlWriter& out, const policy::TlsProfile& profile) {
  out.section(profile.name);
  out.text("min_version", name(profile.min_version));
  out.text("max_version", name(profile.max_version));
  out.text("ciphers", profile.ciphers);
  out.text("ciphersuites", profile.ciphersuites);
  out.text("groups", profile.groups);
  out.text("signature_algorithms", profile.signature_algorithms);
  out.count("security_level", static_cast<std::uint64_t>(profile.security_level));
  out.end();
}

void write_path(YamlWriter& out, std::string_view key, const std::optional<std::string>& path,
                std::string_view taken_back) {
  if (path) out.text(key, path->empty() ? taken_back : *path);
}

// What a rule does not set is not written: written fallbacks would mean more than unwritten ones
// when a later rule raises the level.
void write_tls_overlay(YamlWriter& out, const policy::TlsOverlay& overlay) {
  if (overlay.level) out.text("level", name(*overlay.level));
  if (overlay.connect) out.text("connect", name(*overlay.connect));
  if (overlay.port) out.count("port", *overlay.port);
  if (overlay.ladder) out.texts("ladder", *overlay.ladder);
  if (overlay.plaintext_after) out.duration("plaintext_after", *overlay.plaintext_after);
  if (overlay.dane) out.flag("dane", *overlay.dane);
  if (overlay.mta_sts) out.flag("mta_sts", *overlay.mta_sts);
  if (overlay.remember) out.duration("remember", *overlay.remember);
  if (overlay.strip_guard) out.flag("strip_guard", *overlay.strip_guard);
  if (overlay.match_names) out.texts("match_names", *overlay.match_names);
  if (overlay.fingerprints) out.texts("fingerprints", *overlay.fingerprints);
  write_path(out, "ca_file", overlay.ca_file, "system");
  write_path(out, "crl_file", overlay.crl_file, "none");
  if (overlay.ocsp) out.text("ocsp", name(*overlay.ocsp));
  write_path(out, "client_certificate", overlay.client_certificate, "none");
  write_path(out, "client_private_key", overlay.client_private_key, "none");
  if (!overlay.not_offered && !overlay.refused && !overlay.handshake) return;
  out.section("fallback");
  if (overlay.not_offered) out.text("not_offered", name(*overlay.not_offered));
  if (overlay.refused) out.text("refused", name(*overlay.refused));
  if (overlay.handshake) out.text("handshake", name(*overlay.handshake));
  out.end();
}

// With the built-in values where the file has none; but for the fallbacks, as above, and for what
// is empty.
policy::TlsOverlay completed(policy::TlsOverlay overlay) {
  const policy::TlsPolicy built_in;
  policy::for_each_tls_field([&](policy::TlsField field, auto in_policy, auto in_overlay) {
    using Value = std::decay_t<decltype(built_in.*in_policy)>;
    if (name(field).starts_with("fallback.") || field == policy::TlsField::kPort) return;
    if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
      if ((built_in.*in_policy).empty()) return;
    }
    if (!(overlay.*in_overlay)) overlay.*in_overlay = built_in.*in_policy;
  });
  return overlay;
}

void write_tls_report(YamlWriter& out, const TlsReport& report) {
  out.section("report");
  out.flag("enabled", report.enabled);
  if (!report.from.empty()) out.text("from", report.from);
  if (!report.contact.empty()) out.text("contact", report.contact);
  if (!report.organization.empty()) out.text("organization", report.organization);
  out.end();
}

void write_tls(YamlWriter& out, const Tls& tls) {
  out.section("tls");
  out.section("profiles");
  for (const policy::TlsProfile& profile : tls.profiles) write_profile(out, profile);
  out.end();
  out.section("default");
  write_tls_overlay(out, completed(tls.defaults));
  out.end();
  out.items("domains", tls.rules, [&](const policy::TlsRule& rule) {
    if (!rule.match.empty()) write_patterns(out, "match", rule.match);
    if (!rule.mx.empty()) write_patterns(out, "mx", rule.mx);
    write_tls_overlay(out, rule.overlay);
  });
  if (!tls.mta_sts_ca_file.empty()) out.text("mta_sts_ca_file", tls.mta_sts_ca_file);
  write_tls_report(out, tls.report);
  out.end();
}

void write_rest(YamlWriter& out, const Config& config) {
  out.section("queue");
  out.flag("sync", config.queue.sync);
  out.size("min_free_space", config.queue.min_free_bytes);
  out.size("body_cache", config.queue.body_cache_bytes);
  out.duration("history", config.queue.history);
  out.end();
  out.section("admin");
  out.text("http", config.admin.http ? render_endpoint(*config.admin.http) : "none");
  out.text("socket", config.admin.socket);
  out.end();
  out.section("log");
  out.text("level", name(config.log.level));
  out.text("format", name(config.log.format));
  out.end();
  out.section("metrics");
  out.texts("domains", rendered(config.metrics.domains,
                                [](const RoutingDomain& domain) { return domain.text(); }));
  out.count("top_domains", config.metrics.top_domains);
  out.end();
}

}  // namespace

std::string render_config(const Config& config) {
  YamlWriter out;
  if (!config.hostname.empty()) out.text("hostname", config.hostname);
  out.text("data_dir", config.data_dir);
  out.text("workers", config.workers == 0 ? "auto" : fmt::format("{}", config.workers));
  out.items("listen", config.listen, [&](const Listen& listen) {
    out.text("address", render_endpoint(listen.address));
    out.text("tls", name(listen.tls));
  });
  write_submission(out, config.submission);
  out.section("dns");
  out.texts("servers", rendered(config.dns_servers, render_endpoint));
  out.end();
  write_delivery(out, config.delivery);
  write_tls(out, config.tls);
  write_retry(out, config.retry, config.replies);
  write_rest(out, config);
  return out.take();
}

}  // namespace posthaste::config
