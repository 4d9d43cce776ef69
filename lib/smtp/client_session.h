// ClientSession: the client half of one SMTP conversation, as a pure function of its inputs: bytes
// from the peer in, commands for the peer and outcomes out.
//
//   Greeting -> Ehlo -> [StartTls -> Handshake -> Ehlo] -> Ready <-> Transaction … Quit
//   (implicit TLS: Handshake first)            any state --(failure)--> Dead
//
//   Transaction:  Mail -> Rcpt* -> Data -> Content -> FinalDot      (see client_transaction.h)
//
// Replies are matched to commands in order. Bytes that answer nothing (behind the greeting, behind
// the 220 to STARTTLS, between messages) end the session: whoever is out of step, or sits in
// between, must not have his say.
//
// Lifetime     one connection; dead after a Closed action, and every later event is ignored.
// Threads      none: one thread at a time.
// Limits       reply line 512 octets (RFC 5321 §4.5.3.1.5; we bear up to 2,048), reply 128 lines.
// Implements   RFC 5321 §3.3, §4.2, §4.5.3.2; RFC 1870; RFC 2920; RFC 3030; RFC 3207; RFC 3461;
//              RFC 6152; RFC 6531; RFC 8689 §4.2.1; RFC 2852 §4.1.4; RFC 6710 §4.2.
// Does not     retry, choose hosts, know DNS, or fall back from TLS on its own: see
//              lib/delivery/engine.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"
#include "lib/policy/tls_facts.h"
#include "lib/smtp/capabilities.h"
#include "lib/smtp/reply.h"
#include "lib/smtp/stage.h"

