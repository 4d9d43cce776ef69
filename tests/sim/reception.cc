#include "tests/sim/reception.h"

#include <chrono>
#include <utility>

namespace posthaste::sim {

using namespace std::chrono_literals;
using rehearsal::Deed;
using Kind = rehearsal::Deed::Kind;

Deed Reception::enough() const {
  if (provider_.says_421) return {Kind::kClosing, 421, "4.7.0 too much from you, come back later"};
  return {Kind::kReply, 451, "4.7.28 too much from you, come back later"};
}

std::optional<Deed> Reception::at_greeting() {
  ++connections_;
  if (!world_.faults() || provider_.connections == 0) return std::nullopt;
  if (connections_ <= provider_.connections) return std::nullopt;
  return Deed{Kind::kClosing, 421, "4.7.0 too many connections from you"};
}

std::optional<Deed> Reception::at_mail() {
  if (defers()) return enough();
  if (!world_.faults() || provider_.messages == 0) return std::nullopt;
  const Duration now = world_.elapsed();
  while (!messages_.empty() && messages_.front() <= now - 1min) messages_.pop_front();
  if (messages_.size() >= provider_.messages) return enough();
  messages_.push_back(now);
  return std::nullopt;
}

std::optional<Deed> Reception::at_rcpt(const std::string& sender, std::string_view recipient) {
  if (!world_.faults() || provider_.greylist == Duration(0)) return std::nullopt;
  const Duration now = world_.elapsed();
  const auto [seen, fresh] = first_seen_.try_emplace(sender + ' ' + std::string(recipient), now);
  if (!fresh && seen->second + provider_.greylist <= now) return std::nullopt;
  return Deed{Kind::kReply, 451, "4.7.1 greylisted, please come back"};
}

}  // namespace posthaste::sim
