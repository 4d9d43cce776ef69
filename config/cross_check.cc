#include "config/cross_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

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
  check_trusted(file.section("submission"), findings);
  check_admin(file.section("admin"), config, findings);
  check_queue(file.section("queue"), config, findings);
}

}  // namespace posthaste::config
