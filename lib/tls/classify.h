// failure_of: from what OpenSSL says to one TlsFailure, by number and never by text (docs/tls.md
// has the table).
//
// Threads      OpenSSL's error queue is the thread's; take_error() empties it.
// Implements   RFC 8446 §6 (alerts), RFC 5246 §7.2.
// Does not     know whether a handshake is over: a mere end of file is kClosed here; see
//              TlsStream::failure().
#pragma once

#include <string>
#include <string_view>

#include "lib/policy/tls_facts.h"

namespace posthaste::tls {

// Everything that a failed call leaves behind, by OpenSSL's numbers.
struct OpensslError {
  int ssl_error = 0;       // SSL_get_error()
  int sys_errno = 0;       // errno at once after the call
  unsigned long code = 0;  // the oldest error of libssl in the queue, or the oldest at all; 0: none
  long verify_code = 0;    // SSL_get_verify_result()
};

// Reads and empties the error queue; the oldest error of libssl is the one that tells.
unsigned long take_error();

policy::TlsFailure failure_of(const OpensslError& error);
policy::TlsFailure failure_of_verify_code(long verify_code);
// How words about such a code begin: they say whether the fault is ours (kLocalError).
std::string_view head_for_verify_code(long verify_code);
// For people, one line: "TLS alert 40 (handshake failure) from the peer".
std::string words_for(const OpensslError& error);
// Whatever is in the error queue, for people: "no cipher match (185)"; empties it.
std::string take_words();

}  // namespace posthaste::tls
