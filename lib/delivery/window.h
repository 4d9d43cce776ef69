// Window: how much of its limits a site gets just now.
//
//   whole --it was down, and may be back--> ramp: see Ramp --> whole
//     ^ \--it has enough of us (421, 451)--> slowed: half the connections, half the rate --.
//     |     (said to a caller, before any mail: the rate stays)                            |
//     '---- an eighth of what there was, minute by minute, while it says so no more -------'
//
// Lifetime     its site's. Threads: none. Clock: the `now` given.
// Limits       never below one connection and kRateLeast messages a minute.
// Does not     know the operator's limits: they hold besides. Close connections: it only lets no
//              more be opened.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "lib/base/time.h"
#include "lib/delivery/ramp.h"
#include "lib/delivery/rate.h"

namespace posthaste::delivery {

inline constexpr std::uint32_t kRateLeast = 10;  // messages a minute
inline constexpr Duration kWindowStep = std::chrono::minutes(1);
// What many connections hear at one time counts once.
inline constexpr Duration kSlowedAtMostEvery = std::chrono::seconds(10);

class Window {
 public:
  // Connections that may be open or opening; kAll: as many as the limits allow.
  static constexpr std::uint32_t kAll = Ramp::kAll;
  std::uint32_t connections() const { return std::min(connections_, ramp_.connections()); }
  bool may_send(Instant now) const { return pace_.may(now); }
  Instant send_from() const { return pace_.free_at(); }
  void on_sent(Instant now);

  // The site is down: nobody is connected to it.
  void begin_ramp() { ramp_.begin(); }
  // It has decided about mail. True: more is allowed now. `limit`: what would be allowed else.
  bool on_verdict(std::uint32_t limit) { return ramp_.on_verdict(limit); }
  // It has enough of us: of calls, or of mail. False: that had been heard already.
  enum class TooMuch : std::uint8_t { kCalls, kMail };
  bool slow_down(TooMuch what, std::size_t in_use, Instant now, std::string words);
  // What time brings back.
  enum class Progress : std::uint8_t { kNone, kMore, kWhole };
  Progress recover(Instant now);

  bool slowed() const { return slowed_; }
  std::uint32_t rate() const { return rate_; }  // messages a minute; 0: as many as allowed
  const std::string& words() const { return words_; }
  // When recover() has something to say; kNever: never.
  Instant next_step() const { return slowed_ ? stepped_ + kWindowStep : kNever; }
  // When it will be whole if nothing happens; the epoch: it is not slowed.
  Instant whole_at() const;

 private:
  struct Share {  // of connections, or of messages a minute
    std::uint32_t before = 0;
    std::uint32_t step() const { return std::max(before / 8, 1U); }
  };
  std::uint32_t sent_lately(Instant now) const;
  void set_rate(std::uint32_t rate);

  Ramp ramp_;
  std::uint32_t connections_ = kAll;  // while it is slowed
  bool slowed_ = false;
  std::uint32_t rate_ = 0;
  Share all_connections_;
  Share all_messages_;
  Pace pace_{Rate{}};
  Instant slowed_at_;
  Instant stepped_;
  std::string words_;
  // What was sent in this minute and in the one before.
  Instant minute_;
  std::uint32_t sent_ = 0;
  std::uint32_t sent_before_ = 0;
};

}  // namespace posthaste::delivery
