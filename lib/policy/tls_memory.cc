#include "lib/policy/tls_memory.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <type_traits>

#include "lib/base/check.h"
#include "lib/base/codec.h"
#include "lib/policy/fingerprint.h"
#include "lib/policy/sha256.h"

namespace posthaste::policy {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint64_t kProbeOneIn = 20;
constexpr std::size_t kExpiredPerCall = 16;

// Not those that are ours, or our policy's: they say nothing of the host. Nor what it says to EHLO
// and STARTTLS: it costs nothing to ask again.
bool is_learned(TlsFailure failure) { return kind(failure) == TlsFailureKind::kHandshake; }

// As it is stored (lib/base/codec.h); when it expires, the store keeps beside it:
//
//   key of a rung or failure   str address, 4 or 16 octets · var port · rest policy's fingerprint
//   key of the strip guard     str host name · var port
//   value of either            u8 1 · u8 rung · str label of the failure, or empty · time learned

std::string encode(const TlsMemoryKey& key) {
  std::string bytes;
  ByteWriter out(bytes);
  const IpAddress& address = key.endpoint.address;
  out.str({reinterpret_cast<const char*>(address.bytes.data()), address.size()});
  out.var(key.endpoint.port);
  out.rest(key.policy);
  return bytes;
}

std::string encode(const std::pair<MxName, std::uint16_t>& key) {
  std::string bytes;
  ByteWriter out(bytes);
  out.str(key.first.text());
  out.var(key.second);
  return bytes;
}

std::string encode(const TlsRemembered& remembered) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(kFormat);
  out.u8(remembered.rung);
  out.str(remembered.failure == TlsFailure::kNone ? "" : label(remembered.failure));
  out.time(remembered.learned);
  return bytes;
}

std::optional<TlsMemoryKey> decode_key(std::string_view bytes) {
  ByteReader in(bytes);
  const std::string octets = in.str();
  TlsMemoryKey key;
  key.endpoint.address.v6 = octets.size() == 16;
  if (octets.size() != key.endpoint.address.size()) return std::nullopt;
  std::copy(octets.begin(), octets.end(), key.endpoint.address.bytes.begin());
  key.endpoint.port = in.var<std::uint16_t>();
  key.policy = in.rest();
  if (!in.used_up()) return std::nullopt;
  return key;
}

std::optional<std::pair<MxName, std::uint16_t>> decode_shown_key(std::string_view bytes) {
  ByteReader in(bytes);
  std::string host = in.str();
  const auto port = in.var<std::uint16_t>();
  if (!in.used_up() || host.empty()) return std::nullopt;
  return std::pair{MxName(std::move(host)), port};
}

std::optional<TlsRemembered> decode_value(std::string_view bytes, Instant expires) {
  ByteReader in(bytes);
  if (in.u8(kFormat) != kFormat) return std::nullopt;
  TlsRemembered remembered;
  remembered.expires = expires;
  remembered.rung = in.u8(std::numeric_limits<std::uint8_t>::max());
  const std::string failure = in.str();
  remembered.learned = in.time();
  if (!in.used_up()) return std::nullopt;
  if (failure.empty()) return remembered;
  const auto known = parse_tls_failure(failure);
  if (!known || !is_learned(*known)) return std::nullopt;  // another version's
  remembered.failure = *known;
  remembered.expires =
      std::min(expires, add_saturated(remembered.learned, TlsMemory::kFailureRememberedMax));
  return remembered;
}

template <typename Key>
constexpr bool kIsShown = !std::is_same_v<Key, TlsMemoryKey>;

template <typename Key>
void tell(const Key& key, const TlsRemembered& remembered, TlsMemory::Changes& out) {
  out.push_back({kIsShown<Key>, false, encode(key), encode(remembered), remembered.expires});
}

template <typename Key>
void drop(LapsingMap<Key, TlsRemembered>& from, const Key& key, TlsMemory::Changes& out) {
  std::string bytes = encode(key);
  if (from.erase(key)) out.push_back({kIsShown<Key>, true, std::move(bytes), {}, {}});
}

// Takes out what has expired, and one more where another has to find its place. Nobody is told: the
// store keeps one note for all memories, and another of them may have learned it anew.
template <typename Key>
void shrink(LapsingMap<Key, TlsRemembered>& from, Instant now) {
  for (std::size_t i = 0; i < kExpiredPerCall && from.first_expiry() <= now; ++i)
    from.erase(Key(from.first()));
  if (from.size() >= TlsMemory::kEntriesMax) from.erase(Key(from.first()));
}

template <typename Key>
void learn(LapsingMap<Key, TlsRemembered>& into, const Key& key, TlsRemembered fresh,
           Duration remember, TlsMemory::Changes& out) {
  if (remember <= Duration::zero()) return drop(into, key, out);
  const Instant now = fresh.learned;
  const TlsRemembered* kept = into.find(key);
  const bool same = kept != nullptr && kept->rung == fresh.rung && kept->failure == fresh.failure;
  if (same && kept->expires > add_saturated(now, remember / 2)) return;
  if (kept == nullptr) shrink(into, now);
  fresh.expires = add_saturated(now, remember);
  into.set(key, fresh);
  tell(key, fresh, out);
}

