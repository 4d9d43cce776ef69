// ClientContext, ServerContext, TlsStream: OpenSSL behind one door. One builder makes both
// contexts, one function makes TlsFacts, one function classifies failures; STARTTLS and implicit
// TLS differ only in when they are called.
//
// Lifetime     a stream keeps what it needs of its context alive.
// Threads      a context may be shared by connections of one thread only (session caches).
// Limits       sessions kept for resumption: see session_cache.h.
// Implements   RFC 8446, RFC 5246 by OpenSSL; RFC 6066 §3 (SNI); RFC 6125 §6.4 (names in
//              certificates).
// Does not     decide what a failure means; see lib/policy and lib/delivery.
#pragma once

#include <memory>
#include <string>

#include "lib/base/names.h"
#include "lib/base/result.h"
#include "lib/io/stream.h"
#include "lib/policy/tls_facts.h"
#include "lib/policy/tls_policy.h"

namespace posthaste::tls {

class ClientContext {
 public:
  // `ca_file`: PEM file of the only roots to trust; empty: the system's. Error: kInvalid, naming
  // the profile and the field that OpenSSL does not take; kUnsupported (a group, cipher … that this
  // OpenSSL does not know); kNotFound or kInvalid for the file.
  static Result<std::unique_ptr<ClientContext>> make(const policy::TlsProfile& profile,
                                                     const std::string& ca_file = {});
  ~ClientContext();
  struct State;
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  explicit ClientContext(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

struct ServerCertificate {
  std::string certificate_file;  // PEM, leaf first, then intermediates
  std::string private_key_file;  // PEM
};

class ServerContext {
 public:
  // Error: kNotFound, kInvalid, with the file's name, what is wrong (unreadable, no PEM, key does
  // not match, expired is only a warning in `warning`) and how to mend it. `warning` may be null;
  // it is emptied if there is none.
  static Result<std::unique_ptr<ServerContext>> make(const ServerCertificate& certificate,
                                                     const policy::TlsProfile& profile,
                                                     std::string* warning);
  ~ServerContext();
  struct State;
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  explicit ServerContext(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// What becomes of a peer whose certificate is not verified.
enum class Verify : bool {
  kObserve,  // the session comes up; TlsFacts tell (levels may and encrypt)
  kEnforce,  // the handshake fails, with the reason
};

// A TLS session over a connected non-blocking socket that it does not own.
class TlsStream final : public io::Stream {
 public:
  // `host`: goes into SNI (not for address literals) and is what the certificate's name is compared
  // with.
  static Result<std::unique_ptr<TlsStream>> client(ClientContext& context, int fd,
                                                   const MxName& host,
                                                   Verify verify = Verify::kObserve);
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
  // After kEof or kError of any call: why. During the handshake always set; later only for what TLS
  // itself said (kNone for a mere end of file or reset). A TLS 1.3 server that wants or rejects our
  // certificate says so only after the handshake: the first read fails, with kClientCertRequired or
  // kPeerRejectedOurCert.
  policy::TlsFailure failure() const;
  // For people: OpenSSL's words, the alert's number, the verify result.
  const std::string& failure_words() const;

  struct State;

 private:
  explicit TlsStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::tls
