// ClientSession against any sequence of events and peer bytes. Each input octet below 0x20 is an
// event; everything from there to the next one is what the peer says. Checked throughout: the
// promises of client_session.h.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/check.h"
#include "lib/smtp/client_session.h"

namespace {

using namespace posthaste;
using namespace posthaste::smtp;

class Harness {
 public:
  explicit Harness(std::uint8_t mode) : options_(options(mode)), session_(options_, now_) {}

  void play(std::string_view input) {
    std::string heard;
    for (const char c : input) {
      const auto octet = static_cast<std::uint8_t>(c);
      if (octet >= 0x20 || octet == '\r' || octet == '\n') {
        heard += c;
        continue;
      }
      event(Bytes{std::exchange(heard, {})});
      act(octet);
    }
    event(Bytes{heard});
    while (session_.deadline() != kNever) time_out();
    CHECK(!delivering_ && (session_.ready() || session_.dead()));
  }

 private:
  static ClientOptions options(std::uint8_t mode) {
    ClientOptions options;
    options.helo = HeloName("client.example");
    options.implicit_tls = (mode & 4) != 0;
    options.tls = options.implicit_tls ? TlsNeed::kRequired : static_cast<TlsNeed>((mode & 3) % 3);
    options.plaintext_allowed = (mode & 8) == 0;
    options.verified_required = (mode & 16) != 0;
    return options;
  }

  // Does what `octet` means, where the contract allows it now.
  void act(std::uint8_t octet) {
    switch (octet) {
      case 1:
        if (connecting_) event(Connected{});
        return;
      case 2:
        if (connecting_) event(ConnectError{"refused", true});
        return;
      case 3:
        if (handshaking_) event(TlsUp{});
        return;
      case 19: {
        policy::TlsFacts facts;
        facts.verified = true;
        if (handshaking_) event(TlsUp{facts});
        return;
      }
      case 4:
        if (handshaking_) event(TlsFailed{policy::TlsFailure::kNotTls, "not TLS"});
        return;
      case 5: event(PeerGone{"reset", policy::TlsFailure::kClientCertRequired}); return;
      case 20:
        if (!delivering_) wish_ = mail::TlsWish::kRequireTls;
        return;
      case 21:
      case 22:
      case 23:
        // 20 seconds from now, with "N" and then also with "R", or already gone.
        if (!delivering_) {
          const std::chrono::seconds left(octet == 23 ? -20 : 20);
          by_ = mail::DeliverBy{now_ + left, octet == 22, octet == 21};
        }
        return;
      case 6: deliver(1, {}); return;
      case 7: deliver(3, {}); return;
      case 8: deliver(2, "\xC3\xBC"); return;
      case 9: give("text\r\n", false); return;
      case 11: give(".dot\r\n", true); return;
      case 12: give("", true); return;
      case 14:
        if (asked_) event(BodyLost{"disk\r\non fire"});
        return;
      case 15: event(Written{}); return;
      case 16: event(Quit{}); return;
      case 17: time_out(); return;
      case 18: give(nullptr, false); return;
      default: event(Tick{}); return;
    }
  }

  void time_out() {
    if (session_.deadline() != kNever) now_ = session_.deadline();
    event(Tick{});
  }

  void deliver(std::uint16_t count, std::string_view local) {
    if (!session_.ready()) return;
    auto envelope = std::make_shared<mail::Envelope>();
    envelope->sender = mail::Mailbox::trusted("from@client.example");
    envelope->tls_wish = wish_;
    envelope->deliver_by = by_;
    std::vector<mail::Recipient> recipients(count);
    for (std::uint16_t i = 0; i < count; ++i) {
      recipients[i].number = i;
      recipients[i].address =
          mail::Mailbox::trusted(std::string(i == 0 ? local : "") + "a@peer.example");
    }
    delivering_ = count;
    next_chunk_ = 0;
    event(Deliver{{std::move(envelope), std::move(recipients)}});
  }

  void give(const char* text, bool last) {
    if (!asked_) return;
    asked_ = false;
    event(BodyChunk{text == nullptr ? nullptr : std::make_shared<const std::string>(text), last});
  }

  void event(ClientEvent what) {
    const bool was_dead = session_.dead();
    connecting_ = connecting_ && !std::holds_alternative<Connected>(what);
    if (const auto* up = std::get_if<TlsUp>(&what)) {
      handshaking_ = false;
      tls_ = up->facts;
    }
    if (std::holds_alternative<BodyLost>(what)) asked_ = false;
    ClientActions out;
    session_.handle(std::move(what), now_, out);
    CHECK(!was_dead || out.empty());
    for (const ClientAction& action : out)
      std::visit([this](const auto& it) { check(it); }, action);
    CHECK(closed_ == session_.dead());
    if (session_.dead()) connecting_ = handshaking_ = asked_ = false;
    const bool waits = !session_.dead() && !session_.ready();
    CHECK(waits == (session_.deadline() != kNever));
  }

  void check(const Send& send) {
    CHECK(!closed_ && !failed_ && !handshaking_ && !send.bytes.empty());
    const std::size_t mail = send.bytes.find("MAIL FROM:");
    if (mail == std::string::npos) return;
    const bool verified = tls_ && tls_->verified;
    CHECK(tls_ || options_.plaintext_allowed);
    CHECK(verified || !options_.verified_required);
    const std::string line = send.bytes.substr(mail, send.bytes.find("\r\n", mail) - mail);
    const bool promised = (line + ' ').find(" REQUIRETLS ") != std::string::npos;
    CHECK(promised == (wish_ == mail::TlsWish::kRequireTls) && (verified || !promised));
    // RFC 2852 §4.1.4.1.
    const bool by = line.find(" BY=") != std::string::npos;
    CHECK(!by_ || by || !by_->return_it);
    CHECK(!by || (by_ && (by_->by - now_ >= std::chrono::seconds(1) || !by_->return_it)));
  }
  void check(const SendChunk& send) { CHECK(!closed_ && delivering_ && !send.chunk->empty()); }
  void check(const StartTls&) {
    CHECK(!std::exchange(started_, true) && !closed_);
    handshaking_ = true;
  }
  void check(const Ready&) { CHECK(!std::exchange(ready_, true) && !closed_ && !handshaking_); }
  void check(const WantBody& want) {
    CHECK(delivering_ && !std::exchange(asked_, true) && want.chunk == next_chunk_++);
  }
  void check(const Finished& finished) {
    CHECK(delivering_ && finished.result.outcomes.size() == *delivering_ && !failed_ && !closed_);
    for (std::uint16_t i = 0; i < *delivering_; ++i) CHECK(finished.result.outcomes[i].number == i);
    delivering_.reset();
  }
  void check(const Failed& failed) {
    CHECK(!std::exchange(failed_, true) && !closed_ && !delivering_);
    CHECK(!failed.failure.words.empty() && failed.failure.words.find('\n') == std::string::npos);
  }
  void check(const Closed&) { CHECK(!std::exchange(closed_, true) && !delivering_); }

  Instant now_ = Instant(std::chrono::hours(500'000));
  const ClientOptions options_;
  ClientSession session_;
  std::optional<policy::TlsFacts> tls_;
  mail::TlsWish wish_ = mail::TlsWish::kPolicy;
  std::optional<mail::DeliverBy> by_;
  bool connecting_ = true, handshaking_ = false, started_ = false, ready_ = false;
  bool asked_ = false, failed_ = false, closed_ = false;
  std::optional<std::uint16_t> delivering_;  // how many recipients
  std::uint16_t next_chunk_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Harness(data[0]).play({reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
