// Outbound: drives one ClientSession over one Link, as the daemon's OutboundConnection does over a
// socket.
#pragma once

#include <memory>
#include <vector>

#include "daemon/rehearsal/outside.h"
#include "lib/delivery/engine.h"
#include "lib/smtp/client_session.h"

namespace posthaste::rehearsal {

class Mta;
class Worker;

class Outbound : public std::enable_shared_from_this<Outbound> {
 public:
  Outbound(Worker& worker, delivery::Connect connect);
  void begin();
  void deliver(const delivery::Deliver& deliver);
  void quit() { feed(smtp::Quit{}); }
  // The process has died: the kernel closes the socket.
  void abandon();

 private:
  void on_called(const Called& called, const std::string& words);
  void feed(smtp::ClientEvent event);
  bool drain_actions();
  bool carry_out(smtp::ClientAction& action);
  void send(std::string bytes);
  void receive(std::string_view bytes);
  void start_tls();
  policy::TlsFacts facts(const Certificate& shown) const;
  void give_chunk(std::uint16_t chunk);
  void on_finished(smtp::TransactionResult result);
  void close();
  void watch();

  Worker& worker_;
  Mta& mta_;
  const delivery::Connect connect_;
  smtp::ClientSession session_;
  Called line_;
  std::shared_ptr<const mail::Letter> letter_;
  std::vector<smtp::ClientEvent> answers_;
  smtp::ClientActions actions_;
  bool over_ = false;
  Instant watched_ = kNever;
};

}  // namespace posthaste::rehearsal
