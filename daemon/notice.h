// Notice: what the sender of a message is to be told of the fates that its recipients have just
// met, as the request that makes it durable.
//
// Threads      its worker's; reads the store where the engine never loaded the message.
// Does not     store it: it rides in the write that ends the recipients. See settler.h.
#pragma once

#include <optional>

#include "daemon/wiring.h"
#include "lib/base/ids.h"
#include "lib/delivery/engine.h"
#include "lib/report/notification.h"
#include "queue/store.h"

namespace posthaste::daemon {

// False: what it says has come to pass while the recipient waited, or by the operator's word.
bool is_attempt(const delivery::Settlement& settlement);

// Who is to be told of, and what; without the original and without an id. Nobody: recipients is
// empty.
report::Notification notification_of(const delivery::Persist& persist, const Runtime& runtime,
                                     Instant now);

// REQUIRES recipients in `notification`.
queue::Accept notice_of(report::Notification notification, const mail::Letter& letter,
                        const queue::Store& store, MessageId id);

}  // namespace posthaste::daemon
