#include "lib/smtp/client_session.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <utility>

#include "lib/base/check.h"
#include "lib/smtp/client_state.h"

namespace posthaste::smtp {

using policy::TlsFailure;

namespace {

// By Stage. Idle has none: how long an unused connection is kept is the engine's to say.
constexpr std::array<Duration ClientTimeouts::*, kStages> kTimeouts{
    &ClientTimeouts::connect,
    &ClientTimeouts::greeting,
    &ClientTimeouts::ehlo,
    &ClientTimeouts::starttls,
    &ClientTimeouts::handshake,
    &ClientTimeouts::mail,
    &ClientTimeouts::rcpt,
    &ClientTimeouts::data,
    &ClientTimeouts::block,
    &ClientTimeouts::final_dot,
    nullptr,
    &ClientTimeouts::quit,
};

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return line;
}

}  // namespace

ClientSession::State::State(ClientOptions given, Instant now) : options(std::move(given)) {
  CHECK(!options.implicit_tls || options.tls == TlsNeed::kRequired);
  rearm(now);
}

// ---- phases and time ----------------------------------------------------------------------------

Stage ClientSession::State::stage() const {
  switch (phase) {
    case Phase::kConnect: return Stage::kConnect;
    case Phase::kGreeting: return Stage::kGreeting;
    case Phase::kEhlo: return Stage::kEhlo;
    case Phase::kHelo: return Stage::kEhlo;
    case Phase::kStartTls: return Stage::kStartTls;
    case Phase::kHandshake: return Stage::kHandshake;
    case Phase::kIdle: return Stage::kIdle;
    case Phase::kTransaction: return transaction.stage();
    case Phase::kQuit: return Stage::kQuit;
    case Phase::kDead: return Stage::kQuit;
  }
  return Stage::kQuit;
}

void ClientSession::State::enter(Phase next, Instant now) {
  phase = next;
  rearm(now);
}

void ClientSession::State::rearm(Instant now) {
  const auto timeout = kTimeouts[static_cast<std::size_t>(stage())];
  const bool timed = timeout != nullptr && phase != Phase::kDead;
  deadline = timed ? add_saturated(now, options.timeouts.*timeout) : kNever;
}

void ClientSession::State::on(Tick&, Turn& turn) {
  if (turn.now < deadline) return;
  if (phase == Phase::kQuit) return close(turn);
  SessionFailure failure;
  failure.timed_out = true;
  if (phase == Phase::kStartTls || phase == Phase::kHandshake) failure.tls = TlsFailure::kTimeout;
  const bool ours = phase == Phase::kTransaction && transaction.awaits_chunk();
  lost("timed out", ours ? "our own queue did not give the message content" : "",
       std::move(failure), turn);
}

// ---- replies ------------------------------------------------------------------------------------

void ClientSession::State::on(Bytes& bytes, Turn& turn) {
  // Nobody reads plaintext during the handshake: these bytes were behind the 220 (STARTTLS
  // injection).
  if (phase == Phase::kHandshake)
    return out_of_step("plaintext came in place of a TLS handshake", turn);
  std::string_view data = bytes.data;
  while (phase != Phase::kDead) {
    Reply reply;
    const ReplyParser::Status status = parser.parse(data, reply);
    if (status == ReplyParser::Status::kMore) break;
    if (status == ReplyParser::Status::kGarbage) return out_of_step(parser.words(), turn);
    on_reply(std::move(reply), !data.empty(), turn);
  }
  drain(turn);
}

void ClientSession::State::on_reply(Reply reply, bool early, Turn& turn) {
  switch (phase) {
    case Phase::kGreeting: return on_greeting(std::move(reply), early, turn);
    case Phase::kEhlo: return on_ehlo(std::move(reply), early, turn);
    case Phase::kHelo: return on_helo(std::move(reply), early, turn);
    case Phase::kStartTls: return on_starttls(std::move(reply), early, turn);
    case Phase::kTransaction: return on_transaction_reply(std::move(reply), turn);
    case Phase::kQuit: return close(turn);
    case Phase::kIdle:  // most often 421, tired of waiting (RFC 5321 §3.8)
    case Phase::kConnect:
    case Phase::kHandshake: return refused(std::move(reply), TlsFailure::kNone, turn);
    case Phase::kDead: return;
  }
}

// ---- transactions -------------------------------------------------------------------------------

void ClientSession::State::on(Deliver& event, Turn& turn) {
  CHECK(phase == Phase::kIdle);
  if (const std::string_view why = breach(); !why.empty()) {
    return guarded(event.transaction, why, turn);
  }
  transaction.begin(std::move(event.transaction), capabilities, tls, left_open, turn.now);
  phase = Phase::kTransaction;
  drain(turn);
  rearm(turn.now);
}

void ClientSession::State::on_transaction_reply(Reply reply, Turn& turn) {
  SessionFailure failure;
  failure.stage = transaction.stage();
  const std::uint16_t code = reply.code;
  if (code >= 400) failure.reply = reply;
  if (!transaction.on_reply(std::move(reply))) {
    const std::string said =
        code >= 400 ? render_reply(failure.reply) : fmt::format("unexpected reply {}", code);
    failure.words = fmt::format("{} while {}", said, words(failure.stage));
    return fail(std::move(failure), turn);
  }
  if (transaction.complete()) return finish({}, turn);
  rearm(turn.now);
}

void ClientSession::State::on(BodyChunk& event, Turn& turn) {
  CHECK(phase == Phase::kTransaction);
  transaction.on_chunk(std::move(event), turn.out);
  rearm(turn.now);
  drain(turn);
}

