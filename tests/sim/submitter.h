// Submitter: an application that hands us one message through our own ServerSession, over a Link;
// and the half of the process that drives that session, as the daemon's InboundConnection does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/rehearsal/link.h"
#include "daemon/rehearsal/mta.h"
#include "lib/smtp/server_session.h"
#include "tests/sim/checker.h"
#include "tests/sim/mutation.h"

namespace posthaste::sim {

using rehearsal::Link;
using rehearsal::Mta;
using rehearsal::Side;

// Our side.
class Inbound : public std::enable_shared_from_this<Inbound> {
 public:
  // `requiretls`: as if it had been said, which takes TLS that there is none of here.
  Inbound(std::shared_ptr<Mta> mta, unsigned worker, std::shared_ptr<Link> link,
          const Mutation& mutation, bool requiretls);
  void begin();
  // The message that the session has last asked the store to take.
  MessageId stored() const { return id_; }

 private:
  void feed(smtp::server::Event event);
  void carry_out(smtp::server::Action& action);
  void store(const smtp::Submission& submission);
  void hang_up();
  void watch();

  const std::shared_ptr<Mta> mta_;
  rehearsal::Worker& worker_;
  const std::shared_ptr<Link> link_;
  const Mutation& mutation_;
  const bool requiretls_;
  smtp::ServerSession session_;
  std::vector<smtp::server::Event> answers_;
  smtp::server::Actions actions_;
  MessageId id_;
  bool over_ = false;
};

// The application.
class Submitter {
 public:
  struct Message {
    std::string sender;
    std::vector<std::string> recipients;  // "<a@b> NOTIFY=NEVER"
    std::string content;
    std::string wishes;  // of MAIL: " BY=60;R MT-PRIORITY=3"
    bool requiretls = false;
  };
  Submitter(World& world, Checker& checker, const Mutation& mutation, Message message,
            bool pipelining);
  void submit(const std::shared_ptr<Mta>& mta);

 private:
  void on_bytes(std::string_view bytes);
  void on_reply(int code);
  void speak();

  World& world_;
  Checker& checker_;
  const Mutation& mutation_;
  const Message message_;
  const bool pipelining_;
  std::shared_ptr<Link> link_;
  std::shared_ptr<Inbound> inbound_;
  std::string buffer_;
  std::vector<std::string> script_;  // what to say after each reply
  std::size_t said_ = 0;             // of the script
  std::size_t replies_ = 0;
  std::size_t final_reply_ = 0;  // which one acknowledges the message
};

}  // namespace posthaste::sim
