#include "config/cross_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "config/bind.h"
#include "config/values.h"

namespace posthaste::config {
namespace {

// sun_path of Linux has 108 octets, one of them for the NUL.
constexpr std::size_t kSocketPathMax = 107;

void check_listeners(const Section& file, Findings& findings) {
  const Section submission = file.section("submission");
  std::map<std::string, int> lines;
  for (const Section& item : file.sections("listen")) {
    const Node* address = item.given("address");
    const auto endpoint = parse_endpoint(item.text("address").value_or(""));
    if (address != nullptr && endpoint && endpoint->port != 0) {
      const auto [first, is_new] = lines.emplace(render_endpoint(*endpoint), item.line);
      if (!is_new) {
        findings.error(*address, fmt::format("{} is listened on twice; the first time in line {}",
                                             first->first, first->second));
      }
    }
    const Node* tls = item.given("tls");
    const std::string choice = item.text("tls").value_or("");
    if (tls != nullptr && (choice == "starttls" || choice == "implicit") &&
        submission.given("certificate") == nullptr) {
      findings.error(
          *tls, fmt::format(
                    "tls: {} needs submission.certificate and submission.private_key; for example "
                    "certificate: /etc/posthaste/tls/cert.pem",
                    choice));
    }
    if (endpoint && choice == "none" && !is_loopback(endpoint->address)) {
      findings.warning(
          item, fmt::format("{} takes mail from the network in clear text; consider tls: starttls",
                            render_endpoint(*endpoint)));
    }
  }
}

void check_certificate(const Section& submission, Findings& findings) {
  const Node* certificate = submission.given("certificate");
  const Node* key = submission.given("private_key");
  if (certificate != nullptr && key == nullptr) {
    findings.error(*certificate,
                   "\"submission.certificate\" needs \"submission.private_key\" with it");
  }
  if (key != nullptr && certificate == nullptr) {
    findings.error(*key, "\"submission.private_key\" needs \"submission.certificate\" with it");
  }
}

bool a_listener_speaks_tls(const Config& config) {
  return std::any_of(config.listen.begin(), config.listen.end(),
                     [](const Listen& listen) { return listen.tls != ListenTls::kNone; });
}

void check_client_certificates(const Section& clients, const Config& config, Findings& findings) {
  const Node* mode = clients.given("mode");
  const bool asked = config.submission.client_certificates.mode != CertificateUse::kIgnore;
  if (asked && clients.given("ca_file") == nullptr) {
    findings.error(*mode, fmt::format("mode: {} needs ca_file: who issues them; for example "
                                      "ca_file: /etc/posthaste/tls/clients.pem",
                                      mode->text));
  }
  if (asked && !a_listener_speaks_tls(config)) {
    findings.warning(*mode,
                     "no listener speaks TLS, so that no client can show a certificate; consider "
                     "tls: starttls");
  }
  const Node* allow = clients.given("allow");
  if (!asked && allow != nullptr && !allow->items.empty())
    findings.warning(*allow,
                     "allow counts for nothing with mode: ignore; say optional or required");
}

// AD is believed only if all resolvers are ours (RFC 7672 §2.2 wants a trusted path to them).
void check_dane(const Section& tls, const Config& config, Findings& findings) {
  const auto far =
      std::find_if(config.dns_servers.begin(), config.dns_servers.end(),
                   [](const Endpoint& server) { return !is_loopback(server.address); });
  if (far == config.dns_servers.end()) return;
  std::vector<Section> sections = tls.sections("domains");
  sections.push_back(tls.section("default"));
  for (const Section& section : sections) {
    const Node* level = section.given("level");
    const Node* dane = section.given("dane");
    if (level != nullptr && (level->text == "dane" || level->text == "dane-only")) {
      findings.warning(*level, fmt::format("level: {} finds no TLSA record: dns.servers has {}, "
                                           "and DNSSEC is believed from loopback addresses only",
                                           level->text, render_endpoint(*far)));
    } else if (dane != nullptr && dane->text == "true") {
      findings.warning(*dane, fmt::format("dane: true finds no TLSA record: dns.servers has {}, "
                                          "and DNSSEC is believed from loopback addresses only",
                                          render_endpoint(*far)));
    }
  }
}

void check_trusted(const Section& submission, Findings& findings) {
  const Node* trusted = submission.given("trusted");
  if (trusted == nullptr) return;
  for (const Node& item : trusted->items) {
    const auto network = parse_network(item.text);
    if (network && network->prefix_bits == 0) {
      findings.warning(
          item,
          fmt::format("{} trusts every address: whoever reaches a listener can send mail as you",
                      item.text));
    }
  }
}

void check_admin(const Section& admin, const Config& config, Findings& findings) {
  const Node* http = admin.given("http");
  if (http != nullptr && config.admin.http && !is_loopback(config.admin.http->address)) {
    findings.warning(
        *http,
        "the HTTP endpoint has no password; keep it on loopback, or behind a proxy that asks");
  }
  const Node* socket = admin.given("socket");
  if (socket != nullptr && socket->text.size() > kSocketPathMax) {
    findings.error(
        *socket, fmt::format("\"admin.socket\" has {} octets; a Unix socket's path has at most {}",
                             socket->text.size(), kSocketPathMax));
  }
}

void check_queue(const Section& queue, const Config& config, Findings& findings) {
  const Node* sync = queue.given("sync");
  if (sync != nullptr && !config.queue.sync) {
    findings.warning(*sync, "sync: false answers 250 for mail that a power cut still loses");
  }
}

}  // namespace

void cross_check(const Section& file, const Config& config, Findings& findings) {
  check_listeners(file, findings);
  check_certificate(file.section("submission"), findings);
  check_client_certificates(file.section("submission.client_certificates"), config, findings);
  if (const Node* profile = file.given("submission.profile"))
    check_profile_name(*profile, config.tls.profiles, findings);
  check_dane(file.section("tls"), config, findings);
  check_trusted(file.section("submission"), findings);
  check_admin(file.section("admin"), config, findings);
  check_queue(file.section("queue"), config, findings);
}

}  // namespace posthaste::config
