#include "lib/dns/mx_plan.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "lib/base/ip.h"

namespace posthaste::dns {
namespace {

using Kind = MxPlan::Kind;

MxPlan without_hosts(Kind kind, MxPlan::Status status, std::string words) {
  MxPlan plan;
  plan.kind = kind;
  plan.status = status;
  plan.words = std::move(words);
  return plan;
}

MxPlan loop(const RoutingDomain& domain, const HeloName& own) {
  return without_hosts(Kind::kLoop, {5, 4, 6},
                       "mail for " + domain.text() + " loops back to " + own.text() +
                           ", which is its best mail host and does not take it");
}

// RFC 7505 §3: "MX 0 ." alone says that the domain takes no mail; beside others it says nothing.
bool is_null_mx(const std::vector<MxRecord>& records) {
  return records.size() == 1 && records.front().host.empty();
}

// Why a name cannot be a mail host's; empty if it can. "MX 10 192.0.2.1" is often seen, but what
// stands there is a name of four labels (RFC 5321 §2.3.5), and no such name has addresses.
std::string_view flaw(const MxName& host) {
  if (host.empty()) return "the root is no mail host";
  if (parse_ip(host.text())) return "an address is no mail host's name";
  if (host.text().find('\\') != std::string::npos) return "no host's name has such octets";
  return {};
}

// Sorted by preference, random among equals, each host once.
std::vector<MxRecord> in_order(std::vector<MxRecord> records, Rng& rng) {
  rng.shuffle(records);
  std::stable_sort(records.begin(), records.end(), [](const MxRecord& a, const MxRecord& b) {
    return a.preference < b.preference;
  });
  std::unordered_set<MxName> seen;
  std::erase_if(records, [&seen](const MxRecord& mx) { return !seen.insert(mx.host).second; });
  return records;
}

void note_left_out(const MxName& host, std::string_view why, std::string& words) {
  constexpr std::size_t kWordsMax = 512;  // the first ones tell enough
  if (words.size() > kWordsMax) return;
  if (!words.empty()) words += "; ";
  words += "left out MX \"" + host.text() + "\": ";
  words += why;
}

// What is left of the records, with words about what is not.
MxPlan plan_records(const RoutingDomain& domain, std::vector<MxRecord> records,
                    const HeloName& own) {
  MxPlan plan;
  plan.kind = Kind::kHosts;
  const MxName own_host(fold_domain(own.text()));
  const auto ours = std::find_if(records.begin(), records.end(),
                                 [&](const MxRecord& mx) { return mx.host == own_host; });
  // RFC 5321 §5.1: hosts that are no better than ourselves would only bring it back.
  if (ours != records.end()) {
    const std::uint16_t cut = ours->preference;
    std::erase_if(records, [cut](const MxRecord& mx) { return mx.preference >= cut; });
    if (records.empty()) return loop(domain, own);
  }
  for (const MxRecord& mx : records) {
    if (const std::string_view why = flaw(mx.host); !why.empty()) {
      note_left_out(mx.host, why, plan.words);
    } else if (plan.hosts.size() < kMxHostsMax) {
      plan.hosts.push_back(mx.host);
    }
  }
  if (plan.hosts.empty()) return without_hosts(Kind::kNoDomain, {5, 4, 4}, std::move(plan.words));
  return plan;
}

MxPlan implicit_mx(const RoutingDomain& domain, const HeloName& own) {
  if (fold_domain(own.text()) == domain.text()) return loop(domain, own);
  MxPlan plan;
  plan.kind = Kind::kHosts;
  plan.hosts.emplace_back(domain.text());
  return plan;
}

}  // namespace

MxPlan plan_mx(const RoutingDomain& domain, const Answer& answer, const HeloName& own, Rng& rng) {
  if (temporary(answer.status)) return without_hosts(Kind::kTemporary, {4, 4, 3}, answer.words);
  if (answer.status == AnswerStatus::kNxDomain) {
    return without_hosts(Kind::kNoDomain, {5, 1, 2},
                         "domain " + domain.text() + " does not exist (" + answer.words + ")");
  }
  if (answer.mx.empty()) return implicit_mx(domain, own);
  if (is_null_mx(answer.mx)) {
    return without_hosts(Kind::kNullMx, {5, 1, 10},
                         "domain " + domain.text() + " does not accept mail (null MX)");
  }
  return plan_records(domain, in_order(answer.mx, rng), own);
}

}  // namespace posthaste::dns
