#include "daemon/admin_queue_walk.h"

#include <algorithm>
#include <utility>

#include "lib/mail/address.h"

namespace posthaste::daemon {
namespace {

// The shards that have all mail to these domains; empty: any may have some.
std::vector<ShardId> shards_of(const std::vector<policy::DomainPattern>& domains) {
  std::vector<ShardId> shards;
  for (const auto& pattern : domains) {
    if (pattern.text.starts_with('*')) return {};
    shards.push_back(shard_of(RoutingDomain(pattern.text)));
  }
  std::sort(shards.begin(), shards.end());
  return shards;
}

queue::ListCursor place_of(const queue::ListedRecipient& listed) {
  return {listed.pending.shard, listed.id, listed.pending.recipient.number};
}

}  // namespace

tl::unexpected<Error> reading_stopped() {
  return fail(ErrorCode::kBusy, "the server is stopping; ask again");
}

QueueWalk::QueueWalk(const queue::Store& store, const QueueLook& look, queue::ListCursor from)
    : store_(store), look_(look), shards_(shards_of(look.filter.domains)), cursor_(from) {
  skip_shards();
}

void QueueWalk::skip_shards() {
  if (shards_.empty() || !cursor_) return;
  const auto next = std::lower_bound(shards_.begin(), shards_.end(), cursor_->shard);
  if (next == shards_.end()) {
    cursor_.reset();
  } else if (*next != cursor_->shard) {
    cursor_ = queue::ListCursor{*next, MessageId{}, 0};
  }
}

bool QueueWalk::wants_envelope() const {
  return look_.envelopes || !look_.filter.sender.empty() ||
         (look_.filter.state != QueueFilter::State::kAny && look_.stopped.by_sender());
}

// Null: the message has ended meanwhile.
Result<std::shared_ptr<const mail::Envelope>> QueueWalk::envelope_of(MessageId id) {
  if (envelope_id_ == id) return envelope_;
  auto envelope = store_.envelope(id);
  if (!envelope && envelope.error().code != ErrorCode::kNotFound &&
      envelope.error().code != ErrorCode::kCorrupt) {
    return tl::unexpected(envelope.error());
  }
  envelope_id_ = id;
  envelope_ = envelope ? std::make_shared<const mail::Envelope>(std::move(*envelope)) : nullptr;
  return envelope_;
}

// False: the walk ends before this one.
Result<bool> QueueWalk::look_at(queue::ListedRecipient&& listed, const Visit& visit) {
  if (!fits_listed(look_.filter, listed)) return true;
  QueueLine line;
  if (wants_envelope()) {
    auto envelope = envelope_of(listed.id);
    if (!envelope) return tl::unexpected(envelope.error());
    line.envelope = std::move(*envelope);
    if (!fits_sender(look_.filter, line.envelope.get())) return true;
  }
  line.state = state_of(listed.pending, line.envelope.get(), look_.stopped, look_.now);
  const auto wanted = look_.filter.state;
  if (wanted != QueueFilter::State::kAny && line.state != wanted) return true;
  line.listed = std::move(listed);
  return visit(std::move(line));
}

Status QueueWalk::go(std::size_t records, const std::stop_token& stop, const Visit& visit) {
  std::vector<queue::ListedRecipient> found;
  for (std::size_t looked_at = 0; cursor_ && looked_at < records;) {
    found.clear();
    auto next = store_.list(*cursor_, std::min(kRecordsPerRead, records - looked_at), found);
    if (!next) return tl::unexpected(next.error());
    bool left_shards = false;
    for (auto& listed : found) {
      if (stop.stop_requested()) return reading_stopped();
      cursor_ = place_of(listed);
      left_shards =
          !shards_.empty() && !std::binary_search(shards_.begin(), shards_.end(), cursor_->shard);
      if (left_shards) break;
      const auto goes_on = look_at(std::move(listed), visit);
      if (!goes_on) return tl::unexpected(goes_on.error());
      if (!*goes_on) return {};
      ++looked_at;
      ++scanned_;
    }
    if (!left_shards) cursor_ = *next;
    skip_shards();
  }
  return {};
}

}  // namespace posthaste::daemon
