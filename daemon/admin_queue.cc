#include "daemon/admin_queue.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "lib/base/names.h"
#include "lib/mail/address.h"

namespace posthaste::daemon {
namespace {

constexpr std::size_t kRecordsPerRead = 500;

tl::unexpected<Error> stopped() {
  return fail(ErrorCode::kBusy, "the server is stopping; ask again");
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Reads envelopes one after the other, each once while its recipients follow each other.
class EnvelopeReader {
 public:
  explicit EnvelopeReader(const queue::Store& store) : store_(store) {}

  // Null: the message has ended meanwhile. Error: what the store says.
  Result<std::shared_ptr<const mail::Envelope>> read(MessageId id) {
    if (last_id_ == id) return last_;
    auto envelope = store_.envelope(id);
    if (!envelope && envelope.error().code != ErrorCode::kNotFound) {
      return tl::unexpected(envelope.error());
    }
    last_id_ = id;
    last_ = envelope ? std::make_shared<const mail::Envelope>(std::move(*envelope)) : nullptr;
    return last_;
  }

 private:
  const queue::Store& store_;
  std::optional<MessageId> last_id_;
  std::shared_ptr<const mail::Envelope> last_;
};

bool is_from(const mail::Envelope* envelope, const std::string& sender) {
  if (sender.empty()) return true;
  if (envelope == nullptr) return false;
  return envelope->sender.null() ? sender == "<>" : equal_fold(envelope->sender.text(), sender);
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
      if (stop.stop_requested()) return stopped();
      const auto read = read_shard(store, shard, view.id, view.pending);
      if (!read) return tl::unexpected(read.error());
    }
    return {};
  }
  // History is kept for a limited time. One seek for each shard that has anything at all.
  for (std::optional<ShardId> shard = ShardId{0}; shard && *shard < kShards;) {
    if (stop.stop_requested()) return stopped();
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

Result<QueueQuery> parse_queue_query(std::string_view domain, std::string_view sender,
                                     std::string_view limit, std::string_view cursor) {
  QueueQuery query;
  query.domain = fold_domain(domain);
  query.sender = std::string(sender);
  if (!limit.empty()) {
    const auto number = parse_number<std::size_t>(limit);
    if (!number || *number == 0 || *number > kPageMax) {
      return fail(ErrorCode::kInvalid, "limit: expected 1 to " + std::to_string(kPageMax));
    }
    query.limit = *number;
  }
  if (!query.domain.empty()) query.cursor.shard = shard_of(RoutingDomain(query.domain));
  if (!cursor.empty()) {
    const auto parsed = parse_cursor(cursor);
    if (!parsed) return tl::unexpected(parsed.error());
    query.cursor = *parsed;
  }
  return query;
}

Result<QueuePage> read_page(const queue::Store& store, const QueueQuery& query,
                            const std::stop_token& stop) {
  QueuePage page;
  EnvelopeReader envelopes(store);
  std::optional<queue::ListCursor> cursor = query.cursor;
  const ShardId shard = query.cursor.shard;
  for (std::size_t scanned = 0; cursor && scanned < kScanMax;) {
    std::vector<queue::ListedRecipient> found;
    auto next = store.list(*cursor, std::min(kRecordsPerRead, query.limit + 1), found);
    if (!next) return tl::unexpected(next.error());
    for (auto& listed : found) {
      if (stop.stop_requested()) return stopped();
      if (!query.domain.empty() && listed.pending.shard != shard) return page;
      if (page.lines.size() == query.limit) {
        page.next =
            queue::ListCursor{listed.pending.shard, listed.id, listed.pending.recipient.number};
        return page;
      }
      const auto& address = listed.pending.recipient.address;
      if (!query.domain.empty() && routing_domain(address).text() != query.domain) continue;
      const auto envelope = envelopes.read(listed.id);
      if (!envelope) return tl::unexpected(envelope.error());
      if (!is_from(envelope->get(), query.sender)) continue;
      page.lines.push_back({std::move(listed), *envelope});
    }
    scanned += found.size();
    cursor = *next;
  }
  page.next = cursor;
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
