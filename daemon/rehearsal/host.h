// Host: a pretend mail host: its addresses, what it offers, and what it shows of itself in a
// handshake.
//
// Lifetime     the run's.
// Does not     behave: see conduct.h.
#pragma once

#include <vector>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/dns/answer.h"
#include "lib/policy/tls_demand.h"

namespace posthaste::rehearsal {

// What a host shows in a handshake. `key` stands for a key pair.
struct Certificate {
  bool trusted = true;
  bool names_host = true;
  char key = 'x';
  bool expired = false;
  bool self_signed = false;
  bool verifies() const { return trusted && names_host && !expired && !self_signed; }
};
// "3 1 1" and the digest of the key.
dns::TlsaRecord tlsa_record(char key);
// What lib/tls makes of a certificate: by decree. kNone: it is what is demanded.
policy::TlsFailure judge(const policy::TlsDemand& demand, const Certificate& shown);

// A session as the host knows it.
struct Shown {
  bool tls = false;
  Certificate certificate;
  bool requiretls = false;  // offered
};

struct Host {
  MxName name;
  std::vector<IpAddress> addresses;
  bool pipelining = true, chunking = false, dsn = false, size = true, eight_bit = true,
       utf8 = false;
  bool starttls = true;
  bool requiretls = false;
  bool deliver_by = false, mt_priority = false;
  bool answers_data_without_recipients = false;  // with 354, as it may
};

}  // namespace posthaste::rehearsal
