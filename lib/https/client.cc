#include "lib/https/client.h"

#include <curl/curl.h>

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/base/check.h"
#include "lib/https/transfer.h"
#include "lib/io/poll.h"

namespace posthaste::https {
namespace {

// libcurl wants to be set up before threads use it; the first caller does it for all. It is not
// taken down: OpenSSL, which it sets up too, is also lib/tls's.
CURLcode initialise_library() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  return result;
}

}  // namespace

// curl is driven by two things, a descriptor that is ready and a time that has come; it says which
// ones through two callbacks, and what is finished when it is asked.
struct Client::State {
  struct Socket {
    std::unique_ptr<io::Poll> poll;
    bool readable = false;  // what curl wants to know
    bool writable = false;
  };
  struct Finished {
    Receiver receiver;
    Outcome outcome;
  };

  State(io::Loop& home, ClientOptions given)
      : loop(home),
        options(given),
        curl_timer(home, [this] { drive(CURL_SOCKET_TIMEOUT, 0); }),
        deliver_timer(home, [this] { deliver(); }) {}
  ~State();

  Status open();
  void send(std::unique_ptr<Transfer> transfer);
  void begin_waiting();
  void begin(std::unique_ptr<Transfer> transfer);
  void finish(Transfer& transfer, Outcome outcome);
  void deliver();

  void drive(curl_socket_t fd, int events);
  void take_finished();
  void on_socket(curl_socket_t fd, int what);
  void on_ready(curl_socket_t fd, io::Readiness readiness);
  void on_timeout(long milliseconds);

  io::Loop& loop;  // constant after construction
  const ClientOptions options;
  CURLM* multi = nullptr;
  std::unordered_map<curl_socket_t, Socket> sockets;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> running;
  std::deque<std::unique_ptr<Transfer>> waiting;
  std::vector<Finished> finished;  // not yet delivered
  io::Timer curl_timer, deliver_timer;
};

Client::State::~State() {
  for (const auto& [easy, transfer] : running) curl_multi_remove_handle(multi, easy);
  running.clear();
  if (multi != nullptr) curl_multi_cleanup(multi);
}

Status Client::State::open() {
  if (const CURLcode code = initialise_library(); code != CURLE_OK) {
    return fail(ErrorCode::kIo,
                std::string("libcurl cannot be initialised: ") + curl_easy_strerror(code));
  }
  multi = curl_multi_init();
  if (multi == nullptr) return fail(ErrorCode::kIo, "libcurl cannot open a multi handle");
  constexpr auto socket = [](CURL*, curl_socket_t fd, int what, void* self, void*) noexcept {
    static_cast<State*>(self)->on_socket(fd, what);
    return 0;
  };
  constexpr auto timeout = [](CURLM*, long milliseconds, void* self) noexcept {
    static_cast<State*>(self)->on_timeout(milliseconds);
    return 0;
  };
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, static_cast<curl_socket_callback>(socket));
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, static_cast<curl_multi_timer_callback>(timeout));
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  return {};
}

// ---- transfers ----------------------------------------------------------------------------------

void Client::State::send(std::unique_ptr<Transfer> transfer) {
  if (waiting.size() >= options.waiting_max) {
    finish(*transfer, tl::unexpected<Failure>(
                          Failure{Failure::Kind::kLocal, "too many HTTPS transfers are waiting"}));
    return;
  }
  waiting.push_back(std::move(transfer));
  begin_waiting();
}

void Client::State::begin_waiting() {
  while (!waiting.empty() && running.size() < options.transfers_max) {
    auto transfer = std::move(waiting.front());
    waiting.pop_front();
    begin(std::move(transfer));
  }
}

// curl does nothing yet: it asks for its timer.
void Client::State::begin(std::unique_ptr<Transfer> transfer) {
  if (auto failure = transfer->prepare()) {
    finish(*transfer, tl::unexpected<Failure>(std::move(*failure)));
    return;
  }
  CURL* const easy = transfer->easy();
  running.emplace(easy, std::move(transfer));
  CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK);
}

void Client::State::finish(Transfer& transfer, Outcome outcome) {
  finished.push_back({transfer.take_receiver(), std::move(outcome)});
  deliver_timer.set(loop.now());
}

// In a time of its own, so that a Receiver may send again, and is not called inside send().
void Client::State::deliver() {
  std::vector<Finished> due = std::exchange(finished, {});
  for (Finished& one : due) one.receiver(std::move(one.outcome));
}

// ---- curl ---------------------------------------------------------------------------------------

void Client::State::drive(curl_socket_t fd, int events) {
  int still_running = 0;
  CHECK(curl_multi_socket_action(multi, fd, events, &still_running) == CURLM_OK);
  take_finished();
  begin_waiting();
}

void Client::State::take_finished() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;  // `message` goes with the handle
    const CURLcode code = message->data.result;
    const auto transfer = std::move(running.extract(easy).mapped());
    curl_multi_remove_handle(multi, easy);
    finish(*transfer, transfer->outcome(code));
  }
}

void Client::State::on_socket(curl_socket_t fd, int what) {
  if (what == CURL_POLL_REMOVE) {
    sockets.erase(fd);  // curl closes it next
    return;
  }
  Socket& socket = sockets[fd];
  socket.readable = (what & CURL_POLL_IN) != 0;
  socket.writable = (what & CURL_POLL_OUT) != 0;
  if (!socket.poll) {
    socket.poll = std::make_unique<io::Poll>(
        loop, fd, [this, fd](io::Readiness readiness) { on_ready(fd, readiness); });
  }
  socket.poll->watch(socket.readable, socket.writable);
}

void Client::State::on_ready(curl_socket_t fd, io::Readiness readiness) {
  int events = readiness.broken ? CURL_CSELECT_ERR : 0;
  if (readiness.readable) events |= CURL_CSELECT_IN;
  if (readiness.writable) events |= CURL_CSELECT_OUT;
  drive(fd, events);
  if (!readiness.broken) return;
  const auto still = sockets.find(fd);
  if (still != sockets.end())
    still->second.poll->watch(still->second.readable, still->second.writable);
}

void Client::State::on_timeout(long milliseconds) {
  curl_timer.set(milliseconds < 0 ? kNever : loop.now() + std::chrono::milliseconds(milliseconds));
}

// ---- the face -----------------------------------------------------------------------------------

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::make(io::Loop& loop, ClientOptions options) {
  CHECK(options.transfers_max > 0);
  auto state = std::make_unique<State>(loop, options);
  if (auto opened = state->open(); !opened) return tl::make_unexpected(opened.error());
  return std::unique_ptr<Client>(new Client(std::move(state)));
}

void Client::send(Request request, Receiver receiver) {
  state_->send(std::make_unique<Transfer>(std::move(request), std::move(receiver)));
}

std::size_t Client::running() const { return state_->running.size(); }
std::size_t Client::waiting() const { return state_->waiting.size(); }

std::string_view label(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::kCertificate: return "certificate";
    case Failure::Kind::kHandshake: return "handshake";
    case Failure::Kind::kTimeout: return "timeout";
    case Failure::Kind::kConnect: return "connect";
    case Failure::Kind::kTooLarge: return "too_large";
    case Failure::Kind::kRedirect: return "redirect";
    case Failure::Kind::kLocal: return "local";
    case Failure::Kind::kOther: return "other";
  }
  return "";
}

}  // namespace posthaste::https
