#include "daemon/settler.h"

#include <algorithm>
#include <utility>

#include "daemon/fate.h"
#include "daemon/notice.h"

namespace posthaste::daemon {
namespace {

using delivery::Ending;

constexpr std::size_t kDomainsCounted =
    50'000;  // per worker; mail to further ones counts as "other"

// The operator's word alone: nothing was tried.
bool is_steered(Ending ending) {
  return ending == Ending::kRemoved || ending == Ending::kHeld || ending == Ending::kReleased;
}

mail::HistoryKind history_kind(Ending ending) {
  switch (ending) {
    case Ending::kDelivered: return mail::HistoryKind::kDelivered;
    case Ending::kDeferred: return mail::HistoryKind::kDeferred;
    case Ending::kBounced: return mail::HistoryKind::kBounced;
    case Ending::kExpired: return mail::HistoryKind::kExpired;
    case Ending::kRemoved: return mail::HistoryKind::kRemoved;
    case Ending::kHeld: return mail::HistoryKind::kHeld;
    case Ending::kReleased: return mail::HistoryKind::kReleased;
  }
  return mail::HistoryKind::kBounced;
}

// Attempts so far, this one with it where it is one.
std::uint32_t attempts_of(const delivery::Settlement& settlement) {
  return settlement.before.progress.attempts + (is_attempt(settlement) ? 1 : 0);
}

mail::HistoryEvent history(const delivery::Settlement& settlement, Instant now) {
  mail::HistoryEvent event;
  event.time = now;
  event.kind = history_kind(settlement.ending);
  event.attempt = attempts_of(settlement);
  event.recipient = settlement.before.recipient.address.text();
  event.host = settlement.host;
  event.tls = settlement.tls;
  event.words =
      is_steered(settlement.ending) ? settlement.reply.text : render_reply(settlement.reply);
  const bool waits = fate_kind(settlement.ending) == queue::FateKind::kDeferred;
  if (waits) event.next_due = settlement.after.due;
  const bool ours = settlement.by_operator || is_steered(settlement.ending);
  if (settlement.ending != Ending::kDelivered && !ours)
    event.retry_class = std::string(name(settlement.retry_class));
  return event;
}

mail::HistoryEvent delay_told(const mail::Envelope& original, const report::ReportedRecipient& told,
                              MessageId id, Instant now) {
  mail::HistoryEvent event;
  event.time = now;
  event.kind = mail::HistoryKind::kDelayTold;
  event.attempt = told.attempts;
  event.recipient = told.recipient.address.text();
  event.words = "told to " + original.sender.text() + " by message " + render_id(id);
  return event;
}

// What has ended says by which message its sender hears of it.
void name_notification(const report::ReportedRecipient& told, MessageId id,
                       std::vector<mail::HistoryEvent>& events) {
  const std::string recipient = told.recipient.address.text();
  for (auto& event : events) {
    if (event.recipient != recipient || event.kind == mail::HistoryKind::kDelayTold) continue;
    event.words += (event.words.empty() ? "" : "; ") + ("told by message " + render_id(id));
  }
}

// Nothing has come of the recipient but that his sender is told that it is late.
bool only_tells(const delivery::Settlement& settlement) {
  return settlement.ending == Ending::kDeferred && settlement.tell_delay && !is_attempt(settlement);
}

std::string seconds_text(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  std::string text = std::to_string(milliseconds / 1000) + '.';
  const auto rest = std::to_string(milliseconds % 1000);
  return text + std::string(3 - rest.size(), '0') + rest;
}

}  // namespace

Settler::Settler(Metrics& metrics, Log& log, const queue::Store& store, IdSource& ids)
    : metrics_(metrics), log_(log), store_(store), ids_(ids) {}

Snapshot::DomainCount& Settler::domain_count(const std::string& domain) {
  const auto found = domains_.find(domain);
  if (found != domains_.end()) return found->second;
  return domains_[domains_.size() < kDomainsCounted ? domain : std::string("other")];
}

void Settler::add_to(Snapshot& snapshot) const {
  for (const auto& [domain, count] : domains_) {
    auto& sum = snapshot.domains[domain];
    sum.delivered += count.delivered;
    sum.deferred += count.deferred;
    sum.bounced += count.bounced;
  }
}

void Settler::count(const mail::Envelope& envelope, const delivery::Settlement& settlement,
                    Instant now) {
  metrics_.attempt(settlement.ending, settlement.retry_class);
  if (is_steered(settlement.ending)) return;
  if (settlement.maybe_delivered) metrics_.maybe_delivered();
  auto& count = domain_count(routing_domain(settlement.before.recipient.address).text());
  switch (settlement.ending) {
    case Ending::kDelivered:
      ++count.delivered;
      metrics_.delivered_after(now - envelope.arrived);
      break;
    case Ending::kDeferred:
      ++count.deferred;
      metrics_.scheduled(settlement.retry_class);
      break;
    case Ending::kBounced:
    case Ending::kExpired: ++count.bounced; break;
    case Ending::kRemoved:
    case Ending::kHeld:
    case Ending::kReleased: break;
  }
}

void Settler::log(const mail::Envelope& envelope, const delivery::Settlement& settlement,
                  Instant now) {
  const Ending ending = settlement.ending;
  const bool failed = ending == Ending::kBounced || ending == Ending::kExpired;
  const LogLevel level = failed ? LogLevel::kWarning : LogLevel::kInfo;
  if (!log_.wants(level)) return;
  const bool waits = ending == Ending::kDeferred || ending == Ending::kReleased;
  const bool classed = (failed || ending == Ending::kDeferred) && !settlement.by_operator;
  const Duration wait = std::max(Duration{0}, settlement.after.due - now);
  log_.write(level, name(history_kind(ending)),
             {{"id", render_id(envelope.id)},
              {"to", settlement.before.recipient.address.text()},
              {"host", settlement.host},
              {"tls", settlement.tls},
              {"attempt", std::to_string(attempts_of(settlement))},
              {"class", classed ? name(settlement.retry_class) : std::string_view()},
              {"stage", classed ? name(settlement.stage) : std::string_view()},
              {"tls_failure", settlement.tls_failure == policy::TlsFailure::kNone
                                  ? std::string_view()
                                  : label(settlement.tls_failure)},
              {"reply", render_reply(settlement.reply)},
              {"by", is_steered(ending) || settlement.by_operator ? "operator" : ""},
              {"maybe_delivered", settlement.maybe_delivered ? "yes" : ""},
              {"age_s", seconds_text(now - envelope.arrived)},
              {"next_s", waits ? seconds_text(wait) : std::string()}});
}

queue::Settle Settler::settle(const delivery::Persist& persist, const Runtime& runtime,
                              Instant now) {
  const mail::Envelope& envelope = *persist.letter->envelope;
  queue::Settle request;
  request.shard = persist.shard;
  request.id = envelope.id;
  for (const auto& settlement : persist.settlements) {
    request.fates.push_back(fate_of(settlement));
    if (only_tells(settlement)) continue;
    request.history.push_back(history(settlement, now));
    count(envelope, settlement, now);
    log(envelope, settlement, now);
  }
  notify(persist, runtime, now, request);
  return request;
}

void Settler::notify(const delivery::Persist& persist, const Runtime& runtime, Instant now,
                     queue::Settle& request) {
  const mail::Envelope& original = *persist.letter->envelope;
  auto notification = notification_of(persist, runtime, now);
  if (notification.recipients.empty()) return;
  const MessageId id = ids_.next(now);
  for (const auto& told : notification.recipients) {
    if (told.action == report::Action::kDelayed) {
      request.history.push_back(delay_told(original, told, id, now));
    } else {
      name_notification(told, id, request.history);
    }
  }
  const std::string_view action = name(foremost_action(notification));
  metrics_.notified(action);
  log_.write(LogLevel::kInfo, "notification",
             {{"id", render_id(id)},
              {"of", render_id(original.id)},
              {"to", original.sender.text()},
              {"action", action},
              {"recipients", std::to_string(notification.recipients.size())}});
  request.dsn = notice_of(std::move(notification), *persist.letter, store_, id);
}

}  // namespace posthaste::daemon
