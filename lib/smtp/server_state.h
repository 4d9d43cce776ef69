// ServerSession::State: the inside of the server session, shared by its two halves:
// server_session.cc moves octets, time and answers of the store; server_commands.cc obeys commands.
//
// Lifetime     its ServerSession's.
// Threads      none: one thread at a time.
// Does not     appear outside of these two files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/smtp/command.h"
#include "lib/smtp/server_session.h"
#include "lib/smtp/server_transaction.h"

namespace posthaste::smtp {

struct ServerSession::State {
  enum class Phase : std::uint8_t {
    kWaiting,    // for Accepted
    kCommand,    // between commands
    kData,       // content up to CRLF.CRLF
    kChunk,      // content, or octets to drop, counted by BDAT
    kStoring,    // the store is asked; nothing is read
    kHandshake,  // TLS; nothing is read
    kDead,
  };

  State(ServerOptions given, IdSource& source, Instant now);

  // ---- server_session.cc
  void on(server::Accepted event);
  void on(const server::Bytes& event);
  void on(server::TlsUp& event);
  void on(const server::TlsFailed& event);
  void on(server::PeerGone event);
  void on(server::Stored event);
  void on(const server::NotStored& event);
  void on(const server::Overloaded& event);
  void on(server::Shutdown event);
  void on(server::Tick event);
  void finish_call(Instant now);
  // Works on what was read until nothing more can be done with it; returns how many octets are done
  // with.
  std::size_t drain(std::string_view data);
  std::size_t drain_step(std::string_view data);
  std::size_t drain_command(std::string_view data);
  std::size_t drain_data(std::string_view data);
  std::size_t drain_chunk(std::string_view data);
  void drain_pending();
  bool reads() const;
  void enter(Phase next);
  void answered(bool stored, bool full, std::string_view words);
  void say_goodbye(std::string_view line);  // sends a 421 and hangs up
  void hang_up();

  // ---- server_commands.cc
  void obey(std::string_view line);
  void on_command(const Command& command);
  void on_hello(std::string_view argument, bool extended_hello);
  void on_mail(std::string_view argument);
  void on_rcpt(std::string_view argument);
  void on_data(std::string_view argument);
  void on_bdat(std::string_view argument);
  void on_starttls(std::string_view argument);
  void on_chunk_read();  // the octets that BDAT announced were read
  void begin_content(Framing framing, std::uint64_t bytes_expected);
  void store();  // the content came whole and is good
  void greet();
  void reset_transaction();
  std::string submitter() const;

  // ---- replies
  void reply(std::string_view line);
  // A 4xx or 5xx: noted for the log. reject() counts it against the client, refuse_gently() does
  // not.
  void reject(std::string_view line);
  void refuse_gently(std::string_view line);

  // Constant after construction.
  ServerOptions options;
  IdSource& ids;

  Phase phase = Phase::kWaiting;
  Instant now;  // of the call that runs
  Instant deadline;
  server::Actions* out = nullptr;  // of the call that runs
  bool progress = false;           // in this call: the clock of the phase starts anew

  std::string replies;           // not sent yet
  std::string pending;           // read, but not done with
  bool message_settled = false;  // in this call: `replies` hold the store's answer
  bool skipping_line = false;    // the rest of a command line that was too long
  unsigned errors = 0;

  std::optional<policy::TlsFacts> tls;
  std::string helo;  // empty before EHLO
  bool extended = false;
  ServerTransaction transaction;
  std::uint64_t chunk_left = 0;  // kChunk
  bool chunk_last = false;
  std::string chunk_refusal;  // kChunk: what to say after dropping the octets
  bool start_tls = false;     // StartTls is to follow the replies
  bool peer_gone = false;     // kStoring: hang up once the store has answered
  std::string goodbye;        // kStoring: a 421 to say once the store has answered
};

}  // namespace posthaste::smtp
