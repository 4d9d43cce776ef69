// Dialogue: a ClientSession in the hands of a test, which plays peer, network, TLS and store.
//
// Lifetime     one connection.
// Does not     judge: it keeps what the session did, and checks only what holds always.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lib/smtp/client_session.h"

namespace posthaste::smtp {

inline const Instant kStart = Instant(std::chrono::hours(500'000));

inline mail::Recipient recipient(std::uint16_t number, std::string address) {
  mail::Recipient made;
  made.number = number;
  made.address = mail::Mailbox::trusted(std::move(address));
  return made;
}

inline mail::Envelope plain_envelope() {
  mail::Envelope envelope;
  envelope.id = MessageId{77};
  envelope.sender = mail::Mailbox::trusted("from@client.example");
  envelope.body_bytes = 1000;
  envelope.body_chunks = 1;
  return envelope;
}

class Dialogue {
 public:
  explicit Dialogue(ClientOptions options = {}, bool bytewise = false)
      : bytewise_(bytewise), session_(named(std::move(options)), kStart) {}

  // ---- what the world does
  void event(ClientEvent what) {
    session_.handle(std::move(what), now, actions_);
    take_actions();
  }
  void hear(std::string_view bytes) {
    if (!bytewise_) return event(Bytes{bytes});
    for (std::size_t i = 0; i < bytes.size(); ++i) event(Bytes{bytes.substr(i, 1)});
  }
  // Lets time pass up to the deadline.
  void time_out() {
    ASSERT_NE(session_.deadline(), kNever);
    now = session_.deadline();
    event(Tick{});
  }
  void deliver(std::vector<std::string> addresses, mail::Envelope envelope = plain_envelope()) {
    std::vector<mail::Recipient> recipients;
    for (std::string& address : addresses) {
      recipients.push_back(
          recipient(static_cast<std::uint16_t>(recipients.size()), std::move(address)));
    }
    deliver(std::move(recipients), std::move(envelope));
  }
  void deliver(std::vector<mail::Recipient> recipients, mail::Envelope envelope) {
    event(Deliver{
        {std::make_shared<const mail::Envelope>(std::move(envelope)), std::move(recipients)}});
  }
  // Up to Ready, with these lines behind "250-peer.example".
  void open(std::vector<std::string> offers) {
    event(Connected{});
    hear("220 peer.example ESMTP\r\n");
    hear(ehlo_reply(std::move(offers)));
    ASSERT_TRUE(ready.has_value());
    (void)said();
  }
  static std::string ehlo_reply(std::vector<std::string> offers) {
    offers.insert(offers.begin(), "peer.example");
    std::string reply;
    for (std::size_t i = 0; i < offers.size(); ++i) {
      reply += (i + 1 == offers.size() ? "250 " : "250-") + offers[i] + "\r\n";
    }
    return reply;
  }
  // Answers the WantBody that is open. REQUIRES chunk_wanted.
  void give_chunk() {
    const std::uint16_t index = *std::exchange(chunk_wanted, std::nullopt);
    ASSERT_LT(index, body.size());
    event(BodyChunk{std::make_shared<const std::string>(body[index]), index + 1U == body.size()});
  }

  // ---- what the session did
  // Everything sent since the last call.
  std::string said() { return std::exchange(said_, {}); }
  const RecipientOutcome& outcome(std::size_t index) const { return result->outcomes.at(index); }
  bool is_ready() const { return session_.ready(); }
  bool is_dead() const { return session_.dead(); }
  Instant deadline() const { return session_.deadline(); }

  Instant now = kStart;
  std::vector<std::string> body{"Subject: hello\r\n\r\nText.\r\n"};
  bool gives_chunks = true;  // answer WantBody at once
  bool writes = true;        // the kernel takes everything at once
  std::optional<Ready> ready;
  std::optional<TransactionResult> result;  // of the last Finished
  std::optional<SessionFailure> failure;
  std::optional<std::uint16_t> chunk_wanted;
  int handshakes = 0;
  int finished = 0;
  int copies = 0;  // chunks that went out uncopied are not counted

 private:
  static ClientOptions named(ClientOptions options) {
    if (options.helo.empty()) options.helo = HeloName("client.example");
    return options;
  }

  void take_actions() {
    bool sent = false;
    for (ClientAction& action : std::exchange(actions_, {})) {
      EXPECT_FALSE(closed_) << "an action behind Closed";
      if (auto* send = std::get_if<Send>(&action)) {
        said_ += send->bytes;
        copies += send->bytes.size() > 200;
        sent = true;
      } else if (auto* chunk = std::get_if<SendChunk>(&action)) {
        said_ += *chunk->chunk;
        sent = true;
      } else if (std::holds_alternative<StartTls>(action)) {
        ++handshakes;
      } else if (auto* up = std::get_if<Ready>(&action)) {
        EXPECT_FALSE(ready.has_value()) << "Ready twice";
        ready = std::move(*up);
      } else if (auto* want = std::get_if<WantBody>(&action)) {
        EXPECT_FALSE(chunk_wanted.has_value()) << "two WantBody at a time";
        chunk_wanted = want->chunk;
      } else if (auto* done = std::get_if<Finished>(&action)) {
        result = std::move(done->result);
        ++finished;
      } else if (auto* broken = std::get_if<Failed>(&action)) {
        EXPECT_FALSE(failure.has_value()) << "Failed twice";
        failure = std::move(broken->failure);
      } else {
        closed_ = true;
      }
    }
    if (sent && writes) event(Written{});
    if (chunk_wanted && gives_chunks && !session_.dead()) give_chunk();
  }

  const bool bytewise_;
  ClientSession session_;
  ClientActions actions_;
  std::string said_;
  bool closed_ = false;
};

// Every test of a dialogue runs twice: replies whole, and byte by byte.
class DialogueTest : public testing::TestWithParam<bool> {
 protected:
  Dialogue dialogue(ClientOptions options = {}) { return Dialogue(std::move(options), GetParam()); }
  static ClientOptions with(TlsNeed need) {
    ClientOptions options;
    options.tls = need;
    return options;
  }
};

inline std::string reads_name(const testing::TestParamInfo<bool>& which) {
  return which.param ? "ByteByByte" : "Whole";
}

}  // namespace posthaste::smtp
