// Site: a set of mail hosts, and what all domains that they serve share: how much the hosts take of
// us just now, and the limits that the operator sets for them together.
//
// Lifetime     as long as a destination has work for it, or something is to be remembered of it.
// Threads      none.
// Limits       Options::site_limits, beside those of every domain.
// Does not     know other workers: what those send to the same hosts is counted there. Share
//              connections: each belongs to its destination.
#pragma once

#include <optional>
#include <string>

#include "lib/delivery/rate.h"
#include "lib/delivery/trouble.h"
#include "lib/delivery/turns.h"
#include "lib/delivery/window.h"

namespace posthaste::delivery {

class Site {
 public:
  Site(std::string key, const SiteLimits& limits)
      : messages(limits.message_rate), calls(limits.connection_rate), key_(std::move(key)) {
    connections_max_ = limits.connections;
  }
  void set_limits(const SiteLimits& limits) {
    connections_max_ = limits.connections;
    if (messages.rate() != limits.message_rate) messages = Pace(limits.message_rate);
    if (calls.rate() != limits.connection_rate) calls = Pace(limits.connection_rate);
  }

  const std::string& key() const { return key_; }
  std::uint32_t connections_max() const {
    return std::min(connections_max_ == 0 ? Window::kAll : connections_max_, window.connections());
  }
  bool has_room() const { return connections < connections_max(); }
  void feed(Turn& turn) {
    turns.feed([this] { return has_room(); }, turn);
  }
  // When a message, or a call, may be begun.
  Instant send_from() const { return std::max(messages.free_at(), window.send_from()); }
  Instant call_from() const { return calls.free_at(); }
  // Until when something is to be remembered; the epoch: nothing is.
  Instant keep_until() const { return std::max({window.whole_at(), send_from(), call_from()}); }

  // What became of the last attempt of one of its domains to reach its hosts, while nobody had them
  // up, and none has decided about mail since.
  struct Outage {
    Trouble trouble;
    Instant at;
  };

  Window window;
  std::optional<Outage> outage;
  Pace messages;
  Pace calls;
  std::size_t connections = 0;  // of any state
  std::size_t up = 0;
  std::size_t members = 0;
  Turns turns{Turns::Level::kSite};

 private:
  const std::string key_;
  std::uint32_t connections_max_ = 0;  // 0: no limit
};

// For people: "mx1.example.com", "mx1.example.com +2 #1f3a". `key` as Router::site_key().
std::string render_site(std::string_view key);

}  // namespace posthaste::delivery
