// ServerSession: the server half of one SMTP submission, as a pure function of its inputs.
//
//   Waiting --Accepted--> Command <-----------------------------+
//   Command --DATA--> Data --CRLF.CRLF--> Storing --answer------+
//   Command --BDAT--> Chunk --octets read--> Command, or Storing after LAST
//   Command --STARTTLS--> Handshake --TlsUp--> Command (everything forgotten, RFC 3207 §4.2)
//   Waiting --Accepted, implicit TLS--> Handshake          any state --> Dead
//
// Replies of one handle() call are one Send, at its end. While the store is awaited the replies
// before its answer wait for it, so that a pipelined transaction is answered with one write.
// Content that is going to be refused is read to its end.
//
// Lifetime     one connection; dead after a Hangup action, and every later event is ignored.
// Threads      none: one thread at a time.
// Limits       command line 4,096 octets (512 and the extensions' share); text line 64 KiB; 100
//              Received fields; 20 errors between two accepted messages; recipients and size by
//              ServerOptions. In memory: one chunk of content, and what the shell read in one go
//              beyond the end of a message.
// Implements   RFC 5321; RFC 2920; RFC 1870; RFC 6152; RFC 6531; RFC 2034; RFC 3030 (CHUNKING);
//              RFC 3461 (parsed, stored); RFC 3207; RFC 6409; RFC 8689 (parsed, stored); RFC 2852,
//              RFC 4865 and RFC 6710 (parsed, weighed, stored).
// Does not     know passwords (submission_access.h says who may submit), store, deliver.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"
#include "lib/policy/tls_facts.h"

namespace posthaste::smtp {

struct ServerTimeouts {  // RFC 5321 §4.5.3.2.7: at least 5 minutes
  Duration command = std::chrono::minutes(5);
  Duration block = std::chrono::minutes(3);  // while content arrives
  Duration handshake = std::chrono::seconds(30);
};

// What a client certificate is good for. One is "verified" if TlsFacts say so.
enum class ClientCertificates : std::uint8_t {
  kIgnore,    // nothing: only the address counts
  kOptional,  // an allowed one lets its holder submit from any address
  kRequired,  // as kOptional; and without a verified one nobody submits, trusted or not
};

struct ServerOptions {
  HeloName hostname;
  bool trusted = false;  // the peer's address is in submission.trusted
  ClientCertificates client_certificates = ClientCertificates::kIgnore;
  // Whose certificate is allowed: "sha256:<hex of the SPKI's digest>"; a DNS name in it; or, where
  // there is a '=', its whole subject, as TlsFacts write it. Empty: everybody's that is verified.
  std::vector<std::string> allowed_certificates;
  bool offer_starttls = false;
  bool implicit_tls = false;  // the session begins with a handshake
  Endpoint peer;
  std::uint64_t message_bytes_max = 50ULL << 20;
  std::uint16_t recipients_max = 1000;
  // What a submitter may wish of the time of his message (delivery_wishes.h). Whoever may submit
  // may wish: there are no strangers here.
  bool deliver_by = true;  // DELIVERBY
  // The least that BY takes where the message is to be returned else, in whole seconds, rounded up;
  // 0: anything, and then none is told.
  Duration deliver_by_min = std::chrono::minutes(1);
  // FUTURERELEASE: how long a message is held at most. Under a second: not offered.
  Duration future_release_max = std::chrono::hours(7 * 24);
  bool priority = true;  // MT-PRIORITY
  ServerTimeouts timeouts;
};

// A message that was received whole. Content that is longer than one chunk went before it as Spill
// actions.
struct Submission {
  std::shared_ptr<const mail::Envelope> envelope;
  std::vector<mail::Recipient> recipients;
  mail::Chunk last_chunk;  // the chunk that was not spilled
  std::uint16_t chunks_spilled = 0;
};

// ---- events: what the shell tells the session
namespace server {

// The connection is up. With implicit TLS, the handshake comes first.
struct Accepted {};

struct Bytes {
  std::string_view data;
};

struct TlsUp {
  policy::TlsFacts facts;
};

struct TlsFailed {
  policy::TlsFailure reason;
  std::string words;
};

// Hangup follows: at once, unless the store is awaited.
struct PeerGone {};

// The store's answers. `id` may name the message that is meant: then an answer that comes late, for
// a message that the session has done with, is ignored. Id 0 is the message at hand.

// Answers Store: durable; now the peer gets its 250.
struct Stored {
  MessageId id = {};
};

// Answers Store or any Spill: the peer gets a 452 (full) or 451, and what was spilled is abandoned.
struct NotStored {
  bool full = false;
  std::string words = {};  // for the log; the peer gets words of ours
  MessageId id = {};
};

// 421 and Hangup: at once, unless the store is awaited. At the beginning: instead of Accepted.
struct Overloaded {
  std::string words;
};

// 421 as soon as no answer of the store is awaited.
struct Shutdown {};

// now >= deadline().
struct Tick {};

using Event = std::variant<Accepted, Bytes, TlsUp, TlsFailed, PeerGone, Stored, NotStored,
                           Overloaded, Shutdown, Tick>;

// ---- actions: what the session wants of the shell, in order

struct Send {
  std::string bytes;
};

// After all earlier Sends. Answered by TlsUp or TlsFailed.
struct StartTls {};

// Append this chunk of the message, not yet durable. Answered only when that fails: NotStored.
struct Spill {
  MessageId id;
  std::uint16_t chunk;
  mail::Chunk bytes;
};

// Forget what was spilled.
struct Abandon {
  MessageId id;
};

// Make durable; answered by Stored or NotStored.
struct Store {
  Submission submission;
};

// Flush what was sent, then close.
struct Hangup {};

// For the log: "rejected", "554 5.4.6 …".
struct Note {
  std::string event;
  std::string words;
};

using Action = std::variant<Send, StartTls, Spill, Abandon, Store, Hangup, Note>;
using Actions = std::vector<Action>;

}  // namespace server

class ServerSession {
 public:
  // `ids` outlives the session.
  ServerSession(ServerOptions options, IdSource& ids, Instant now);
  ~ServerSession();
  ServerSession(ServerSession&&) noexcept;
  ServerSession& operator=(ServerSession&&) noexcept;

  void handle(server::Event event, Instant now, server::Actions& out);
  Instant deadline() const;
  // False while an answer of the store is awaited or a handshake runs: the shell reads nothing then
  // (pipelined bytes that were already read wait inside).
  bool wants_bytes() const;
  bool dead() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::smtp
