#include "daemon/outbound.h"

#include <cerrno>
#include <cstring>

#include "daemon/worker.h"
#include "lib/base/overloaded.h"
#include "lib/io/listener.h"

namespace posthaste::daemon {
namespace {

constexpr Duration kLinger = std::chrono::seconds(1);

smtp::ClientOptions options(const Runtime& runtime, const delivery::Connect& connect) {
  smtp::ClientOptions made;
  made.helo = runtime.hostname;
  made.tls = connect.tls;
  made.implicit_tls = connect.implicit_tls;
  made.plaintext_allowed = !connect.demand->encrypted;
  made.verified_required = connect.demand->authentication != policy::TlsAuthentication::kNone;
  made.timeouts = runtime.engine->timeouts;
  return made;
}

std::string error_words(int sys_errno) {
  char buffer[128];
  return strerror_r(sys_errno, buffer, sizeof buffer);  // GNU's: returns the text
}

// No address of ours leads to such a one, as on a machine without IPv6.
bool is_local(int sys_errno) {
  return sys_errno == ENETUNREACH || sys_errno == EAFNOSUPPORT || sys_errno == EADDRNOTAVAIL;
}

}  // namespace

OutboundConnection::OutboundConnection(Worker& worker, const delivery::Connect& connect)
    : worker_(worker),
      connect_(connect),
      contexts_(worker.tls()),
      session_(options(worker.runtime(), connect), worker.now()) {}

OutboundConnection::~OutboundConnection() { worker_.deadlines().forget(*this); }

void OutboundConnection::begin() {
  worker_.house().metrics.outbound_connection();
  connection_ = io::Connection::connect(worker_.loop(), connect_.endpoint, nullptr, *this);
  worker_.deadlines().watch(*this);
}

void OutboundConnection::deliver(const delivery::Deliver& order) {
  if (over_) return;
  letter_ = order.letter;
  feed(smtp::Deliver{{letter_->envelope, order.recipients}});
}

void OutboundConnection::quit() { feed(smtp::Quit{}); }

void OutboundConnection::on_connected() {
  feed(smtp::Connected{});
  worker_.pump();
}

void OutboundConnection::on_connect_error(int sys_errno) {
  feed(smtp::ConnectError{error_words(sys_errno), sys_errno == ETIMEDOUT, is_local(sys_errno)});
  worker_.pump();
}

void OutboundConnection::on_bytes(std::string_view data) {
  feed(smtp::Bytes{data});
  worker_.pump();
}

void OutboundConnection::on_written() {
  feed(smtp::Written{});
  worker_.pump();
}

void OutboundConnection::on_gone(io::IoResult result) {
  smtp::PeerGone gone;
  if (tls_ != nullptr && tls_->failure() != policy::TlsFailure::kNone) {
    gone.tls = tls_->failure();
    gone.words = tls_->failure_words();
  } else {
    gone.words = result.status == io::IoStatus::kEof ? "connection closed by the peer"
                                                     : error_words(result.sys_errno);
    gone.reset = result.sys_errno == ECONNRESET || result.sys_errno == EPIPE;
  }
  feed(std::move(gone));
  worker_.pump();
}

void OutboundConnection::on_handshake(io::IoResult result) {
  if (over_) return;
  if (result.status == io::IoStatus::kOk) {
    const Duration took = worker_.loop().fresh_now() - handshake_began_;
    worker_.tls_office().on_handshake(connect_, tls_->facts(), took);
    feed(smtp::TlsUp{tls_->facts()});
  } else {
    feed(smtp::TlsFailed{tls_->failure(), tls_->failure_words()});
  }
  worker_.pump();
}

Instant OutboundConnection::deadline() const { return over_ ? kNever : session_.deadline(); }

void OutboundConnection::on_deadline() {
  feed(smtp::Tick{});
  worker_.pump();
}

void OutboundConnection::on_chunk(std::uint16_t chunk, const Result<mail::Chunk>& read) {
  if (over_ || letter_ == nullptr) return;
  if (read) {
    feed(smtp::BodyChunk{*read, chunk + 1U == letter_->envelope->body_chunks});
  } else {
    feed(smtp::BodyLost{read.error().words});
  }
  worker_.pump();
}

// As InboundConnection::feed: event, actions, our own answers, until there is peace; then one
// write.
void OutboundConnection::feed(smtp::ClientEvent event) {
  if (over_) return;
  answers_.clear();
  session_.handle(std::move(event), worker_.now(), actions_);
  for (std::size_t next = 0;;) {
    for (auto& action : actions_) {
      if (!carry_out(action)) return;
    }
    actions_.clear();
    if (next == answers_.size()) break;
    session_.handle(std::move(answers_[next++]), worker_.now(), actions_);
  }
  connection_->flush();
  worker_.deadlines().watch(*this);
}

bool OutboundConnection::carry_out(smtp::ClientAction& action) {
  std::visit(Overloaded{
                 [&](smtp::Send& send) { connection_->send(std::move(send.bytes)); },
                 [&](smtp::SendChunk& send) { connection_->send(std::move(send.chunk)); },
                 [&](smtp::StartTls&) { start_tls(); },
                 [&](smtp::Ready& ready) { on_ready(ready); },
                 [&](smtp::WantBody& want) { give_chunk(want.chunk); },
                 [&](smtp::Finished& finished) {
                   letter_.reset();
                   worker_.engine_event(
                       delivery::SessionFinished{connect_.conn, std::move(finished.result)});
                 },
                 [&](smtp::Failed& failed) { on_failed(failed.failure); },
                 [&](smtp::Closed&) { close(); },
             },
             action);
  return !over_;
}

void OutboundConnection::start_tls() {
  connection_->flush();
  auto* context = contexts_->client(connect_.profile, *connect_.demand);
  auto stream =
      context == nullptr
          ? Result<std::unique_ptr<tls::TlsStream>>(
                fail(ErrorCode::kNotFound, "the configuration has changed meanwhile"))
          : tls::TlsStream::client(*context, connection_->fd(), connect_.host, connect_.demand);
  if (!stream) {
    answers_.push_back(smtp::TlsFailed{policy::TlsFailure::kLocalError, stream.error().words});
    return;
  }
  tls_ = stream->get();
  handshake_began_ = worker_.loop().fresh_now();
  if (connection_->start_tls(std::move(*stream)) != 0) {
    answers_.push_back(smtp::TlsFailed{policy::TlsFailure::kProtocolError,
                                       "the peer sent plaintext behind its reply to STARTTLS"});
  }
}

void OutboundConnection::give_chunk(std::uint16_t chunk) {
  const auto& chunks = letter_->body.chunks;
  if (chunk < chunks.size()) {
    answers_.push_back(
        smtp::BodyChunk{chunks[chunk], chunk + 1U == letter_->envelope->body_chunks});
  } else {
    worker_.read_chunk(letter_->envelope->id, chunk, connect_.conn);
  }
}

IpAddress OutboundConnection::local_address() const {
  return io::local_endpoint(connection_->fd()).address;
}

void OutboundConnection::on_ready(const smtp::Ready& ready) {
  worker_.tls_office().on_ready(connect_, ready.tls, local_address());
  was_ready_ = true;
  worker_.engine_event(delivery::SessionReady{connect_.conn, ready.capabilities, ready.tls});
}

void OutboundConnection::on_failed(const smtp::SessionFailure& failure) {
  if (failure.tls != policy::TlsFailure::kNone) {
    worker_.tls_office().on_failed(connect_, failure.tls, failure.words, local_address(),
                                   was_ready_);
  } else {
    // A peer that closes an idle connection does what it may at any time.
    const LogLevel level = failure.stage == smtp::Stage::kIdle ? LogLevel::kDebug : LogLevel::kInfo;
    worker_.house().log.write(level, "session_failed",
                              {{"domain", connect_.domain.text()},
                               {"host", connect_.host.text()},
                               {"endpoint", render_endpoint(connect_.endpoint)},
                               {"stage", name(failure.stage)},
                               {"words", failure.words}});
  }
  worker_.engine_event(delivery::SessionFailed{connect_.conn, failure});
}

void OutboundConnection::close() {
  over_ = true;
  letter_.reset();
  worker_.engine_event(delivery::SessionClosed{connect_.conn});
  worker_.let_go(std::move(connection_), kLinger);
  worker_.retire(*this);
}

}  // namespace posthaste::daemon
