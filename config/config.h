// Config: everything that the operator decides, as plain values, checked against each other.
//
// Built by load_config (config/load.h) alone; every default lives in config/schema_table.cc, so
// that a Config made by hand is all zeros. daemon/wiring.cc maps it to each module's own Options.
//
// Lifetime     immutable once loaded; a reload makes a new one.
// Threads      any, as it never changes.
// Does not     open files, look at the machine, or know what modules do with a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/policy/reply_rules.h"
#include "lib/policy/retry_policy.h"
#include "lib/policy/tls_policies.h"
#include "lib/policy/tls_profile.h"

namespace posthaste::config {

enum class ListenTls : std::uint8_t { kNone, kStartTls, kImplicit };
struct Listen {
  Endpoint address;
  ListenTls tls = ListenTls::kNone;
};

// What a client's certificate is good for.
enum class CertificateUse : std::uint8_t { kIgnore, kOptional, kRequired };
struct ClientCertificates {
  CertificateUse mode = CertificateUse::kIgnore;
  std::string ca_file;   // absolute path; set unless kIgnore
  std::string crl_file;  // absolute path, empty: none
  // "sha256:<hex>" of the public key, a name in the certificate, or its subject ("CN=…"); empty:
  // all that verify.
  std::vector<std::string> allow;
};

struct Submission {
  std::vector<Network> trusted;  // may submit without AUTH
  std::string certificate;       // absolute path, empty: none; set whenever a listener speaks TLS
  std::string private_key;       // likewise
  std::string profile;           // of Tls::profiles
  ClientCertificates client_certificates;
  std::uint64_t message_bytes_max = 0;
  std::uint16_t recipients_max = 0;
  std::uint32_t connections_max = 0;
  Duration future_release_max{};  // zero: FUTURERELEASE is not offered
  bool deliver_by = false;        // DELIVERBY is offered
  Duration deliver_by_min{};
  bool priority = false;  // MT-PRIORITY is offered
};

struct Timeouts {
  Duration connect{}, greeting{}, ehlo{}, starttls{}, handshake{}, mail{}, rcpt{}, data{}, block{},
      final_dot{}, idle{};
};

// Events per time; count 0 is unlimited.
struct Rate {
  std::uint32_t count = 0;
  Duration per{};
  friend bool operator==(const Rate&, const Rate&) = default;
};

struct Limits {
  std::uint32_t connections = 0;  // per destination
  std::uint32_t messages_per_connection = 0;
  std::uint32_t recipients_per_message = 0;  // per transaction
  Rate message_rate;
  Rate connection_rate;
};

struct LimitsRule {  // only the fields that it sets; rules apply in the file's order
  std::vector<policy::DomainPattern> match;
  std::optional<std::uint32_t> connections, messages_per_connection, recipients_per_message;
  std::optional<Rate> message_rate, connection_rate;
};

struct RouteHost {
  MxName name;             // or an IP address without brackets
  std::uint16_t port = 0;  // 0: Delivery::port
};

struct Route {
  std::vector<policy::DomainPattern> match;
  std::vector<RouteHost> hosts;  // in order of preference, never empty
};

struct Delivery {
  std::uint16_t port = 0;
  std::vector<Network> allow_networks;  // special-purpose networks that mail may go to
  Timeouts timeouts;
  Limits limits;
  std::vector<LimitsRule> limit_rules;
  std::vector<Route> routes;  // the first match counts
};

// Our reports to the domains that ask for them (RFC 8460).
struct TlsReport {
  bool enabled = false;
  std::string from;          // mail address; empty: postmaster of our hostname
  std::string contact;       // mail address; empty: `from`
  std::string organization;  // empty: our hostname
};

struct Tls {
  std::vector<policy::TlsProfile> profiles;  // inheritance resolved; the built-in ones come first
  policy::TlsPolicies policies;              // every profile that it names is in `profiles`
  policy::TlsOverlay defaults;               // what `policies` was made of, as the file has it
  std::vector<policy::TlsRule> rules;
  std::string mta_sts_ca_file;  // absolute path, empty: the system's roots
  TlsReport report;
  const policy::TlsProfile* profile(std::string_view name) const;  // nullptr: no such profile
};

// A rule, and where it stands.
struct PlacedRule {
  policy::ReplyRule rule;
  std::string file;
  int line = 0;  // of the pattern, where there is one
  int column = 0;
};

// What refusals mean. Which rules count in the end: config/reply_rules.h.
struct Replies {
  std::vector<PlacedRule> rules;
  std::vector<std::string> files;  // absolute paths
  bool shipped = false;
};

struct Queue {
  bool sync = false;
  std::uint64_t min_free_bytes = 0;
  std::uint64_t body_cache_bytes = 0;
  Duration history{};  // how long events are kept for `posthaste trace`
};

struct Admin {
  std::optional<Endpoint> http;  // nullopt: no HTTP endpoint
  std::string socket;            // absolute path
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : std::uint8_t { kLogfmt, kJson };
struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kLogfmt;
};

struct Metrics {
  std::vector<RoutingDomain> domains;  // these have series of their own
  std::uint32_t top_domains = 0;       // and the busiest so many
};

struct Config {
  std::string hostname;  // folded; empty: the machine's own name, which the daemon asks for
  std::string data_dir;  // absolute path
  unsigned workers = 0;  // 0: one per core
  std::vector<Listen> listen;
  Submission submission;
  std::vector<Endpoint> dns_servers;  // empty: those of resolv.conf
  Delivery delivery;
  Tls tls;
  policy::RetryPolicies retry;
  Replies replies;
  Queue queue;
  Admin admin;
  Log log;
  Metrics metrics;
};

}  // namespace posthaste::config
