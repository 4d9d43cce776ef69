// What the admin reads from the store: pages of the queue, and all that is known of one message.
//
// Threads      any that may wait for the disk; no state.
// Limits       kPageMax recipients a page; kScanMax records looked at for one. Ends early, with
//              kBusy, when it is asked to stop.
// Does not     render; scan the whole queue in one go.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin_queue_walk.h"
#include "lib/mail/history.h"
#include "queue/store.h"

namespace posthaste::daemon {

inline constexpr std::size_t kPageDefault = 100;
inline constexpr std::size_t kPageMax = 1'000;
inline constexpr std::size_t kScanMax = 10'000;

struct QueueQuery {
  QueueLook look;
  std::size_t limit = kPageDefault;
  queue::ListCursor cursor;
};
// By the filter's parameters (but for id: a message has a page of its own), limit and cursor; empty
// ones stand for the defaults; what is stopped is not known yet. Error: kInvalid.
Result<QueueQuery> parse_queue_query(const HttpRequest& request, Instant now);

// "17.0ABCDEFGHJKMN.3"
std::string render_cursor(const queue::ListCursor& cursor);
Result<queue::ListCursor> parse_cursor(std::string_view text);

struct QueuePage {
  std::vector<QueueLine> lines;
  std::optional<queue::ListCursor> next;  // set: there may be more, even after an empty page
};
Result<QueuePage> read_page(const queue::Store& store, const QueueQuery& query,
                            const std::stop_token& stop = {});

struct MessageView {
  MessageId id;
  std::optional<mail::Envelope> envelope;       // nullopt: no longer queued
  std::vector<mail::PendingRecipient> pending;  // by number
  std::vector<mail::HistoryEvent> history;      // empty: pruned, or never known
};
// Error: kNotFound when there is neither envelope nor history; else what the store says.
Result<MessageView> read_message(const queue::Store& store, MessageId id,
                                 const std::stop_token& stop = {});

}  // namespace posthaste::daemon
