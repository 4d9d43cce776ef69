// InboundConnection: drives one ServerSession over one socket.
//
// Lifetime     owned by its Worker, which destroys it after retire(). Threads: the worker's.
// Does not     know SMTP.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "daemon/deadlines.h"
#include "daemon/tls_contexts.h"
#include "daemon/wiring.h"
#include "lib/io/connection.h"
#include "lib/smtp/server_session.h"
#include "lib/tls/context.h"

namespace posthaste::daemon {

class Worker;

class InboundConnection final : public io::Connection::Handler, public Deadlines::Item {
 public:
  InboundConnection(Worker& worker, io::Fd socket, const Endpoint& peer, config::ListenTls tls);
  ~InboundConnection() override;
  void begin();  // after construction, once the worker owns it
  // Too many connections already: says 421 and hangs up.
  void turn_away(const std::string& words);

  // The request of the message that is being stored, 0 when there is none.
  std::uint64_t ticket() const { return ticket_; }
  // The store's answers; those to a request that is no longer the one we wait for are ignored.
  void on_stored(std::uint64_t ticket, MessageId id);
  void on_not_stored(std::uint64_t ticket, MessageId id, bool full, const std::string& words);
  void shut_down();

  void on_bytes(std::string_view data) override;
  void on_handshake(io::IoResult result) override;
  void on_written() override;
  void on_gone(io::IoResult result) override;
  Instant deadline() const override;
  void on_deadline() override;

 private:
  void feed(smtp::server::Event event);
  bool carry_out(smtp::server::Action& action);  // false: the session is over
  void start_tls();
  void store(smtp::Submission& submission);
  void spill(smtp::server::Spill& spill);
  void hang_up();
  void note(const smtp::server::Note& note);

  Worker& worker_;
  const Endpoint peer_;
  const bool implicit_tls_;
  const std::shared_ptr<TlsContexts> contexts_;  // those of before a reload live as long as we do
  std::unique_ptr<io::Connection> connection_;
  smtp::ServerSession session_;
  tls::TlsStream* tls_ = nullptr;  // owned by connection_
  Instant handshake_began_{};
  smtp::server::Actions actions_;
  std::uint64_t ticket_ = 0;
  MessageId refused_;  // a chunk of it was not taken: the rest of it is dropped
  std::vector<smtp::server::Event> answers_;  // what our own answers to actions are, fed after them
  bool handshaking_ = false;
  bool over_ = false;
};

}  // namespace posthaste::daemon
