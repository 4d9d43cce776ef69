// A whole server session: the input is octets and events. What must hold whatever comes is checked
// at every action.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/check.h"
#include "lib/smtp/server_session.h"

namespace {

using namespace posthaste;
namespace server = smtp::server;

class Judge {
 public:
  Judge(smtp::ServerOptions options, bool certificate_verifies)
      : options_(options),
        certificate_verifies_(certificate_verifies),
        session_(std::move(options), ids_, now_) {}

  void event(server::Event event) {
    const bool was_dead = session_.dead();
    actions_.clear();
    session_.handle(std::move(event), now_, actions_);
    CHECK(!was_dead || actions_.empty());
    int sends = 0;
    for (const server::Action& action : actions_) {
      CHECK(!hung_up_);  // nothing follows a Hangup
      std::visit([this](const auto& one) { on(one); }, action);
      sends += std::holds_alternative<server::Send>(action) ? 1 : 0;
    }
    CHECK(sends <= 1);
    CHECK(session_.dead() == hung_up_);
    CHECK(!session_.wants_bytes() || (!storing_ && !handshake_ && !hung_up_));
    CHECK((session_.deadline() == kNever) == (storing_ || hung_up_));
  }

  void wait(unsigned minutes) {
    now_ += std::chrono::minutes(minutes);
    if (now_ >= session_.deadline()) event(server::Tick{});
  }
  void stored() {
    if (storing_) spilled_.erase(at_store_);
    storing_ = false;
    event(server::Stored{});
  }
  void not_stored(bool full) {
    storing_ = false;
    event(server::NotStored{full, "no", {}});
  }
  void tls_up() {
    if (!handshake_) return event(server::TlsUp{});
    handshake_ = false;
    tls_ = true;
    policy::TlsFacts facts;
    facts.certificate_present = true;
    facts.verified = certificate_verifies_;
    facts.subject = "CN=a)\r\n(\xFF";
    event(server::TlsUp{facts});
  }

  // Every spilled message was either stored or abandoned.
  void finish() {
    if (storing_) stored();
    event(server::PeerGone{});
    CHECK(hung_up_ || session_.dead());
    CHECK(spilled_.empty());
  }

 private:
  void on(const server::Send& send) {
    CHECK(send.bytes.size() > 5 && send.bytes.ends_with("\r\n"));
    for (const char c : send.bytes) CHECK((c >= ' ' && c <= '~') || c == '\r' || c == '\n');
  }
  void on(const server::StartTls&) { handshake_ = true; }
  void on(const server::Spill& spill) {
    CHECK(!storing_);
    CHECK(spill.bytes->size() == mail::kChunkBytesMax);
    CHECK(spill.chunk == spilled_[spill.id]++);
  }
  void on(const server::Abandon& abandon) { CHECK(spilled_.erase(abandon.id) == 1); }
  void on(const server::Store& store) {
    const smtp::Submission& submission = store.submission;
    const mail::Envelope& envelope = *submission.envelope;
    CHECK(!storing_);
    storing_ = true;
    at_store_ = envelope.id;
    CHECK(may_submit());
    CHECK(tls_ || envelope.tls_wish != mail::TlsWish::kRequireTls);
    CHECK(envelope.submitter.find_first_of("\r\n\xFF") == envelope.submitter.npos);
    CHECK(envelope.hold_until <= now_ + options_.future_release_max);
    CHECK(envelope.hold_until == Instant() || !envelope.deliver_by ||
          envelope.hold_until <= envelope.deliver_by->by);
    CHECK(envelope.priority >= mail::kPriorityMin && envelope.priority <= mail::kPriorityMax);
    CHECK(!submission.recipients.empty());
    CHECK(submission.recipients.size() <= options_.recipients_max);
    CHECK(envelope.recipients_total == submission.recipients.size());
    for (std::size_t i = 0; i < submission.recipients.size(); ++i) {
      CHECK(submission.recipients[i].number == i && !submission.recipients[i].address.null());
    }
    const std::string& last = *submission.last_chunk;
    CHECK(!last.empty() && last.size() <= mail::kChunkBytesMax && last.ends_with("\r\n"));
    const auto spilled = spilled_.find(envelope.id);
    CHECK(submission.chunks_spilled == (spilled == spilled_.end() ? 0 : spilled->second));
    CHECK(envelope.body_chunks == submission.chunks_spilled + 1);
    CHECK(envelope.body_bytes == submission.chunks_spilled * mail::kChunkBytesMax + last.size());
    for (std::size_t i = 0; i < last.size(); ++i) {
      if (last[i] == '\n' && i > 0) CHECK(last[i - 1] == '\r');
      if (last[i] == '\r') CHECK(i + 1 < last.size() && last[i + 1] == '\n');
    }
  }
  bool may_submit() const {
    const bool verified = tls_ && certificate_verifies_;
    switch (options_.client_certificates) {
      case smtp::ClientCertificates::kIgnore: return options_.trusted;
      case smtp::ClientCertificates::kOptional: return options_.trusted || verified;
      case smtp::ClientCertificates::kRequired: return verified;
    }
    return false;
  }
  void on(const server::Hangup&) { hung_up_ = true; }
  void on(const server::Note& note) { CHECK(!note.event.empty()); }

