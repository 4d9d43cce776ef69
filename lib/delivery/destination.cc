#include "lib/delivery/destination.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {

Destination::Destination(RoutingDomain domain, mail::TlsWish wish, Shared& shared)
    : domain_(std::move(domain)),
      wish_(wish),
      shared_(shared),
      settings_(settings_for(*shared.options, domain_)),
      backlog_(settings_, shared.warm_bytes),
      router_(domain_, wish) {
  auto& quota = shared_.quotas[domain_];
  if (!quota) quota = std::make_shared<Quota>(settings_.limits);
  quota_ = quota;
  quota_->join(*this);
}

Destination::~Destination() {
  shared_.agenda.erase(*this);
  leave_site();
  shared_.turns.leave(*this);
  quota_->part(*this);
  if (quota_->empty()) shared_.quotas.erase(domain_);
}

void Destination::file(const Scheduled& entry, Turn& turn) {
  backlog_.file(entry);
  turn.shared.agenda.set(*this, std::min(wake, std::max(entry.due, turn.now)));
}

void Destination::take_arrival(const std::shared_ptr<const mail::Letter>& letter,
                               const std::vector<Scheduled>& entries, std::size_t bytes,
                               Turn& turn) {
  const bool whole = !letter->body.chunks.empty() || letter->envelope->body_chunks == 0;
  const bool room = shared_.warm_bytes + bytes <= turn.options().warm_bytes_max;
  const bool soon = entries.front().due <= turn.now && !entries.front().held;
  if (whole && room && soon && !backed_off(turn.now) && !stands_still())
    backlog_.keep_warm(letter, entries.size(), bytes);
  for (const Scheduled& entry : entries) backlog_.file(entry);
  drain(turn);
}

void Destination::on_answered(const dns::Question& question, const dns::Answer& answer,
                              Turn& turn) {
  CHECK(questions_ > 0);
  --questions_;
  auto around = this->around(turn);
  router_.on_answered(question, answer, around);
  tell(around, turn);
  drain(turn);
}

void Destination::on_sts(const StsKnown& known, Turn& turn) {
  CHECK(questions_ > 0);
  --questions_;
  router_.on_sts(known, turn.now);
  drain(turn);
}

void Destination::on_sts_changed(Turn& turn) {
  router_.forget();
  drain(turn);
}

Surroundings Destination::around(Turn& turn) {
  return {turn.options(), *shared_.suspensions, shared_.memory, shared_.rng, turn.now, {}, {}};
}

void Destination::tell(Surroundings& around, Turn& turn) {
  for (auto& change : around.learned) {
    turn.out.push_back(Remember{change.shown, change.drop, std::move(change.key),
                                std::move(change.value), change.expires});
  }
  for (auto& barred : around.barred) turn.out.push_back(std::move(barred));
}

void Destination::on_persisted(const Unsettled::Fate& fate, MessageId id, Turn& turn) {
  CHECK(in_flight_ > 0);
  --in_flight_;
  if (fate.order) carried_out(*fate.order);
  if (fate.next) {
    backlog_.file(*fate.next);
  } else {
    shared_.arrivals.remove(id);
  }
  drain(turn);
}

void Destination::on_reconfigured(const Options& before, Turn& turn) {
  const Settings old = std::exchange(settings_, settings_for(turn.options(), domain_));
  if (!same_time_limits(old, settings_)) {
    backlog_.review();
    for (const auto& batch : staged_) batch->look_again();
  }
  quota_->set_limits(settings_.limits);
  leave_worn_out(turn);
  if (route_differs(before, turn.options(), domain_)) {
    router_.forget();
    backed_off_until_ = Instant{};  // what failed was another route
    afresh_from_ = turn.now;
  }
}

// Also when it must not begin anything, what is due comes to be ready, so that the figures are
// true.
void Destination::drain(Turn& turn) {
  blocked_until_ = kNever;
  heed_suspensions(turn);
  look_after_site(turn);
  backlog_.promote(turn.now, known_down_at(turn.now));
  drop_outdated(turn);
  if (shared_.may_begin()) {
    carry_out(turn);
    if (!stands_still()) doom_overdue(turn);
    wants_connection_ = false;
    const std::uint64_t begun = shared_.connections_begun;
    work(turn);
    if (!wants_connection_) wait_no_more(turn);
    if (shared_.connections_begun != begun) feed_others(turn);
  }
  retire_idle(turn);
  if (staged_.empty() && !backlog_.has_ready() && connections_ == 0) router_.rest();
  rest_from_site(turn);
  plan_wake(turn);
}

bool Destination::idle() const {
  return backlog_.empty() && steered_.empty() && staged_.empty() && in_flight_ == 0 &&
         connections_ == 0 && questions_ == 0 && !waits_for_anybody();
}

// The plan, the pace and the back-off are worth keeping until they lapse by themselves.
Instant Destination::keep_until() const {
  return std::max({router_.lapses(), quota_->messages.free_at(), quota_->calls.free_at(),
                   backed_off_until_, hold_opening_until_,
                   site_ ? site_->keep_until() : Instant{}});
}

bool Destination::spent(Instant now) const { return idle() && keep_until() <= now; }

void Destination::add_to(DestinationView& view) const {
  view.waiting += backlog_.waiting();
  view.ready += ready();
  view.in_flight += in_flight();
  view.held += held();
  add_suspension_to(view);
  add_site_to(view);
  view.connections += connections_;
  view.next_due = std::min(view.next_due, backlog_.next_due());
  if (down()) view.backed_off_until = std::max(view.backed_off_until, backed_off_until_);
  const Site::Outage* outage = outage_of_site();
  if (last_failure_ || outage != nullptr) {
    const smtp::Reply& reply = (last_failure_ ? *last_failure_ : outage->trouble).reply;
    view.last_failure = reply.code != 0 ? smtp::render_reply(reply) : reply.text;
  }
  for (std::size_t i = 0; i < policy::kRetryClasses; ++i) {
    view.waiting_by_class[i] += backlog_.waiting_by_class()[i];
  }
}

}  // namespace posthaste::delivery
