#include "daemon/admin_queue_search.h"

#include <algorithm>
#include <utility>

#include "daemon/admin_queue.h"

namespace posthaste::daemon {

void QueueSearch::read_slice(const queue::Store& store, const std::stop_token& stop) {
  if (!look_.filter.messages.empty()) {
    status_ = read_named(store, stop);
    return;
  }
  if (walk_ == nullptr) walk_ = std::make_unique<QueueWalk>(store, look_);
  status_ = walk_->go(kRecordsPerSlice, stop, [this](QueueLine&& line) {
    take(line.listed);
    return true;
  });
}

Status QueueSearch::read_named(const queue::Store& store, const std::stop_token& stop) {
  for (const MessageId id : look_.filter.messages) {
    const auto view = read_message(store, id, stop);
    if (!view && view.error().code == ErrorCode::kNotFound) continue;
    if (!view) return tl::unexpected(view.error());
    if (!view->envelope || !fits_sender(look_.filter, &*view->envelope)) continue;
    for (const auto& pending : view->pending) {
      const queue::ListedRecipient listed{id, pending};
      const auto wanted = look_.filter.state;
      const bool fits = wanted == QueueFilter::State::kAny ||
                        wanted == state_of(pending, &*view->envelope, look_.stopped, look_.now);
      if (fits && fits_listed(look_.filter, listed)) take(listed);
    }
  }
  return {};
}

void QueueSearch::take(const queue::ListedRecipient& listed) {
  ++found_;
  if (lists_ && (messages_.empty() || messages_.back() != listed.id)) {
    messages_.push_back(listed.id);
  }
}

bool QueueSearch::over() const {
  return !status_ || !look_.filter.messages.empty() ||
         (walk_ != nullptr && !walk_->cursor().has_value());
}

ShardId QueueSearch::at_shard() const {
  return walk_ != nullptr && walk_->cursor() ? walk_->cursor()->shard : ShardId{0};
}

std::vector<MessageId> QueueSearch::take_messages() {
  auto taken = std::exchange(messages_, {});
  std::sort(taken.begin(), taken.end());
  taken.erase(std::unique(taken.begin(), taken.end()), taken.end());
  return taken;
}

}  // namespace posthaste::daemon
