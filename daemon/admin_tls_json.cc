#include "daemon/admin_tls_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "config/values.h"
#include "daemon/json_value.h"
#include "lib/base/check.h"

namespace posthaste::daemon {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string text_or(const std::string& text, std::string_view otherwise) {
  return text.empty() ? std::string(otherwise) : text;
}

std::string flag_text(bool flag) { return flag ? "true" : "false"; }

std::string value_of(const policy::TlsPolicy& policy, policy::TlsField field) {
  using policy::TlsField;
  switch (field) {
    case TlsField::kLevel: return std::string(name(policy.level));
    case TlsField::kConnect: return std::string(name(policy.connect));
    case TlsField::kPort: return policy.port == 0 ? "delivery.port" : std::to_string(policy.port);
    case TlsField::kLadder: return joined(policy.ladder);
    case TlsField::kNotOffered: return std::string(name(policy.not_offered));
    case TlsField::kRefused: return std::string(name(policy.refused));
    case TlsField::kHandshake: return std::string(name(policy.handshake));
    case TlsField::kPlaintextAfter: return config::render_duration(policy.plaintext_after);
    case TlsField::kDane: return flag_text(policy.dane);
    case TlsField::kMtaSts: return flag_text(policy.mta_sts);
    case TlsField::kRemember: return config::render_duration(policy.remember);
    case TlsField::kStripGuard: return flag_text(policy.strip_guard);
    case TlsField::kMatchNames: return text_or(joined(policy.match_names), "by level");
    case TlsField::kFingerprints: return text_or(joined(policy.fingerprints), "none");
    case TlsField::kCaFile: return text_or(policy.ca_file, "system");
    case TlsField::kCrlFile: return text_or(policy.crl_file, "none");
    case TlsField::kOcsp: return std::string(name(policy.ocsp));
    case TlsField::kClientCertificate: return text_or(policy.client_certificate, "none");
    case TlsField::kClientPrivateKey: return text_or(policy.client_private_key, "none");
  }
  check_failed(__FILE__, __LINE__, "a known TlsField");
}

Json profile_json(const policy::TlsProfile& profile) {
  return {
      {"name", profile.name},
      {"min_version", name(profile.min_version)},
      {"max_version", name(profile.max_version)},
      {"ciphers", profile.ciphers},
      {"ciphersuites", profile.ciphersuites},
      {"groups", profile.groups},
      {"signature_algorithms", profile.signature_algorithms},
      {"security_level", profile.security_level},
  };
}

Json fields_json(const policy::ExplainedTlsPolicy& explained,
                 const policy::ExplainedTlsPolicy* unlike) {
  Json fields = Json::array();
  for (std::size_t i = 0; i < policy::kTlsFields; ++i) {
    const auto field = static_cast<policy::TlsField>(i);
    std::string value = value_of(explained.policy, field);
    if (unlike != nullptr && unlike->origins[i] == explained.origins[i] &&
        value_of(unlike->policy, field) == value) {
      continue;
    }
    fields.push_back(
        {{"field", name(field)}, {"value", std::move(value)}, {"origin", explained.origins[i]}});
  }
  return fields;
}

std::string_view name(policy::TlsEvidence::Dane dane) {
  using Dane = policy::TlsEvidence::Dane;
  switch (dane) {
    case Dane::kNone: return "none";
    case Dane::kUsable: return "usable";
    case Dane::kUnusable: return "unusable";
    case Dane::kTemporary: return "temporary";
  }
  check_failed(__FILE__, __LINE__, "a known Dane");
}

std::string_view name(policy::TlsEvidence::Sts sts) {
  using Sts = policy::TlsEvidence::Sts;
  switch (sts) {
    case Sts::kNone: return "none";
    case Sts::kTesting: return "testing";
    case Sts::kEnforce: return "enforce";
  }
  check_failed(__FILE__, __LINE__, "a known Sts");
}

std::string_view label_or_none(policy::TlsFailure failure) {
  return failure == policy::TlsFailure::kNone ? std::string_view() : label(failure);
}

Json sts_json(const std::optional<policy::StsPolicy>& sts) {
  if (!sts) return nullptr;
  return {{"mode", name(sts->mode)},
          {"mx", sts->mx},
          {"max_age_s", std::chrono::duration_cast<std::chrono::seconds>(sts->max_age).count()}};
}

Json address_json(const delivery::TlsView::Address& address, const policy::TlsPolicy& policy) {
  Json json{{"address", render_ip(address.address)}, {"next", address.next}};
  json["remembered"] = nullptr;
  if (!address.remembered) return json;
  const auto& known = *address.remembered;
  const bool failed = known.failure != policy::TlsFailure::kNone;
  const bool on_ladder = !failed && known.rung < policy.ladder.size();
  json["remembered"] = {{"profile", on_ladder ? policy.ladder[known.rung] : std::string()},
                        {"failure", label_or_none(known.failure)},
                        {"learned", time_json(known.learned)},
                        {"expires", time_json(known.expires)}};
  return json;
}

Json host_json(const RoutingDomain& domain, const config::Tls& tls,
               const policy::ExplainedTlsPolicy& of_domain, const delivery::TlsView::Host& host) {
  const auto explained = tls.policies.explain(domain, host.name);
  Json json{{"host", host.name.text()},
            {"port", host.port},
            {"judged", host.judged},
            {"words", host.words},
            {"fields", fields_json(explained, &of_domain)}};
  if (host.judged) {
    Json tlsa = Json::array();
    for (const auto& record : host.evidence.records) tlsa.push_back(render(record));
    json.update(Json{{"level", name(host.demand.level)},
                     {"source", name(host.demand.source)},
                     {"encrypted", host.demand.encrypted},
                     {"authentication", name(host.demand.authentication)},
                     {"names", host.demand.names},
                     {"sni", host.demand.sni},
                     {"dane", name(host.evidence.dane)},
                     {"tlsa", std::move(tlsa)},
                     {"sts", name(host.evidence.sts)},
                     {"sts_names_host", host.evidence.sts_names_host},
                     {"insecure_mx", host.evidence.insecure_mx}});
  }
  json["barred"] = label_or_none(host.barred);
  json["shown_verified"] = host.shown_verified;
  json["addresses"] = Json::array();
  for (const auto& address : host.addresses) {
    json["addresses"].push_back(address_json(address, explained.policy));
  }
  return json;
}

Json call_json(const TlsRehearsal::Call& call) {
  return {{"host", call.host},
          {"address", render_endpoint(call.endpoint)},
          {"offer", call.offer},
          {"level", name(call.level)},
          {"source", name(call.source)}};
}

}  // namespace

