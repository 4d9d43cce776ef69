// Suspension notes: what the operator has suspended, as it is kept in the store over restarts.
//
//   key     u8 kind, rest pattern
//   value   u8 version (1), time since, str words
//
// The fields are those of lib/base/codec.h; when it lapses is the note's own expiry.
//
// Threads      any; no state.
// Does not     suspend anything: see lib/delivery/engine.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/log.h"
#include "lib/policy/suspension.h"
#include "queue/store.h"

namespace posthaste::daemon {

// Requests to the store, without a ticket.
queue::Keep keep_suspension(const policy::Suspension& suspension);
queue::DropNote drop_suspension(const policy::Suspension& suspension);

// nullopt: damaged, or of a version that is not known here.
std::optional<policy::Suspension> read_suspension(std::string_view key, std::string_view value,
                                                  Instant expires);

// What is kept and has not lapsed; never null. What cannot be read is told to the log.
std::shared_ptr<const policy::Suspensions> restore_suspensions(const queue::Store& store,
                                                               Instant now, Log& log);

}  // namespace posthaste::daemon
