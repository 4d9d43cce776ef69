#include "lib/delivery/destination.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {

Destination::Destination(RoutingDomain domain, Shared& shared)
    : domain_(std::move(domain)),
      shared_(shared),
      settings_(settings_for(*shared.options, domain_)),
      backlog_(shared.warm_bytes),
      router_(domain_),
      message_pace_(settings_.limits.message_rate),
      connection_pace_(settings_.limits.connection_rate) {}

Destination::~Destination() { shared_.agenda.erase(*this); }

void Destination::file(const Scheduled& entry, Turn& turn) {
  backlog_.file(entry);
  turn.shared.agenda.set(*this, std::min(wake, std::max(entry.due, turn.now)));
}

void Destination::take_arrival(const std::shared_ptr<const mail::Letter>& letter,
                               const std::vector<Scheduled>& entries, std::size_t bytes,
                               Turn& turn) {
  const bool whole = !letter->body.chunks.empty() || letter->envelope->body_chunks == 0;
  const bool room = shared_.warm_bytes + bytes <= turn.options().warm_bytes_max;
  if (whole && room && !backed_off(turn.now)) backlog_.keep_warm(letter, entries.size(), bytes);
  for (const Scheduled& entry : entries) backlog_.file(entry);
  drain(turn);
}

void Destination::on_answered(const dns::Question& question, const dns::Answer& answer,
                              Turn& turn) {
  CHECK(questions_ > 0);
  --questions_;
  router_.on_answered(question, answer, turn.options(), settings_.tls, turn.now, shared_.rng);
  drain(turn);
}

void Destination::on_persisted(const std::optional<Scheduled>& next, MessageId id, Turn& turn) {
  CHECK(in_flight_ > 0);
  --in_flight_;
  if (next) {
    backlog_.file(*next);
  } else {
    shared_.arrivals.remove(id);
  }
  drain(turn);
}

void Destination::on_reconfigured(const Options& before, Turn& turn) {
  settings_ = settings_for(turn.options(), domain_);
  if (message_pace_.rate() != settings_.limits.message_rate) {
    message_pace_ = Pace(settings_.limits.message_rate);
  }
  if (connection_pace_.rate() != settings_.limits.connection_rate) {
    connection_pace_ = Pace(settings_.limits.connection_rate);
  }
  if (route_differs(before, turn.options(), domain_)) {
    router_.forget();
    backed_off_until_ = Instant{};  // what failed was another route
  }
}

// Also when it must not begin anything, what is due comes to be ready, so that the figures are
// true.
void Destination::drain(Turn& turn) {
  blocked_until_ = kNever;
  backlog_.promote(turn.now, settings_, down());
  if (shared_.may_begin()) {
    doom_expired(turn);
    work(turn);
  }
  retire_idle(turn);
  if (staged_.empty() && !backlog_.has_ready() && connections_ == 0) router_.rest();
  plan_wake(turn);
}

bool Destination::idle() const {
  return backlog_.waiting() == 0 && backlog_.ready() == 0 && staged_.empty() && in_flight_ == 0 &&
         connections_ == 0 && questions_ == 0 && !starving_;
}

// The plan, the pace and the back-off are worth keeping until they lapse by themselves.
Instant Destination::keep_until() const {
  return std::max({router_.lapses(), message_pace_.free_at(), connection_pace_.free_at(),
                   backed_off_until_, hold_opening_until_});
}

bool Destination::spent(Instant now) const { return idle() && keep_until() <= now; }

DestinationView Destination::view() const {
  DestinationView view;
  view.domain = domain_;
  view.waiting = backlog_.waiting();
  view.ready = ready();
  view.in_flight = in_flight_;
  view.connections = connections_;
  view.next_due = backlog_.next_due();
  view.backed_off_until = down() ? backed_off_until_ : Instant{};
  if (last_failure_) {
    const smtp::Reply& reply = last_failure_->reply;
    view.last_failure = reply.code != 0 ? smtp::render_reply(reply) : reply.text;
  }
  view.waiting_by_class = backlog_.waiting_by_class();
  return view;
}

}  // namespace posthaste::delivery