std::string tls_explanation_json(const RoutingDomain& domain, const config::Tls& tls,
                                 const TlsRehearsal::Outcome& outcome, Instant now) {
  const auto explained = tls.policies.explain(domain);
  const auto* profile = tls.profile(explained.policy.ladder.front());
  Json hosts = Json::array();
  for (const auto& host : outcome.found.hosts) {
    hosts.push_back(host_json(domain, tls, explained, host));
  }
  Json attempt = Json::array();
  for (const auto& call : outcome.calls) attempt.push_back(call_json(call));
  return text_of({{"now", time_json(now)},
                  {"domain", domain.text()},
                  {"fields", fields_json(explained, nullptr)},
                  {"profile", profile == nullptr ? Json(nullptr) : profile_json(*profile)},
                  {"verdict", outcome.found.verdict},
                  {"sts", sts_json(outcome.found.sts)},
                  {"hosts", std::move(hosts)},
                  {"attempt", std::move(attempt)},
                  {"attempt_words", outcome.words}});
}

std::string tls_memory_json(TlsMemoryPage page, Instant now) {
  Json list = Json::array();
  for (const auto& [entry, worker] : page.entries()) {
    const auto& known = entry.remembered;
    list.push_back({{"subject", entry.subject},
                    {"kind", entry.policy.empty() ? "shown" : "host"},
                    {"policy", entry.policy},
                    {"rung", known.rung},
                    {"failure", label_or_none(known.failure)},
                    {"learned", time_json(known.learned)},
                    {"expires", time_json(known.expires)},
                    {"worker", worker}});
  }
  return text_of({{"now", time_json(now)},
                  {"entries", std::move(list)},
                  {"next", page.next() ? Json(render_tls_cursor(*page.next())) : Json(nullptr)}});
}

std::string tls_forgotten_json(const std::string& host, std::size_t forgotten) {
  return text_of({{"host", host}, {"forgotten", forgotten}});
}

}  // namespace posthaste::daemon
