// ClientContext, ServerContext, TlsStream: OpenSSL behind one door. One builder makes both
// contexts, one function makes TlsFacts, one function classifies failures; STARTTLS and implicit
// TLS differ only in when they are called.
//
// Lifetime     a stream keeps what it needs of its context alive.
// Threads      a context may be shared by connections of one thread only (session caches).
// Limits       sessions kept for resumption: see session_cache.h.
// Implements   RFC 8446, RFC 5246 by OpenSSL; RFC 6066 §3 (SNI), §8 (stapled OCSP); what a
//              certificate is measured by: see expectation.h.
// Does not     decide what a failure means; see lib/policy and lib/delivery.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/result.h"
#include "lib/io/stream.h"
#include "lib/policy/tls_demand.h"
#include "lib/policy/tls_facts.h"
#include "lib/policy/tls_policy.h"
#include "lib/tls/certificate_view.h"

namespace posthaste::tls {

// What all connections share that offer the same profile, trust the same roots and show the same
// certificate: one context for each (profile, TlsDemand::trust, TlsDemand::identity).
class ClientContext {
 public:
  // `trust`: see trust.h for what a CA file and a CRL file mean. `warning`, which may be null, says
  // that a certificate of ours has expired, or is emptied. Error: kInvalid, naming the profile and
  // the field that OpenSSL does not take; kUnsupported (a group, cipher … that this OpenSSL does
  // not know); kNotFound or kInvalid for a file, with how to mend it.
  static Result<std::unique_ptr<ClientContext>> make(const policy::TlsProfile& profile,
                                                     const policy::TrustStore& trust = {},
                                                     const policy::ClientIdentity& identity = {},
                                                     std::string* warning = nullptr);
  ~ClientContext();
  struct State;
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  explicit ClientContext(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// Whether a server asks for client certificates. A bad one, or none, never ends a handshake: the
// session comes up, TlsFacts tell, and SMTP answers (so that STARTTLS and implicit TLS, TLS 1.2 and
// 1.3 are alike, and the client can read why). kOptional and kRequired are the same here.
enum class ClientCertificates : std::uint8_t { kIgnore, kOptional, kRequired };

class ServerContext {
 public:
  struct Options {
    std::string certificate_file;  // PEM, leaf first, then intermediates
    std::string private_key_file;  // PEM
    policy::TlsProfile profile = policy::modern_profile();
    ClientCertificates client_certificates = ClientCertificates::kIgnore;
    policy::TrustStore client_trust =
        {};  // who issues them; ca_file is needed if they are asked for
  };

  // Error: kNotFound, kInvalid, with the file's name, what is wrong (unreadable, no PEM, key does
  // not match, expired is only a warning in `warning`) and how to mend it. `warning` may be null;
  // it is emptied if there is none.
  static Result<std::unique_ptr<ServerContext>> make(const Options& options, std::string* warning);
  ~ServerContext();
  struct State;
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  explicit ServerContext(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// A TLS session over a connected non-blocking socket that it does not own.
class TlsStream final : public io::Stream {
 public:
  // `demand` null, or of authentication kNone: the session comes up with any certificate, and
  // TlsFacts tell whether a root and the name of `host` vouch for it. Else a certificate that falls
  // short ends the handshake with its reason (expectation.h has the table). OCSP stapling counts
  // only where a chain does: revoked is kCertRevoked; required, and none or none of use:
  // kCertUntrusted. SNI is the demand's, or else `host`; never an address.
  // REQUIRES that the context was made for the demand's trust and identity.
  static Result<std::unique_ptr<TlsStream>> client(
      ClientContext& context, int fd, const MxName& host,
      const std::shared_ptr<const policy::TlsDemand>& demand = nullptr);
  static Result<std::unique_ptr<TlsStream>> server(ServerContext& context, int fd);
  ~TlsStream() override;

  // A peer that goes without close_notify gives kEof all the same: SMTP says QUIT, and many hosts
  // just hang up.
  io::IoResult read(char* into, std::size_t size) override;
  io::IoResult write(const iovec* parts, int count) override;
  io::IoResult handshake() override;
  void shutdown() override;

  // REQUIRES handshake() gave kOk.
  const policy::TlsFacts& facts() const;
  // What the peer has sent, as it sent it, a server's own certificate first; at most ten. In a
  // session that a client resumes: what the server sent when it was made. REQUIRES handshake() gave
  // kOk.
  std::vector<CertificateView> chain() const;
  // After kEof or kError of any call: why. During the handshake always set; later only for what TLS
  // itself said (kNone for a mere end of file or reset). A TLS 1.3 server that wants or rejects our
  // certificate says so only after the handshake: the first read fails, with kClientCertRequired or
  // kPeerRejectedOurCert.
  policy::TlsFailure failure() const;
  // For people: OpenSSL's words, the alert's number, the verify result, names and key of a
  // certificate that was not accepted, what a refused client had offered.
  const std::string& failure_words() const;

  struct State;

 private:
  explicit TlsStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::tls
