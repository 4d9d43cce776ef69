// The way of a ClientSession from the connection to Ready: greeting, EHLO, STARTTLS, handshake.
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/smtp/client_state.h"

namespace posthaste::smtp {

using policy::TlsFailure;

namespace {

constexpr std::string_view kEarly = "the peer talks before it is asked";

}  // namespace

void ClientSession::State::on(Connected&, Turn& turn) {
  CHECK(phase == Phase::kConnect);
  if (options.implicit_tls) return begin_handshake(turn);
  enter(Phase::kGreeting, turn.now);
}

void ClientSession::State::begin_handshake(Turn& turn) {
  turn.out.push_back(StartTls{});
  enter(Phase::kHandshake, turn.now);
}

void ClientSession::State::on(TlsUp& event, Turn& turn) {
  CHECK(phase == Phase::kHandshake);
  tls = std::move(event.facts);
  capabilities = {};  // RFC 3207 §4.2: what was said in plaintext is forgotten
  if (options.implicit_tls) return enter(Phase::kGreeting, turn.now);
  greet(Phase::kEhlo, turn);
}

void ClientSession::State::on(TlsFailed& event, Turn& turn) {
  SessionFailure failure;
  failure.tls = event.reason;
  lost("TLS handshake failed", event.words, std::move(failure), turn);
}

void ClientSession::State::on_greeting(Reply reply, bool early, Turn& turn) {
  if (reply.code >= 400) return refused(std::move(reply), TlsFailure::kNone, turn);
  if (reply.code >= 300) return out_of_step("no greeting: " + render_reply(reply), turn);
  if (early) return out_of_step(kEarly, turn);
  greet(Phase::kEhlo, turn);
}

void ClientSession::State::greet(Phase verb, Turn& turn) {
  std::string command = verb == Phase::kEhlo ? "EHLO " : "HELO ";
  turn.out.push_back(Send{command.append(options.helo.text()).append("\r\n")});
  enter(verb, turn.now);
}

void ClientSession::State::on_ehlo(Reply reply, bool early, Turn& turn) {
  if (reply.permanent()) {
    // RFC 5321 §4.1.1.1, §3.2: a server without EHLO has no extensions, so no STARTTLS either.
    if (lacks_tls()) return refused(std::move(reply), TlsFailure::kNotOffered, turn);
    if (early) return out_of_step(kEarly, turn);
    return greet(Phase::kHelo, turn);
  }
  if (reply.temporary()) return refused(std::move(reply), TlsFailure::kNone, turn);
  if (reply.code >= 300) return out_of_step("no answer to EHLO: " + render_reply(reply), turn);
  if (early) return out_of_step(kEarly, turn);
  capabilities = parse_capabilities(reply);
  if (capabilities.starttls && options.tls != TlsNeed::kNever && !tls) {
    turn.out.push_back(Send{"STARTTLS\r\n"});
    return enter(Phase::kStartTls, turn.now);
  }
  if (lacks_tls()) {
    SessionFailure failure;
    failure.stage = Stage::kStartTls;
    failure.tls = TlsFailure::kNotOffered;
    failure.words = "STARTTLS is required and not offered";
    turn.out.push_back(Send{"QUIT\r\n"});
    return fail(std::move(failure), turn);
  }
  become_ready(turn);
}

void ClientSession::State::on_helo(Reply reply, bool early, Turn& turn) {
  if (reply.code >= 400) return refused(std::move(reply), TlsFailure::kNone, turn);
  if (reply.code >= 300) return out_of_step("no answer to HELO: " + render_reply(reply), turn);
  if (early) return out_of_step(kEarly, turn);
  capabilities.helo_only = true;
  become_ready(turn);
}

void ClientSession::State::on_starttls(Reply reply, bool early, Turn& turn) {
  // 421 closes the whole session (RFC 5321 §3.8), and says nothing of TLS.
  if (reply.code == 421) return refused(std::move(reply), TlsFailure::kNone, turn);
  if (reply.temporary()) return refused(std::move(reply), TlsFailure::kRefusedTemporary, turn);
  if (reply.permanent()) return refused(std::move(reply), TlsFailure::kRefusedPermanent, turn);
  if (reply.code != 220) return out_of_step("no answer to STARTTLS: " + render_reply(reply), turn);
  if (early) return out_of_step("plaintext behind the reply to STARTTLS", turn);
  begin_handshake(turn);
}

void ClientSession::State::become_ready(Turn& turn) {
  enter(Phase::kIdle, turn.now);
  turn.out.push_back(Ready{capabilities, tls});
}

}  // namespace posthaste::smtp
