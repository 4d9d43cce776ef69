#include "queue/rocks/census.h"

#include <algorithm>
#include <utility>

namespace posthaste::queue {

void Census::add(ProblemKind kind, std::string key, std::string words) {
  ++report_.problems[static_cast<std::size_t>(kind)];
  if (report_.examples.size() == QueueReport::kExamplesMax) return;
  report_.examples.push_back({kind, std::move(key), std::move(words)});
}

// ---- recipients and envelopes -------------------------------------------------------------------

void Census::count_recipient(MessageId id, MessageSize message) { seats_.push_back({id, message}); }

void Census::end_recipients() {
  std::stable_sort(seats_.begin(), seats_.end(),
                   [](const Seat& a, const Seat& b) { return a.id < b.id; });
}

// Recipients of messages that have no envelope.
void Census::skip_seats_before(MessageId id) {
  while (next_seat_ < seats_.size() && seats_[next_seat_].id < id) {
    const Seat seat = seats_[next_seat_];
    const std::size_t count = seats_of(seat.id);
    next_seat_ += count;
    contents_.push_back({seat.id, seat.message.body_chunks, false, 0});
    if (envelopes_lost_) continue;
    add(ProblemKind::kNoEnvelope, render_id(seat.id),
        std::to_string(count) + " recipient(s) wait, but there is no envelope");
  }
}

// How many of the next seats are of this message.
std::size_t Census::seats_of(MessageId id) {
  std::size_t count = 0;
  while (next_seat_ + count < seats_.size() && seats_[next_seat_ + count].id == id) ++count;
  return count;
}

void Census::count_envelope(const mail::Envelope& envelope) {
  const MessageId id = envelope.id;
  skip_seats_before(id);
  const std::size_t count = seats_of(id);
  const MessageSize said{envelope.recipients_total, envelope.body_chunks};
  const auto differs = [&said](const Seat& seat) { return seat.message != said; };
  const auto first = seats_.begin() + static_cast<std::ptrdiff_t>(next_seat_);
  if (std::any_of(first, first + static_cast<std::ptrdiff_t>(count), differs)) {
    add(ProblemKind::kCountsDisagree, render_id(id),
        "a recipient and the envelope say different numbers of recipients or of chunks");
  }
  if (count > envelope.recipients_total) {
    add(ProblemKind::kCountsDisagree, render_id(id),
        std::to_string(count) + " recipients wait of a message that was accepted for " +
            std::to_string(envelope.recipients_total));
  }
  if (count == 0 && !alone_.contains(id) && !recipients_lost_) {
    add(ProblemKind::kStrayEnvelope, render_id(id), "no recipient waits for this message");
  }
  next_seat_ += count;
  contents_.push_back({id, envelope.body_chunks, true, envelope.body_bytes});
}

void Census::count_unreadable_envelope(MessageId id) {
  skip_seats_before(id);
  const std::size_t count = seats_of(id);
  if (count == 0) {
    alone_.insert(id);  // its body has an owner, though nobody knows what he would say of it
    return;
  }
  contents_.push_back({id, seats_[next_seat_].message.body_chunks, false, 0});
  next_seat_ += count;
}

void Census::end_envelopes() {
  if (!seats_.empty()) skip_seats_before(MessageId{seats_.back().id.value + 1});
}

// ---- bodies -------------------------------------------------------------------------------------

// Moves on to the message's content; false: it is to have none.
bool Census::open_content(MessageId id) {
  while (next_content_ < contents_.size() && contents_[next_content_].id < id) finish_content();
  return next_content_ < contents_.size() && contents_[next_content_].id == id;
}

void Census::count_chunk(MessageId id, std::uint16_t chunk, std::size_t bytes) {
  if (open_content(id)) {
    const Content& content = contents_[next_content_];
    if (chunk < content.chunks) {
      ++chunks_found_;
      bytes_found_ += bytes;
      return;
    }
    add(ProblemKind::kCountsDisagree, render_id(id),
        "chunk " + std::to_string(chunk) + " of a body of " + std::to_string(content.chunks));
    return;
  }
  const bool known = arriving_.contains(id) || alone_.contains(id);
  if (known || envelopes_lost_ || std::exchange(stray_, id.value) == id.value) return;
  add(ProblemKind::kStrayBody, render_id(id), "a body without an envelope");
}

void Census::finish_content() {
  const Content& content = contents_[next_content_++];
  const std::uint32_t chunks = std::exchange(chunks_found_, 0);
  const std::uint64_t bytes = std::exchange(bytes_found_, 0);
  if (bodies_lost_) return;
  if (chunks < content.chunks) {
    add(ProblemKind::kNoBody, render_id(content.id),
        std::to_string(chunks) + " of " + std::to_string(content.chunks) +
            " chunks of the body are there");
  } else if (content.bytes_known && bytes != content.bytes) {
    add(ProblemKind::kCountsDisagree, render_id(content.id),
        "the body has " + std::to_string(bytes) + " bytes, the envelope says " +
            std::to_string(content.bytes));
  }
}

void Census::end_bodies() {
  while (next_content_ < contents_.size()) finish_content();
}

}  // namespace posthaste::queue
