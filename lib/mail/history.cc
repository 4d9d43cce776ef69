#include "lib/mail/history.h"

#include "lib/base/check.h"

namespace posthaste::mail {

std::string_view name(HistoryKind kind) {
  switch (kind) {
    case HistoryKind::kAccepted: return "accepted";
    case HistoryKind::kDelivered: return "delivered";
    case HistoryKind::kDeferred: return "deferred";
    case HistoryKind::kBounced: return "bounced";
    case HistoryKind::kExpired: return "expired";
    case HistoryKind::kRemoved: return "removed";
    case HistoryKind::kHeld: return "held";
    case HistoryKind::kReleased: return "released";
    case HistoryKind::kDelayTold: return "delay_told";
  }
  check_failed(__FILE__, __LINE__, "a known HistoryKind");
}

}  // namespace posthaste::mail
