// SessionCache: TLS sessions that a client may resume, by what they are good for.
//
// A session carries the verdict of the handshake that made it. The key therefore names everything
// that the verdict depended on (host, address, port, profile, what was asked of the certificate);
// the trust store is the context's, and a cache belongs to one context.
//
// Threads      none: one thread at a time.
// Limits       1,000 keys, the longest unused goes first; four sessions a key (a server gives two
//              tickets a handshake).
// Implements   RFC 8446 §C.4: a TLS 1.3 ticket is used once.
// Does not     persist anything.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/tls/openssl.h"

namespace posthaste::tls {

class SessionCache {
 public:
  static constexpr std::size_t kKeysMax =
      1000;  // about 20 KiB each: the peer's chain is in the session
  static constexpr std::size_t kSessionsPerKeyMax = 4;

  void put(const std::string& key, SessionPtr session);
  // The newest session that is not too old, or null. One of TLS 1.3 leaves the cache.
  SessionPtr take(const std::string& key);
  void forget(const std::string& key);
  std::size_t keys() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::vector<SessionPtr> sessions;  // oldest first
  };
  using Entries = std::list<Entry>;  // last used first

  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> by_key_;
};

}  // namespace posthaste::tls
