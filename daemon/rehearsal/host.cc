#include "daemon/rehearsal/host.h"

#include <algorithm>
#include <string>

namespace posthaste::rehearsal {

using policy::TlsFailure;

dns::TlsaRecord tlsa_record(char key) { return {3, 1, 1, std::string(32, key)}; }

TlsFailure judge(const policy::TlsDemand& demand, const Certificate& shown) {
  switch (demand.authentication) {
    case policy::TlsAuthentication::kNone: return TlsFailure::kNone;
    case policy::TlsAuthentication::kPin:  // 'x' stands for whatever key was pinned
      return shown.key == 'x' ? TlsFailure::kNone : TlsFailure::kDaneNoMatch;
    case policy::TlsAuthentication::kDane:
      return std::find(demand.records.begin(), demand.records.end(), tlsa_record(shown.key)) ==
                     demand.records.end()
                 ? TlsFailure::kDaneNoMatch
                 : TlsFailure::kNone;
    case policy::TlsAuthentication::kPkix: break;
  }
  if (shown.self_signed) return TlsFailure::kCertSelfSigned;
  if (!shown.trusted) return TlsFailure::kCertUntrusted;
  if (shown.expired) return TlsFailure::kCertExpired;
  return shown.names_host ? TlsFailure::kNone : TlsFailure::kCertHostMismatch;
}

}  // namespace posthaste::rehearsal
