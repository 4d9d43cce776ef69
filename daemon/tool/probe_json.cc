#include "daemon/tool/probe_json.h"

#include "daemon/tool/answer.h"
#include "lib/tls/classify.h"

namespace posthaste::daemon::tool {
namespace {

std::string label_of(policy::TlsFailure failure) {
  return failure == policy::TlsFailure::kNone ? std::string() : std::string(label(failure));
}

Json sts_json(const policy::sts::Known& known) {
  const bool held = known.policy.has_value();
  return {{"mode", held ? name(known.policy->mode) : name(policy::StsMode::kNone)},
          {"id", known.id},
          {"mx", held ? known.policy->mx : std::vector<std::string>()},
          {"words", known.words}};
}

Json demand_json(const policy::TlsDemand& demand) {
  Json records = Json::array();
  for (const auto& record : demand.records) records.push_back(dns::render(record));
  return {{"level", name(demand.level)},   {"source", name(demand.source)},
          {"encrypted", demand.encrypted}, {"authentication", name(demand.authentication)},
          {"names", demand.names},         {"records", std::move(records)}};
}

std::string certificate_text(const policy::TlsFacts& facts) {
  if (!facts.certificate_present) return "none";
  return facts.verify_code == 0 ? "good" : label_of(tls::failure_of_verify_code(facts.verify_code));
}

Json facts_json(const policy::TlsFacts& facts) {
  return {{"version", facts.version},
          {"cipher", facts.cipher},
          {"group", facts.group},
          {"forward_secret", facts.forward_secret},
          {"verified", facts.verified},
          {"authenticated_by", name(facts.authenticated_by)},
          {"certificate", certificate_text(facts)}};
}

Json chain_json(const std::vector<tls::CertificateView>& chain) {
  Json list = Json::array();
  for (const auto& certificate : chain) {
    list.push_back({{"subject", certificate.subject},
                    {"issuer", certificate.issuer},
                    {"names", certificate.names},
                    {"not_before", time_json(certificate.not_before)},
                    {"not_after", time_json(certificate.not_after)},
                    {"fingerprint", certificate.fingerprint}});
  }
  return list;
}

Json offers_json(const smtp::Capabilities& can) {
  Json list = Json::array();
  const auto add = [&](bool offered, const char* keyword) {
    if (offered) list.push_back(keyword);
  };
  add(can.pipelining, "PIPELINING");
  add(can.chunking, "CHUNKING");
  add(can.binary_mime, "BINARYMIME");
  add(can.eight_bit_mime, "8BITMIME");
  add(can.smtputf8, "SMTPUTF8");
  add(can.dsn, "DSN");
  add(can.starttls, "STARTTLS");
  add(can.requiretls, "REQUIRETLS");
  if (can.size) {
    list.push_back(can.size_max == 0 ? "SIZE" : "SIZE " + std::to_string(can.size_max));
  }
  return list;
}

Json call_json(const ProbedCall& call) {
  return {{"profile", call.profile},
          {"observing", call.observing},
          {"ready", call.ready()},
          {"stage", call.ready() ? std::string_view() : name(call.stage)},
          {"failure", label_of(call.failure)},
          {"words", call.words},
          {"seconds", std::chrono::duration<double>(call.handshake).count()},
          {"tls", call.facts ? facts_json(*call.facts) : Json(nullptr)},
          {"chain", chain_json(call.chain)},
          {"offers", call.ready() ? offers_json(*call.capabilities) : Json(nullptr)}};
}

Json address_json(const ProbedHost& host, const ProbedAddress& address) {
  Json calls = Json::array();
  for (const auto& call : address.calls) calls.push_back(call_json(call));
  return {{"endpoint", render_endpoint(address.endpoint)},
          {"verdict", name(verdict_on(host, address))},
          {"calls", std::move(calls)}};
}

Json host_json(const ProbedHost& host) {
  Json ladder = Json::array();
  Json addresses = Json::array();
  if (host.tls != nullptr) {
    for (const auto& profile : host.tls->ladder) ladder.push_back(profile.name);
  }
  for (const auto& address : host.addresses) addresses.push_back(address_json(host, address));
  Json dane;
  if (host.dane) dane = {{"state", name(host.dane->state)}, {"words", host.dane->words}};
  return {{"host", host.name.text()},
          {"port", host.port},
          {"trouble", host.trouble},
          {"takes_mail", takes_mail(host)},
          {"barred", host.tls != nullptr ? label_of(host.tls->barred) : std::string()},
          {"dane", std::move(dane)},
          {"demand", host.tls != nullptr ? demand_json(*host.tls->demand) : Json(nullptr)},
          {"ladder", std::move(ladder)},
          {"addresses", std::move(addresses)}};
}

}  // namespace

std::string probe_json(const ProbeReport& report) {
  Json hosts = Json::array();
  for (const auto& host : report.hosts) hosts.push_back(host_json(host));
  return text_of({{"domain", report.domain.text()},
                  {"takes_mail", takes_mail(report)},
                  {"route", name(report.route)},
                  {"mx_secure", report.mx_secure},
                  {"trouble", report.trouble},
                  {"mta_sts", report.sts ? sts_json(*report.sts) : Json(nullptr)},
                  {"hosts", std::move(hosts)}});
}

}  // namespace posthaste::daemon::tool
