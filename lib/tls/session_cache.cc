#include "lib/tls/session_cache.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace posthaste::tls {
namespace {

bool fresh(const SSL_SESSION* session, std::time_t proven) {
  const std::time_t now = std::time(nullptr);
  if (now - proven >= kProofSecondsMax) return false;
  // The server's hint says how long its ticket lives; OpenSSL's own default is two hours.
  long lifetime = SSL_SESSION_get_timeout(session);
  if (const auto hint = SSL_SESSION_get_ticket_lifetime_hint(session); hint != 0) {
    lifetime = std::min(lifetime, static_cast<long>(hint));
  }
  const long age = static_cast<long>(now) - SSL_SESSION_get_time(session);
  return age >= 0 && age < lifetime && SSL_SESSION_is_resumable(session) == 1;
}

}  // namespace

void SessionCache::put(const std::string& key, SessionPtr session, std::time_t proven) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    if (entries_.size() >= kKeysMax) forget(std::string(entries_.back().key));
    entries_.push_front({key, {}});
    found = by_key_.emplace(key, entries_.begin()).first;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  auto& sessions = found->second->sessions;
  if (sessions.size() >= kSessionsPerKeyMax) sessions.erase(sessions.begin());
  sessions.push_back({std::move(session), proven});
}

SessionCache::Kept SessionCache::take(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return {};
  entries_.splice(entries_.begin(), entries_, found->second);
  auto& sessions = found->second->sessions;
  while (!sessions.empty() && !fresh(sessions.back().session.get(), sessions.back().proven)) {
    sessions.pop_back();
  }
  Kept newest;
  if (!sessions.empty()) {
    if (SSL_SESSION_get_protocol_version(sessions.back().session.get()) < TLS1_3_VERSION) {
      SSL_SESSION_up_ref(sessions.back().session.get());
      return {SessionPtr(sessions.back().session.get()), sessions.back().proven};
    }
    newest = std::move(sessions.back());
    sessions.pop_back();
  }
  if (sessions.empty()) forget(key);
  return newest;
}

void SessionCache::forget(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  entries_.erase(found->second);
  by_key_.erase(found);
}

}  // namespace posthaste::tls
