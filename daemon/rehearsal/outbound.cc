#include "daemon/rehearsal/outbound.h"

#include <algorithm>
#include <utility>

#include "daemon/rehearsal/mta.h"
#include "lib/base/overloaded.h"

namespace posthaste::rehearsal {
namespace {

using namespace std::chrono_literals;

smtp::ClientOptions options(Mta& mta, const delivery::Connect& connect) {
  smtp::ClientOptions made;
  made.helo = mta.options().helo;
  made.tls = connect.tls;
  made.implicit_tls = connect.implicit_tls;
  made.plaintext_allowed = !connect.demand->encrypted;
  made.timeouts = mta.options().timeouts;
  mta.witness().on_session(connect, made);
  return made;
}

}  // namespace

Outbound::Outbound(Worker& worker, delivery::Connect connect)
    : worker_(worker),
      mta_(worker.mta()),
      connect_(std::move(connect)),
      session_(options(mta_, connect_), mta_.world().now()) {}

void Outbound::begin() {
  watch();
  mta_.outside().call(connect_,
                      [weak = weak_from_this()](const auto& called, const std::string& words) {
                        const auto self = weak.lock();
                        if (self && !self->over_) return self->on_called(called, words);
                        if (called.link) called.link->close(Side::kCaller);
                      });
}

void Outbound::on_called(const Called& called, const std::string& words) {
  if (!called.link) return feed(smtp::ConnectError{words, false});
  line_ = called;
  line_.link->attach(Side::kCaller,
                     {[this](std::string_view bytes, std::uint64_t) { receive(bytes); },
                      [this] {
                        feed(smtp::PeerGone{"connection lost", {}});
                      },
                      [this] { feed(smtp::Written{}); }});
  feed(smtp::Connected{});
}

void Outbound::receive(std::string_view bytes) {
  std::string text(bytes);
  mta_.witness().on_read(text);
  feed(smtp::Bytes{text});
}

void Outbound::deliver(const delivery::Deliver& deliver) {
  smtp::Transaction transaction{deliver.letter->envelope, deliver.recipients};
  const auto attempt = mta_.witness().on_deliver(deliver, transaction);
  if (over_) return;
  letter_ = deliver.letter;
  line_.peer->expect(attempt);
  feed(smtp::Deliver{std::move(transaction)});
}

void Outbound::feed(smtp::ClientEvent event) {
  const auto keep = shared_from_this();
  if (over_ || !mta_.alive()) return;
  answers_.clear();
  session_.handle(std::move(event), mta_.world().now(), actions_);
  for (std::size_t next = 0; drain_actions() && next < answers_.size();) {
    session_.handle(std::move(answers_[next++]), mta_.world().now(), actions_);
  }
  watch();
  worker_.pump();
}

// False: the session is over.
bool Outbound::drain_actions() {
  for (auto& action : actions_) {
    if (!carry_out(action)) return false;
  }
  actions_.clear();
  return true;
}

bool Outbound::carry_out(smtp::ClientAction& action) {
  std::visit(Overloaded{
                 [&](smtp::Send& e) { send(std::move(e.bytes)); },
                 [&](smtp::SendChunk& e) { send(*e.chunk); },
                 [&](smtp::StartTls&) { start_tls(); },
                 [&](smtp::Ready& e) {
                   worker_.note(delivery::SessionReady{connect_.conn, e.capabilities, e.tls});
                 },
                 [&](smtp::WantBody& e) { give_chunk(e.chunk); },
                 [&](smtp::Finished& e) { on_finished(std::move(e.result)); },
                 [&](smtp::Failed& e) {
                   mta_.world().say("conn {} failed: {}", connect_.conn.value, e.failure.words);
                   worker_.note(delivery::SessionFailed{connect_.conn, e.failure});
                 },
                 [&](smtp::Closed&) { close(); },
             },
             action);
  return !over_;
}

void Outbound::send(std::string bytes) {
  mta_.witness().on_write(bytes);
  if (line_.link) line_.link->send(Side::kCaller, std::move(bytes));
}

void Outbound::start_tls() {
  line_.peer->handshake(connect_.profile, [weak = weak_from_this()](policy::TlsFailure failure) {
    const auto self = weak.lock();
    if (!self || self->over_) return;
    const Certificate shown = self->line_.peer->certificate();
    if (failure == policy::TlsFailure::kNone) {
      failure = self->mta_.witness().on_judged(judge(*self->connect_.demand, shown));
    }
    if (failure != policy::TlsFailure::kNone) {
      return self->feed(smtp::TlsFailed{failure, std::string(policy::label(failure))});
    }
    self->feed(smtp::TlsUp{self->facts(shown)});
  });
}

policy::TlsFacts Outbound::facts(const Certificate& shown) const {
  policy::TlsFacts facts;
  facts.version = "TLSv1.3";
  facts.profile = connect_.profile;
  facts.certificate_present = true;
  const bool demanded = connect_.demand->authentication != policy::TlsAuthentication::kNone;
  facts.verified = demanded || shown.verifies();
  if (facts.verified) {
    facts.authenticated_by =
        demanded ? connect_.demand->authentication : policy::TlsAuthentication::kPkix;
  }
  return facts;
}

// A whole body is at hand, or a chunk is read from the store, which takes its time.
void Outbound::give_chunk(std::uint16_t chunk) {
  const bool last = chunk + 1U == letter_->envelope->body_chunks;
  const auto& chunks = letter_->body.chunks;
  if (chunk < chunks.size()) return answers_.push_back(smtp::BodyChunk{chunks[chunk], last});
  const MessageId id = letter_->envelope->id;
  mta_.soon(mta_.world().draw(0ms, 50ms), [self = shared_from_this(), id, chunk, last] {
    if (self->over_) return;
    auto read = self->mta_.store().body_chunk(id, chunk);
    if (read) return self->feed(smtp::BodyChunk{*read, last});
    self->feed(smtp::BodyLost{read.error().words});
  });
}

void Outbound::on_finished(smtp::TransactionResult result) {
  letter_.reset();
  worker_.note(delivery::SessionFinished{connect_.conn, std::move(result)});
}

void Outbound::close() {
  over_ = true;
  if (line_.link) line_.link->close(Side::kCaller);
  mta_.world().say("conn {} closed", connect_.conn.value);
  worker_.note(delivery::SessionClosed{connect_.conn});
  worker_.retire(connect_.conn);
}

void Outbound::abandon() {
  over_ = true;
  if (!line_.link) return;
  if (mta_.world().rng().chance(0.5)) line_.link->reset();
  line_.link->close(Side::kCaller);
}

void Outbound::watch() {
  const Instant deadline = over_ ? kNever : session_.deadline();
  if (deadline == kNever || deadline >= watched_) return;
  watched_ = deadline;
  mta_.world().at(deadline, [weak = weak_from_this(), deadline] {
    const auto self = weak.lock();
    if (!self || self->over_ || self->watched_ != deadline) return;
    self->watched_ = kNever;
    if (self->session_.deadline() <= self->mta_.world().now()) return self->feed(smtp::Tick{});
    self->watch();
  });
}

}  // namespace posthaste::rehearsal
