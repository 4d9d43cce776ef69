// DaneSearch: which TLSA records a mail host must be authenticated by, found out question by
// question.
//
//   addresses secure --------------> TLSA at the end of their CNAMEs --none--> TLSA of the host
//   insecure, but behind a CNAME --> CNAME of the host ------------secure-----> TLSA of the host
//   insecure ----------------------> none
//
// What cannot be found out ends the search as kTemporary: an attacker who suppresses an answer must
// not get around DANE (RFC 7672 §2.1.2).
//
// Lifetime     a value; of one host, until plan().expires.
// Threads      none.
// Limits       three questions.
// Implements   RFC 7672 §2.1, §2.2.1 to §2.2.3, §3.1; RFC 7671 §7.
// Does not     ask DNS, judge certificates, know the operator's policy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/dns/answer.h"

namespace posthaste::dns {

enum class DaneState : std::uint8_t {
  kNone,       // DANE does not apply: something on the way is insecure, or there is no TLSA record
  kUsable,     // TLS is mandatory, and one of the records must match
  kUnusable,   // there are secure records, but none that SMTP can use: TLS without authentication
  kTemporary,  // DNS did not say: this host must not be used now
};
std::string_view name(DaneState state);  // "none", "usable", …

struct DanePlan {
  DaneState state = DaneState::kNone;
  std::vector<TlsaRecord> records;  // kUsable: those that are, in a lasting order; else empty
  std::string base;   // kUsable, kUnusable: the TLSA base domain, for SNI and for DANE-TA's names
  std::string words;  // for people, never empty: "2 usable TLSA records at _25._tcp.mx.example"
  Instant expires;    // the first of all answers that led here
};

// "_25._tcp.mx.example.com", folded (RFC 7672 §2.2.3).
std::string tlsa_name(std::uint16_t port, std::string_view host);

// Whether nobody but the domain's owner can have chosen its mail hosts: the MX records are secure,
// or there are none and the domain is its own host (then its addresses say whether it is secure).
bool hosts_secure(const Answer& mx);

// The names that a certificate may have which a DANE-TA record vouches for (RFC 7672 §3.2.2): the
// TLSA base domain; and of a host that MX records named, the domain, before and after its CNAMEs.
std::vector<std::string> dane_names(const DanePlan& plan, const RoutingDomain& domain,
                                    const Answer& mx);

class DaneSearch {
 public:
  // `a`, `aaaa`: the answers for `host`. `host_secure`: hosts_secure(); true for a host that the
  // operator has named himself. An insecure MX means no DANE for its hosts: RFC 7672 §2.2.1 leaves
  // it open (MAY), and what an attacker can redirect to his own host gains nothing from it.
  DaneSearch(std::uint16_t port, const MxName& host, bool host_secure, const Answer& a,
             const Answer& aaaa);

  // What to ask next; null: the plan is ready. Valid until on_answer().
  const Question* question() const { return question_ ? &*question_ : nullptr; }
  // REQUIRES question(); takes the answer to it.
  void on_answer(const Answer& answer);
  // REQUIRES that there is no question left.
  const DanePlan& plan() const;

 private:
  void judge_addresses(const Answer& a, const Answer& aaaa);
  void ask_next_base();
  void on_cname(const Answer& answer);
  void on_tlsa(const Answer& answer);
  void take_records(const Answer& answer);
  void end(DaneState state, std::string words);

  std::uint16_t port_;
  std::string host_;
  std::vector<std::string> bases_;  // still to be asked, the last one first
  std::optional<Question> question_;
  DanePlan plan_;
};

}  // namespace posthaste::dns
