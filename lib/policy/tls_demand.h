// TlsDemand: what one connection has to show before mail may go over it: the strongest of what the
// operator, DANE, MTA-STS and the message itself ask for.
//
// A remote side can raise what the operator decided, never lower it. The operator's own
// authentication (fingerprint, verify, secure) stands where he asked for one; DANE comes before
// MTA-STS where it has a verdict (RFC 8461 §2).
//
// Threads      immutable once made; shared by whoever has the connection in hand.
// Implements   RFC 7672 §2.2, §3.1; RFC 8461 §4.1, §5; RFC 8689 §4.2.
// Does not     look anything up, connect, verify. See lib/delivery for when, lib/tls for how.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/names.h"
#include "lib/dns/tlsa.h"
#include "lib/mail/envelope.h"
#include "lib/policy/tls_facts.h"
#include "lib/policy/tls_policy.h"

namespace posthaste::policy {

// Who decided the level that is in force.
enum class TlsSource : std::uint8_t { kOperator, kDane, kMtaSts, kRequireTls };
inline constexpr std::size_t kTlsSources = 4;
std::string_view name(TlsSource source);  // "operator", "dane", "mta_sts", "requiretls"

// Which certificates are believed, beside pins and TLSA records.
struct TrustStore {
  std::string ca_file;   // PEM; empty: the system's roots
  std::string crl_file;  // PEM; empty: no revocation lists
  friend auto operator<=>(const TrustStore&, const TrustStore&) = default;
};
// What we show when we are asked for a certificate. Both empty: none.
struct ClientIdentity {
  std::string certificate_file;
  std::string private_key_file;
  friend auto operator<=>(const ClientIdentity&, const ClientIdentity&) = default;
};

struct TlsDemand {
  // In force: kDane where TLSA records decide, kVerify where MTA-STS or REQUIRETLS do. For logs and
  // metrics; `encrypted` and `authentication` say what it means here.
  TlsLevel level = TlsLevel::kMay;
  TlsSource source = TlsSource::kOperator;
  bool encrypted = false;  // plaintext is out of the question
  // kNone: whatever the peer shows is accepted, and observed (TlsFacts tell).
  TlsAuthentication authentication = TlsAuthentication::kNone;
  // kPkix, and kDane with usage 2: names of which the certificate must have one. ".example.com"
  // means any name below example.com, "[192.0.2.1]" that address.
  std::vector<std::string> names;
  std::vector<dns::TlsaRecord> records;  // kDane; kPin (as 3 1 1): one must match
  std::string sni;                       // empty: none is sent; never an address
  TrustStore trust;
  OcspStapling ocsp = OcspStapling::kCheck;
  ClientIdentity identity;
  // The message promises REQUIRETLS onwards: the host must offer it.
  bool requiretls = false;
  friend bool operator==(const TlsDemand&, const TlsDemand&) = default;
};

// Names everything that a session made under the demand had to prove, in no particular order of
// names and records; binary. Two connections may share a session or stand in for each other only
// when their keys are equal.
std::string key_of(const TlsDemand& demand);

// What is published about a host, as DNS and HTTPS have answered.
struct TlsEvidence {
  enum class Dane : std::uint8_t {
    kNone,       // no TLSA records, or none that DNSSEC vouches for
    kUsable,     // `records`
    kUnusable,   // secure records, none of which we can use: TLS is mandatory, and DANE knows no
                 // name; MTA-STS may
    kTemporary,  // the lookup failed: this host must not be used now (RFC 7672 §2.1.2)
  };
  enum class Sts : std::uint8_t { kNone, kTesting, kEnforce };
  Dane dane = Dane::kNone;
  std::vector<dns::TlsaRecord> records;
  std::string tlsa_base;  // the name under which the records were found; empty: the host's own
  // What a certificate may be called that a record of usage 2 vouches for; empty: `tlsa_base` and
  // the domain (RFC 7672 §3.2.2).
  std::vector<std::string> dane_names;
  Sts sts = Sts::kNone;
  bool sts_names_host = false;  // the host is among the policy's mx patterns
  // The host's name was taken from DNS without DNSSEC. REQUIRETLS then wants MTA-STS to vouch for
  // it (RFC 8689 §4.2.1), or the operator's own pin or level `secure`.
  bool insecure_mx = false;
};

struct TlsJudgement {
  TlsDemand demand;
  // Set: the host must not be used at all, and this is why (kDaneLookup, kDaneRequired,
  // kStsMxMismatch, kRequireTlsMissing).
  TlsFailure barred = TlsFailure::kNone;
  // Set: MTA-STS in mode `testing` would have barred the host, or would demand more (RFC 8460 wants
  // to hear of it).
  bool sts_testing = false;
  friend bool operator==(const TlsJudgement&, const TlsJudgement&) = default;
};

// `policy`: the operator's, for that domain and host. With mail::TlsWish::kOptional neither DANE
// nor MTA-STS raise anything (RFC 8689 §4.2.2); what the operator asked for himself stays. Level
// none stays none, whatever is published: REQUIRETLS then bars the host. REQUIRES fingerprints that
// parse, as TlsPolicies has them.
TlsJudgement judge_tls(const TlsPolicy& policy, const RoutingDomain& domain, const MxName& host,
                       const TlsEvidence& evidence, mail::TlsWish wish);

// True where `facts` are good enough for the demand; the guard before MAIL asks it once more.
bool satisfies(const TlsDemand& demand, const std::optional<TlsFacts>& facts);

}  // namespace posthaste::policy