std::string with_port(const MxName& host, std::uint16_t port) {
  return host.text() + ":" + std::to_string(port);
}

void write(ByteWriter& out, const std::string& text) { out.str(text); }
void write(ByteWriter& out, TlsVersion version) { out.u8(static_cast<std::uint8_t>(version)); }
void write(ByteWriter& out, int level) { out.var(static_cast<unsigned>(level)); }

}  // namespace

std::string memory_fingerprint(const TlsDemand& demand, const Ladder& ladder) {
  std::string bytes;
  ByteWriter out(bytes);
  out.str(key_of(demand));
  for (const TlsProfile& profile : ladder) {
    out.str(profile.name);
    for_each_profile_field([&](auto field, auto) { write(out, profile.*field); });
  }
  return render_fingerprint(sha256(bytes));
}

std::size_t TlsMemory::first_rung(const TlsMemoryKey& key, Instant now) {
  const TlsRemembered* kept = entries_.find(key);
  if (kept == nullptr || kept->expires <= now || kept->failure != TlsFailure::kNone) return 0;
  if (kept->rung == 0 || rng_.below(kProbeOneIn) == 0) return 0;
  return kept->rung;
}

TlsFailure TlsMemory::failure(const TlsMemoryKey& key, Instant now) const {
  const TlsRemembered* kept = entries_.find(key);
  return kept == nullptr || kept->expires <= now ? TlsFailure::kNone : kept->failure;
}

void TlsMemory::learn_rung(const TlsMemoryKey& key, std::size_t rung, Duration remember,
                           Instant now, Changes& out) {
  CHECK(rung <= std::numeric_limits<std::uint8_t>::max());
  learn(entries_, key, {static_cast<std::uint8_t>(rung), TlsFailure::kNone, now, {}}, remember,
        out);
}

void TlsMemory::learn_failure(const TlsMemoryKey& key, TlsFailure failure, Duration remember,
                              Instant now, Changes& out) {
  if (!is_learned(failure)) return;
  learn(entries_, key, {0, failure, now, {}}, std::min(remember, kFailureRememberedMax), out);
}

void TlsMemory::learn_verified(const MxName& host, std::uint16_t port, Duration remember,
                               Instant now, Changes& out) {
  // The host may serve other domains, by whose rules it is remembered.
  if (remember <= Duration::zero()) return;
  learn(shown_, ShownKey(host, port), {0, TlsFailure::kNone, now, {}}, remember, out);
}

bool TlsMemory::has_shown_verified(const MxName& host, std::uint16_t port, Instant now) const {
  const TlsRemembered* kept = shown_.find({host, port});
  return kept != nullptr && kept->expires > now;
}

void TlsMemory::restore(bool shown, std::string_view key, std::string_view value, Instant expires,
                        Instant now) {
  const auto remembered = decode_value(value, expires);
  if (!remembered || remembered->expires <= now) return;
  if (shown) {
    const auto host = decode_shown_key(key);
    if (!host) return;
    const TlsRemembered* kept = shown_.find(*host);
    if (kept != nullptr && kept->expires >= expires) return;
    if (kept == nullptr) shrink(shown_, now);
    shown_.set(*host, *remembered);
  } else {
    const auto endpoint = decode_key(key);
    if (endpoint && entries_.size() < kEntriesMax) entries_.set(*endpoint, *remembered);
  }
}

std::size_t TlsMemory::forget(std::string_view address_or_host, Changes& out) {
  const std::string wanted = fold_domain(address_or_host);
  std::vector<TlsMemoryKey> endpoints;
  for (const auto& [key, remembered] : entries_) {
    if (render_ip(key.endpoint.address) == wanted || render_endpoint(key.endpoint) == wanted)
      endpoints.push_back(key);
  }
  std::vector<ShownKey> hosts;
  for (const auto& [key, remembered] : shown_) {
    const auto& [host, port] = key;
    if (host.text() == wanted || with_port(host, port) == wanted) hosts.push_back(key);
  }
  for (const TlsMemoryKey& key : endpoints) drop(entries_, key, out);
  for (const ShownKey& key : hosts) drop(shown_, key, out);
  return endpoints.size() + hosts.size();
}

void TlsMemory::tell_all(Changes& out) const {
  for (const auto& [key, remembered] : entries_) tell(key, remembered, out);
  for (const auto& [key, remembered] : shown_) tell(key, remembered, out);
}

void TlsMemory::for_each(const std::function<void(const View&)>& visit) const {
  for (const auto& [key, remembered] : entries_)
    visit({render_endpoint(key.endpoint), key.policy, remembered});
  for (const auto& [key, remembered] : shown_)
    visit({with_port(key.first, key.second), "", remembered});
}

}  // namespace posthaste::policy
