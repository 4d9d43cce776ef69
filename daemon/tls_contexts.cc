#include "daemon/tls_contexts.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::daemon {
namespace {

void warn(std::string words, std::vector<std::string>& warnings) {
  if (words.empty() || std::find(warnings.begin(), warnings.end(), words) != warnings.end()) return;
  warnings.push_back(std::move(words));
}

// Whether the client is asked for a certificate is one question for OpenSSL and for SMTP.
tls::ClientCertificates asked_for(config::CertificateUse use) {
  switch (use) {
    case config::CertificateUse::kIgnore: return tls::ClientCertificates::kIgnore;
    case config::CertificateUse::kOptional: return tls::ClientCertificates::kOptional;
    case config::CertificateUse::kRequired: return tls::ClientCertificates::kRequired;
  }
  return tls::ClientCertificates::kIgnore;
}

}  // namespace

Result<std::unique_ptr<TlsContexts>> TlsContexts::make(const Runtime& runtime,
                                                       std::vector<std::string>& warnings) {
  auto contexts = std::make_unique<TlsContexts>();
  if (auto made = contexts->make_clients(runtime.config.tls, warnings); !made) {
    return tl::unexpected(made.error());
  }
  if (auto good = check_sts_trust(runtime.config.tls); !good) return tl::unexpected(good.error());
  if (auto made = contexts->make_server(runtime.config, warnings); !made) {
    return tl::unexpected(made.error());
  }
  return contexts;
}

// It is libcurl that believes that file, transfer by transfer; whether it can be read is told now.
Status TlsContexts::check_sts_trust(const config::Tls& tls) {
  if (tls.mta_sts_ca_file.empty()) return {};
  const auto made = tls::ClientContext::make(tls.profiles.front(), {tls.mta_sts_ca_file, {}}, {});
  if (made) return {};
  return fail(made.error().code, "tls.mta_sts_ca_file: " + made.error().words);
}

// The profiles that no ladder names are made as well: what OpenSSL does not take in them is told
// now.
Status TlsContexts::make_clients(const config::Tls& tls, std::vector<std::string>& warnings) {
  for (const auto& profile : tls.profiles) {
    if (auto made = add_client(tls, {profile.name, {}, {}}, warnings); !made) return made;
  }
  for (const auto& policy : tls.policies.materials()) {
    for (const auto& rung : policy.ladder) {
      Key key{rung,
              {policy.ca_file, policy.crl_file},
              {policy.client_certificate, policy.client_private_key}};
      if (auto made = add_client(tls, std::move(key), warnings); !made) return made;
    }
  }
  return {};
}

Status TlsContexts::add_client(const config::Tls& tls, Key key,
                               std::vector<std::string>& warnings) {
  if (clients_.contains(key)) return {};
  const policy::TlsProfile* profile = tls.profile(key.profile);
  CHECK(profile != nullptr);  // config/ has seen to it
  std::string warning;
  auto made = tls::ClientContext::make(*profile, key.trust, key.identity, &warning);
  if (!made) return tl::unexpected(made.error());
  warn(std::move(warning), warnings);
  clients_.emplace(std::move(key), std::move(*made));
  return {};
}

Status TlsContexts::make_server(const config::Config& config, std::vector<std::string>& warnings) {
  const auto& submission = config.submission;
  server_profile_ = submission.profile;
  if (submission.certificate.empty()) return {};
  const policy::TlsProfile* profile = config.tls.profile(submission.profile);
  CHECK(profile != nullptr);  // likewise
  tls::ServerContext::Options options;
  options.certificate_file = submission.certificate;
  options.private_key_file = submission.private_key;
  options.profile = *profile;
  options.client_certificates = asked_for(submission.client_certificates.mode);
  options.client_trust = {submission.client_certificates.ca_file,
                          submission.client_certificates.crl_file};
  std::string warning;
  auto made = tls::ServerContext::make(options, &warning);
  if (!made) return tl::unexpected(made.error());
  warn(std::move(warning), warnings);
  server_ = std::move(*made);
  return {};
}

tls::ClientContext* TlsContexts::client(const std::string& profile,
                                        const policy::TlsDemand& demand) const {
  const auto found = clients_.find({profile, demand.trust, demand.identity});
  return found == clients_.end() ? nullptr : found->second.get();
}

}  // namespace posthaste::daemon
