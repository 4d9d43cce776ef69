#include "lib/smtp/server_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/base/check.h"
#include "lib/smtp/server_state.h"

namespace posthaste::smtp {
namespace {

constexpr std::size_t kCommandOctetsMax = 4096;
// Envelope::body_chunks has 16 bits; one chunk is left for the trace field.
constexpr std::uint64_t kContentOctetsMax = 65534ULL * mail::kChunkBytesMax;

}  // namespace

ServerSession::State::State(ServerOptions given, IdSource& source, Instant at)
    : options(std::move(given)), ids(source), now(at) {
  options.message_bytes_max = std::min(options.message_bytes_max, kContentOctetsMax);
  deadline = add_saturated(at, options.timeouts.command);
}

bool ServerSession::State::reads() const {
  return phase == Phase::kCommand || phase == Phase::kData || phase == Phase::kChunk;
}

void ServerSession::State::enter(Phase next) {
  phase = next;
  progress = true;
}

// ---- events

void ServerSession::State::on(server::Accepted) {
  if (phase != Phase::kWaiting) return;
  if (options.implicit_tls) {
    start_tls = true;
    enter(Phase::kHandshake);
  } else {
    greet();
  }
}

void ServerSession::State::on(const server::Bytes& event) {
  if (phase == Phase::kHandshake) {
    // The shell should not have read these: they came in plaintext, and would be taken for
    // encrypted ones.
    out->emplace_back(server::Note{"plaintext_injection", "octets during the TLS handshake"});
    return hang_up();
  }
  if (phase == Phase::kWaiting) return;
  if (phase == Phase::kData || phase == Phase::kChunk) progress = true;
  if (!pending.empty() || !reads()) {
    pending.append(event.data);
    return drain_pending();
  }
  const std::size_t done = drain(event.data);
  if (phase != Phase::kDead) pending.assign(event.data.substr(done));
}

void ServerSession::State::on(server::TlsUp& event) {
  if (phase != Phase::kHandshake) return;
  // RFC 3207 §4.2: nothing that was said before the handshake counts.
  reset_transaction();
  helo.clear();
  extended = false;
  tls = std::move(event.facts);
  if (options.implicit_tls) {
    greet();
  } else {
    enter(Phase::kCommand);
  }
}

void ServerSession::State::on(const server::TlsFailed& event) {
  if (phase != Phase::kHandshake) return;
  out->emplace_back(
      server::Note{"tls_failed", fmt::format("{}: {}", policy::label(event.reason), event.words)});
  hang_up();
}

void ServerSession::State::on(server::PeerGone) {
  peer_gone = true;
  if (phase == Phase::kStoring) return;  // the store may still want its chunks abandoned
  if (transaction.content) out->emplace_back(server::Note{"peer_gone", "within a message"});
  hang_up();
}

void ServerSession::State::on(server::Stored event) {
  const bool ours =
      event.id.value == 0 || (transaction.content && event.id == transaction.content->id());
  if (phase == Phase::kStoring && ours) answered(true, false, {});
}

void ServerSession::State::on(const server::NotStored& event) {
  if (!transaction.content) return;
  if (event.id.value != 0 && event.id != transaction.content->id()) return;
  if (phase == Phase::kStoring) return answered(false, event.full, event.words);
  out->emplace_back(server::Note{"not_stored", event.words});
  transaction.content->refuse_by_store(event.full, *out);
}

void ServerSession::State::answered(bool stored, bool full, std::string_view words) {
  if (stored) {
    reply(fmt::format("250 2.0.0 queued as {}", render_id(transaction.content->id())));
    transaction.content.reset();  // nothing to abandon any more
    errors = 0;
  } else {
    out->emplace_back(server::Note{"not_stored", std::string(words)});
    transaction.content->refuse_by_store(full, *out);
    refuse_gently(transaction.content->refusal());
  }
  message_settled = true;
  reset_transaction();
  enter(Phase::kCommand);
  if (peer_gone) return hang_up();
  if (!goodbye.empty()) return say_goodbye(goodbye);
  drain_pending();
}

void ServerSession::State::on(const server::Overloaded& event) {
  std::string line = "421 4.3.2 ";
  for (const char c : event.words) line += c >= ' ' && c <= '~' ? c : '?';
  say_goodbye(line);
}

void ServerSession::State::on(server::Shutdown) {
  say_goodbye("421 4.3.2 the service is going down, try again later");
}

void ServerSession::State::on(server::Tick) {
  if (now < deadline) return;
  out->emplace_back(server::Note{"timeout", phase == Phase::kHandshake ? "during the TLS handshake"
                                            : phase == Phase::kCommand
                                                ? "while waiting for a command"
                                                : "while waiting for content"});
  say_goodbye("421 4.4.2 nothing came for too long");
}

// ---- octets

void ServerSession::State::drain_pending() {
  const std::size_t done = drain(pending);
  if (phase == Phase::kDead) {
    pending.clear();
  } else {
    pending.erase(0, done);
  }
}

std::size_t ServerSession::State::drain(std::string_view data) {
  std::size_t done = 0;
  while (done < data.size() && reads()) {
    const std::size_t step = drain_step(data.substr(done));
    if (step == 0) break;  // half a line
    done += step;
  }
  if (phase == Phase::kHandshake && done < data.size()) {
    // CVE-2011-0411: what was pipelined after STARTTLS came in plaintext from who knows whom, and
    // must not be taken for a command from within TLS.
    out->emplace_back(server::Note{"plaintext_injection", "octets pipelined after STARTTLS"});
    hang_up();
  }
  return done;
}

std::size_t ServerSession::State::drain_step(std::string_view data) {
  switch (phase) {
    case Phase::kCommand: return drain_command(data);
    case Phase::kData: return drain_data(data);
    case Phase::kChunk: return drain_chunk(data);
    case Phase::kWaiting:
    case Phase::kStoring:
    case Phase::kHandshake:
    case Phase::kDead: break;
  }
  return 0;
}

// One line. Only CRLF ends a command; what ends in a lone LF is answered, not obeyed.
std::size_t ServerSession::State::drain_command(std::string_view data) {
  const void* const lf = std::memchr(data.data(), '\n', data.size());
  if (lf == nullptr) {
    if (data.size() <= kCommandOctetsMax && !skipping_line) return 0;
    skipping_line = true;
    return data.size();
  }
  const auto size = static_cast<std::size_t>(static_cast<const char*>(lf) - data.data()) + 1;
  progress = true;
  if (std::exchange(skipping_line, false) || size > kCommandOctetsMax) {
    reject("500 5.5.2 the line is longer than 4096 octets");
  } else if (size < 2 || data[size - 2] != '\r') {
    reject("500 5.5.2 lines end in CRLF, not in LF");
  } else {
    obey(data.substr(0, size - 2));
  }
  return size;
}

std::size_t ServerSession::State::drain_data(std::string_view data) {
  IncomingMessage& content = *transaction.content;
  const std::size_t done = content.take(data, *out);
  if (!content.ended()) return done;
  enter(Phase::kCommand);
  if (content.refusal().empty()) {
    store();
  } else {
    refuse_gently(content.refusal());
    reset_transaction();
  }
  return done;
}

std::size_t ServerSession::State::drain_chunk(std::string_view data) {
  const auto done = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left, data.size()));
  if (chunk_refusal.empty()) transaction.content->take(data.substr(0, done), *out);
  chunk_left -= done;
  if (chunk_left == 0) on_chunk_read();
  return done;
}

