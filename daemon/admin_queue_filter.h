// QueueFilter: which recipients an operator means: for listings, and for what he wants done.
//
// Threads      any; no state.
// Does not     read the store, or know how far the engines are: what is in flight counts as ready.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/admin_stopped.h"
#include "daemon/http_message.h"
#include "lib/delivery/event.h"
#include "queue/store.h"

namespace posthaste::daemon {

struct QueueFilter {
  using State = delivery::Selection::State;

  std::vector<policy::DomainPattern> domains;  // empty: all
  std::string sender;                          // "a@example.com", "@example.com", "<>"; empty: all
  Instant arrived_from;                        // at or after
  Instant arrived_before = kNever;
  std::optional<policy::RetryClass> reason;
  State state = State::kAny;
  std::vector<MessageId> messages;  // sorted; empty: all

  // It names nothing in particular.
  bool everything() const;
  // All of it but the sender, as engines take it.
  delivery::Selection selection() const;
};

inline constexpr std::size_t kFilterPartsMax = 200;  // domains, and messages

// By ?domain=, sender=, older=, younger=, reason=, state=, id=; domain and id may be lists with
// commas. Error: kInvalid.
Result<QueueFilter> parse_queue_filter(const HttpRequest& request, Instant now);

std::string_view name(QueueFilter::State state);  // "waiting", …; kAny: empty
std::optional<QueueFilter::State> parse_queue_state(std::string_view text);

// As the engines see it: what is due later waits, whatever is suspended. `envelope` may be null
// where the message has ended meanwhile.
QueueFilter::State state_of(const mail::PendingRecipient& pending, const mail::Envelope* envelope,
                            const Stopped& stopped, Instant now);

// Whether its sender is meant.
bool fits_sender(const QueueFilter& filter, const mail::Envelope* envelope);
// Whether it is meant as far as is seen without the envelope: all but sender and state.
bool fits_listed(const QueueFilter& filter, const queue::ListedRecipient& listed);

}  // namespace posthaste::daemon
