#include "daemon/http_server.h"

#include <utility>

#include "daemon/http_request_reader.h"
#include "lib/io/connection.h"

namespace posthaste::daemon {
namespace {

constexpr Duration kLinger = std::chrono::seconds(5);

}  // namespace

class HttpServer::Connection final : public io::Connection::Handler,
                                     public Deadlines::Item,
                                     public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpServer& server, io::Fd socket)
      : server_(server),
        connection_(std::make_unique<io::Connection>(server.loop_, std::move(socket), *this)) {
    be_patient();
  }
  ~Connection() override {
    if (phase_ != Phase::kClosed) server_.deadlines_.forget(*this);
  }

  void watch() { server_.deadlines_.watch(*this); }

  void turn_away() {
    say({.status = 503, .body = "too many connections\n"}, {});
    hang_up();
  }

  void on_bytes(std::string_view data) override {
    ahead_ += data;
    go_on();
  }
  void on_handshake(io::IoResult /*result*/) override {}
  void on_gone(io::IoResult /*result*/) override { hang_up(); }

  void on_written() override {
    if (phase_ != Phase::kWriting) return;
    if (!framing_.keep_alive) return hang_up();
    reader_.next();
    phase_ = Phase::kReading;
    be_patient();
    connection_->resume_reading();
    go_on();
  }

  Instant deadline() const override { return deadline_; }

  void on_deadline() override {
    if (phase_ == Phase::kAnswering) {
      say({.status = 503, .body = "no answer in time\n"}, {.head_only = framing_.head_only});
    }
    hang_up();
  }

 private:
  enum class Phase : unsigned char { kReading, kAnswering, kWriting, kClosed };

  // A deadline for each phase as a whole: who sends a byte now and then gains nothing.
  void be_patient() { deadline_ = server_.loop_.now() + server_.options_.patience; }

  // Idempotent: does what can be done with the bytes that are there.
  void go_on() {
    if (phase_ != Phase::kReading || ahead_.empty()) return;
    ahead_.erase(0, reader_.feed(ahead_));
    switch (reader_.state()) {
      case HttpRequestReader::State::kReading: return;
      case HttpRequestReader::State::kRefused:
        say(reader_.refusal(), reader_.framing());
        return hang_up();
      case HttpRequestReader::State::kComplete: return hand_on();
    }
  }

  void hand_on() {
    phase_ = Phase::kAnswering;
    framing_ = reader_.framing();
    be_patient();
    connection_->pause_reading();
    const std::uint64_t turn = ++turn_;
    server_.handler_(reader_.request(), [self = weak_from_this(), turn](HttpResponse response) {
      if (const auto alive = self.lock()) alive->answer(turn, response);
    });
  }

  void answer(std::uint64_t turn, const HttpResponse& response) {
    if (phase_ != Phase::kAnswering || turn != turn_) return;
    phase_ = Phase::kWriting;
    be_patient();
    say(response, framing_);
  }

  void say(const HttpResponse& response, HttpFraming framing) {
    connection_->send(render_head(response, framing, server_.loop_.now()));
    if (!framing.head_only && !response.body.empty()) connection_->send(response.body);
    connection_->flush();
  }

  void hang_up() {
    if (std::exchange(phase_, Phase::kClosed) == Phase::kClosed) return;
    deadline_ = kNever;
    server_.deadlines_.forget(*this);
    // Not now: we may be inside one of its calls.
    server_.loop_.defer(
        [connection = std::make_shared<std::unique_ptr<io::Connection>>(std::move(connection_))] {
          io::Connection::close_gracefully(std::move(*connection), kLinger);
        });
    server_.retire(*this);
  }

  HttpServer& server_;
  std::unique_ptr<io::Connection> connection_;  // null once closed
  HttpRequestReader reader_;
  HttpFraming framing_;  // of the request that is being answered
  std::string ahead_;    // bytes behind the request at hand; one read of the socket at most
  std::uint64_t turn_ = 0;
  Instant deadline_ = kNever;
  Phase phase_ = Phase::kReading;
};

HttpServer::HttpServer(io::Loop& loop, io::Fd listening, HttpHandler handler,
                       std::function<void(const Error&)> on_trouble, Options options)
    : loop_(loop),
      handler_(std::move(handler)),
      options_(options),
      deadlines_(loop),
      listener_(
          loop, std::move(listening),
          [this](io::Fd socket, std::optional<Endpoint>) { on_socket(std::move(socket)); },
          std::move(on_trouble)) {}

HttpServer::~HttpServer() = default;

void HttpServer::on_socket(io::Fd socket) {
  auto connection = std::make_shared<Connection>(*this, std::move(socket));
  Connection& made = *connection;
  connections_.emplace(&made, std::move(connection));
  if (connections_.size() > options_.connections_max) {
    made.turn_away();
  } else {
    made.watch();
  }
}

void HttpServer::retire(Connection& connection) {
  // The last reference goes in the next turn, since `connection` is on the stack.
  const auto found = connections_.find(&connection);
  loop_.defer([last = std::move(found->second)] {});
  connections_.erase(found);
}

}  // namespace posthaste::daemon
