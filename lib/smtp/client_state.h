// ClientSession::State: what client_opening.cc (from the connection to Ready), client_guard.cc
// (between Ready and MAIL) and client_session.cc (everything else) share. Nobody else includes it.
//
// Lifetime     its ClientSession's.
// Threads      none: one thread at a time.
// Does not     know the order of a transaction's commands: see client_transaction.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/smtp/client_session.h"
#include "lib/smtp/client_transaction.h"
#include "lib/smtp/reply_parser.h"

namespace posthaste::smtp {

// One handle() call: what the methods below need of it.
struct Turn {
  Instant now;
  ClientActions& out;
};

struct ClientSession::State {
  enum class Phase : std::uint8_t {
    kConnect,
    kGreeting,
    kEhlo,
    kHelo,
    kStartTls,
    kHandshake,
    kIdle,
    kTransaction,
    kQuit,
    kDead,
  };

  State(ClientOptions given, Instant now);

  void on(Connected&, Turn&);
  void on(ConnectError&, Turn&);
  void on(Bytes&, Turn&);
  void on(TlsUp&, Turn&);
  void on(TlsFailed&, Turn&);
  void on(PeerGone&, Turn&);
  void on(Deliver&, Turn&);
  void on(BodyChunk&, Turn&);
  void on(BodyLost&, Turn&);
  void on(Written&, Turn&);
  void on(Quit&, Turn&);
  void on(Tick&, Turn&);

  Stage stage() const;
  void enter(Phase phase, Instant now);
  void rearm(Instant now);
  bool lacks_tls() const { return options.tls == TlsNeed::kRequired && !tls; }

  // `early`: more bytes came behind the reply, in the same read.
  void on_reply(Reply reply, bool early, Turn&);
  void on_greeting(Reply reply, bool early, Turn&);
  void on_ehlo(Reply reply, bool early, Turn&);
  void on_helo(Reply reply, bool early, Turn&);
  void on_starttls(Reply reply, bool early, Turn&);
  void on_transaction_reply(Reply reply, Turn&);

  // Why no mail may be sent here; empty: it may.
  std::string_view breach() const;

  void greet(Phase verb, Turn&);
  void begin_handshake(Turn&);
  void become_ready(Turn&);
  void drain(Turn&);
  void finish(std::string_view words, Turn&);
  void say_quit(Turn&);
  void refused(Reply reply, policy::TlsFailure failure, Turn&);
  void out_of_step(std::string_view words, Turn&);
  void lost(std::string_view how, std::string_view detail, SessionFailure failure, Turn&);
  void guarded(const Transaction&, std::string_view breach, Turn&);
  void fail(SessionFailure failure, Turn&);
  void close(Turn&);

  ClientOptions options;  // constant after construction
  Phase phase = Phase::kConnect;
  Instant deadline;
  ReplyParser parser;
  Capabilities capabilities;
  std::optional<policy::TlsFacts> tls;
  ClientTransaction transaction;
  bool left_open = false;    // the peer still holds a transaction that came to nothing
  bool quit_wanted = false;  // said during a transaction
};

}  // namespace posthaste::smtp
