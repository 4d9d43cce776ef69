// sts::Cache: which MTA-STS policy holds for a domain, as a pure function of its inputs: what was
// asked and what DNS and HTTPS answered in; questions, answers and what to keep out.
//
//   idle --wanted, doubted, refresh due--> TXT --another id, or refresh due--> fetch --> idle
//     ^                                     |
//     '----- no record, the same id --------'
//
// A policy that is held answers at once, and is looked after behind the answer: it outlives failed
// questions and fetches until its max_age is over. Where none is held, whoever asks waits for the
// first question and fetch, one for all, at most Options::delivery_wait; then mail goes on as if
// there were none.
//
// Lifetime     one worker's, or one for all of them.
// Threads      none. Clock: the `now` given. Randomness: the Rng given.
// Limits       Options. Domains with a question under way are not counted: the caller has one for
//              each destination at most.
// Implements   RFC 8461 §3.1, §3.3, §5.1, §10.2.
// Does not     resolve, fetch, judge addresses, store, apply a policy. See tls_demand.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/rng.h"
#include "lib/base/time.h"
#include "lib/policy/mta_sts.h"

namespace posthaste::policy::sts {

struct Options {
  std::size_t policies_max = 10'000;
  std::size_t nones_max = 20'000;                      // domains known to have no policy
  Duration delivery_wait = std::chrono::minutes(1);    // from Wanted to Known at the latest
  Duration answer_wait = std::chrono::minutes(5);      // then a question counts as lost
  Duration retry_min = std::chrono::minutes(5);        // between fetches: RFC 8461 §3.3
  Duration retry_max = std::chrono::hours(1);          // it doubles from failure to failure
  Duration refresh_max = std::chrono::hours(24);       // else half of max_age
  Duration none_min = std::chrono::minutes(1);         // what a TTL counts as at least; also
                                                       // how long a failed TXT question does
  Duration answer_good_max = std::chrono::hours(24);   // what a TTL counts as at most
  Duration restart_spread = std::chrono::minutes(10);  // overdue refreshes after a start
};

// What went wrong with a domain's policy.
enum class Problem : std::uint8_t {
  kTxtMissing,     // a policy is held, but not announced any more
  kTxtTemporary,   // DNS would not say
  kFetchError,     // no address, no connection, no 200, too large, too slow
  kInvalid,        // not a policy
  kWebPkiInvalid,  // the policy host's certificate
  kUnreadable,     // a stored record, which is dropped
  kLocal,          // our own trouble, of which the domain is not told
};
inline constexpr std::size_t kProblems = 7;
std::string_view label(Problem problem);               // "txt_missing", …; for metrics and logs
std::string_view tlsrpt_result_type(Problem problem);  // RFC 8460 §4.3.2.2; empty where none

// ---- events -------------------------------------------------------------------------------------
struct Wanted {  // answered by one Known; several may be answered by the same one
  RoutingDomain domain;
};
struct Doubted {  // the hosts that MX names do not fit the policy that is held: is there another?
  RoutingDomain domain;
};
struct TxtAnswered {
  enum class Status : std::uint8_t { kRecords, kNone, kTemporary };
  RoutingDomain domain;
  Status status = Status::kTemporary;
  std::vector<std::string> records;  // all TXT records of the name, each its strings joined
  Instant expires;                   // by TTL; not looked at with kTemporary
  std::string words;                 // why, with kTemporary
};
struct Fetched {  // whatever the status
  RoutingDomain domain;
  int status = 0;
  std::string content_type, body;
};
struct FetchFailed {  // no address, or only such as are refused, among them
  RoutingDomain domain;
  Problem problem = Problem::kFetchError;  // or kWebPkiInvalid, kLocal
  std::string words;
};
struct Remembered {  // what Keep gave to be kept
  RoutingDomain domain;
  std::string record;
};
struct Forget {  // the operator says so
  RoutingDomain domain;
};
struct Tick {};  // deadline() has come
using Event =
    std::variant<Wanted, Doubted, TxtAnswered, Fetched, FetchFailed, Remembered, Forget, Tick>;

// ---- actions ------------------------------------------------------------------------------------
struct AskTxt {  // answer with TxtAnswered
  RoutingDomain domain;
  std::string name;  // "_mta-sts.example.com"
};
struct Fetch {  // answer with Fetched or FetchFailed. The caller judges the host's addresses.
  RoutingDomain domain;
  std::string host;  // "mta-sts.example.com"
  std::string url;
};
struct Keep {  // store under the domain; replaces what was kept
  RoutingDomain domain;
  std::string record;
  Instant expires;
};
struct Drop {  // do not keep it any longer
  RoutingDomain domain;
};
struct Known {
  RoutingDomain domain;
  std::optional<StsPolicy> policy;  // never one of mode none
  std::string id;
  Instant until;      // when to ask again, unless Changed comes before
  std::string words;  // why there is no policy
  // Set: there is one, to all appearances, but it cannot be had. For TLSRPT, which counts sessions
  // that such a thing has left without a policy.
  std::optional<Problem> problem;
  // Set: no policy is told, and there may be one: `problem`, or DNS would not say, or has not yet.
  bool unsure = false;
};
struct Changed {  // the last Known about the domain is not true any more
  RoutingDomain domain;
};
struct Failed {  // for metrics, logs and TLSRPT
  RoutingDomain domain;
  Problem problem = Problem::kFetchError;
  std::string words;
  bool held = false;  // an older policy goes on holding
};
using Action = std::variant<AskTxt, Fetch, Keep, Drop, Known, Changed, Failed>;
using Actions = std::vector<Action>;

class Cache {
 public:
  Cache(Options options, Rng rng);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  void handle(Event event, Instant now, Actions& out);
  Instant deadline() const;

  // What is held now, for the operator; null: nothing. Valid until the next handle().
  const StsRecord* find(const RoutingDomain& domain) const;
  std::size_t policies() const;  // held
  std::size_t size() const;      // domains known or in question

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::policy::sts
