#include "lib/policy/tls_ladder.h"

#include <algorithm>
#include <string_view>

#include "lib/base/check.h"

namespace posthaste::policy {
namespace {

using Entries = std::vector<std::string_view>;

// OpenSSL takes colons, commas and spaces alike.
Entries entries_of(std::string_view list) {
  constexpr std::string_view kSeparators = ":, ";
  Entries entries;
  while (!list.empty()) {
    const auto end = std::min(list.find_first_of(kSeparators), list.size());
    if (end > 0) entries.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return entries;
}

bool takes_away(std::string_view entry) { return entry.starts_with('!') || entry.starts_with('-'); }

// One of the entries is not among the others: something that `before` did not offer, or took away.
bool adds(std::string_view list, std::string_view before) {
  const Entries ours = entries_of(list);
  const Entries theirs = entries_of(before);
  const auto lacks = [](const Entries& entries, std::string_view entry) {
    return std::find(entries.begin(), entries.end(), entry) == entries.end();
  };
  return std::any_of(ours.begin(), ours.end(),
                     [&](auto entry) { return !takes_away(entry) && lacks(theirs, entry); }) ||
         std::any_of(theirs.begin(), theirs.end(),
                     [&](auto entry) { return takes_away(entry) && lacks(ours, entry); });
}

bool is_wider(const TlsProfile& next, const TlsProfile& failed) {
  return next.min_version < failed.min_version || next.max_version > failed.max_version ||
         next.security_level < failed.security_level || adds(next.ciphers, failed.ciphers) ||
         adds(next.ciphersuites, failed.ciphersuites) || adds(next.groups, failed.groups) ||
         adds(next.signature_algorithms, failed.signature_algorithms);
}

// What makes a hello large is TLS 1.3's key shares, and among them those of many or of
// post-quantum groups.
bool has_smaller_hello(const TlsProfile& next, const TlsProfile& failed) {
  if (next.max_version != failed.max_version) return next.max_version < failed.max_version;
  return entries_of(next.groups).size() < entries_of(failed.groups).size();
}

}  // namespace

Remedy remedy_for(TlsFailure failure) {
  switch (failure) {
    // The peer choked on what it was sent, and had no words for it or the wrong ones.
    case TlsFailure::kClosed:
    case TlsFailure::kReset:
    case TlsFailure::kTimeout:
    case TlsFailure::kProtocolError:
    case TlsFailure::kPeerInternalError:
    case TlsFailure::kPeerAlertOther: return Remedy::kSmallerHello;

    case TlsFailure::kPeerHandshakeFailure:
    case TlsFailure::kProtocolVersion:
    case TlsFailure::kWeakKeyExchange:
    case TlsFailure::kWeakSignature:
    case TlsFailure::kPeerInsufficientSecurity: return Remedy::kWiderOffer;

    // There is no TLS to be had, or not with us: certificates, names and extensions are the same on
    // every rung.
    case TlsFailure::kNone:
    case TlsFailure::kNotOffered:
    case TlsFailure::kRefusedTemporary:
    case TlsFailure::kRefusedPermanent:
    case TlsFailure::kNotTls:
    case TlsFailure::kLegacyRenegotiation:
    case TlsFailure::kCertSelfSigned:
    case TlsFailure::kCertUntrusted:
    case TlsFailure::kCertExpired:
    case TlsFailure::kCertNotYetValid:
    case TlsFailure::kCertHostMismatch:
    case TlsFailure::kCertWrongPurpose:
    case TlsFailure::kCertRevoked:
    case TlsFailure::kCertWeak:
    case TlsFailure::kDaneNoMatch:
    case TlsFailure::kClientCertRequired:
    case TlsFailure::kPeerRejectedOurCert:
    case TlsFailure::kPeerUnrecognizedName:
    case TlsFailure::kLocalError:
    case TlsFailure::kDaneLookup:
    case TlsFailure::kDaneRequired:
    case TlsFailure::kStsMxMismatch:
    case TlsFailure::kSuspectedStrip:
    case TlsFailure::kRequireTlsMissing:
    case TlsFailure::kGuarded: return Remedy::kNone;
  }
  return Remedy::kNone;
}

std::optional<std::size_t> next_rung(const Ladder& ladder, std::size_t rung, TlsFailure failure) {
  CHECK(rung < ladder.size());
  const Remedy remedy = remedy_for(failure);
  if (remedy == Remedy::kNone) return std::nullopt;
  const auto helps = remedy == Remedy::kWiderOffer ? is_wider : has_smaller_hello;
  for (std::size_t next = rung + 1; next < ladder.size(); ++next) {
    if (helps(ladder[next], ladder[rung])) return next;
  }
  return std::nullopt;
}

}  // namespace posthaste::policy
