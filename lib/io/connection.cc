#include "lib/io/connection.h"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "lib/base/check.h"
#include "lib/io/connection_state.h"
#include "lib/io/loop_state.h"
#include "lib/io/socket_address.h"

namespace posthaste::io {
namespace {

// Whoever closes gracefully does not listen any more.
class Nobody final : public Connection::Handler {
 public:
  void on_bytes(std::string_view) override {}
  void on_handshake(IoResult) override {}
  void on_gone(IoResult) override {}
};

Connection::Handler& nobody() {
  static Nobody nobody;  // has no state
  return nobody;
}

// 0, or the errno that tells why it cannot even begin.
int begin_connect(int fd, const Endpoint& to, const IpAddress* source) {
  if (source != nullptr) {
    // The port is chosen at connect(), by the whole four-tuple: one source address is good for more
    // than 28,000 connections. Older kernels refuse the option; binding works all the same.
    const int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const SocketAddress from = socket_address({*source, 0});
    if (bind(fd, from.get(), from.size) != 0) return errno;
  }
  const SocketAddress peer = socket_address(to);
  if (connect(fd, peer.get(), peer.size) == 0 || errno == EINPROGRESS) return 0;
  return errno;
}

}  // namespace

Connection::Connection(Loop& loop, Fd socket, Handler& handler)
    : state_(std::make_unique<State>(loop, std::move(socket), handler, State::Phase::kOpen)) {
  CHECK(state_->socket);
  ioctl(state_->socket.get(), FIOCLEX);
  state_->update_watch();
}

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}

std::unique_ptr<Connection> Connection::connect(Loop& loop, const Endpoint& to,
                                                const IpAddress* source, Handler& handler) {
  const int family = to.address.v6 ? AF_INET6 : AF_INET;
  Fd socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int error = socket ? begin_connect(socket.get(), to, source) : errno;
  auto state = std::make_unique<State>(loop, std::move(socket), handler, State::Phase::kConnecting);
  state->connect_errno = error;
  if (error != 0) {
    state->in_next_turn(State::kTellConnectError);
  } else {
    state->poll->watch(false, true);
  }
  return std::unique_ptr<Connection>(new Connection(std::move(state)));
}

Connection::~Connection() {
  state_->close(false);
  state_->stream.reset();  // no Handler is ever called from inside a Stream
  // The State may be on the stack right now, and work that was deferred before may still name it.
  Loop& loop = state_->loop;
  loop.defer([state = state_.release()] { delete state; });
}

void Connection::send(std::string bytes) { state_->output.push(std::move(bytes)); }

void Connection::send(std::shared_ptr<const std::string> chunk) {
  state_->output.push(std::move(chunk));
}

void Connection::flush() {
  State& s = *state_;
  // While the kernel is full, being writable is the sign to go on; while a write has failed, the
  // end is near.
  if (!s.open() || s.write_blocked || s.output.empty() || (s.turn & State::kWriteFailed) != 0) {
    return;
  }
  if (s.write_out()) s.in_next_turn(State::kTellWritten);
}

std::size_t Connection::queued_bytes() const { return state_->output.bytes(); }

void Connection::pause_reading() { state_->paused = true; }

void Connection::resume_reading() {
  State& s = *state_;
  if (!std::exchange(s.paused, false)) return;
  s.read_parked = false;
  s.update_watch();
  if (s.tls) s.in_next_turn(State::kRead);
}

std::size_t Connection::start_tls(std::unique_ptr<Stream> stream) {
  State& s = *state_;
  CHECK(s.open());
  // Counted before our own last plaintext leaves: a client may begin its handshake as soon as it
  // has our 220.
  const std::size_t early = s.unread_bytes();
  s.before_tls = std::make_unique<State::Plaintext>();
  std::swap(s.before_tls->stream, s.stream);
  std::swap(s.before_tls->output, s.output);
  s.stream = std::move(stream);
  s.tls = true;
  s.phase = State::Phase::kStartingTls;
  if (s.write_out()) {
    s.phase = State::Phase::kHandshaking;
    s.in_next_turn(State::kHandshake);
  }
  return early;
}

Stream& Connection::stream() { return *state_->stream; }

void Connection::close_gracefully(std::unique_ptr<Connection> connection, Duration linger) {
  State& s = *connection->state_;
  if (!s.open() || (s.turn & State::kWriteFailed) != 0) return;
  s.handler = &nobody();
  s.paused = true;
  const bool written = s.output.empty() || (!s.write_blocked && s.write_out());
  if (written && s.say_last_words()) return;
  if ((s.turn & State::kWriteFailed) != 0) return;
  s.begin_lingering(std::move(connection), linger);
}

void Connection::close(bool reset) { state_->close(reset); }

int Connection::fd() const { return state_->socket.get(); }

}  // namespace posthaste::io
