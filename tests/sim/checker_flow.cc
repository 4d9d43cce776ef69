// What the Checker has to say of the order in which mail goes, and of how much of us a site bears.
#include <algorithm>
#include <bit>

#include "tests/sim/checker.h"

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;

// So many messages a minute every site is given, whatever it says.
constexpr std::size_t kLeast = 10;
// Some may be on their way when it says that it has had enough.
constexpr std::size_t kOnTheirWay = 4;
// Longer than nothing is given back after a site has said that it has enough.
constexpr Duration kSlowed = 50s;
// What several connections hear at one time is heard once.
constexpr Duration kHalvedAtMostEvery = 10s;

bool says_enough(const smtp::Reply& reply) {
  return reply.code == 451 && reply.enhanced.subject == 7 && reply.enhanced.detail == 28;
}

}  // namespace

void Checker::on_backed_off(const delivery::BackedOff& event) {
  Pace& pace = paces_[event.domain.text()];
  pace.back_offs[event.tls_wish] = {world_.now(), event.until};
  pace.comebacks[event.tls_wish] = 0;
}

// Connections are halved for it already; what is said of mail soon after does not halve them again.
void Checker::note_refused_call(const Call& call, const smtp::Reply& reply) {
  Pace& pace = paces_[call.domain];
  if (reply.code != 421 || world_.now() < pace.calls_refused + kHalvedAtMostEvery) return;
  pace.calls_refused = world_.now();
  pace.open_when_refused = calls_.size();
}

void Checker::note_verdicts(const Call& call, const smtp::TransactionResult& result) {
  Pace& pace = paces_[call.domain];
  bool enough = false, verdict = false;
  for (const smtp::RecipientOutcome& outcome : result.outcomes) {
    enough |= says_enough(outcome.reply);
    verdict |= outcome.reply.code != 0 && outcome.reply.code != 421;
  }
  const auto comeback = pace.comebacks.find(call.wish);
  if (comeback != pace.comebacks.end() && verdict && !enough) ++comeback->second;
  if (!enough || world_.now() < pace.had_enough + kSlowed) return;
  pace.had_enough = world_.now();
  pace.sent_before = pace.sent.size();
  pace.open_before = calls_.size();
  if (world_.now() < pace.calls_refused + kHalvedAtMostEvery) {
    pace.open_before = std::max(pace.open_before, pace.open_when_refused);
  }
  pace.sent.clear();
}

// Who has had enough of us gets no more in a minute than before, and little if that was little.
void Checker::check_slowed(const std::string& domain) {
  Pace& pace = paces_[domain];
  while (!pace.sent.empty() && pace.sent.front() <= world_.now() - 2min) pace.sent.pop_front();
  pace.sent.push_back(world_.now());
  if (pace.had_enough == Instant{} || world_.now() >= pace.had_enough + kSlowed) return;
  if (pace.sent.size() > std::max(kLeast, pace.sent_before) + kOnTheirWay)
    world_.violate("had enough of us, and gets as much as ever: " + domain);
}

// Nor does he see more connections. What was called before a reload, which may have changed the
// hosts, ends with its message. REQUIRES that one more is about to be opened.
void Checker::check_share(const std::string& domain) const {
  const Pace& pace = paces_.at(domain);
  const auto open =
      1 +
      static_cast<std::size_t>(std::count_if(calls_.begin(), calls_.end(), [&](const auto& call) {
        return call.second.domain == domain && call.second.state != Call::State::kLeaving &&
               call.second.began >= reloaded_;
      }));
  const bool slowed = pace.had_enough != Instant{} && world_.now() < pace.had_enough + kSlowed;
  if (slowed && open > std::max<std::size_t>(1, (pace.open_before + 1) / 2))
    world_.violate("had enough of us, and sees as many connections as ever: " + domain);
}

// Where there was neither mail nor a connection, an outage before may be forgotten.
void Checker::note_mail(const Track& track) {
  const mail::TlsWish wish = wish_of(*track.envelope);
  const auto same = [&](const Track& other) {
    const bool there = (other.known && other.fate == Fate::kQueued) || other.unsettled;
    return there && other.domain == track.domain && wish_of(*other.envelope) == wish;
  };
  const bool mail = std::any_of(tracks_.begin(), tracks_.end(),
                                [&](const auto& one) { return same(one.second); });
  const bool called = std::any_of(calls_.begin(), calls_.end(), [&](const auto& one) {
    return one.second.domain == track.domain && one.second.wish == wish;
  });
  if (!mail && !called) paces_[track.domain].comebacks.erase(wish);
}

// Who was down sees one connection at first, and twice as many whenever each of them may have
// brought a verdict. REQUIRES that one more is about to be opened.
void Checker::check_comeback(const std::string& domain, mail::TlsWish wish) const {
  const auto& comebacks = paces_.at(domain).comebacks;
  const auto comeback = comebacks.find(wish);
  if (comeback == comebacks.end()) return;
  const auto open = static_cast<std::size_t>(
      1 + std::count_if(calls_.begin(), calls_.end(), [&](const auto& one) {
        const Call& call = one.second;
        return call.domain == domain && call.wish == wish && call.state != Call::State::kLeaving;
      }));
  if (open > std::bit_floor(comeback->second + 1))
    world_.violate("has been down, and is flooded: " + domain);
}

// Nothing stands in the way of that recipient, as far as can be seen from outside.
bool Checker::could_go_first(const Key& key, const Track& track, const Call& call) const {
  if (track.fate != Fate::kQueued || !track.known || track.under_way || track.unsettled) {
    return false;
  }
  if (track.domain != call.domain || track.claim != Claim::kNone || track.stored.held) {
    return false;
  }
  // An order to try it at once may not have reached it: its own time has to have come.
  if (track.stored.due > world_.now()) return false;
  if (track.loading || world_.now() < track.unreadable) return false;
  const bool told = track.stored.delay_told || world_.now() < notice(key, track);
  return track.due <= world_.now() && world_.now() < expiry(key, track) && told &&
         wish_of(*track.envelope) == call.wish && !stopped(track, Duration(0));
}

// RFC 6710 §4.2: what has a higher priority goes first. Some of what had been taken out of the line
// before it came may still go before it.
void Checker::check_priority(const Key& key, const Call& call) {
  if (call.stepped_down) return;  // others may be too young for that
  const std::int8_t priority = tracks_.at(key).envelope->priority;
  for (auto& [other, track] : tracks_) {
    if (track.envelope->priority <= priority) continue;
    if (!could_go_first(other, track, call)) {
      track.overtakers.clear();
      continue;
    }
    // Who has to go from host to host is still the same.
    track.overtakers.insert(key);
    if (track.overtakers.size() > 2 * scenario_.options.limits.connections + 3)
      world_.violate(
          fmt::format("{} goes before {}, which has a higher priority", name(key), name(other)));
  }
}

}  // namespace posthaste::sim
