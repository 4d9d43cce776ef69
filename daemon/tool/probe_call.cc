#include "daemon/tool/probe_call.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/overloaded.h"

namespace posthaste::daemon::tool {
namespace {

constexpr Duration kLinger = std::chrono::seconds(1);

smtp::ClientOptions options_of(const ProbeCall::Order& order) {
  smtp::ClientOptions options;
  options.helo = order.helo;
  // Whether plaintext would do is for policy to say, afterwards.
  options.tls = order.context == nullptr ? smtp::TlsNeed::kNever : smtp::TlsNeed::kRequired;
  options.implicit_tls = order.context != nullptr && order.implicit_tls;
  options.timeouts = order.timeouts;
  return options;
}

std::string error_words(int sys_errno) {
  char buffer[128];
  return strerror_r(sys_errno, buffer, sizeof buffer);  // GNU's: returns the text
}

}  // namespace

ProbeCall::ProbeCall(io::Loop& loop, Order order, Teller tell)
    : loop_(loop),
      order_(std::move(order)),
      tell_(std::move(tell)),
      session_(options_of(order_), loop.now()),
      connection_(io::Connection::connect(loop, order_.to.endpoint, nullptr, *this)),
      timer_(loop, [this] { feed(smtp::Tick{}); }),
      call_{.profile = order_.profile, .observing = order_.observing} {
  timer_.set(session_.deadline());
}

ProbeCall::~ProbeCall() = default;

void ProbeCall::on_connected() { feed(smtp::Connected{}); }

void ProbeCall::on_connect_error(int sys_errno) {
  feed(smtp::ConnectError{error_words(sys_errno), sys_errno == ETIMEDOUT, false});
}

void ProbeCall::on_bytes(std::string_view data) { feed(smtp::Bytes{data}); }

void ProbeCall::on_written() { feed(smtp::Written{}); }

void ProbeCall::on_handshake(io::IoResult result) {
  call_.handshake = loop_.fresh_now() - handshake_began_;
  if (result.status != io::IoStatus::kOk) {
    return feed(smtp::TlsFailed{tls_->failure(), tls_->failure_words()});
  }
  call_.facts = tls_->facts();
  call_.chain = tls_->chain();
  feed(smtp::TlsUp{tls_->facts()});
}

void ProbeCall::on_gone(io::IoResult result) {
  smtp::PeerGone gone;
  if (tls_ != nullptr && tls_->failure() != policy::TlsFailure::kNone) {
    gone.tls = tls_->failure();  // TLS 1.3 tells late that it wants another certificate of us
    gone.words = tls_->failure_words();
  } else {
    gone.words = result.status == io::IoStatus::kEof ? "connection closed by the peer"
                                                     : error_words(result.sys_errno);
    gone.reset = result.sys_errno == ECONNRESET || result.sys_errno == EPIPE;
  }
  feed(std::move(gone));
}

// Event, actions, our own answers, until there is peace; then one write.
void ProbeCall::feed(smtp::ClientEvent event) {
  if (connection_ == nullptr) return;
  answers_.push_back(std::move(event));
  while (!answers_.empty() && connection_ != nullptr) {
    smtp::ClientActions actions;
    smtp::ClientEvent next = std::move(answers_.front());
    answers_.erase(answers_.begin());
    session_.handle(std::move(next), loop_.now(), actions);
    for (auto& action : actions) carry_out(action);
  }
  if (connection_ == nullptr) return;
  connection_->flush();
  timer_.set(session_.deadline());
}

void ProbeCall::carry_out(smtp::ClientAction& action) {
  std::visit(
      Overloaded{
          [&](smtp::Send& send) { connection_->send(std::move(send.bytes)); },
          [&](smtp::StartTls&) { start_tls(); },
          [&](smtp::Ready& ready) {
            call_.capabilities = ready.capabilities;
            answers_.emplace_back(smtp::Quit{});
          },
          [&](smtp::Failed& failed) { on_failed(failed.failure); }, [&](smtp::Closed&) { close(); },
          [](auto&) { CHECK(false); },  // parts of a transaction, and there is none
      },
      action);
}

void ProbeCall::start_tls() {
  connection_->flush();
  auto stream =
      tls::TlsStream::client(*order_.context, connection_->fd(), order_.to.host, order_.demand);
  if (!stream) {
    answers_.emplace_back(smtp::TlsFailed{policy::TlsFailure::kLocalError, stream.error().words});
    return;
  }
  tls_ = stream->get();
  handshake_began_ = loop_.fresh_now();
  if (connection_->start_tls(std::move(*stream)) != 0) {
    answers_.emplace_back(smtp::TlsFailed{policy::TlsFailure::kProtocolError,
                                          "the peer sent plaintext behind its reply to STARTTLS"});
  }
}

void ProbeCall::on_failed(const smtp::SessionFailure& failure) {
  if (call_.ready() && failure.tls == policy::TlsFailure::kNone) return;  // it says no goodbye
  call_.capabilities.reset();
  call_.stage = failure.stage;
  call_.failure = failure.tls;
  call_.words = failure.words;
}

void ProbeCall::close() {
  timer_.set(kNever);
  connection_->flush();
  // In a shared_ptr since std::function wants to be copied.
  auto kept = std::make_shared<std::unique_ptr<io::Connection>>(std::move(connection_));
  loop_.defer([this, kept] {
    io::Connection::close_gracefully(std::move(*kept), kLinger);
    const Teller tell = tell_;  // may end us
    tell(ProbedCall(std::move(call_)));
  });
}

}  // namespace posthaste::daemon::tool
