// What stands behind TlsStream: tls_stream.cc moves the bytes, client_stream.cc and
// server_stream.cc are the two ends of a handshake.
//
// Does not     belong into any header outside lib/tls.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "lib/tls/classify.h"
#include "lib/tls/client_offer.h"
#include "lib/tls/context_state.h"
#include "lib/tls/expectation.h"

namespace posthaste::tls {

// Of a client's stream.
struct ClientPart {
  std::shared_ptr<ClientContext::State> context;
  Expectation expectation;
  std::string key;         // of the session cache
  std::time_t proven = 0;  // when the chain of what is resumed was verified
  bool offered_session = false;
  bool asked_for_certificate = false;
  // Why the certificate was not accepted: X509_V_*, and words.
  long refused = 0;
  std::string refusal = {};

  void refuse(long code, X509* leaf);
};

struct TlsStream::State {
  io::IoResult outcome(int result, int sys_errno);
  io::IoResult finish_handshake();
  io::IoResult accept_server();  // a client's: judges the server once more
  void accept_client();          // a server's
  void fail(const OpensslError& error);
  void explain_as_client();
  void explain_as_server();

  SslPtr ssl;
  std::string profile;
  std::optional<ClientPart> client;  // nullopt: we are the server
  ClientOffer offer;                 // a server's: what the client said, until it is up
  bool up = false;
  bool dead = false;        // OpenSSL must not be asked any more, not even for close_notify
  bool unwritable = false;  // the socket takes nothing more; what the peer still said can be read
  policy::TlsFacts facts;
  policy::TlsFailure failure = policy::TlsFailure::kNone;
  std::string words;
};

}  // namespace posthaste::tls
