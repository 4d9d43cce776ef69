// OutboundConnection: drives one ClientSession over one socket, for the engine.
//
// Lifetime     owned by its Worker, which destroys it after retire(). Threads: the worker's.
// Does not     know SMTP, choose hosts, decide what a failure means.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/deadlines.h"
#include "daemon/tls_contexts.h"
#include "daemon/wiring.h"
#include "lib/delivery/engine.h"
#include "lib/io/connection.h"
#include "lib/smtp/client_session.h"
#include "lib/tls/context.h"

namespace posthaste::daemon {

class Worker;

class OutboundConnection final : public io::Connection::Handler, public Deadlines::Item {
 public:
  OutboundConnection(Worker& worker, const delivery::Connect& connect);
  ~OutboundConnection() override;
  void begin();  // after construction, once the worker owns it

  void deliver(const delivery::Deliver& order);
  void quit();
  ConnId id() const { return connect_.conn; }
  // Answers a read that the worker made for us.
  void on_chunk(std::uint16_t chunk, const Result<mail::Chunk>& read);

  void on_connected() override;
  void on_connect_error(int sys_errno) override;
  void on_bytes(std::string_view data) override;
  void on_handshake(io::IoResult result) override;
  void on_written() override;
  void on_gone(io::IoResult result) override;
  Instant deadline() const override;
  void on_deadline() override;

 private:
  void feed(smtp::ClientEvent event);
  bool carry_out(smtp::ClientAction& action);  // false: the session is over
  void start_tls();
  void give_chunk(std::uint16_t chunk);
  void on_ready(const smtp::Ready& ready);
  void on_failed(const smtp::SessionFailure& failure);
  void close();
  IpAddress local_address() const;  // REQUIRES a connection that is up

  Worker& worker_;
  const delivery::Connect connect_;
  const std::shared_ptr<TlsContexts> contexts_;  // those of before a reload live as long as we do
  smtp::ClientSession session_;
  std::unique_ptr<io::Connection> connection_;
  tls::TlsStream* tls_ = nullptr;  // owned by connection_
  Instant handshake_began_{};
  std::shared_ptr<const mail::Letter> letter_;
  smtp::ClientActions actions_;
  std::vector<smtp::ClientEvent> answers_;
  bool was_ready_ = false;
  bool over_ = false;
};

}  // namespace posthaste::daemon
