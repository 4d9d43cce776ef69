#include "lib/policy/tls_demand.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/codec.h"
#include "lib/base/ip.h"
#include "lib/policy/fingerprint.h"

namespace posthaste::policy {
namespace {

using Dane = TlsEvidence::Dane;
using Sts = TlsEvidence::Sts;

// The operator says himself by what the host has to be known.
bool authenticates(TlsLevel level) {
  return level == TlsLevel::kFingerprint || level == TlsLevel::kVerify ||
         level == TlsLevel::kSecure;
}

bool is_literal(std::string_view name) { return name.starts_with('['); }

// An address literal has no names below it, and is never sent as SNI (RFC 6066 §3).
std::string sni_of(std::string_view name) {
  return is_literal(name) || parse_ip(name) ? std::string() : std::string(name);
}

void add_name(std::vector<std::string>& names, std::string name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(std::move(name));
}

// Postfix's words for smtp_tls_verify_cert_match; anything else is a name.
std::vector<std::string> names_to_match(const TlsPolicy& policy, const RoutingDomain& domain,
                                        const MxName& host) {
  static const std::vector<std::string> kVerify{"hostname"};
  static const std::vector<std::string> kSecure{"nexthop", "dot-nexthop"};
  const auto& built_in = policy.level == TlsLevel::kSecure ? kSecure : kVerify;
  std::vector<std::string> names;
  for (const std::string& word : policy.match_names.empty() ? built_in : policy.match_names) {
    if (word == "hostname") {
      add_name(names, host.text());
    } else if (word == "nexthop") {
      add_name(names, domain.text());
    } else if (word == "dot-nexthop") {
      if (!is_literal(domain.text())) add_name(names, "." + domain.text());
    } else {
      add_name(names, word);
    }
  }
  return names;
}

// A pin is a promise about the public key alone: what DANE calls 3 1 1.
std::vector<dns::TlsaRecord> pins(const std::vector<std::string>& fingerprints) {
  std::vector<dns::TlsaRecord> records;
  for (const std::string& text : fingerprints) {
    auto digest = parse_fingerprint(text);
    CHECK(digest);  // TlsPolicies takes no others
    records.push_back({.usage = 3, .selector = 1, .matching = 1, .data = std::move(*digest)});
  }
  return records;
}

TlsDemand operators_own(const TlsPolicy& policy, const RoutingDomain& domain, const MxName& host) {
  TlsDemand demand;
  demand.level = policy.level;
  demand.encrypted = encrypts(policy.level);
  demand.trust = {policy.ca_file, policy.crl_file};
  demand.ocsp = policy.ocsp;
  demand.identity = {policy.client_certificate, policy.client_private_key};
  if (policy.level == TlsLevel::kNone) return demand;
  demand.sni = sni_of(host.text());
  if (policy.level == TlsLevel::kFingerprint) {
    demand.authentication = TlsAuthentication::kPin;
    demand.records = pins(policy.fingerprints);
  } else if (authenticates(policy.level)) {
    demand.authentication = TlsAuthentication::kPkix;
    demand.names = names_to_match(policy, domain, host);
  }
  return demand;
}

void demand_host_name(TlsDemand& demand, TlsSource source, const MxName& host) {
  demand.level = TlsLevel::kVerify;
  demand.source = source;
  demand.encrypted = true;
  demand.authentication = TlsAuthentication::kPkix;
  demand.names = {host.text()};
}

// Postfix looks at TLSA records only where nobody has said by what else a host is to be known.
bool asks_dane(const TlsPolicy& policy, mail::TlsWish wish) {
  if (policy.level == TlsLevel::kDaneOnly) return true;  // his own, whatever the message wishes
  if (policy.level == TlsLevel::kNone || authenticates(policy.level)) return false;
  return wish != mail::TlsWish::kOptional && (policy.dane || policy.level == TlsLevel::kDane);
}

void apply_usable(std::vector<dns::TlsaRecord> records, const TlsEvidence& evidence,
                  const RoutingDomain& domain, const MxName& host, TlsDemand& demand) {
  const std::string& base = evidence.tlsa_base.empty() ? host.text() : evidence.tlsa_base;
  if (demand.level != TlsLevel::kDaneOnly) demand.level = TlsLevel::kDane;
  demand.source = TlsSource::kDane;
  demand.encrypted = true;
  demand.authentication = TlsAuthentication::kDane;
  demand.records = std::move(records);
  demand.sni = sni_of(base);
  demand.names = evidence.dane_names;
  if (!demand.names.empty()) return;
  add_name(demand.names, base);
  if (!is_literal(domain.text())) add_name(demand.names, domain.text());
}

// True where DANE has settled by what the host is to be known, or that it is not used.
bool apply_dane(const TlsEvidence& evidence, const RoutingDomain& domain, const MxName& host,
                TlsJudgement& out) {
  std::vector<dns::TlsaRecord> records;
  std::copy_if(evidence.records.begin(), evidence.records.end(), std::back_inserter(records),
               dns::usable);
  const bool usable = evidence.dane == Dane::kUsable && !records.empty();
  const bool only = out.demand.level == TlsLevel::kDaneOnly;
  if (evidence.dane == Dane::kTemporary) {
    out.barred = TlsFailure::kDaneLookup;
  } else if (usable) {
    apply_usable(std::move(records), evidence, domain, host, out.demand);
  } else if (only) {
    out.barred = TlsFailure::kDaneRequired;
  } else if (evidence.dane != Dane::kNone && !out.demand.encrypted) {
    // RFC 7672 §2.2: TLS is what the records promise, even where they do not say whose.
    out.demand.level = TlsLevel::kEncrypt;
    out.demand.source = TlsSource::kDane;
    out.demand.encrypted = true;
  }
  return usable || out.barred != TlsFailure::kNone;
}

void apply_sts(const TlsEvidence& evidence, const MxName& host, TlsJudgement& out) {
  const bool raises = !authenticates(out.demand.level);
  if (evidence.sts == Sts::kTesting) {
    out.sts_testing = raises || !evidence.sts_names_host;
  } else if (evidence.sts == Sts::kEnforce) {
    if (!evidence.sts_names_host) {
      out.barred = TlsFailure::kStsMxMismatch;  // RFC 8461 §5: not a host for this domain's mail
    } else if (raises) {
      demand_host_name(out.demand, TlsSource::kMtaSts, host);
    }
  }
}

// RFC 8689 §4.2.1: the name that is verified must itself be vouched for, by DNSSEC or by the
// domain's MTA-STS policy; a pin or a name of the operator's owes nothing to DNS.
void apply_require_tls(const TlsEvidence& evidence, const MxName& host, TlsJudgement& out) {
  TlsDemand& demand = out.demand;
  demand.requiretls = true;
  const bool by_sts = evidence.sts != Sts::kNone && evidence.sts_names_host;
  const bool by_operator =
      demand.level == TlsLevel::kFingerprint || demand.level == TlsLevel::kSecure;
  if (demand.level == TlsLevel::kNone || (evidence.insecure_mx && !by_sts && !by_operator)) {
    if (out.barred == TlsFailure::kNone) out.barred = TlsFailure::kRequireTlsMissing;
    return;
  }
  if (demand.authentication == TlsAuthentication::kNone)
    demand_host_name(demand, TlsSource::kRequireTls, host);
}

void write_strings(ByteWriter& out, std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  out.var(texts.size());
  for (const std::string& text : texts) out.str(text);
}

void write_records(ByteWriter& out, std::vector<dns::TlsaRecord> records) {
  std::sort(records.begin(), records.end());
  out.var(records.size());
  for (const dns::TlsaRecord& record : records) {
    out.u8(record.usage);
    out.u8(record.selector);
    out.u8(record.matching);
    out.str(record.data);
  }
}

}  // namespace

std::string_view name(TlsSource source) {
  constexpr std::array<std::string_view, kTlsSources> kNames{"operator", "dane", "mta_sts",
                                                             "requiretls"};
  const auto index = static_cast<std::size_t>(source);
  CHECK(index < kNames.size());
  return kNames[index];
}

std::string key_of(const TlsDemand& demand) {
  std::string key;
  ByteWriter out(key);
  out.u8(static_cast<std::uint8_t>(demand.level));
  out.u8(static_cast<std::uint8_t>(demand.authentication));
  out.u8(static_cast<std::uint8_t>(demand.ocsp));
  // MTA-STS asks more of the same name: a common name does not count (RFC 8461 §4.1).
  const bool by_sts = demand.source == TlsSource::kMtaSts;
  out.u8(static_cast<std::uint8_t>((demand.encrypted ? 1 : 0) | (demand.requiretls ? 2 : 0) |
                                   (by_sts ? 4 : 0)));
  write_strings(out, demand.names);
  write_records(out, demand.records);
  for (const std::string* text :
       {&demand.sni, &demand.trust.ca_file, &demand.trust.crl_file,
        &demand.identity.certificate_file, &demand.identity.private_key_file}) {
    out.str(*text);
  }
  return key;
}

TlsJudgement judge_tls(const TlsPolicy& policy, const RoutingDomain& domain, const MxName& host,
                       const TlsEvidence& evidence, mail::TlsWish wish) {
  TlsJudgement judgement{.demand = operators_own(policy, domain, host)};
  // RFC 8461 §2: MTA-STS overrides no verdict of DANE. Records that nobody can use give none, or a
  // foolish record would switch off what the domain enforces.
  const bool settled = policy.level == TlsLevel::kNone ||
                       (asks_dane(policy, wish) && apply_dane(evidence, domain, host, judgement));
  if (!settled && policy.mta_sts && wish != mail::TlsWish::kOptional)
    apply_sts(evidence, host, judgement);
  if (wish == mail::TlsWish::kRequireTls) apply_require_tls(evidence, host, judgement);
  return judgement;
}

bool satisfies(const TlsDemand& demand, const std::optional<TlsFacts>& facts) {
  if (!facts) return !demand.encrypted;
  if (demand.authentication == TlsAuthentication::kNone) return true;
  return facts->verified && facts->authenticated_by == demand.authentication;
}

}  // namespace posthaste::policy
