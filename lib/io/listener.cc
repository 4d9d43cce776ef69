#include "lib/io/listener.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/check.h"
#include "lib/io/poll.h"
#include "lib/io/socket_address.h"

namespace posthaste::io {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr Duration kPause = std::chrono::seconds(1);

// Errors of the connection that was to be accepted, or of the network it came from: accept(2) hands
// them on, and the next one may be well.
bool concerns_one_peer(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: return true;
    default: return false;
  }
}

}  // namespace

// Shared with the poll's and the timer's calls, which keep it alive while they run.
struct Listener::State : std::enable_shared_from_this<Listener::State> {
  State(Loop& loop, Fd listening, std::function<void(Fd, std::optional<Endpoint>)> accepted,
        std::function<void(Error)> trouble)
      : home(loop),
        socket(std::move(listening)),
        on_accept(std::move(accepted)),
        on_trouble(std::move(trouble)),
        retry(loop, [this] { resume(); }),
        poll(std::in_place, loop, socket.get(), [this](Readiness) { accept_some(); }) {}

  void resume() {
    if (poll) poll->watch(true, false);
  }

  void accept_some() {
    const auto alive = shared_from_this();
    for (int i = 0; i < kAcceptsPerTurn && poll; ++i) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      Fd fd(accept4(socket.get(), reinterpret_cast<sockaddr*>(&from), &size,
                    SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd) {
        on_accept(std::move(fd), endpoint_of(from));
      } else if (errno == EAGAIN) {
        return;
      } else if (!concerns_one_peer(errno)) {
        return pause(errno);
      }
    }
  }

  void pause(int error) {
    poll->watch(false, false);
    retry.set(home.fresh_now() + kPause);
    on_trouble(
        {ErrorCode::kFull,
         fmt::format("cannot accept connections: {}; trying again in a second (for \"too many "
                     "open files\" raise LimitNOFILE= of the service)",
                     std::strerror(error))});
  }

  Loop& home;
  Fd socket;
  std::function<void(Fd, std::optional<Endpoint>)> on_accept;
  std::function<void(Error)> on_trouble;
  Timer retry;
  std::optional<Poll> poll;
};

Listener::Listener(Loop& loop, Fd socket,
                   std::function<void(Fd, std::optional<Endpoint>)> on_accept,
                   std::function<void(Error)> on_trouble)
    : state_(std::make_shared<State>(loop, std::move(socket), std::move(on_accept),
                                     std::move(on_trouble))) {
  state_->resume();
}

Listener::~Listener() {
  state_->poll.reset();
  state_->retry.set(kNever);
}

int Listener::fd() const { return state_->socket.get(); }

}  // namespace posthaste::io
