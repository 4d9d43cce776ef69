// Connection: one outbound connection as the engine sees it.
//
//   Opening -> Free <-> Busy -> Leaving (Quit was said, or it failed) -> SessionClosed
//
// Lifetime     from Connect to SessionClosed; owned by Shared::connections.
// Does not     know sockets or SMTP.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "lib/delivery/batch.h"
#include "lib/delivery/router.h"
#include "lib/delivery/site.h"

namespace posthaste::delivery {

struct Connection {
  enum class State : std::uint8_t { kOpening, kFree, kBusy, kLeaving };

  ConnId id;
  Destination* owner = nullptr;
  std::shared_ptr<Site> site;  // where it is counted
  Dial dial;
  std::string host;  // as Settlement::host
  std::string tls;   // as Settlement::tls
  // It is in plaintext, though TLS was asked for: why.
  policy::TlsFailure stepped_down = policy::TlsFailure::kNone;
  State state = State::kOpening;
  bool proven = false;  // has given a verdict on somebody
  bool stale = false;   // made under options that have changed since
  std::uint32_t messages = 0;
  Instant free_since;
  std::list<Connection*>::iterator idle;  // in Shared::idle while kFree
  std::unique_ptr<Batch> batch;           // while kBusy
};

}  // namespace posthaste::delivery
