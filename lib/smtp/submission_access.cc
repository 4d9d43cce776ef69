#include "lib/smtp/submission_access.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/names.h"
#include "lib/mail/trace_header.h"

namespace posthaste::smtp {
namespace {

bool verified(const policy::TlsFacts& facts) { return facts.certificate_present && facts.verified; }

bool matches(std::string_view entry, const policy::TlsFacts& facts) {
  if (equal_fold(entry.substr(0, 7), "sha256:")) return equal_fold(entry, facts.fingerprint);
  if (entry.find('=') != entry.npos) return entry == facts.subject;
  return std::any_of(facts.names.begin(), facts.names.end(),
                     [&](const std::string& name) { return equal_fold(entry, name); });
}

bool may_submit(const ServerOptions& options, const std::optional<policy::TlsFacts>& tls) {
  switch (options.client_certificates) {
    case ClientCertificates::kIgnore: return options.trusted;
    case ClientCertificates::kOptional: return options.trusted || (tls && allowed(options, *tls));
    case ClientCertificates::kRequired:
      return tls && verified(*tls) && (options.trusted || allowed(options, *tls));
  }
  return false;
}

// Words for those whose address alone does not do.
std::string refuse_certificate(const ServerOptions& options,
                               const std::optional<policy::TlsFacts>& tls) {
  const std::string peer = render_ip(options.peer.address);
  const std::string who = options.client_certificates == ClientCertificates::kRequired
                              ? std::string("everybody")
                              : peer + ", which is not in submission.trusted,";
  if (!tls && options.offer_starttls) {
    return fmt::format(
        "530 5.7.0 Must issue a STARTTLS command first: {} needs a client certificate here", who);
  }
  if (!tls) {
    return fmt::format("550 5.7.1 {} needs a client certificate here, and this port has no TLS",
                       who);
  }
  if (!tls->certificate_present) {
    return fmt::format("530 5.7.0 {} needs a client certificate here, and none was shown", who);
  }
  if (!tls->verified) {
    return fmt::format(
        "550 5.7.1 the client certificate {} could not be verified (X.509 code {}): it has to be "
        "valid now, and issued by an authority in submission.client_certificates.ca_file",
        mail::render_subject(tls->subject), tls->verify_code);
  }
  return fmt::format(
      "550 5.7.1 the client certificate {} is not in submission.client_certificates.allow, and {} "
      "is not in submission.trusted",
      mail::render_subject(holder_of(*tls)), peer);
}

}  // namespace

bool allowed(const ServerOptions& options, const policy::TlsFacts& facts) {
  if (!verified(facts)) return false;
  const auto& entries = options.allowed_certificates;
  return entries.empty() || std::any_of(entries.begin(), entries.end(),
                                        [&](const auto& entry) { return matches(entry, facts); });
}

std::string_view holder_of(const policy::TlsFacts& facts) {
  if (!verified(facts)) return {};
  if (!facts.subject.empty()) return facts.subject;
  return facts.names.empty() ? facts.fingerprint : facts.names.front();
}

std::string access_refusal(const ServerOptions& options,
                           const std::optional<policy::TlsFacts>& tls) {
  if (may_submit(options, tls)) return {};
  if (options.client_certificates != ClientCertificates::kIgnore) {
    return refuse_certificate(options, tls);
  }
  return fmt::format("550 5.7.1 {} may not submit mail here: it is not in submission.trusted",
                     render_ip(options.peer.address));
}

}  // namespace posthaste::smtp
