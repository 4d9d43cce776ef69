#include "daemon/heartbeat.h"

#include <utility>

namespace posthaste::daemon {

Heartbeat::Heartbeat(io::Loop& loop, std::function<void()> also)
    : loop_(loop), also_(std::move(also)), timer_(loop, [this] {
        begin();
        if (also_) also_();
      }) {}

void Heartbeat::begin() {
  beat();
  timer_.set(loop_.now() + kEvery);
}

void Heartbeat::beat() {
  last_.store(loop_.fresh_now().time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace posthaste::daemon
