// bench_load: submits COUNT messages over CONNECTIONS connections as fast as they are taken; each
// carries its number as X-Bench and goes to domain dN.bench (N = number mod DOMAINS). Ends with one
// line of JSON when every message got its 250. Numbers begin with FIRST (0); PARAMETERS go with
// each MAIL ("HOLDFOR=3600").
//
//   bench_load ADDRESS:PORT COUNT CONNECTIONS DOMAINS BODY_BYTES [FIRST [PARAMETERS]]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/io/connection.h"
#include "lib/io/loop.h"

namespace posthaste {
namespace {

struct Plan {
  std::size_t count = 0, domains = 1, body_bytes = 0;
  std::size_t first = 0;
  std::string parameters;  // with the space before it
  std::size_t next = 0, accepted = 0, refused = 0, open = 0;
};

class Submitter final : public io::Connection::Handler {
 public:
  Submitter(io::Loop& loop, const Endpoint& to, Plan& plan) : loop_(loop), plan_(plan) {
    connection_ = io::Connection::connect(loop, to, nullptr, *this);
    ++plan_.open;
  }
  void on_connect_error(int sys_errno) override { give_up("connect", sys_errno); }
  void on_handshake(io::IoResult) override {}
  void on_gone(io::IoResult result) override { give_up("connection lost", result.sys_errno); }
  void on_bytes(std::string_view data) override {
    input_.append(data);
    for (std::size_t end = 0; (end = input_.find("\r\n")) != std::string::npos;
         input_.erase(0, end + 2)) {
      if (end >= 4 && input_[3] == '-') continue;  // a line of EHLO's reply
      on_reply(std::atoi(input_.c_str()));
    }
    connection_->flush();
  }

 private:
  // 220, EHLO's 250, then per message: MAIL, RCPT, 354, the final 250.
  void on_reply(int code) {
    if (done_) return;  // the reply to QUIT
    switch (step_) {
      case 0: connection_->send(std::string("EHLO bench\r\n")); break;
      case 1: begin(); return;
      case 4:
        if (code == 354) connection_->send(content());
        break;
      case 5:
        code == 250 ? ++plan_.accepted : ++plan_.refused;
        step_ = 1;
        begin();
        return;
      default: break;
    }
    ++step_;
  }

  void begin() {
    if (plan_.next == plan_.count) {
      connection_->send(std::string("QUIT\r\n"));
      done_ = true;
      if (--plan_.open == 0) loop_.stop();
      return;
    }
    number_ = plan_.first + plan_.next++;
    connection_->send("MAIL FROM:<a@sender.bench>" + plan_.parameters + "\r\nRCPT TO:<u@d" +
                      std::to_string(number_ % plan_.domains) + ".bench>\r\nDATA\r\n");
    step_ = 2;
  }

  std::string content() const {
    std::string text = "From: <a@sender.bench>\r\nX-Bench: " + std::to_string(number_) +
                       "\r\nSubject: bench\r\n\r\n";
    while (text.size() < plan_.body_bytes)
      text += "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnop\r\n";
    return text + ".\r\n";
  }

  void give_up(const char* what, int sys_errno) {
    if (done_) return;
    std::fprintf(stderr, "bench_load: %s (errno %d)\n", what, sys_errno);
    std::exit(1);
  }

  io::Loop& loop_;
  Plan& plan_;
  std::unique_ptr<io::Connection> connection_;
  std::string input_;
  std::size_t number_ = 0;
  int step_ = 0;
  bool done_ = false;
};

int submit(const Endpoint& to, Plan plan, std::size_t connections) {
  io::Loop loop;
  const auto began = std::chrono::steady_clock::now();
  {
    std::vector<std::unique_ptr<Submitter>> submitters;
    for (std::size_t i = 0; i < connections; ++i)
      submitters.push_back(std::make_unique<Submitter>(loop, to, plan));
    loop.run();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("{\"accepted\": %zu, \"refused\": %zu, \"seconds\": %.4f}\n", plan.accepted,
              plan.refused, took.count());
  return plan.accepted == plan.count ? 0 : 1;
}

}  // namespace
}  // namespace posthaste

int main(int argc, char** argv) {
  if (argc < 6 || argc > 8) {
    std::fputs(
        "usage: bench_load ADDRESS:PORT COUNT CONNECTIONS DOMAINS BODY_BYTES [FIRST "
        "[PARAMETERS]]\n",
        stderr);
    return 2;
  }
  const auto to = posthaste::parse_endpoint(argv[1]);
  if (!to) return 2;
  posthaste::Plan plan;
  plan.count = std::strtoul(argv[2], nullptr, 10);
  plan.domains = std::strtoul(argv[4], nullptr, 10);
  plan.body_bytes = std::strtoul(argv[5], nullptr, 10);
  if (argc > 6) plan.first = std::strtoul(argv[6], nullptr, 10);
  if (argc > 7) plan.parameters = std::string(" ") + argv[7];
  return posthaste::submit(*to, plan, std::strtoul(argv[3], nullptr, 10));
}
