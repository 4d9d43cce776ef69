// TlsOverlay: the fields of a TlsPolicy that one rule sets.
//
// Does not     know which rule comes before which. See tls_policies.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/time.h"
#include "lib/policy/tls_policy.h"

namespace posthaste::policy {

// The fields of TlsPolicy, in its order.
enum class TlsField : std::uint8_t {
  kLevel,
  kConnect,
  kPort,
  kLadder,
  kNotOffered,
  kRefused,
  kHandshake,
  kPlaintextAfter,
  kDane,
  kMtaSts,
  kRemember,
  kStripGuard,
  kMatchNames,
  kFingerprints,
  kCaFile,
  kCrlFile,
  kOcsp,
  kClientCertificate,
  kClientPrivateKey,
};
inline constexpr std::size_t kTlsFields = 19;
std::string_view name(TlsField field);  // as in the configuration: "level", "fallback.refused"

struct TlsOverlay {
  std::optional<TlsLevel> level = std::nullopt;
  std::optional<TlsConnect> connect = std::nullopt;
  std::optional<std::uint16_t> port = std::nullopt;
  std::optional<std::vector<std::string>> ladder = std::nullopt;
  std::optional<OnTlsFailure> not_offered = std::nullopt;
  std::optional<OnTlsFailure> refused = std::nullopt;
  std::optional<OnTlsFailure> handshake = std::nullopt;
  std::optional<Duration> plaintext_after = std::nullopt;
  std::optional<bool> dane = std::nullopt;
  std::optional<bool> mta_sts = std::nullopt;
  std::optional<Duration> remember = std::nullopt;
  std::optional<bool> strip_guard = std::nullopt;
  std::optional<std::vector<std::string>> match_names = std::nullopt;
  std::optional<std::vector<std::string>> fingerprints = std::nullopt;
  std::optional<std::string> ca_file = std::nullopt;  // "": the system's roots after all
  std::optional<std::string> crl_file = std::nullopt;
  std::optional<OcspStapling> ocsp = std::nullopt;
  std::optional<std::string> client_certificate = std::nullopt;  // "": none after all
  std::optional<std::string> client_private_key = std::nullopt;
  friend bool operator==(const TlsOverlay&, const TlsOverlay&) = default;
};

// Calls visit(TlsField, field of TlsPolicy, field of TlsOverlay) for each, in order: the one list
// of what there is to be laid over, so that no field can be forgotten.
template <typename Visit>
void for_each_tls_field(Visit&& visit) {
  using F = TlsField;
  using O = TlsOverlay;
  using P = TlsPolicy;
  visit(F::kLevel, &P::level, &O::level);
  visit(F::kConnect, &P::connect, &O::connect);
  visit(F::kPort, &P::port, &O::port);
  visit(F::kLadder, &P::ladder, &O::ladder);
  visit(F::kNotOffered, &P::not_offered, &O::not_offered);
  visit(F::kRefused, &P::refused, &O::refused);
  visit(F::kHandshake, &P::handshake, &O::handshake);
  visit(F::kPlaintextAfter, &P::plaintext_after, &O::plaintext_after);
  visit(F::kDane, &P::dane, &O::dane);
  visit(F::kMtaSts, &P::mta_sts, &O::mta_sts);
  visit(F::kRemember, &P::remember, &O::remember);
  visit(F::kStripGuard, &P::strip_guard, &O::strip_guard);
  visit(F::kMatchNames, &P::match_names, &O::match_names);
  visit(F::kFingerprints, &P::fingerprints, &O::fingerprints);
  visit(F::kCaFile, &P::ca_file, &O::ca_file);
  visit(F::kCrlFile, &P::crl_file, &O::crl_file);
  visit(F::kOcsp, &P::ocsp, &O::ocsp);
  visit(F::kClientCertificate, &P::client_certificate, &O::client_certificate);
  visit(F::kClientPrivateKey, &P::client_private_key, &O::client_private_key);
}

}  // namespace posthaste::policy
