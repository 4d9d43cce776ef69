// TlsMemoryPage: a page of what the workers remember of the TLS of mail hosts, in the order of
// hosts, policies and workers. Pages are asked for as those of the queue: by limit, and by the
// cursor that the page before gave.
//
// Lifetime     one answer. A worker's part of it is gathered in the worker's thread.
// Threads      one at a time.
// Limits       kPageMax entries a page; a few times that are held while it is gathered, however
//              much is remembered.
// Does not     hold a snapshot: what is learned and forgotten between two pages shows or does not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http_message.h"
#include "lib/base/result.h"
#include "lib/policy/tls_memory.h"

namespace posthaste::daemon {

struct TlsMemoryEntry {
  policy::TlsMemory::View view;
  std::size_t worker = 0;  // who remembers it
};

// The last entry of the page before. No text of it is checked: it is a place, not a name.
struct TlsMemoryCursor {
  std::string subject;
  std::string policy;
  std::size_t worker = 0;
};
// "0.sha256:….192.0.2.1:25"
std::string render_tls_cursor(const TlsMemoryCursor& cursor);
Result<TlsMemoryCursor> parse_tls_cursor(std::string_view text);

struct TlsMemoryQuery {
  std::size_t limit = 0;
  std::optional<TlsMemoryCursor> after;
};
// Error: kInvalid.
Result<TlsMemoryQuery> parse_tls_memory_query(const HttpRequest& request);

class TlsMemoryPage {
 public:
  explicit TlsMemoryPage(TlsMemoryQuery query) : query_(std::move(query)) {}

  // In any order; those that belong on other pages are let go.
  void add(TlsMemoryEntry entry);
  void merge(TlsMemoryPage&& part);
  // Sorted; no more than the limit.
  const std::vector<TlsMemoryEntry>& entries();
  // nullopt: that was all.
  std::optional<TlsMemoryCursor> next();

 private:
  void cut();

  TlsMemoryQuery query_;
  std::vector<TlsMemoryEntry> entries_;
  bool cut_ = false;   // the first of them fill a page, and are sorted
  bool more_ = false;  // some were let go that belong behind these
};

}  // namespace posthaste::daemon