void ClientSession::State::on(BodyLost& event, Turn& turn) {
  CHECK(phase == Phase::kTransaction);
  transaction.on_body_lost(event.words);
  SessionFailure failure;
  failure.stage = Stage::kContent;
  failure.words = "our own queue failed to give the message content: " + one_line(event.words);
  fail(std::move(failure), turn);
}

void ClientSession::State::on(Written&, Turn& turn) {
  if (phase != Phase::kTransaction) return;
  transaction.on_written();
  const Stage at = transaction.stage();
  if (at == Stage::kContent || at == Stage::kFinalDot) rearm(turn.now);
  drain(turn);
}

// Does what is now possible; idempotent. Not called between two replies of one read, so that a
// reply never meets a command that was sent after it came.
void ClientSession::State::drain(Turn& turn) {
  if (phase != Phase::kTransaction) return;
  const Stage before = transaction.stage();
  transaction.drain(turn.out);
  if (transaction.complete()) return finish({}, turn);
  if (transaction.stage() != before) rearm(turn.now);
}

void ClientSession::State::finish(std::string_view why, Turn& turn) {
  left_open = transaction.left_open();
  turn.out.push_back(Finished{transaction.take_result(why)});
  enter(Phase::kIdle, turn.now);
  if (quit_wanted) say_quit(turn);
}

// ---- endings ------------------------------------------------------------------------------------

void ClientSession::State::on(Quit&, Turn& turn) {
  switch (phase) {
    case Phase::kTransaction: quit_wanted = true; return;
    case Phase::kIdle: return say_quit(turn);
    case Phase::kConnect:
    case Phase::kGreeting:
    case Phase::kEhlo:
    case Phase::kHelo:
    case Phase::kStartTls:
    case Phase::kHandshake: return close(turn);
    case Phase::kQuit:
    case Phase::kDead: return;
  }
}

void ClientSession::State::say_quit(Turn& turn) {
  turn.out.push_back(Send{"QUIT\r\n"});
  enter(Phase::kQuit, turn.now);
}

// The peer said no to the session as a whole. QUIT is polite and costs nothing; behind a 421 nobody
// listens.
void ClientSession::State::refused(Reply reply, TlsFailure tls_failure, Turn& turn) {
  SessionFailure failure;
  failure.stage = stage();
  failure.tls = tls_failure;
  failure.words = fmt::format("{} while {}", render_reply(reply), words(failure.stage));
  const bool listens = phase != Phase::kIdle && reply.code != 421;
  failure.reply = std::move(reply);
  if (listens) turn.out.push_back(Send{"QUIT\r\n"});
  fail(std::move(failure), turn);
}

void ClientSession::State::on(ConnectError& event, Turn& turn) {
  SessionFailure failure;
  failure.timed_out = event.timed_out;
  failure.local_network = event.local_network;
  failure.words = one_line(event.words);
  fail(std::move(failure), turn);
}

void ClientSession::State::on(PeerGone& event, Turn& turn) {
  if (phase == Phase::kQuit) return close(turn);
  SessionFailure failure;
  // A TLS 1.3 server rejects our certificate, or its lack, after our side of the handshake is done.
  // Later than Ready an alert is no reason to doubt that TLS works.
  if (phase != Phase::kTransaction && phase != Phase::kIdle) failure.tls = event.tls;
  const bool shaking = phase == Phase::kStartTls || phase == Phase::kHandshake;
  if (shaking && failure.tls == TlsFailure::kNone) {
    failure.tls = event.reset ? TlsFailure::kReset : TlsFailure::kClosed;
  }
  lost("connection lost", event.words, std::move(failure), turn);
}

// What came is not SMTP, or not at its time.
void ClientSession::State::out_of_step(std::string_view what, Turn& turn) {
  if (phase == Phase::kQuit) return close(turn);
  SessionFailure failure;
  if (phase == Phase::kStartTls || phase == Phase::kHandshake)
    failure.tls = TlsFailure::kProtocolError;
  lost("protocol error", what, std::move(failure), turn);
}

void ClientSession::State::lost(std::string_view how, std::string_view detail,
                                SessionFailure failure, Turn& turn) {
  failure.stage = stage();
  failure.words = fmt::format("{} while {}", how, words(failure.stage));
  if (!detail.empty()) failure.words += ": " + one_line(detail);
  fail(std::move(failure), turn);
}

// REQUIRES failure.stage and words.
void ClientSession::State::fail(SessionFailure failure, Turn& turn) {
  if (phase == Phase::kTransaction)
    turn.out.push_back(Finished{transaction.take_result(failure.words)});
  turn.out.push_back(Failed{std::move(failure)});
  close(turn);
}

void ClientSession::State::close(Turn& turn) {
  enter(Phase::kDead, turn.now);
  turn.out.push_back(Closed{});
}

// ---- the door -----------------------------------------------------------------------------------

ClientSession::ClientSession(ClientOptions options, Instant now)
    : state_(std::make_unique<State>(std::move(options), now)) {}
ClientSession::~ClientSession() = default;
ClientSession::ClientSession(ClientSession&&) noexcept = default;
ClientSession& ClientSession::operator=(ClientSession&&) noexcept = default;

void ClientSession::handle(ClientEvent event, Instant now, ClientActions& out) {
  if (dead()) return;
  Turn turn{now, out};
  std::visit([&](auto& what) { state_->on(what, turn); }, event);
}

Instant ClientSession::deadline() const { return state_->deadline; }
bool ClientSession::ready() const { return state_->phase == State::Phase::kIdle; }
bool ClientSession::dead() const { return state_->phase == State::Phase::kDead; }

}  // namespace posthaste::smtp
