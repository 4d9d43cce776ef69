// SubmissionAccess: who may submit mail, by address and client certificate. One rule for STARTTLS
// and implicit TLS, read from the TlsFacts that both make.
//
//   ignored    trusted
//   optional   trusted, or certificate verified and allowed
//   required   the same, and certificate verified
//
// Threads      pure functions.
// Implements   RFC 3207 §4 (530).
// Does not     verify certificates: see lib/tls.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/policy/tls_facts.h"
#include "lib/smtp/server_session.h"

namespace posthaste::smtp {

// The certificate was there, verified, and is one of options.allowed_certificates.
bool allowed(const ServerOptions& options, const policy::TlsFacts& facts);

// What to call the holder of a verified certificate: its subject, else its first name, else its
// key; empty where there is no verified certificate. A view into `facts`, not fit to be shown as it
// is: see mail::render_subject.
std::string_view holder_of(const policy::TlsFacts& facts);

// The reply that refuses MAIL, without its CRLF, with words that say what would help; empty: the
// peer may submit. `tls`: nullopt in plaintext.
std::string access_refusal(const ServerOptions& options,
                           const std::optional<policy::TlsFacts>& tls);

}  // namespace posthaste::smtp
