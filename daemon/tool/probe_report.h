// ProbeReport: what a look at the TLS of a domain's mail hosts has shown, and what our policy makes
// of it.
//
// Threads      a value.
// Does not     connect or look anything up (prober.h), or say it in JSON (probe_json.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/delivery/host_tls.h"
#include "lib/dns/dane.h"
#include "lib/policy/mta_sts_cache.h"
#include "lib/smtp/capabilities.h"
#include "lib/smtp/stage.h"
#include "lib/tls/certificate_view.h"

namespace posthaste::daemon::tool {

// One connection.
struct ProbedCall {
  std::string profile;     // that was offered; empty: TLS was not asked for
  bool observing = false;  // whatever certificate came was accepted, so as to see it
  // Set: the session was ready for mail, and this is what the host can do.
  std::optional<smtp::Capabilities> capabilities = std::nullopt;
  std::optional<policy::TlsFacts> facts = std::nullopt;
  std::vector<tls::CertificateView> chain = {};  // as the host has sent it
  Duration handshake{};                          // how long it took
  // ---- where the session was not ready for mail
  smtp::Stage stage = smtp::Stage::kConnect;               // where it ended
  policy::TlsFailure failure = policy::TlsFailure::kNone;  // kNone: it says nothing of TLS
  std::string words = {};

  bool ready() const { return capabilities.has_value(); }
};

// What would become of mail.
enum class ProbeVerdict : std::uint8_t {
  kDelivers,        // with the TLS that is asked for
  kPlaintext,       // in plaintext, as policy lets it
  kPlaintextLater,  // likewise, but only what has waited for plaintext_after
  kDefers,
  kBounces,
  kUnreachable,  // no session, and that says nothing of TLS
};
std::string_view name(ProbeVerdict verdict);  // "delivers", "plaintext", "plaintext_later", …

struct ProbedAddress {
  Endpoint endpoint;
  std::vector<ProbedCall> calls = {};
};

struct ProbedHost {
  MxName name;
  std::uint16_t port = 0;
  std::string trouble = {};                                // why there is no address to call
  std::optional<dns::DanePlan> dane = std::nullopt;        // where policy asks for TLSA records
  std::shared_ptr<const delivery::HostTls> tls = nullptr;  // null where there is no address
  std::vector<ProbedAddress> addresses = {};
};

enum class ProbeRoute : std::uint8_t { kMx, kRoute, kLiteral };
std::string_view name(ProbeRoute route);  // "mx", "route", "literal"

struct ProbeReport {
  RoutingDomain domain;
  ProbeRoute route = ProbeRoute::kMx;
  bool mx_secure = false;    // kMx: DNSSEC vouches for the names of the hosts
  std::string trouble = {};  // why there is no host
  std::optional<policy::sts::Known> sts = std::nullopt;  // where policy asks for MTA-STS
  std::vector<ProbedHost> hosts = {};                    // in the order of preference
};

// By the last call that asked for what policy asks for. `host`: to which the address belongs.
ProbeVerdict verdict_on(const ProbedHost& host, const ProbedAddress& address);
// Mail would go there now, as policy has it.
bool takes_mail(const ProbedHost& host);
bool takes_mail(const ProbeReport& report);

}  // namespace posthaste::daemon::tool
