// HistoryEvent: one thing that happened to a message, as `posthaste trace` shows it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/time.h"

namespace posthaste::mail {

// The values are on disk (docs/queue-format.md).
enum class HistoryKind : std::uint8_t {
  kAccepted,
  kDelivered,
  kDeferred,
  kBounced,
  kExpired,
  kRemoved,    // by the operator; nobody was told
  kHeld,       // by the operator
  kReleased,   // by the operator
  kDelayTold,  // its sender was told that it is late
};
std::string_view name(HistoryKind kind);  // "accepted", …

struct HistoryEvent {
  Instant time;
  HistoryKind kind = HistoryKind::kAccepted;
  std::uint32_t attempt = 0;  // 1 for the first one; 0 for kAccepted
  Instant next_due;           // kDeferred
  std::string recipient;      // kAccepted: all of them, separated by spaces
  std::string sender;         // kAccepted
  std::string host;           // "mx1.example.com[192.0.2.1]:25"
  // "TLSv1.2 AES256-GCM-SHA384 verified by dane (level dane by dane, rung compat after
  // peer_handshake_failure)", "TLSv1.3 TLS_AES_256_GCM_SHA384 unverified (level may)",
  // "plaintext (not_offered)"
  std::string tls;
  std::string words;        // the reply, or what went wrong, or how it was submitted
  std::string retry_class;  // kDeferred
  friend bool operator==(const HistoryEvent&, const HistoryEvent&) = default;
};

}  // namespace posthaste::mail
