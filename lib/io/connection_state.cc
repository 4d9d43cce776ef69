#include "lib/io/connection_state.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "lib/base/check.h"
#include "lib/io/loop_state.h"

namespace posthaste::io {
namespace {

// A peer that sends as fast as we read must not keep the loop from the others.
constexpr std::size_t kReadBytesPerTurn = std::size_t{256} * 1024;
// Who still sends so much after our last word is not listening.
constexpr std::size_t kDrainBytesMax = std::size_t{256} * 1024;

}  // namespace

Connection::State::State(Loop& home, Fd fd, Handler& listener, Phase first)
    : loop(home), socket(std::move(fd)), handler(&listener), phase(first) {
  stream = std::make_unique<PlainStream>(socket.get());
  if (!socket) return;
  const int on = 1;  // refused by Unix sockets, which do not delay anyway
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  poll.emplace(loop, socket.get(), [this](Readiness ready) { on_ready(ready); });
}

void Connection::State::on_ready(Readiness ready) {
  if (ready.broken) {
    broken = true;
    ready = {.readable = true, .writable = true};
  }
  switch (phase) {
    case Phase::kConnecting: finish_connect(); return;
    case Phase::kHandshaking: drive_handshake(); return;
    case Phase::kDraining: drain(); return;
    case Phase::kGone:
    case Phase::kClosed: return;
    case Phase::kStartingTls:
      if (ready.writable && write_out()) drive_handshake();
      if (broken && phase == Phase::kStartingTls) drive_handshake();
      return;
    case Phase::kOpen: break;
  }
  if (ready.writable) {
    ready.readable |= std::exchange(read_needs_write, false);
    if (write_blocked && write_out()) tell_written();
  }
  if (ready.readable && open()) read_all_there_is();
  update_watch();
}

void Connection::State::in_next_turn(Turn what) {
  if (what == kRead && loop.ending()) return read_in_next_run();
  turn |= what;
  if (std::exchange(turn_queued, true)) return;
  loop.defer([this] { take_turn(); });
}

// A peer that sends without pause must not keep a loop that was stopped from its end. Timers wait
// for another run.
void Connection::State::read_in_next_run() {
  next_run = std::make_unique<Timer>(loop, [this] { in_next_turn(kRead); });
  next_run->set(loop.now());
}

void Connection::State::take_turn() {
  turn_queued = false;
  const unsigned todo = std::exchange(turn, 0U);
  if ((todo & kTellConnectError) != 0 && phase == Phase::kConnecting) {
    phase = Phase::kGone;
    handler->on_connect_error(connect_errno);
  }
  if ((todo & kHandshake) != 0 && phase == Phase::kHandshaking) drive_handshake();
  if ((todo & kTellWritten) != 0 && open() && output.empty()) handler->on_written();
  if ((todo & (kRead | kWriteFailed)) != 0 && open()) read_all_there_is();
  if ((todo & kWriteFailed) != 0) give_up(write_failure);
}

void Connection::State::finish_connect() {
  const int error = pending_error();
  if (error != 0 || broken) {
    phase = Phase::kGone;
    poll->watch(false, false);
    handler->on_connect_error(error != 0 ? error : ECONNABORTED);
    return;
  }
  phase = Phase::kOpen;
  update_watch();
  handler->on_connected();
}

void Connection::State::drive_handshake() {
  phase = Phase::kHandshaking;
  IoResult result = stream->handshake();
  if (result.status == IoStatus::kWantRead || result.status == IoStatus::kWantWrite) {
    if (!broken) {
      const bool reading = result.status == IoStatus::kWantRead;
      poll->watch(reading, !reading);
      return;
    }
    result = {.status = IoStatus::kError, .sys_errno = ECONNRESET};
  }
  if (result.status != IoStatus::kOk) {
    phase = Phase::kGone;
    poll->watch(false, false);
    handler->on_handshake(result);
    return;
  }
  phase = Phase::kOpen;
  update_watch();
  handler->on_handshake(result);
  // The peer's first words may have come in one piece with the end of its handshake.
  if (open() && !result.drained) read_all_there_is();
}

void Connection::State::read_all_there_is() {
  auto& buffer = loop.state().read_buffer;
  for (std::size_t handed_on = 0; open();) {
    if (paused && !broken) {
      // Paused just now: it may be resumed before the socket speaks again, so READABLE stays on for
      // now.
      read_parked = handed_on == 0;
      return update_watch();
    }
    if (paused) return give_up({.status = IoStatus::kError, .sys_errno = pending_error()});
    const IoResult result = stream->read(buffer.data(), buffer.size());
    switch (result.status) {
      case IoStatus::kOk:
        handed_on += result.bytes;
        handler->on_bytes({buffer.data(), result.bytes});
        if (result.drained && !broken) return;
        if (handed_on >= kReadBytesPerTurn && open()) return in_next_turn(kRead);
        continue;
      case IoStatus::kWantWrite:
        read_needs_write = true;
        if (!broken) return update_watch();
        [[fallthrough]];
      case IoStatus::kWantRead:
        if (broken) give_up({.status = IoStatus::kError, .sys_errno = ECONNRESET});
        return;
      case IoStatus::kEof:
      case IoStatus::kError: return give_up(result);
    }
  }
}

bool Connection::State::write_out() {
  OutputQueue& queue = before_tls ? before_tls->output : output;
  Stream& through = before_tls ? *before_tls->stream : *stream;
  OutputQueue::Parts parts;
  write_blocked = false;
  while (!queue.empty()) {
    const OutputQueue::Front front = queue.front(parts);
    const IoResult result = through.write(parts.data(), front.count);
    if (result.status == IoStatus::kOk) {
      queue.pop(result.bytes);
      if (result.bytes == front.bytes) continue;
    } else if (result.status != IoStatus::kWantWrite) {
      // A peer that hung up may have said why: reading comes first. (kWantRead: renegotiation,
      // which we never do.)
      write_failure = result;
      write_failure.status = result.status == IoStatus::kEof ? IoStatus::kEof : IoStatus::kError;
      in_next_turn(kWriteFailed);
      return false;
    }
    write_blocked = true;
    update_watch();
    return false;
  }
  before_tls.reset();
  return true;
}

void Connection::State::tell_written() {
  handler->on_written();
  if (lingering_as != nullptr && say_last_words()) leave();
}

void Connection::State::give_up(IoResult result) {
  if (phase == Phase::kGone || phase == Phase::kClosed) return;
  phase = Phase::kGone;
  poll->watch(false, false);
  if (lingering_as != nullptr) return leave();
  handler->on_gone(result);
}

void Connection::State::update_watch() {
  if (phase == Phase::kOpen) {
    // While reading waits for writing, input that waits must not call us again and again for
    // nothing.
    poll->watch(!read_parked && !read_needs_write, write_blocked || read_needs_write);
  }
  if (phase == Phase::kStartingTls) poll->watch(false, write_blocked);
}

int Connection::State::pending_error() const {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

std::size_t Connection::State::unread_bytes() const {
  int count = 0;
  if (ioctl(socket.get(), FIONREAD, &count) != 0 || count < 0) return 0;
  return static_cast<std::size_t>(count);
}

bool Connection::State::say_last_words() {
  stream->shutdown();
  if (unread_bytes() == 0) return true;
  // To close now would make the kernel send RST, and the peer might lose what it has not read yet.
  ::shutdown(socket.get(), SHUT_WR);
  phase = Phase::kDraining;
  poll->watch(true, false);
  return false;
}

void Connection::State::begin_lingering(std::unique_ptr<Connection> self, Duration linger) {
  lingering_as = self.get();
  linger_timer = std::make_unique<Timer>(loop, [this] { leave(); });
  linger_timer->set(add_saturated(loop.now(), linger));
  loop.state().lingering.emplace(lingering_as, std::move(self));
}

void Connection::State::drain() {
  auto& buffer = loop.state().read_buffer;
  PlainStream raw(socket.get());
  for (;;) {
    const IoResult result = raw.read(buffer.data(), buffer.size());
    if (result.status == IoStatus::kWantRead && !broken) return;
    if (result.status != IoStatus::kOk) return leave();
    drained_bytes += result.bytes;
    if (drained_bytes > kDrainBytesMax) return leave();
    if (result.drained && !broken) return;
  }
}

void Connection::State::leave() {
  Connection* self = std::exchange(lingering_as, nullptr);
  if (self == nullptr) return;
  phase = Phase::kGone;
  poll->watch(false, false);
  loop.defer([&home = loop, self] { home.state().lingering.erase(self); });
}

void Connection::State::close(bool reset) {
  if (phase == Phase::kClosed) return;
  phase = Phase::kClosed;
  linger_timer.reset();
  next_run.reset();
  poll.reset();
  if (reset && socket) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  socket.reset();
  output.clear();
  before_tls.reset();
}

}  // namespace posthaste::io
