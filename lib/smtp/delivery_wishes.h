// DeliveryWishes: what MAIL may ask for about the time of a message: by when it has to be there,
// from when on it may go, and which others go after it.
//
// Threads      pure functions.
// Limits       times of up to 999,999,999 seconds, which is 31 years (RFC 2852 §4, RFC 4865 §3).
// Implements   RFC 2852 §4 (BY); RFC 4865 §3, §4.2, §5.2.2 (HOLDFOR, HOLDUNTIL); RFC 6710 §3, §4.1
//              (MT-PRIORITY).
// Does not     have quotas for what is held (RFC 4865 §6), change a priority, or know what becomes
//              of the wishes: see lib/delivery/engine.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "lib/base/time.h"
#include "lib/mail/envelope.h"
#include "lib/smtp/command.h"
#include "lib/smtp/server_session.h"

namespace posthaste::smtp {

// As they stand in the parameters of MAIL.
struct DeliveryWishes {
  struct By {
    std::chrono::seconds within{0};  // negative: the time has passed already
    bool return_it = false;          // REQUIRES within > 0
    bool trace = false;
  };
  using Hold = std::variant<std::chrono::seconds, Instant>;  // for, until

  std::optional<By> by;
  std::optional<Hold> hold;
  std::optional<std::int8_t> priority;
};

// "120;R", "-5;NT".
Parsed<DeliveryWishes::By> parse_by(std::string_view value);
// "3600".
Parsed<DeliveryWishes::Hold> parse_hold_for(std::string_view value);
// "2026-11-21T22:08:43Z".
Parsed<DeliveryWishes::Hold> parse_hold_until(std::string_view value);
// "-9" to "9".
Parsed<std::int8_t> parse_priority(std::string_view value);

// What they come to for a message whose MAIL came just now. As in the envelope.
struct GrantedWishes {
  std::optional<mail::DeliverBy> deliver_by;
  Instant hold_until;
  std::int8_t priority = 0;
};
// The refusal: something that is not offered, or more of it than is. A time to hold a message until
// that has passed is none: the submitter's clock may go behind ours, or his connection was slow.
Parsed<GrantedWishes> grant_wishes(const DeliveryWishes& wishes, const ServerOptions& options,
                                   Instant now);

// The least time that DELIVERBY tells; 0: it tells none.
std::chrono::seconds deliver_by_least(const ServerOptions& options);
// How long we hold a message at most, in what FUTURERELEASE can say; 0: it is not offered.
std::chrono::seconds hold_max(const ServerOptions& options);

// " MT-PRIORITY=3 HOLDUNTIL=2026-11-21T22:08:43Z BY=2026-11-22T00:00:00Z;R", for the log; empty
// where nothing is wished.
std::string render_wishes(const mail::Envelope& envelope);

}  // namespace posthaste::smtp