// ---- ends

void ServerSession::State::say_goodbye(std::string_view line) {
  if (phase == Phase::kStoring) {
    // A 421 now would make the client send again what the store may be about to keep.
    goodbye = line;
    return;
  }
  const bool in_plain_words =
      phase != Phase::kHandshake;  // a reply would only garble the handshake
  if (in_plain_words && !(phase == Phase::kWaiting && options.implicit_tls)) reply(line);
  hang_up();
}

void ServerSession::State::hang_up() {
  reset_transaction();
  start_tls = false;
  enter(Phase::kDead);
}

void ServerSession::State::finish_call(Instant at) {
  if (start_tls && !options.implicit_tls) reply("220 2.0.0 begin the handshake");
  // While the store works on a message its client waits for nothing else; but what became of a
  // message is told at once, lest it be sent again should we die.
  const bool settled = std::exchange(message_settled, false);
  const bool hold = phase == Phase::kStoring && !settled;
  if (!replies.empty() && !hold && !peer_gone) {
    out->emplace_back(server::Send{std::move(replies)});
    replies = {};
  }
  if (std::exchange(start_tls, false)) out->emplace_back(server::StartTls{});
  if (phase == Phase::kDead) out->emplace_back(server::Hangup{});
  if (!std::exchange(progress, false)) return;
  switch (phase) {
    case Phase::kWaiting:
    case Phase::kCommand: deadline = add_saturated(at, options.timeouts.command); break;
    case Phase::kData:
    case Phase::kChunk: deadline = add_saturated(at, options.timeouts.block); break;
    case Phase::kHandshake: deadline = add_saturated(at, options.timeouts.handshake); break;
    case Phase::kStoring:  // the store always answers
    case Phase::kDead: deadline = kNever; break;
  }
}

// ---- the face

ServerSession::ServerSession(ServerOptions options, IdSource& ids, Instant now)
    : state_(std::make_unique<State>(std::move(options), ids, now)) {}
ServerSession::~ServerSession() = default;
ServerSession::ServerSession(ServerSession&&) noexcept = default;
ServerSession& ServerSession::operator=(ServerSession&&) noexcept = default;

void ServerSession::handle(server::Event event, Instant now, server::Actions& out) {
  if (dead()) return;
  state_->now = now;
  state_->out = &out;
  std::visit([this](auto& specific) { state_->on(specific); }, event);
  state_->finish_call(now);
  state_->out = nullptr;
}

Instant ServerSession::deadline() const { return state_->deadline; }
bool ServerSession::wants_bytes() const { return state_->reads(); }
bool ServerSession::dead() const { return state_->phase == State::Phase::kDead; }

}  // namespace posthaste::smtp
