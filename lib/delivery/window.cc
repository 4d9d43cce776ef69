#include "lib/delivery/window.h"

#include <utility>

namespace posthaste::delivery {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

std::uint32_t steps_to(std::uint32_t from, std::uint32_t to, std::uint32_t step) {
  return from >= to ? 0 : (to - from + step - 1) / step;
}

}  // namespace

void Window::on_sent(Instant now) {
  if (now >= minute_ + kMinute) {
    sent_before_ = now < minute_ + 2 * kMinute ? sent_ : 0;
    sent_ = 0;
    minute_ = now;
  }
  ++sent_;
  pace_.take(now);
}

std::uint32_t Window::sent_lately(Instant now) const {
  return now < minute_ + 2 * kMinute ? std::max(sent_, sent_before_) : 0;
}

bool Window::slow_down(TooMuch what, std::size_t in_use, Instant now, std::string words) {
  const auto used = static_cast<std::uint32_t>(std::min<std::size_t>(in_use, kAll / 2));
  all_connections_.before = std::max({all_connections_.before, used, 1U});
  words_ = std::move(words);
  stepped_ = now;
  const bool heard = slowed_ && now < slowed_at_ + kSlowedAtMostEvery;
  const bool first_of_mail = what == TooMuch::kMail && rate_ == 0;
  if (heard && !first_of_mail) return false;
  slowed_ = true;
  slowed_at_ = now;
  if (!heard) connections_ = std::max(std::min(connections_, used) / 2, 1U);
  if (what == TooMuch::kCalls) return true;
  if (rate_ == 0) {
    all_messages_.before = std::max(sent_lately(now), 2 * kRateLeast);
    rate_ = all_messages_.before;
  }
  set_rate(std::max(rate_ / 2, kRateLeast));
  return true;
}

// The next one may go at once, perhaps to another host; those behind it keep the pace.
void Window::set_rate(std::uint32_t rate) {
  rate_ = rate;
  pace_ = Pace(Rate{rate, kMinute});
}

Window::Progress Window::recover(Instant now) {
  Progress progress = Progress::kNone;
  while (slowed_ && stepped_ + kWindowStep <= now) {
    stepped_ += kWindowStep;
    progress = Progress::kMore;
    if (connections_ < all_connections_.before) connections_ += all_connections_.step();
    if (rate_ != 0 && rate_ < all_messages_.before) {
      set_rate(rate_ + all_messages_.step());
    }
    if (connections_ < all_connections_.before || rate_ < all_messages_.before) continue;
    slowed_ = false;
    connections_ = kAll;
    rate_ = 0;
    all_connections_ = {};
    all_messages_ = {};
    pace_ = Pace(Rate{});
    words_.clear();
    progress = Progress::kWhole;
  }
  return progress;
}

Instant Window::whole_at() const {
  if (!slowed_) return Instant{};
  const std::uint32_t steps =
      std::max({steps_to(connections_, all_connections_.before, all_connections_.step()),
                steps_to(rate_, rate_ == 0 ? 0 : all_messages_.before, all_messages_.step()), 1U});
  return stepped_ + kWindowStep * steps;
}

}  // namespace posthaste::delivery
