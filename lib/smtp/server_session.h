// ServerSession: the server half of one SMTP submission, as a pure function of its inputs.
//
//   Waiting --Accepted--> Command <-----------------------------+
//   Command --DATA--> Data --CRLF.CRLF--> Storing --answer------+
//   Command --BDAT--> Chunk --octets read--> Command, or Storing after LAST
//   Command --STARTTLS--> Handshake --TlsUp--> Command (everything forgotten, RFC 3207 §4.2)
//   Waiting --Accepted, implicit TLS--> Handshake          any state --> Dead
//
// Replies of one handle() call are one Send, at its end; while the store is awaited they wait for
// its answer, so that a pipelined transaction is answered with one write. Content that is going to
// be refused is read to its end.
//
// Lifetime     one connection; dead after a Hangup action, and every later event is ignored.
// Threads      none: one thread at a time.
// Limits       command line 4,096 octets (512 and the extensions' share); text line 64 KiB; 100
// Received fields; 20
//              errors between two accepted messages; recipients and size by ServerOptions; in
//              memory one chunk of content, and what the shell read in one go after the end of a
//              message.
// Implements   RFC 5321; RFC 2920; RFC 1870; RFC 6152; RFC 6531; RFC 2034; RFC 3030 (CHUNKING); RFC
// 3461 (parsed, stored);
//              RFC 3207; RFC 6409.
// Does not     authenticate (submission.trusted decides, before the session), store, deliver.
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

struct ServerOptions {
  HeloName hostname;
  bool trusted = false;  // the peer's address is in submission.trusted
  bool offer_starttls = false;
  bool implicit_tls = false;  // the session begins with a handshake
  Endpoint peer;
  std::uint64_t message_bytes_max = 50ULL << 20;
  std::uint16_t recipients_max = 1000;
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

// ---- events (Bytes, TlsUp, TlsFailed as in client_session.h, in a namespace of their own)
// ------------------
namespace server {
struct Accepted {};  // the connection is up (implicit TLS: handshake comes first)
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
struct PeerGone {};  // Hangup follows: at once, unless the store is awaited
// The answers of the store may name the message that they are about: then one that comes late, for
// a message that the session has done with, is ignored. Id 0 is the message at hand.
struct Stored {
  MessageId id;
};                    // answers Store: durable; now the peer gets its 250
struct NotStored {    // answers Store or any Spill: the peer gets a 452 or 451,
  bool full = false;  // and what was spilled is abandoned
  std::string words;  // for the log; the peer gets words of ours
  MessageId id;
};
struct Overloaded {
  std::string words;
};                   // 421 and Hangup: at once, unless the store is awaited
struct Shutdown {};  // 421 as soon as no answer of the store is awaited
struct Tick {};
using Event = std::variant<Accepted, Bytes, TlsUp, TlsFailed, PeerGone, Stored, NotStored,
                           Overloaded, Shutdown, Tick>;

// ---- actions
// ------------------------------------------------------------------------------------------
struct Send {
  std::string bytes;
};
struct StartTls {};  // after all earlier Sends
struct Spill {
  MessageId id;
  std::uint16_t chunk;
  mail::Chunk bytes;
};  // append, not yet durable
struct Abandon {
  MessageId id;
};  // forget what was spilled
struct Store {
  Submission submission;
};                 // make durable, then Stored or NotStored
struct Hangup {};  // flush what was sent, then close
struct Note {
  std::string event;
  std::string words;
};  // for the log: "rejected", "554 5.4.6 …"
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
