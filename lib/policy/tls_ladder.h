// Ladder: which profile is offered next when a handshake has failed.
//
// A rung is tried only when it changes what the failure was about: a hello that made the peer hang,
// reset or hang up wants a smaller one; alert 40, a version or a weakness that nobody shares wants
// a wider one; a certificate stays what it is on every rung. Each rung is a new connection.
//
// Limits       kHandshakesMax handshakes per host address and attempt.
// Does not     connect, remember (see tls_memory.h), or decide on plaintext.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "lib/policy/tls_facts.h"
#include "lib/policy/tls_policy.h"

namespace posthaste::policy {

inline constexpr std::size_t kHandshakesMax = 3;

// What would help against a failure.
enum class Remedy : std::uint8_t { kNone, kSmallerHello, kWiderOffer };
Remedy remedy_for(TlsFailure failure);

// The ladder of a policy, its profiles looked up.
using Ladder = std::vector<TlsProfile>;

// The next rung below `rung` that remedies `failure`. REQUIRES rung < ladder.size().
std::optional<std::size_t> next_rung(const Ladder& ladder, std::size_t rung, TlsFailure failure);

}  // namespace posthaste::policy
