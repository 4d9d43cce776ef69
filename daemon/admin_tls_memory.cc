#include "daemon/admin_tls_memory.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "daemon/admin_parameters.h"
#include "daemon/admin_queue.h"

namespace posthaste::daemon {
namespace {

auto place(const TlsMemoryEntry& entry) {
  return std::tie(entry.view.subject, entry.view.policy, entry.worker);
}
auto place(const TlsMemoryCursor& cursor) {
  return std::tie(cursor.subject, cursor.policy, cursor.worker);
}
bool earlier(const TlsMemoryEntry& a, const TlsMemoryEntry& b) { return place(a) < place(b); }

}  // namespace

std::string render_tls_cursor(const TlsMemoryCursor& cursor) {
  return std::to_string(cursor.worker) + '.' + cursor.policy + '.' + cursor.subject;
}

Result<TlsMemoryCursor> parse_tls_cursor(std::string_view text) {
  const auto wrong = [] {
    return fail(ErrorCode::kInvalid, "cursor: expected what \"next\" of the page before said");
  };
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) return wrong();
  TlsMemoryCursor cursor;
  const auto [end, error] = std::from_chars(text.data(), text.data() + first, cursor.worker);
  if (error != std::errc{} || end != text.data() + first) return wrong();
  cursor.policy = text.substr(first + 1, second - first - 1);
  cursor.subject = text.substr(second + 1);
  return cursor;
}

Result<TlsMemoryQuery> parse_tls_memory_query(const HttpRequest& request) {
  const auto limit = parse_limit(request.parameter("limit"), kPageDefault, kPageMax);
  if (!limit) return tl::unexpected(limit.error());
  TlsMemoryQuery query{*limit, {}};
  if (const std::string& cursor = request.parameter("cursor"); !cursor.empty()) {
    auto parsed = parse_tls_cursor(cursor);
    if (!parsed) return tl::unexpected(parsed.error());
    query.after = std::move(*parsed);
  }
  return query;
}

void TlsMemoryPage::add(TlsMemoryEntry entry) {
  if (query_.after && place(entry) <= place(*query_.after)) return;
  if (cut_ && earlier(entries_[query_.limit - 1], entry)) return;
  entries_.push_back(std::move(entry));
  // Sorted now and then, so that memory stays within a few times what is asked for.
  if (entries_.size() > 4 * query_.limit) cut();
}

void TlsMemoryPage::merge(TlsMemoryPage&& part) {
  for (auto& entry : part.entries_) add(std::move(entry));
  more_ = more_ || part.more_;
}

const std::vector<TlsMemoryEntry>& TlsMemoryPage::entries() {
  cut();
  return entries_;
}

std::optional<TlsMemoryCursor> TlsMemoryPage::next() {
  cut();
  if (!more_) return std::nullopt;
  const auto& last = entries_.back();
  return TlsMemoryCursor{last.view.subject, last.view.policy, last.worker};
}

void TlsMemoryPage::cut() {
  std::sort(entries_.begin(), entries_.end(), earlier);
  if (entries_.size() <= query_.limit) return;
  entries_.resize(query_.limit);
  cut_ = more_ = true;
}

}  // namespace posthaste::daemon
