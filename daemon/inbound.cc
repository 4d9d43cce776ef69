#include "daemon/inbound.h"

#include "daemon/handshake_log.h"
#include "daemon/worker.h"
#include "lib/base/overloaded.h"

namespace posthaste::daemon {
namespace {

constexpr Duration kLinger = std::chrono::seconds(5);
// Of replies, waiting for the client to read them; until then its commands wait too.
constexpr std::size_t kUnreadRepliesMax = 64U << 10;

smtp::ServerOptions options(const Runtime& runtime, const Endpoint& peer, config::ListenTls tls,
                            bool have_context) {
  smtp::ServerOptions made = runtime.submission;
  made.peer = peer;
  made.trusted = contains_any(runtime.config.submission.trusted, peer.address);
  made.offer_starttls = tls == config::ListenTls::kStartTls && have_context;
  made.implicit_tls = tls == config::ListenTls::kImplicit;
  return made;
}

}  // namespace

InboundConnection::InboundConnection(Worker& worker, io::Fd socket, const Endpoint& peer,
                                     config::ListenTls tls)
    : worker_(worker),
      peer_(peer),
      implicit_tls_(tls == config::ListenTls::kImplicit),
      contexts_(worker.tls()),
      connection_(std::make_unique<io::Connection>(worker.loop(), std::move(socket), *this)),
      session_(options(worker.runtime(), peer, tls, worker.tls()->server() != nullptr),
               worker.ids(), worker.now()) {
  worker_.house().inbound_connections.fetch_add(1, std::memory_order_relaxed);
}

InboundConnection::~InboundConnection() {
  worker_.deadlines().forget(*this);
  worker_.house().inbound_connections.fetch_sub(1, std::memory_order_relaxed);
}

void InboundConnection::begin() { feed(smtp::server::Accepted{}); }
void InboundConnection::turn_away(const std::string& words) {
  feed(smtp::server::Overloaded{words});
}
void InboundConnection::shut_down() { feed(smtp::server::Shutdown{}); }

void InboundConnection::on_stored(std::uint64_t ticket, MessageId id) {
  if (ticket != ticket_) return;
  ticket_ = 0;
  feed(smtp::server::Stored{id});
}

void InboundConnection::on_not_stored(std::uint64_t ticket, MessageId id, bool full,
                                      const std::string& words) {
  if (ticket != ticket_) return;
  ticket_ = 0;
  feed(smtp::server::NotStored{full, words, id});
}

void InboundConnection::on_bytes(std::string_view data) { feed(smtp::server::Bytes{data}); }

void InboundConnection::on_gone(io::IoResult /*result*/) {
  feed(smtp::server::PeerGone{});
  hang_up();
}

void InboundConnection::on_written() {
  if (!over_ && session_.wants_bytes()) connection_->resume_reading();
}

Instant InboundConnection::deadline() const { return over_ ? kNever : session_.deadline(); }

void InboundConnection::on_deadline() { feed(smtp::server::Tick{}); }

void InboundConnection::on_handshake(io::IoResult result) {
  if (over_) return;
  handshaking_ = false;
  auto& house = worker_.house();
  HandshakeLine line;
  line.mode = implicit_tls_ ? TlsMode::kImplicit : TlsMode::kStartTls;
  line.peer = render_endpoint(peer_);
  line.profile = contexts_->server_profile();
  line.took = worker_.loop().fresh_now() - handshake_began_;
  if (result.status == io::IoStatus::kOk) {
    house.metrics.tls().up(Direction::kInbound, line.mode, tls_->facts(), line.took);
    log_up(house.log, line, tls_->facts());
    feed(smtp::server::TlsUp{tls_->facts()});
    return;
  }
  house.metrics.tls().failed(Direction::kInbound, line.mode, line.profile, tls_->failure());
  log_failed(house.log, line, tls_->failure(), tls_->failure_words());
  feed(smtp::server::TlsFailed{tls_->failure(), tls_->failure_words()});
  hang_up();
}

// Lets the session handle one event, carries out what it wants, and then its own answers, until
// there is peace.
void InboundConnection::feed(smtp::server::Event event) {
  if (over_) return;
  answers_.clear();
  session_.handle(std::move(event), worker_.now(), actions_);
  for (std::size_t next = 0;;) {
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      if (!carry_out(actions_[i])) return;
    }
    actions_.clear();
    if (next == answers_.size()) break;
    session_.handle(std::move(answers_[next++]), worker_.now(), actions_);
  }
  connection_->flush();
  if (over_) return;
  if (session_.wants_bytes() && connection_->queued_bytes() < kUnreadRepliesMax) {
    connection_->resume_reading();
  } else if (!handshaking_) {  // a handshake reads for itself
    connection_->pause_reading();
  }
  worker_.deadlines().watch(*this);
}

bool InboundConnection::carry_out(smtp::server::Action& action) {
  namespace server = smtp::server;
  std::visit(
      Overloaded{
          [&](server::Send& send) { connection_->send(std::move(send.bytes)); },
          [&](server::StartTls&) { start_tls(); },
          [&](server::Spill& part) { spill(part); },
          [&](server::Abandon& abandon) { worker_.house().store.push(queue::Abandon{abandon.id}); },
          [&](server::Store& request) { store(request.submission); },
          [&](server::Hangup&) { hang_up(); },
          [&](server::Note& words) { note(words); },
      },
      action);
  return !over_;
}

void InboundConnection::start_tls() {
  connection_->flush();
  auto* context = contexts_->server();
  auto stream = context == nullptr
                    ? Result<std::unique_ptr<tls::TlsStream>>(
                          fail(ErrorCode::kNotFound, "no certificate is configured any more"))
                    : tls::TlsStream::server(*context, connection_->fd());
  if (!stream) {
    answers_.push_back(
        smtp::server::TlsFailed{policy::TlsFailure::kLocalError, stream.error().words});
    return;
  }
  tls_ = stream->get();
  handshaking_ = true;
  handshake_began_ = worker_.loop().fresh_now();
  connection_->start_tls(std::move(*stream));
  connection_->resume_reading();
}

void InboundConnection::spill(smtp::server::Spill& part) {
  if (part.id == refused_) return;  // its NotStored is on its way to the session
  if (!worker_.house().store.try_push(queue::Append{part.id, part.chunk, std::move(part.bytes)})) {
    worker_.house().metrics.refused("busy");
    refused_ = part.id;
    answers_.push_back(
        smtp::server::NotStored{false, "too much mail is arriving at once", part.id});
  }
}

void InboundConnection::store(smtp::Submission& submission) {
  if (submission.envelope->id == refused_) return;  // likewise
  ticket_ = worker_.accept(submission, *this);
  if (ticket_ != 0) return;
  worker_.house().metrics.refused("busy");
  answers_.push_back(smtp::server::NotStored{false, "the queue is busy", submission.envelope->id});
}

void InboundConnection::note(const smtp::server::Note& words) {
  worker_.house().log.write(LogLevel::kInfo, words.event,
                            {{"peer", render_endpoint(peer_)}, {"words", words.words}});
}

void InboundConnection::hang_up() {
  if (over_) return;
  over_ = true;
  // It goes before us, so that it never calls a dead handler.
  worker_.let_go(std::move(connection_), kLinger);
  worker_.retire(*this);
}

}  // namespace posthaste::daemon
