#include "daemon/settler.h"

#include <algorithm>

#include "daemon/own_mail.h"
#include "lib/report/bounce.h"

namespace posthaste::daemon {
namespace {

using delivery::Ending;

constexpr std::size_t kDomainsCounted =
    50'000;  // per worker; mail to further ones counts as "other"
constexpr std::uint64_t kReturnedBytesMax =
    256U << 10;  // RET=FULL returns no more than that; RFC 3461 §4.3 leaves it to us

queue::FateKind fate_kind(Ending ending) {
  switch (ending) {
    case Ending::kDelivered: return queue::FateKind::kDelivered;
    case Ending::kDeferred: return queue::FateKind::kDeferred;
    case Ending::kBounced:
    case Ending::kExpired:
    case Ending::kRemoved: return queue::FateKind::kBounced;
    case Ending::kHeld:
    case Ending::kReleased: return queue::FateKind::kDeferred;
  }
  return queue::FateKind::kBounced;
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

mail::HistoryEvent history(const delivery::Settlement& settlement, Instant now) {
  mail::HistoryEvent event;
  event.time = now;
  event.kind = history_kind(settlement.ending);
  event.attempt = settlement.before.progress.attempts + 1;
  event.recipient = settlement.before.recipient.address.text();
  event.host = settlement.host;
  event.tls = settlement.tls;
  event.words = render_reply(settlement.reply);
  if (settlement.ending == Ending::kDeferred) event.next_due = settlement.after.due;
  if (settlement.ending != Ending::kDelivered)
    event.retry_class = std::string(name(settlement.retry_class));
  return event;
}

std::string seconds_text(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  std::string text = std::to_string(milliseconds / 1000) + '.';
  const auto rest = std::to_string(milliseconds % 1000);
  return text + std::string(3 - rest.size(), '0') + rest;
}

// The header section, up to and including the empty line's predecessor.
std::string header_section(const std::string& chunk) {
  const auto end = chunk.find("\r\n\r\n");
  return end == std::string::npos ? chunk : chunk.substr(0, end + 2);
}

report::FailedRecipient failed_recipient(const delivery::Settlement& settlement) {
  report::FailedRecipient failed;
  failed.recipient = settlement.before.recipient;
  failed.status = render_enhanced(settlement.status);
  failed.remote_host = settlement.host;
  failed.attempts = settlement.before.progress.attempts + 1;
  failed.expired = settlement.ending == Ending::kExpired;
  if (settlement.reply.code != 0) failed.remote_reply = render_reply(settlement.reply);
  failed.words = settlement.reply.text;
  std::replace(failed.words.begin(), failed.words.end(), '\n', ' ');
  return failed;
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

void Settler::record(const delivery::Persist& persist, const delivery::Settlement& settlement,
                     Instant now) {
  const auto& envelope = *persist.letter->envelope;
  metrics_.attempt(settlement.ending, settlement.retry_class);
  if (settlement.maybe_delivered) metrics_.maybe_delivered();
  auto& count = domain_count(routing_domain(settlement.before.recipient.address).text());
  const Duration age = now - envelope.arrived;
  LogLevel level = LogLevel::kInfo;
  std::string next;
  switch (settlement.ending) {
    case Ending::kDelivered:
      ++count.delivered;
      metrics_.delivered_after(age);
      break;
    case Ending::kDeferred:
      ++count.deferred;
      metrics_.scheduled(settlement.retry_class);
      next = seconds_text(std::max(Duration{0}, settlement.after.due - now));
      break;
    case Ending::kBounced:
    case Ending::kExpired:
      ++count.bounced;
      level = LogLevel::kWarning;
      break;
    case Ending::kRemoved:
    case Ending::kHeld:
    case Ending::kReleased: break;
  }
  if (!log_.wants(level)) return;
  const bool delivered = settlement.ending == Ending::kDelivered;
  log_.write(level, name(history_kind(settlement.ending)),
             {{"id", render_id(envelope.id)},
              {"to", settlement.before.recipient.address.text()},
              {"host", settlement.host},
              {"tls", settlement.tls},
              {"attempt", std::to_string(settlement.before.progress.attempts + 1)},
              {"class", delivered ? std::string_view() : name(settlement.retry_class)},
              {"stage", delivered ? std::string_view() : name(settlement.stage)},
              {"tls_failure", settlement.tls_failure == policy::TlsFailure::kNone
                                  ? std::string_view()
                                  : label(settlement.tls_failure)},
              {"reply", render_reply(settlement.reply)},
              {"maybe_delivered", settlement.maybe_delivered ? "yes" : ""},
              {"age_s", seconds_text(age)},
              {"next_s", next}});
}

queue::Settle Settler::settle(const delivery::Persist& persist, const Runtime& runtime,
                              Instant now) {
  queue::Settle request;
  request.shard = persist.shard;
  request.id = persist.letter->envelope->id;
  for (const auto& settlement : persist.settlements) {
    queue::Fate fate;
    fate.number = settlement.before.recipient.number;
    fate.kind = fate_kind(settlement.ending);
    fate.revision = settlement.before.progress.revision;
    if (fate.kind == queue::FateKind::kDeferred) fate.progress = settlement.after;
    request.fates.push_back(std::move(fate));
    request.history.push_back(history(settlement, now));
    record(persist, settlement, now);
  }
  request.dsn = bounce(persist, runtime, now);
  return request;
}

std::optional<queue::Accept> Settler::bounce(const delivery::Persist& persist,
                                             const Runtime& runtime, Instant now) {
  const auto& original = *persist.letter->envelope;
  report::BounceInput input;
  for (const auto& settlement : persist.settlements) {
    const bool ended =
        settlement.ending == Ending::kBounced || settlement.ending == Ending::kExpired;
    if (ended && report::wants_failure_report(original, settlement.before.recipient)) {
      input.recipients.push_back(failed_recipient(settlement));
    }
  }
  if (input.recipients.empty()) return std::nullopt;

  OwnMail mail;
  mail.id = ids_.next(now);
  input.reporting_mta = runtime.hostname;
  input.bounce_id = mail.id;
  input.original = &original;
  input.now = now;
  mail::Chunk first =
      persist.letter->body.chunks.empty() ? nullptr : persist.letter->body.chunks.front();
  if (first == nullptr) {  // rare: only mail that was never loaded for an attempt
    if (auto read = store_.body_chunk(original.id, 0)) first = *read;
  }
  if (first != nullptr) {
    input.original_headers = header_section(*first);
    const bool whole = original.body_chunks == 1 && original.body_bytes <= kReturnedBytesMax;
    if (original.ret == mail::DsnReturn::kFull && whole) input.original_body = *first;
  }

  mail.recipient = original.sender;
  mail.content = render_bounce(input);
  mail.origin = "bounce of " + render_id(original.id);
  mail.tls_wish = report::tls_wish_of_bounce(original);
  mail.smtputf8 = !original.sender.ascii();
  mail.now = now;
  log_.write(
      LogLevel::kInfo, "bounce",
      {{"id", render_id(mail.id)}, {"of", render_id(original.id)}, {"to", original.sender.text()}});
  return accept_of(std::move(mail));
}

}  // namespace posthaste::daemon
