#include "daemon/admin_queue.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "daemon/admin_parameters.h"
#include "lib/base/names.h"
#include "lib/mail/address.h"

namespace posthaste::daemon {
namespace {

constexpr std::size_t kRecordsPerRead = 500;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The domains of an "accepted" event. Its addresses are separated by spaces, which a quoted local
// part may have too: pieces of one give domains that nobody has, which costs a look and no more.
void add_shards(const mail::HistoryEvent& accepted, std::set<ShardId>& shards) {
  std::string_view rest = accepted.recipient;
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    const std::string_view piece = rest.substr(0, space);
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
    const std::size_t at = piece.rfind('@');
    if (at == std::string_view::npos) continue;
    shards.insert(shard_of(RoutingDomain(fold_domain(piece.substr(at + 1)))));
  }
}

// Appends the message's recipients in `shard`. Where to look next, should no history say it: the
// shard of the first record behind them.
Result<std::optional<ShardId>> read_shard(const queue::Store& store, ShardId shard, MessageId id,
                                          std::vector<mail::PendingRecipient>& pending) {
  std::optional<queue::ListCursor> cursor = queue::ListCursor{shard, id, 0};
  // One record is enough to see that the message has none here.
  for (std::size_t records = 1; cursor; records = kRecordsPerRead) {
    std::vector<queue::ListedRecipient> found;
    auto next = store.list(*cursor, records, found);
    if (!next) return tl::unexpected(next.error());
    for (auto& listed : found) {
      if (listed.pending.shard != shard) return std::optional(listed.pending.shard);
      if (listed.id != id) return std::optional(static_cast<ShardId>(shard + 1));
      pending.push_back(std::move(listed.pending));
    }
    cursor = *next;
  }
  return std::nullopt;
}

Status read_pending(const queue::Store& store, MessageView& view, const std::stop_token& stop) {
  std::set<ShardId> shards;
  for (const auto& event : view.history) {
    if (event.kind == mail::HistoryKind::kAccepted) add_shards(event, shards);
  }
  if (!shards.empty()) {
    for (const ShardId shard : shards) {
      if (stop.stop_requested()) return reading_stopped();
      const auto read = read_shard(store, shard, view.id, view.pending);
      if (!read) return tl::unexpected(read.error());
    }
    return {};
  }
  // History is kept for a limited time. One seek for each shard that has anything at all.
  for (std::optional<ShardId> shard = ShardId{0}; shard && *shard < kShards;) {
    if (stop.stop_requested()) return reading_stopped();
    const auto read = read_shard(store, *shard, view.id, view.pending);
    if (!read) return tl::unexpected(read.error());
    shard = *read;
  }
  return {};
}

}  // namespace

std::string render_cursor(const queue::ListCursor& cursor) {
  return std::to_string(cursor.shard) + '.' + render_id(cursor.id) + '.' +
         std::to_string(cursor.number);
}

Result<queue::ListCursor> parse_cursor(std::string_view text) {
  const std::size_t first = text.find('.');
  const std::size_t last = text.rfind('.');
  if (first == std::string_view::npos || first == last) {
    return fail(ErrorCode::kInvalid, "cursor: expected what \"next\" of the page before said");
  }
  const auto shard = parse_number<ShardId>(text.substr(0, first));
  const auto id = parse_id(text.substr(first + 1, last - first - 1));
  const auto number = parse_number<std::uint16_t>(text.substr(last + 1));
  if (!shard || *shard >= kShards || !id || !number) {
    return fail(ErrorCode::kInvalid, "cursor: expected what \"next\" of the page before said");
  }
  return queue::ListCursor{*shard, *id, *number};
}

Result<QueueQuery> parse_queue_query(const HttpRequest& request, Instant now) {
  auto filter = parse_queue_filter(request, now);
  if (!filter) return tl::unexpected(filter.error());
  if (!filter->messages.empty()) {
    return fail(ErrorCode::kInvalid, "id: a message has a page of its own, /v1/messages/ID");
  }
  const auto limit = parse_limit(request.parameter("limit"), kPageDefault, kPageMax);
  if (!limit) return tl::unexpected(limit.error());
  QueueQuery query{{std::move(*filter), {}, now}, *limit, {}};
  if (const std::string& cursor = request.parameter("cursor"); !cursor.empty()) {
    const auto parsed = parse_cursor(cursor);
    if (!parsed) return tl::unexpected(parsed.error());
    query.cursor = *parsed;
  }
  return query;
}

Result<QueuePage> read_page(const queue::Store& store, const QueueQuery& query,
                            const std::stop_token& stop) {
  QueuePage page;
  QueueWalk walk(store, query.look, query.cursor);
  const auto read = walk.go(kScanMax, stop, [&](QueueLine&& line) {
    if (page.lines.size() == query.limit) return false;
    page.lines.push_back(std::move(line));
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  page.next = walk.cursor();
  return page;
}

Result<MessageView> read_message(const queue::Store& store, MessageId id,
                                 const std::stop_token& stop) {
  MessageView view;
  view.id = id;
  auto history = store.history(id);
  if (!history && history.error().code != ErrorCode::kNotFound) {
    return tl::unexpected(history.error());
  }
  if (history) view.history = std::move(*history);
  auto envelope = store.envelope(id);
  if (!envelope && envelope.error().code != ErrorCode::kNotFound) {
    return tl::unexpected(envelope.error());
  }
  if (envelope) {
    view.envelope = std::move(*envelope);
    if (auto read = read_pending(store, view, stop); !read) return tl::unexpected(read.error());
    std::sort(view.pending.begin(), view.pending.end(),
              [](const auto& a, const auto& b) { return a.recipient.number < b.recipient.number; });
  } else if (view.history.empty()) {
    return fail(ErrorCode::kNotFound, "message " + render_id(id) + " is not known here");
  }
  return view;
}

}  // namespace posthaste::daemon
