// ProbeCall: one connection to a mail host, up to where mail could be sent, and QUIT.
//
//   connect -> greeting -> EHLO -> STARTTLS, handshake -> EHLO -> QUIT
//
// Lifetime     until it has told its end, once; its owner may end it in that call, and not before.
// Threads      the loop's.
// Does not     send mail, try twice, judge.
#pragma once

#include <functional>
#include <memory>

#include "daemon/tool/probe_report.h"
#include "lib/delivery/route_plan.h"
#include "lib/io/connection.h"
#include "lib/smtp/client_session.h"
#include "lib/tls/context.h"

namespace posthaste::daemon::tool {

class ProbeCall final : public io::Connection::Handler {
 public:
  struct Order {
    delivery::Candidate to;
    HeloName helo;
    smtp::ClientTimeouts timeouts;
    bool implicit_tls = false;
    std::string profile = {};               // for the report
    tls::ClientContext* context = nullptr;  // null: TLS is not asked for
    std::shared_ptr<const policy::TlsDemand> demand = nullptr;
    bool observing = false;  // for the report: the demand asks for nothing
  };
  using Teller = std::function<void(ProbedCall call)>;

  ProbeCall(io::Loop& loop, Order order, Teller tell);
  ~ProbeCall() override;

  void on_connected() override;
  void on_connect_error(int sys_errno) override;
  void on_bytes(std::string_view data) override;
  void on_handshake(io::IoResult result) override;
  void on_written() override;
  void on_gone(io::IoResult result) override;

 private:
  void feed(smtp::ClientEvent event);
  void carry_out(smtp::ClientAction& action);
  void start_tls();
  void on_failed(const smtp::SessionFailure& failure);
  void close();

  io::Loop& loop_;
  const Order order_;
  const Teller tell_;
  smtp::ClientSession session_;
  std::unique_ptr<io::Connection> connection_;
  io::Timer timer_;
  tls::TlsStream* tls_ = nullptr;  // owned by connection_
  Instant handshake_began_{};
  std::vector<smtp::ClientEvent> answers_;  // of ours, to what the session has asked for
  ProbedCall call_;
};

}  // namespace posthaste::daemon::tool
