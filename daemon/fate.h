// What the engine says of a recipient, as the queue keeps it: the one translation, for the daemon's
// settler and for the rehearsal, which has no settler.
//
// Threads: any. Does not: read or write anything.
#pragma once

#include "lib/delivery/action.h"
#include "queue/request.h"

namespace posthaste {

inline queue::FateKind fate_kind(delivery::Ending ending) {
  using delivery::Ending;
  switch (ending) {
    case Ending::kDelivered: return queue::FateKind::kDelivered;
    case Ending::kBounced:
    case Ending::kExpired:
    case Ending::kRemoved: return queue::FateKind::kBounced;
    case Ending::kDeferred:
    case Ending::kHeld:
    case Ending::kReleased: return queue::FateKind::kDeferred;
  }
  return queue::FateKind::kBounced;
}

inline queue::Fate fate_of(const delivery::Settlement& settlement) {
  queue::Fate fate;
  fate.number = settlement.before.recipient.number;
  fate.kind = fate_kind(settlement.ending);
  fate.revision = settlement.before.progress.revision;
  if (fate.kind == queue::FateKind::kDeferred) fate.progress = settlement.after;
  return fate;
}

}  // namespace posthaste
