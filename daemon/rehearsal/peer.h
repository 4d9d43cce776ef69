// Peer: a mail host on the pretend Internet, written from the RFCs and without a line of lib/smtp,
// which serves one connection and holds the client to the protocol.
//
// What it does not bear (each ends the run): a command while a reply is awaited that the client may
// not send ahead (RFC 5321 §4.3.1, RFC 2920 §3.1), commands out of order (§4.1.4), parameters of
// extensions that were not offered, plaintext where TLS is required, STARTTLS where TLS is
// forbidden, other content than was stored (§4.5.2), content for nobody (RFC 2920 §3.1).
//
// Lifetime     whoever called keeps it, until its side of the link is closed.
// Does not     decide how a host behaves: see conduct.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/rehearsal/conduct.h"
#include "daemon/rehearsal/host.h"
#include "daemon/rehearsal/link.h"
#include "daemon/rehearsal/witness.h"

namespace posthaste::rehearsal {

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  // What it is to this client, as the pretend Internet knows.
  struct Call {
    ConnId conn;
    smtp::TlsNeed need;
    bool implicit_tls;
  };
  Peer(World& world, Witness& witness, const Host& host, std::unique_ptr<Conduct> conduct,
       Call call, std::shared_ptr<Link> link);
  void begin();
  // The client shakes hands, and offers this profile. Answers with the failure; kNone: TLS is up,
  // as far as the host is concerned. May never answer.
  void handshake(const std::string& profile, std::function<void(policy::TlsFailure)> answer);
  bool handshake_failed() const { return handshake_failed_; }
  // What it shows just now.
  Certificate certificate() const { return conduct_->certificate(); }
  // The transaction that the client is told to make next.
  void expect(std::shared_ptr<Attempt> attempt) { attempt_ = std::move(attempt); }

 private:
  enum class Phase { kGreeting, kCommand, kTlsAwaited, kContent, kBdat, kGone };

  void on_bytes(std::string_view bytes, std::uint64_t seen);
  void on_line(const std::string& line, std::uint64_t seen);
  void on_command(const std::string& line);
  void on_ehlo(bool extended);
  void on_starttls();
  void on_mail(const std::string& line);
  void on_rcpt(const std::string& line);
  void on_data();
  void on_bdat(const std::string& line);
  void on_content_line(const std::string& line);
  void on_content(std::size_t take);
  void end_of_content();
  void take_message();
  void check_parameters(const std::string& line, std::size_t from);
  void check_wishes(const std::string& line, const mail::Envelope& envelope);
  void reset_transaction();

  // True: something else than the right reply was done.
  bool misbehave(Turn turn, std::string_view subject = {});
  bool misbehave(const Deed& deed);
  void tire();  // of waiting, perhaps
  void reply(int code, const std::string& text, bool awaited_alone);
  void later(std::function<void()> what);
  void go_away();
  void violate(const std::string& rule);

  World& world_;
  Witness& witness_;
  const Host& host_;
  const std::unique_ptr<Conduct> conduct_;
  const Call call_;
  std::shared_ptr<Link> link_;
  std::shared_ptr<Attempt> attempt_;

  Phase phase_ = Phase::kGreeting;
  std::string buffer_;
  std::uint64_t buffer_seen_ = 0;  // of its first byte
  bool tls_ = false, extended_ = false, greeted_ = false;
  bool handshake_failed_ = false, gone_ = false;
  Certificate shown_;
  bool mail_ = false;
  std::vector<std::string> accepted_;
  std::string content_;
  std::size_t bdat_left_ = 0;
  bool bdat_last_ = false, data_for_nobody_ = false, bdat_refused_ = false, injected_ = false;

  // Replies are numbered. The client must have seen reply `barrier_` before its next command.
  std::uint64_t commands_ = 0;
  std::uint64_t replies_ = 0;
  std::uint64_t barrier_ = 0;
  std::vector<std::uint64_t>
      reply_ends_;  // by number: how many bytes the client has had then; 0: not sent yet
  Instant speak_at_{};
};

}  // namespace posthaste::rehearsal
