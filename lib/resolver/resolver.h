// Resolver: asks DNS through c-ares on a Loop; caches, and asks the same question only once at a
// time.
//
// Sends the AD bit (RFC 6840 §5.7); believes AD in an answer only if every configured server is a
// loopback address. Names may be in U-labels; they are asked as A-labels (libidn2).
//
// Lifetime     destroyed before its Loop.
// Threads      the loop's.
// Limits       queries under way (the rest wait their turn) and cache entries, by Options.
// Does not     draw conclusions from an answer. See lib/dns and lib/delivery.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/result.h"
#include "lib/dns/answer.h"
#include "lib/io/loop.h"

namespace posthaste::resolver {

struct Options {
  std::vector<Endpoint> servers;               // empty: resolv.conf's
  Duration timeout = std::chrono::seconds(2);  // of the first try; c-ares doubles it
  int tries = 3;
  std::size_t queries_max = 500;  // under way at a time
  // Of these, sent so recently that they may still stand in the server's socket buffer. The
  // kernel's default has room for some 270, for all clients together; what is lost there costs a
  // time-out.
  std::size_t burst_max = 100;
  std::size_t cache_max = 100'000;  // entries
  Duration ttl_min = std::chrono::seconds(5);
  Duration ttl_max = std::chrono::hours(1);
  Duration negative_ttl_max = std::chrono::minutes(15);
  Duration failure_ttl = std::chrono::seconds(5);  // SERVFAIL, timeout, REFUSED
};

struct Stats {
  std::uint64_t queries = 0, cache_hits = 0, failures = 0;
};

class Resolver {
 public:
  using Callback = std::function<void(const dns::Question&, const dns::Answer&)>;

  // Error: kInvalid (servers), kIo.
  static Result<std::unique_ptr<Resolver>> make(io::Loop& loop, Options options);
  // Callbacks that are still awaited do not come any more. May be called from inside one of them.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The answer at once, if it is cached or no such name can exist (kNxDomain); else `callback` is
  // called later, once, with the question as it was asked here, and never from inside this call.
  std::optional<dns::Answer> lookup(const dns::Question& question, Callback callback);
  Stats stats() const;
  // Every server is a loopback address, so AD is believed: without it there is no DANE.
  bool believes_ad() const;

 private:
  struct State;
  explicit Resolver(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with what it left in the loop
};

}  // namespace posthaste::resolver
