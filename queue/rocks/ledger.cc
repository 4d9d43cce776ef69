#include "queue/rocks/ledger.h"

#include <algorithm>

namespace posthaste::queue {

void Ledger::begin() {
  in_commit_ = true;
  live_before_.clear();
  arriving_before_.clear();
  perhaps_ended_before_ = perhaps_ended_.size();
}

void Ledger::keep() {
  in_commit_ = false;
  garbage_.clear();
  stored_last_id_ = last_id_;
}

void Ledger::undo() {
  in_commit_ = false;
  for (auto change = live_before_.rbegin(); change != live_before_.rend(); ++change) {
    replace_live(change->id, live_.find(change->id), change->live);
  }
  for (const ArrivingBefore& message : arriving_before_) {
    arriving_.erase(message.id);
    if (message.chunks > 0) garbage_.push_back({message.id, message.chunks});
  }
  perhaps_ended_.resize(perhaps_ended_before_);
}

void Ledger::set_live(MessageId id, Live live) {
  const std::optional<Live> before = live_.find(id);
  remember_live(id, before);
  replace_live(id, before, live);
}

void Ledger::drop_live(MessageId id) {
  const std::optional<Live> before = live_.find(id);
  if (!before) return;
  remember_live(id, before);
  replace_live(id, before, std::nullopt);
}

void Ledger::hold(MessageId id) {
  Live live = live_.find(id).value_or(Live{});
  ++live.remaining;
  set_live(id, live);
}

void Ledger::replace_live(MessageId id, const std::optional<Live>& before,
                          const std::optional<Live>& after) {
  if (before && before->fresh) --fresh_;
  if (after && after->fresh) ++fresh_;
  if (after) {
    live_.put(id, *after);
  } else {
    live_.erase(id);
  }
}

std::optional<std::uint16_t> Ledger::arriving(MessageId id) const {
  if (arriving_.empty()) return std::nullopt;
  const auto found = arriving_.find(id);
  if (found == arriving_.end()) return std::nullopt;
  return found->second;
}

void Ledger::set_arriving(MessageId id, std::uint16_t chunks) {
  remember_arriving(id);
  arriving_[id] = chunks;
}

void Ledger::stop_arriving(MessageId id) {
  remember_arriving(id);
  arriving_.erase(id);
}

void Ledger::remember_live(MessageId id, const std::optional<Live>& live) {
  if (in_commit_) live_before_.push_back({id, live});
}

void Ledger::remember_arriving(MessageId id) {
  const auto same = [id](const ArrivingBefore& message) { return message.id == id; };
  if (std::any_of(arriving_before_.begin(), arriving_before_.end(), same)) return;
  arriving_before_.push_back({id, arriving(id).value_or(0)});
}

}  // namespace posthaste::queue
