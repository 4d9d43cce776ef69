// TlsMemory: what was learned of a host's TLS, so that the next connection begins where the last
// one ended.
//
// Two kinds of things are kept. By (address, port, policy fingerprint): the rung that worked, or,
// for minutes, how the handshake failed there. By host name and port: that it has shown verified
// TLS (the strip guard).
//
//   nothing --handshake--> works on rung n --expired, or every so often by jitter--> probed from 0
//          `--all rungs failed--> failed so --expired, 10 minutes at most--> nothing
//
// Lifetime     a worker's. Threads: none. Clock: the `now` given.
// Limits       kEntriesMax of each kind; the one that lapses first goes.
// Does not     persist: what is learned, and what is forgotten at somebody's word, is told
//              (TlsMemory::Change), and what was kept comes back by restore(). What merely leaves
//              here, by time or for want of room, is not: each worker has a memory, the store has
//              one note for all of them, and lets it go when it expires. Its owner lets the other
//              workers hear of hosts that have shown verified TLS, since any domain may lead there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/rng.h"
#include "lib/base/time.h"
#include "lib/policy/lapsing_map.h"
#include "lib/policy/tls_demand.h"
#include "lib/policy/tls_facts.h"
#include "lib/policy/tls_ladder.h"

namespace posthaste::policy {

struct TlsMemoryKey {
  Endpoint endpoint;
  std::string policy;  // fingerprint of ladder and demand: see memory_fingerprint()
  friend auto operator<=>(const TlsMemoryKey&, const TlsMemoryKey&) = default;
};
// "sha256:<64 hexadecimal digits>" of all that is demanded and all that the ladder's profiles
// offer; stable over restarts. A digest that nobody can collide: names and TLSA records are a
// stranger's choice, and his MX record can point at another one's address.
std::string memory_fingerprint(const TlsDemand& demand, const Ladder& ladder);

struct TlsRemembered {
  std::uint8_t rung = 0;                   // that worked; meaningless with a failure
  TlsFailure failure = TlsFailure::kNone;  // set: no rung worked, and this is how the last failed
  Instant learned;
  Instant expires;
  friend bool operator==(const TlsRemembered&, const TlsRemembered&) = default;
};

class TlsMemory {
 public:
  static constexpr std::size_t kEntriesMax = 100'000;
  // A session that came up has proven itself, and is remembered for as long as the policy says.
  // A handshake that failed has proven nothing: until the peer is authenticated, anybody on the
  // path can write an alert, a reset, a certificate or silence. One forged segment is not to
  // decide about a day of mail, only to spare a host that really fails a few calls.
  static constexpr Duration kFailureRememberedMax = std::chrono::minutes(10);

  // One note to be kept (or dropped) in the store; opaque to everybody else.
  struct Change {
    bool shown = false;  // of the strip guard's kind
    bool drop = false;
    std::string key;
    std::string value;
    Instant expires;
  };
  using Changes = std::vector<Change>;

  explicit TlsMemory(Rng rng) : rng_(rng) {}

  // The rung to begin with: the one that worked, but 0 when nothing is known, it has expired, or
  // when it is time (one connection in twenty, drawn) to see whether a better one works again. It
  // may be one that the ladder does not have, where the store was damaged: take 0 then.
  std::size_t first_rung(const TlsMemoryKey& key, Instant now);
  // The remembered failure; kNone: none, or expired.
  TlsFailure failure(const TlsMemoryKey& key, Instant now) const;
  // As it is kept, expired or not; nullptr: nothing. Valid until the next change.
  const TlsRemembered* find(const TlsMemoryKey& key) const { return entries_.find(key); }

  // What is learned again changes nothing until half of its time is over, so that a busy host costs
  // no writes. `remember` of zero forgets what is kept under that key. A failure is kept for
  // kFailureRememberedMax at most, and only if it is the handshake's: `not_offered`, refusals of
  // STARTTLS, and what is our own or our policy's doing are not learned. What has expired leaves, a
  // little with each call.
  void learn_rung(const TlsMemoryKey& key, std::size_t rung, Duration remember, Instant now,
                  Changes& out);
  void learn_failure(const TlsMemoryKey& key, TlsFailure failure, Duration remember, Instant now,
                     Changes& out);
  // Strip guard, which all policies share: with `remember` of zero nothing is learned, and what
  // others have learned stays.
  void learn_verified(const MxName& host, std::uint16_t port, Duration remember, Instant now,
                      Changes& out);
  bool has_shown_verified(const MxName& host, std::uint16_t port, Instant now) const;

  // What was kept before, or what another worker has just learned of the strip guard's kind: of two
  // of these the one holds that expires later. Wrong or expired notes are ignored.
  void restore(bool shown, std::string_view key, std::string_view value, Instant expires,
               Instant now);
  // The operator's word: everything of that address or host name, with or without its port. Gives
  // how many.
  std::size_t forget(std::string_view address_or_host, Changes& out);
  std::size_t size() const { return entries_.size() + shown_.size(); }

  struct View {
    std::string subject;  // "192.0.2.1:25" or "mx.example.com:25"
    std::string policy;   // fingerprint; empty for the strip guard
    TlsRemembered remembered;
  };
  void for_each(const std::function<void(const View&)>& visit) const;
  // All of it as it is kept: what another memory is to be restored from.
  void tell_all(Changes& out) const;

 private:
  using ShownKey = std::pair<MxName, std::uint16_t>;

  Rng rng_;
  LapsingMap<TlsMemoryKey, TlsRemembered> entries_;
  LapsingMap<ShownKey, TlsRemembered> shown_;
};

}  // namespace posthaste::policy
