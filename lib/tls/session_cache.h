// SessionCache: TLS sessions that a client may resume, by what they are good for.
//
// A session carries the verdict of the handshake that made it. The key therefore names everything
// that the verdict depended on (host, address, port, what was demanded); profile, trust store and
// our own certificate are the context's, and a cache belongs to one context. Each resumption gives
// new tickets, and none of them looks at the chain again: so the time of the proof goes with them,
// and what it proved is believed for a day.
//
// Threads      none: one thread at a time.
// Limits       1,000 keys, the longest unused goes first; four sessions a key (a server gives two
//              tickets a handshake); a day from the handshake that verified the chain.
// Implements   RFC 8446 §C.4: a TLS 1.3 ticket is used once.
// Does not     persist anything.
#pragma once

#include <cstddef>
#include <ctime>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/tls/openssl.h"

namespace posthaste::tls {

// How long the verdict on a chain is believed, however often its session is resumed: of servers
// and, in our own tickets, of clients.
inline constexpr std::time_t kProofSecondsMax = std::time_t{24} * 3600;

class SessionCache {
 public:
  static constexpr std::size_t kKeysMax =
      1000;  // about 20 KiB each: the peer's chain is in the session
  static constexpr std::size_t kSessionsPerKeyMax = 4;

  struct Kept {
    SessionPtr session;
    std::time_t proven = 0;  // when a whole handshake verified the chain
  };

  void put(const std::string& key, SessionPtr session, std::time_t proven);
  // The newest session that is not too old, or null. One of TLS 1.3 leaves the cache.
  Kept take(const std::string& key);
  void forget(const std::string& key);
  std::size_t keys() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::vector<Kept> sessions;  // oldest first
  };
  using Entries = std::list<Entry>;  // last used first

  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> by_key_;
};

}  // namespace posthaste::tls
