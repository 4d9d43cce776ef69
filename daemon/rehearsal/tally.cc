#include "daemon/rehearsal/tally.h"

#include <algorithm>

#include "lib/base/overloaded.h"

namespace posthaste::rehearsal {
namespace {

constexpr std::size_t kLatest = 10, kUndelivered = 10;

Duration at(std::vector<std::uint32_t>& seconds, double share) {
  if (seconds.empty()) return Duration(0);
  const auto place = static_cast<std::size_t>(share * static_cast<double>(seconds.size() - 1));
  const auto nth = seconds.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(seconds.begin(), nth, seconds.end());
  return std::chrono::seconds(*nth);
}

void add(Tallied& sum, const Tallied& one) {
  for (const auto member :
       {&Tallied::recipients, &Tallied::delivered, &Tallied::late, &Tallied::bounced,
        &Tallied::expired, &Tallied::queued, &Tallied::plaintext, &Tallied::encrypted,
        &Tallied::verified, &Tallied::downgraded}) {
    sum.*member += one.*member;
  }
  for (std::size_t i = 0; i < kWithin.size(); ++i) sum.within[i] += one.within[i];
}

void measure(Tallied& tallied, std::vector<std::uint32_t>& seconds) {
  tallied.median = at(seconds, 0.5);
  tallied.p99 = at(seconds, 0.99);
  tallied.worst = at(seconds, 1);
}

}  // namespace

Tally::Tally(World& world, const Scenario& scenario, std::size_t hidden)
    : world_(world), late_after_(scenario.late_after), groups_(scenario.groups.size() - hidden) {
  for (std::size_t i = 0; i < groups_.size(); ++i)
    groups_[i].tallied.name = scenario.groups[i].name;
  for (const ScenarioDomain& domain : scenario.domains) {
    if (domain.group >= groups_.size()) continue;
    domains_.emplace(domain.name.text(), domain.group);
    for (const auto& mx : domain.mx) {
      if (scenario.hosts[mx.host].starttls) groups_[domain.group].offers_tls = true;
    }
  }
}

Tally::Group* Tally::group_of(const mail::Recipient& recipient) {
  const auto found = domains_.find(mail::routing_domain(recipient.address).text());
  return found == domains_.end() ? nullptr : &groups_[found->second];
}

void Tally::on_submitted(const queue::Accept& accept) {
  ++results_.messages;
  for (const mail::PendingRecipient& pending : accept.recipients) {
    Group* group = group_of(pending.recipient);
    if (group == nullptr) continue;
    ++group->tallied.recipients;
    ++stretch_.submitted;
    ++queued_;
  }
}

void Tally::end_stretch() {
  stretch_.queued = queued_;
  results_.stretches.push_back(stretch_);
  stretch_ = {};
  stretch_.connections = open_;
}

// ---- what passes

bool Tally::on_event(delivery::Event& event) {
  if (std::holds_alternative<delivery::SessionReady>(event)) ++results_.sessions;
  if (std::holds_alternative<delivery::SessionClosed>(event)) --open_;
  return true;
}

bool Tally::on_action(delivery::Action& action) {
  if (std::holds_alternative<delivery::Connect>(action)) {
    ++results_.connections;
    stretch_.connections = std::max(stretch_.connections, ++open_);
  } else if (const auto* fell = std::get_if<delivery::FellBack>(&action)) {
    ++results_.fallbacks[fmt::format("{} to {} ({})", fell->from, fell->to,
                                     policy::label(fell->reason))];
  } else if (const auto* backed_off = std::get_if<delivery::BackedOff>(&action)) {
    ++results_.back_offs;
    back_offs_[backed_off->domain.text()] = backed_off->words;
  } else if (std::holds_alternative<delivery::SuspectedStrip>(action)) {
    ++results_.strips;
  }
  return true;
}

bool Tally::on_settle(const delivery::Persist& persist, queue::Settle& settle) {
  if (settle.dsn) ++results_.notifications;
  const mail::Envelope& envelope = *persist.letter->envelope;
  for (const delivery::Settlement& settlement : persist.settlements) {
    Group* group = group_of(settlement.before.recipient);
    if (group != nullptr) count(settlement, envelope, *group);
  }
  return true;
}

void Tally::count(const delivery::Settlement& settlement, const mail::Envelope& envelope,
                  Group& group) {
  if (settlement.tell_delay) ++results_.delay_notices;
  switch (settlement.ending) {
    case delivery::Ending::kDelivered:
      --queued_;
      return count_delivered(settlement, world_.now() - envelope.arrived, group);
    case delivery::Ending::kDeferred:
      ++stretch_.failed;
      ++results_.deferrals[static_cast<std::size_t>(settlement.retry_class)];
      return;
    case delivery::Ending::kBounced:
    case delivery::Ending::kExpired:
    case delivery::Ending::kRemoved: --queued_; return count_end(settlement, group);
    case delivery::Ending::kHeld:
    case delivery::Ending::kReleased: return;
  }
}

void Tally::count_delivered(const delivery::Settlement& settlement, Duration needed, Group& group) {
  Tallied& tallied = group.tallied;
  ++tallied.delivered;
  ++stretch_.delivered;
  for (std::size_t i = 0; i < kWithin.size(); ++i) tallied.within[i] += needed <= kWithin[i];
  group.seconds.push_back(
      static_cast<std::uint32_t>(std::chrono::round<std::chrono::seconds>(needed).count()));
  // As in mail::HistoryEvent::tls.
  const std::string_view tls = settlement.tls;
  if (tls.starts_with("TLS")) {
    ++results_.versions[std::string(tls.substr(0, tls.find(' ')))];
    ++(tls.find(" verified by ") != tls.npos ? tallied.verified : tallied.encrypted);
  } else {
    ++tallied.plaintext;
    ++stretch_.plaintext;
    if (group.offers_tls) ++tallied.downgraded;
  }
  if (needed <= late_after_) return;
  ++tallied.late;
  keep_late(settlement.before, world_.now() - needed, true);
}

void Tally::count_end(const delivery::Settlement& settlement, Group& group) {
  const bool expired = settlement.ending == delivery::Ending::kExpired;
  ++(expired ? group.tallied.expired : group.tallied.bounced);
  std::string words = smtp::render_reply(settlement.reply);
  if (expired) words = "the time was up: " + words;
  auto& kept = undelivered_[{group.tallied.name, words}];
  if (kept.recipients++ == 0) {
    kept.group = group.tallied.name;
    kept.words = std::move(words);
    kept.first = world_.now();
  }
}

void Tally::keep_late(const mail::PendingRecipient& pending, Instant accepted, bool delivered) {
  const std::string domain = mail::routing_domain(pending.recipient.address).text();
  LateMail& late = late_[domain];
  ++late.recipients;
  const Duration needed = world_.now() - accepted;
  if (needed <= late.needed) return;
  late.domain = domain;
  late.accepted = accepted;
  late.needed = needed;
  late.delivered = delivered;
  late.why = pending.progress.last_words.empty() ? back_offs_[domain] : pending.progress.last_words;
}

// ---- the end

void Tally::count_queued(const queue::MemoryStore& store) {
  std::vector<queue::ListedRecipient> listed;
  (void)store.list({}, SIZE_MAX, listed);
  for (const auto& [id, pending] : listed) {
    Group* group = group_of(pending.recipient);
    if (group == nullptr) continue;
    ++group->tallied.queued;
    if (world_.now() - id.time() <= late_after_) continue;
    ++group->tallied.late;
    keep_late(pending, id.time(), false);
  }
}

Results Tally::results(const queue::MemoryStore& store) {
  count_queued(store);
  std::vector<std::uint32_t> seconds;
  for (Group& group : groups_) {
    seconds.insert(seconds.end(), group.seconds.begin(), group.seconds.end());
    measure(group.tallied, group.seconds);
    add(results_.all, group.tallied);
    results_.groups.push_back(group.tallied);
  }
  measure(results_.all, seconds);
  for (auto& [domain, late] : late_) results_.latest.push_back(std::move(late));
  std::stable_sort(results_.latest.begin(), results_.latest.end(),
                   [](const auto& a, const auto& b) { return a.needed > b.needed; });
  if (results_.latest.size() > kLatest) results_.latest.resize(kLatest);
  for (auto& [key, one] : undelivered_) results_.undelivered.push_back(std::move(one));
  std::stable_sort(results_.undelivered.begin(), results_.undelivered.end(),
                   [](const auto& a, const auto& b) { return a.recipients > b.recipients; });
  if (results_.undelivered.size() > kUndelivered) results_.undelivered.resize(kUndelivered);
  return std::move(results_);
}

}  // namespace posthaste::rehearsal
