#include <utility>

#include "lib/tls/classify.h"
#include "lib/tls/client_callbacks.h"
#include "lib/tls/context_builder.h"
#include "lib/tls/context_state.h"
#include "lib/tls/own_certificate.h"
#include "lib/tls/trust.h"

namespace posthaste::tls {
namespace {

Status show(SSL_CTX* context, const policy::ClientIdentity& identity, std::string* warning) {
  if (identity == policy::ClientIdentity{}) return {};
  if (identity.certificate_file.empty() || identity.private_key_file.empty()) {
    return fail(ErrorCode::kInvalid,
                "a client certificate needs its private key, and a key its certificate: name both "
                "files");
  }
  auto leaf = load_own_certificate(context, identity.certificate_file, identity.private_key_file);
  if (!leaf) return tl::unexpected(leaf.error());
  if (warning != nullptr) *warning = expiry_warning(identity.certificate_file, leaf->get());
  return {};
}

Status enable_records(SSL_CTX* context) {
  if (SSL_CTX_dane_enable(context) == 1) return {};
  return fail(ErrorCode::kFull, "cannot prepare for TLSA records: " + take_words());
}

void set_callbacks(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  SSL_CTX_set_cert_cb(context, note_certificate_request, nullptr);
  SSL_CTX_set_cert_verify_callback(context, judge_certificate, nullptr);
  SSL_CTX_set_tlsext_status_cb(context, judge_staple);
}

}  // namespace

Result<std::unique_ptr<ClientContext>> ClientContext::make(const policy::TlsProfile& profile,
                                                           const policy::TrustStore& trust,
                                                           const policy::ClientIdentity& identity,
                                                           std::string* warning) {
  if (warning != nullptr) warning->clear();
  auto context = build_context(Side::kClient, profile);
  if (!context) return tl::unexpected(context.error());
  SSL_CTX* raw = context->get();
  if (auto trusted = add_trust(raw, trust); !trusted) return tl::unexpected(trusted.error());
  if (auto shown = show(raw, identity, warning); !shown) return tl::unexpected(shown.error());
  if (auto enabled = enable_records(raw); !enabled) return tl::unexpected(enabled.error());
  set_callbacks(raw);
  auto state = std::make_shared<State>();
  state->context = std::move(*context);
  state->profile = profile.name;
  state->trust = trust;
  state->identity = identity;
  return std::unique_ptr<ClientContext>(new ClientContext(std::move(state)));
}

ClientContext::ClientContext(std::shared_ptr<State> state) : state_(std::move(state)) {}
ClientContext::~ClientContext() = default;

}  // namespace posthaste::tls
