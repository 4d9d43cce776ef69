// The guard before MAIL: the last line, which must never have to act. Where it does, something
// before it has a bug, and the mail is not to pay for it.
//
// It judges by what the session is, not by what was asked of it; and before anything that the peer
// said of itself can settle a recipient, for who strips TLS can strip the rest of EHLO too.
#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "lib/smtp/client_state.h"

namespace posthaste::smtp {

std::string_view ClientSession::State::breach() const {
  if (!tls && (!options.plaintext_allowed || options.verified_required)) {
    return "the session is in plaintext, which policy forbids";
  }
  if (options.verified_required && !tls->verified) {
    return "the host is not verified, which policy demands";
  }
  return {};
}

void ClientSession::State::guarded(const Transaction& refused, std::string_view why, Turn& turn) {
  SessionFailure failure;
  failure.stage = Stage::kMail;
  failure.tls = policy::TlsFailure::kGuarded;
  failure.words = fmt::format("MAIL was held back: {}", why);
  turn.out.push_back(Send{"QUIT\r\n"});
  turn.out.push_back(Finished{untried(refused, failure.words)});
  fail(std::move(failure), turn);
}

}  // namespace posthaste::smtp
