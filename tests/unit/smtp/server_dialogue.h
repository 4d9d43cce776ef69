// ServerDialogue: a server session on the test's bench: it is fed events, and what it did is kept
// to be looked at.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lib/smtp/server_session.h"

namespace posthaste::smtp {

inline constexpr Instant kNoon{std::chrono::seconds(1'795'262'400)};  // Sat, 21 Nov 2026 12:00:00

inline ServerOptions trusted_options() {
  ServerOptions options;
  options.hostname = HeloName("mta1.example.com");
  options.trusted = true;
  options.peer = {ipv4(192, 0, 2, 7), 50123};
  return options;
}

class ServerDialogue {
 public:
  explicit ServerDialogue(ServerOptions options = trusted_options())
      : session_(std::move(options), ids_, now) {}

  // Gives the event and sorts out what the session did.
  void event(server::Event event) {
    actions.clear();
    session_.handle(std::move(event), now, actions);
    for (server::Action& action : actions) std::visit([this](auto& one) { keep(one); }, action);
  }

  // The usual start; returns the greeting and EHLO's reply.
  std::string hello() {
    event(server::Accepted{});
    return say("EHLO client.example\r\n");
  }

  // One Bytes event, or one per `octets_per_read` octets; returns what was sent because of it. The
  // shell's rule is kept: no more than was read already reaches a session that wants no bytes.
  std::string say(std::string_view bytes, std::size_t octets_per_read = 0) {
    const std::size_t before = sent.size();
    const std::size_t step = octets_per_read == 0 ? bytes.size() : octets_per_read;
    for (std::size_t i = 0; i < bytes.size(); i += step) {
      if (store_at_once) answer_stores();
      event(server::Bytes{bytes.substr(i, step)});
    }
    if (store_at_once) answer_stores();
    return sent.substr(before);
  }

  std::string stored() { return after(server::Stored{}); }
  std::string after(server::Event given) {
    const std::size_t before = sent.size();
    event(std::move(given));
    return sent.substr(before);
  }

  // The content of a stored message: spilled chunks and the last one.
  std::string body(std::size_t submission = 0) const {
    std::string whole;
    for (const server::Spill& spill : spills) {
      if (spill.id == submissions.at(submission).envelope->id) whole += *spill.bytes;
    }
    return whole + *submissions.at(submission).last_chunk;
  }
  // The same without our trace field.
  std::string content(std::size_t submission = 0) const {
    const std::string whole = body(submission);
    return whole.substr(whole.find(" +0000\r\n") + 8);
  }

  bool wants_bytes() const { return session_.wants_bytes(); }
  bool dead() const { return session_.dead(); }
  Instant deadline() const { return session_.deadline(); }

  Instant now = kNoon;
  bool store_at_once = false;  // say() answers each Store with Stored

  server::Actions actions;  // of the last event
  std::string sent;
  std::size_t writes = 0;  // Send actions
  std::vector<Submission> submissions;
  std::vector<server::Spill> spills;
  std::vector<MessageId> abandoned;
  std::vector<server::Note> notes;
  int handshakes = 0;
  int hangups = 0;

 private:
  void answer_stores() {
    while (answered_ < submissions.size()) {
      ++answered_;
      event(server::Stored{submissions[answered_ - 1].envelope->id});
    }
  }

  void keep(server::Send& send) {
    sent += send.bytes;
    ++writes;
  }
  void keep(server::StartTls&) { ++handshakes; }
  void keep(server::Spill& spill) { spills.push_back(spill); }
  void keep(server::Abandon& abandon) { abandoned.push_back(abandon.id); }
  void keep(server::Store& store) { submissions.push_back(store.submission); }
  void keep(server::Hangup&) { ++hangups; }
  void keep(server::Note& note) { notes.push_back(note); }

  IdSource ids_{0, 1, MessageId{}};
  ServerSession session_;
  std::size_t answered_ = 0;
};

// MAIL, RCPT and DATA with the given content as it goes over the wire, terminator included.
inline std::string data_message(std::string_view wire_content) {
  return "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n" +
         std::string(wire_content);
}

// The first digits of each reply line, joined by blanks: "250 250 354".
inline std::string codes(std::string_view replies) {
  std::string joined;
  while (!replies.empty()) {
    if (replies.size() > 3 && replies[3] != '-') {
      joined += (joined.empty() ? "" : " ") + std::string(replies.substr(0, 3));
    }
    const auto end = replies.find("\r\n");
    if (end == std::string_view::npos) return joined + " (cut off)";
    replies.remove_prefix(end + 2);
  }
  return joined;
}

}  // namespace posthaste::smtp
