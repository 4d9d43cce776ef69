// Steerings: what the operator has asked for, order by order, and how far each has come.
//
// Lifetime     the worker's. An order lives as long as somebody carries it out, and is remembered
//              for as long as it is one of the last kTicketsMax.
// Threads      none.
// Does not     carry anything out: see Destination::steer().
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "lib/delivery/event.h"
#include "lib/delivery/view.h"

namespace posthaste::delivery {

inline constexpr std::size_t kTicketsMax = 64;

struct SteerOrder {
  std::uint64_t ticket = 0;
  SteerVerb verb = SteerVerb::kRetry;
  std::string words;
  SteeringView progress;
};

class Steerings {
 public:
  std::shared_ptr<SteerOrder> begin(const Steer& steer) {
    if (orders_.size() == kTicketsMax) orders_.pop_front();
    orders_.push_back(
        std::make_shared<SteerOrder>(SteerOrder{steer.ticket, steer.verb, steer.words, {}}));
    return orders_.back();
  }
  std::optional<SteeringView> find(std::uint64_t ticket) const {
    for (const auto& order : orders_) {
      if (order->ticket == ticket) return order->progress;
    }
    return std::nullopt;
  }

 private:
  std::deque<std::shared_ptr<SteerOrder>> orders_;
};

}  // namespace posthaste::delivery