namespace posthaste::smtp {

enum class TlsNeed : std::uint8_t {
  kNever,      // STARTTLS is not sent, even where it is offered
  kIfOffered,  // taken where offered; without the offer the session goes on in plaintext
  kRequired,   // without it the session ends with its TlsFailure
};

// RFC 5321 §4.5.3.2 minimums are the defaults. Connecting and the handshake are timed by the
// session too. A time-out starts anew with each whole reply, not with each byte.
struct ClientTimeouts {
  Duration connect = std::chrono::seconds(30);
  Duration greeting = std::chrono::minutes(5);
  Duration ehlo = std::chrono::minutes(5);
  Duration starttls = std::chrono::minutes(2);
  Duration handshake = std::chrono::seconds(30);
  Duration mail = std::chrono::minutes(5);
  Duration rcpt = std::chrono::minutes(5);
  Duration data = std::chrono::minutes(2);
  Duration block = std::chrono::minutes(3);  // per block of content that the peer does not take
  Duration final_dot = std::chrono::minutes(10);
  Duration quit = std::chrono::seconds(5);  // our own choice: nothing is lost by not waiting
};

struct ClientOptions {
  HeloName helo;
  TlsNeed tls = TlsNeed::kIfOffered;
  bool implicit_tls = false;  // REQUIRES tls == kRequired
  // The guard before MAIL: what the effective level wants of the session, told apart from `tls` so
  // that no mistake on the way to it sends mail below its level. A session that does not have it
  // ends with TlsFailure::kGuarded instead of sending MAIL. It must never have to.
  bool plaintext_allowed = true;
  bool verified_required = false;
  ClientTimeouts timeouts;
};

// One mail transaction. REQUIRES 1..n recipients of envelope->id.
struct Transaction {
  std::shared_ptr<const mail::Envelope> envelope;
  std::vector<mail::Recipient> recipients;
};

enum class Verdict : std::uint8_t {
  kDelivered,
  // 4xx, or what this message cannot do without is not known of the peer (then code 0 and our
  // words).
  kTemporary,
  // 5xx, or the peer lacks what this message cannot do without (then code 0 and our words).
  kPermanent,
  // The connection ended before this recipient's fate was known: another host may be tried at once.
  kUntried,
  // The connection ended between our final dot and its reply: maybe delivered.
  kMaybe,
};

struct RecipientOutcome {
  std::uint16_t number = 0;  // mail::Recipient::number
  Verdict verdict = Verdict::kUntried;
  Stage stage = Stage::kMail;
  Reply reply;  // ours to synthesise where the peer gave none: code 0, words in text
};

struct TransactionResult {
  std::vector<RecipientOutcome> outcomes;  // one per recipient of the Transaction
  // The peer was told who wants to hear of what (NOTIFY, RFC 3461 §5.2.1): what it took is its to
  // report.
  bool dsn_passed_on = false;
  // Of what was delivered the sender is to be told that it was relayed, asked or not, unless he
  // forbade all notifications: RFC 2852 §4.1.4, by-trace, or a peer that knows no deliver-by time.
  bool tell_relayed = false;
};

// Why a session ended that had no transaction to blame, or in addition to one.
struct SessionFailure {
  Stage stage = Stage::kConnect;
  Reply reply;                                         // code 0 where the peer said nothing
  policy::TlsFailure tls = policy::TlsFailure::kNone;  // set: this is a TLS failure
  bool timed_out = false;
  bool local_network = false;  // as ConnectError's
  std::string words;  // one line: "connection refused", "421 4.7.0 too busy while sending EHLO"
};

// ---- events -------------------------------------------------------------------------------------

// The TCP connection is up.
struct Connected {};
struct ConnectError {
  std::string words;
  bool timed_out = false;
  bool local_network = false;  // there is no way from here to such an address: nobody was called
};
// From the peer; valid during the call only.
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
// End of file, reset, or a TLS alert after the handshake.
struct PeerGone {
  std::string words;
  policy::TlsFailure tls = policy::TlsFailure::kNone;  // a late TLS 1.3 alert is a TLS failure
  bool reset = false;                                  // RST, not FIN
};
// REQUIRES ready().
struct Deliver {
  Transaction transaction;
};
// Answers WantBody.
struct BodyChunk {
  mail::Chunk chunk;
  bool last = false;
};
// Answers WantBody: our own store failed. Ends the connection; nobody has been delivered.
struct BodyLost {
  std::string words;
};
// Everything that was sent has been taken by the kernel. Comes once behind every batch of sends,
// at once or later: without it the content stops after two chunks.
struct Written {};
// Say goodbye once idle; before Ready: just close.
struct Quit {};
// now >= deadline().
struct Tick {};
using ClientEvent = std::variant<Connected, ConnectError, Bytes, TlsUp, TlsFailed, PeerGone,
                                 Deliver, BodyChunk, BodyLost, Written, Quit, Tick>;

// ---- actions, in order --------------------------------------------------------------------------

// Adjacent Sends are gathered into one write by the shell.
struct Send {
  std::string bytes;
};
// A body chunk that needs no change: not copied.
struct SendChunk {
  mail::Chunk chunk;
};
// After all earlier Sends; nothing is read as plaintext any more.
struct StartTls {};
// Once per session: may Deliver now.
struct Ready {
  Capabilities capabilities;
  std::optional<policy::TlsFacts> tls;
};
// The next chunk of the current message: 0, 1, 2 …, one at a time.
struct WantBody {
  std::uint16_t chunk = 0;
};
// After it: ready() again; or Failed or the goodbye follows.
struct Finished {
  TransactionResult result;
};
// At most once; Closed follows.
struct Failed {
  SessionFailure failure;
};
// The shell writes what was sent, best effort, and closes the socket.
struct Closed {};
using ClientAction =
    std::variant<Send, SendChunk, StartTls, Ready, WantBody, Finished, Failed, Closed>;
using ClientActions = std::vector<ClientAction>;

class ClientSession {
 public:
  // The session exists from before the connect, so that it times that too.
  ClientSession(ClientOptions options, Instant now);
  ~ClientSession();
  ClientSession(ClientSession&&) noexcept;
  ClientSession& operator=(ClientSession&&) noexcept;

  // Appends to `out`; never calls out.
  void handle(ClientEvent event, Instant now, ClientActions& out);
  // When to send a Tick, or kNever (idle or dead).
  Instant deadline() const;
  // True between Ready or Finished and the next Deliver or Quit.
  bool ready() const;
  // True after Closed. A Deliver that crosses with it is dropped without Finished: its recipients
  // are untried.
  bool dead() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::smtp