  Instant now_{std::chrono::hours(500'000)};
  const smtp::ServerOptions options_;
  const bool certificate_verifies_;
  IdSource ids_{0, 1, MessageId{}};
  smtp::ServerSession session_;
  server::Actions actions_;
  std::map<MessageId, unsigned>
      spilled_;  // chunks of messages that are neither stored nor abandoned
  MessageId at_store_;
  bool storing_ = false;
  bool handshake_ = false;
  bool tls_ = false;
  bool hung_up_ = false;
};

smtp::ServerOptions options_of(std::uint8_t bits) {
  smtp::ServerOptions options;
  options.hostname = HeloName("mta.example");
  options.trusted = (bits & 1) == 0;
  options.offer_starttls = (bits & 2) != 0;
  options.implicit_tls = (bits & 4) != 0;
  options.message_bytes_max = (bits & 8) != 0 ? 200 : 1U << 20;
  options.recipients_max = (bits & 16) != 0 ? 1 : 100;
  options.client_certificates = static_cast<smtp::ClientCertificates>((bits >> 5) % 3);
  return options;
}

}  // namespace

// First octet: options. Then octets for the session as they stand, but '\x01' to '\x08' are events
// (they are in no valid command), and what is between two of them is cut into reads of `cut`
// octets.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto bits = input.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(input[0]);
  Judge judge(options_of(bits), (bits & 128) != 0);
  input.remove_prefix(input.empty() ? 0 : 1);
  judge.event(server::Accepted{});
  const std::string filler(70'000, 'x');
  std::size_t cut = size + 1;
  while (!input.empty()) {
    const std::size_t run =
        std::min(input.find_first_of("\x01\x02\x03\x04\x05\x06\x07\x08"), input.size());
    for (std::size_t i = 0; i < run; i += cut) {
      judge.event(server::Bytes{input.substr(i, std::min(cut, run - i))});
    }
    input.remove_prefix(run);
    if (input.empty()) break;
    switch (input[0]) {
      case 1: judge.stored(); break;
      case 2: judge.not_stored(true); break;
      case 3: judge.not_stored(false); break;
      case 4: judge.tls_up(); break;
      case 5: judge.wait(5); break;
      case 6: judge.event(server::Bytes{filler}); break;  // so that small inputs spill
      case 7: cut = cut == 1 ? size + 1 : 1; break;
      default: judge.event(server::Shutdown{}); break;
    }
    input.remove_prefix(1);
  }
  judge.finish();
  return 0;
}
