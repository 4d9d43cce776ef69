// What the Checker has to say of the operator's word.
//
// What is just under way stays as it is, and an order that is not durable dies with the process. So
// of each order there are those whom it surely reaches, and those whom it may reach.
#include <algorithm>

#include "lib/report/notification.h"
#include "tests/sim/checker.h"

namespace posthaste::sim {
namespace {

using delivery::Ending;
using delivery::Selection;
using delivery::SteerVerb;

bool any_domain(const std::vector<policy::DomainPattern>& patterns, const std::string& domain) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const auto& one) {
           return one.text == domain || one.text == "*.example";
         });
}

std::optional<SteerVerb> verb_of(Ending ending) {
  switch (ending) {
    case Ending::kHeld: return SteerVerb::kHold;
    case Ending::kReleased: return SteerVerb::kRelease;
    case Ending::kRemoved: return SteerVerb::kRemove;
    case Ending::kBounced: return SteerVerb::kBounce;
    case Ending::kDelivered:
    case Ending::kDeferred:
    case Ending::kExpired: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

bool Checker::may_select(const Selection& selection, const Key& key, const Track& track) const {
  const Instant arrived = key.first.time();
  const auto& messages = selection.messages;
  return track.fate == Fate::kQueued && any_domain(selection.domains, track.domain) &&
         arrived >= selection.arrived_from && arrived < selection.arrived_before &&
         (!messages || std::binary_search(messages->begin(), messages->end(), key.first));
}

bool Checker::surely_selects(const delivery::Steer& steer, const Key& key,
                             const Track& track) const {
  const Selection& selection = steer.selection;
  // Whose letter is looked for because a time limit of his may have passed counts as under way.
  const bool settled = track.known && !track.under_way && !track.unsettled && !track.loading;
  // Recipients of one message may wait for different reasons, and what is loaded together is
  // settled together.
  const bool plain = selection.state == Selection::State::kAny && !selection.retry_class;
  return settled && plain && track.claim == Claim::kNone && may_select(selection, key, track);
}

// Nobody believes what was counted with a clock that was wrong; and who names the message to be
// tried again does not want it to wait for its hour.
Instant Checker::held_until(const Track& track) const {
  return stepped_ == Instant{} && !track.hastened ? track.envelope->hold_until : Instant{};
}

void Checker::on_steer(const delivery::Steer& steer) {
  for (auto& [key, track] : tracks_) {
    if (!may_select(steer.selection, key, track)) continue;
    track.words.insert(steer.verb);
    const bool sure = surely_selects(steer, key, track);
    track.overtakers.clear();
    switch (steer.verb) {
      case SteerVerb::kRetry:
        track.hastened |= steer.selection.messages != nullptr;
        track.due = std::min(track.due, std::max(world_.now(), held_until(track)));
        paces_[track.domain].back_offs.clear();
        break;
      case SteerVerb::kHold:
        if (sure && !track.stored.held) track.claim = Claim::kHold;
        break;
      case SteerVerb::kRelease:
        if (track.claim == Claim::kHold) track.claim = Claim::kNone;
        break;
      case SteerVerb::kRemove:
      case SteerVerb::kBounce:
        if (track.claim == Claim::kHold) track.claim = Claim::kNone;
        if (sure) track.claim = Claim::kEnd;
        break;
    }
  }
}

void Checker::check_steered(const delivery::Settlement& settlement, const Key& key, bool dsn) {
  Track& track = tracks_.at(key);
  // What was decided before the order came goes its way.
  track.claim = Claim::kNone;
  const auto verb = verb_of(settlement.ending);
  const bool by_operator =
      verb && (settlement.ending != Ending::kBounced || settlement.by_operator);
  if (!by_operator) {
    if (track.stored.held) world_.violate("held, and yet it ends: " + name(key));
    return;
  }
  if (!track.words.contains(*verb)) world_.violate("steered by nobody: " + name(key));
  if (settlement.ending == Ending::kRemoved && dsn)
    world_.violate("removed, and yet somebody is told: " + name(key));
  if (settlement.ending != Ending::kHeld && settlement.ending != Ending::kReleased) return;
  mail::Progress expected = track.stored;
  expected.held = settlement.ending == Ending::kHeld;
  expected.revision = settlement.after.revision;
  if (settlement.after != expected || settlement.after.revision <= track.stored.revision)
    world_.violate("held or released, and more than that has changed: " + name(key));
}

// ---- suspensions

bool Checker::covers(const policy::Suspension& one, const Track& track) {
  const std::string& sender = track.envelope->sender.text();
  switch (one.kind) {
    case policy::SuspensionKind::kDomain: return any_domain({{one.pattern}}, track.domain);
    case policy::SuspensionKind::kSender:
      return sender.empty() ? one.pattern == "<>"
                            : one.pattern == sender ||
                                  (one.pattern.starts_with('@') && sender.ends_with(one.pattern));
    case policy::SuspensionKind::kSite: return false;  // there may be other hosts
  }
  return false;
}

bool Checker::host_stopped(const MxName& host) const {
  return std::any_of(
      suspensions_->all().begin(), suspensions_->all().end(), [&](const policy::Suspension& one) {
        return one.kind == policy::SuspensionKind::kSite && one.until > world_.now() &&
               (one.pattern == host.text() || one.pattern == "*.hosts.example");
      });
}

// By a suspension that has held for that long.
bool Checker::stopped(const Track& track, Duration for_at_least) const {
  const auto& all = suspensions_->all();
  return std::any_of(all.begin(), all.end(), [&](const policy::Suspension& one) {
    return one.until > world_.now() && one.since + for_at_least <= world_.now() &&
           covers(one, track);
  });
}

// Since when nothing that the operator said has stood in his way.
Instant Checker::free_since(const Track& track) const {
  Instant since = track.released;
  for (const Stop& stop : stops_) {
    const bool of_site = stop.suspension.kind == policy::SuspensionKind::kSite;
    if (of_site || covers(stop.suspension, track)) {
      since = std::max(since, std::min(stop.until, world_.now()));
    }
  }
  return since;
}

bool Checker::resumed_since(Instant then) const {
  return std::any_of(stops_.begin(), stops_.end(), [&](const Stop& stop) {
    return stop.until >= then && stop.until <= world_.now();
  });
}

void Checker::on_suspended(std::shared_ptr<const policy::Suspensions> suspensions) {
  for (Stop& stop : stops_) stop.until = std::min(stop.until, world_.now());
  suspensions_ = std::move(suspensions);
  for (const policy::Suspension& one : suspensions_->all()) stops_.push_back({one, one.until});
  for (auto& [key, track] : tracks_) track.overtakers.clear();
}

void Checker::check_stopped(const Key& key, const Track& track) {
  if (track.stored.held || track.claim == Claim::kHold)
    world_.violate("tried while it is held: " + name(key));
  if (track.claim == Claim::kEnd || track.removed)
    world_.violate("tried after it was removed: " + name(key));
  if (stopped(track, Duration(0))) world_.violate("tried while it is suspended: " + name(key));
  if (world_.now() < held_until(track))
    world_.violate("tried before it was to be released: " + name(key));
}

}  // namespace posthaste::sim
