// Scenario: a pretend Internet as an operator describes it: domains, their mail hosts, what befalls
// them when, and the mail that he sends. See docs/rehearsal.md.
//
// Made by parse_scenario (scenario_reader.h) or by hand in tests.
//
// Lifetime     immutable once made.
// Does not     run: see rehearsal.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/rehearsal/host.h"
#include "lib/base/time.h"
#include "lib/dns/answer.h"
#include "lib/policy/domain_pattern.h"
#include "lib/policy/mta_sts.h"

namespace posthaste::rehearsal {

struct ScenarioHost : Host {
  bool dnssec = false;  // its zone is signed
  bool dane = false;    // it publishes a TLSA record of its key
};

// Domains that are alike: what one entry of the file makes, and one line of the results.
struct DomainGroup {
  std::string name;  // as written: "d[1-200].example"
  double share = 1;  // of the mail
};
struct ScenarioDomain {
  RoutingDomain name;
  std::size_t group = 0;
  struct Mx {
    std::uint16_t preference = 10;
    std::size_t host = 0;
  };
  std::vector<Mx> mx;
  bool dnssec = false;
  policy::StsMode sts = policy::StsMode::kNone;
};

// A certificate other than the right one.
enum class Flaw : std::uint8_t { kExpired, kSelfSigned, kUntrusted, kWrongName, kOtherKey };
// Where a host may say something else than it should.
enum class ReplyAt : std::uint8_t { kGreeting, kEhlo, kMail, kRcpt, kData, kContent };
struct OddReply {
  ReplyAt at = ReplyAt::kRcpt;
  int code = 451;  // 421 ends the connection
  std::string words;
  double probability = 1;
};
struct MessagesMax {
  std::uint32_t count = 0;
  Duration per{};
};

// What is otherwise than usual; each field that is set counts.
struct Trouble {
  std::optional<bool> down;              // true: silent; false: connections are refused
  std::optional<bool> starttls_refused;  // false: it is not offered
  std::optional<policy::TlsFailure> handshake;
  std::string only_profile;  // handshakes fail unless this one is offered
  std::optional<Flaw> certificate;
  std::optional<Duration> greylist;  // how long a new triplet is turned away
  std::optional<std::uint32_t> connections_max;
  std::optional<MessagesMax> messages_max;
  std::optional<OddReply> reply;
  std::optional<Duration> latency;  // of each reply
  std::optional<dns::AnswerStatus> dns;
};

struct Incident {
  std::vector<policy::DomainPattern> hosts, domains;
  Duration from{};                  // since the start
  Duration until{Duration::max()};  // likewise
  Duration every{0};                // and again after so long; 0: once
  Trouble trouble;
  bool holds(Duration since_start) const;
};

struct LoadPlan {
  LoadPlan() { by_hour.fill(1); }
  double messages_per_hour = 100;
  std::array<double, 24> by_hour;  // factors, by the hour of the day in UTC
  unsigned recipients_min = 1, recipients_max = 1;
  std::uint64_t size = 20 * 1024;
  double require_tls = 0, tls_optional = 0;  // shares of the messages
};

struct Scenario {
  std::string title;
  Instant start;
  Duration length = std::chrono::hours(168);
  Duration late_after = std::chrono::hours(1);
  std::vector<ScenarioHost> hosts;
  std::vector<DomainGroup> groups;
  std::vector<ScenarioDomain> domains;
  std::vector<Incident> incidents;
  LoadPlan load;
};

}  // namespace posthaste::rehearsal
