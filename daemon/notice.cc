#include "daemon/notice.h"

#include <algorithm>
#include <utility>

#include "daemon/own_mail.h"
#include "lib/delivery/time_limits.h"

namespace posthaste::daemon {
namespace {

using delivery::Ending;
using delivery::Settlement;

constexpr std::uint64_t kReturnedBytesMax =
    256U << 10;  // RET=FULL returns no more than that; RFC 3461 §4.3 leaves it to us

// The header section, up to and including the empty line's predecessor.
std::string header_section(const std::string& chunk) {
  const auto end = chunk.find("\r\n\r\n");
  return end == std::string::npos ? chunk : chunk.substr(0, end + 2);
}

// What the sender is to be told of a fate; nullopt: nothing.
std::optional<report::Action> action_of(const mail::Envelope& original,
                                        const Settlement& settlement) {
  const mail::Recipient& recipient = settlement.before.recipient;
  switch (settlement.ending) {
    case Ending::kDelivered:
      if (!report::wants_relayed_report(original, recipient, settlement.dsn_passed_on,
                                        settlement.tell_relayed))
        return std::nullopt;
      return report::Action::kRelayed;
    case Ending::kBounced:
    case Ending::kExpired:
      if (!report::wants_failure_report(original, recipient)) return std::nullopt;
      return report::Action::kFailed;
    case Ending::kDeferred:
      if (!settlement.tell_delay || original.sender.null()) return std::nullopt;
      return report::Action::kDelayed;
    case Ending::kRemoved:
    case Ending::kHeld:
    case Ending::kReleased: return std::nullopt;
  }
  return std::nullopt;
}

// When we shall give up: what the engine goes by.
Instant retry_until(const mail::Envelope& original, const Settlement& settlement,
                    const Runtime& runtime) {
  const auto domain = routing_domain(settlement.before.recipient.address);
  const auto policy = runtime.engine->retry.policy_for(domain, settlement.retry_class);
  return delivery::time_limits(original, settlement.before, policy).expiry;
}

bool is_told_late_by_promise(const mail::Envelope& original, Instant now) {
  return original.deliver_by && !original.deliver_by->return_it && original.deliver_by->by <= now;
}

// Why, in one line. Of what came to pass while it waited, the last attempt says more than the time.
std::string words_of(const Settlement& settlement) {
  const std::string& last = settlement.before.progress.last_words;
  const bool waited = !settlement.by_operator && !is_attempt(settlement) && !last.empty();
  std::string words = waited ? last : settlement.reply.text;
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words;
}

report::ReportedRecipient reported(const mail::Envelope& original, const Settlement& settlement,
                                   report::Action action, const Runtime& runtime, Instant now) {
  report::ReportedRecipient told;
  told.recipient = settlement.before.recipient;
  told.action = action;
  told.status = render_enhanced(action == report::Action::kRelayed ? settlement.reply.enhanced
                                                                   : settlement.status);
  told.remote_host = settlement.host;
  if (settlement.reply.code != 0) told.remote_reply = render_reply(settlement.reply);
  told.just_tried = is_attempt(settlement);
  told.words = words_of(settlement);
  told.attempts = settlement.before.progress.attempts + (told.just_tried ? 1 : 0);
  told.maybe_delivered = settlement.maybe_delivered;
  told.tls_failure = settlement.tls_failure;
  told.tls = settlement.tls;
  told.expired = settlement.ending == Ending::kExpired;
  told.by_operator = settlement.by_operator;
  if (action == report::Action::kDelayed) {
    told.next_attempt = settlement.after.due;
    told.retry_until = retry_until(original, settlement, runtime);
    told.deliver_by_passed = is_told_late_by_promise(original, now);
  }
  told.more_to_come = settlement.dsn_passed_on;
  return told;
}

}  // namespace

bool is_attempt(const Settlement& settlement) {
  switch (settlement.ending) {
    case Ending::kDelivered: return true;
    case Ending::kDeferred: return settlement.after.attempts > settlement.before.progress.attempts;
    case Ending::kBounced: return !settlement.by_operator;
    // "Time is up" in the place of a reply: it expired while it waited.
    case Ending::kExpired:
      return settlement.reply.code != 0 || settlement.reply.enhanced != settlement.status;
    case Ending::kRemoved:
    case Ending::kHeld:
    case Ending::kReleased: return false;
  }
  return false;
}

report::Notification notification_of(const delivery::Persist& persist, const Runtime& runtime,
                                     Instant now) {
  report::Notification notification;
  const mail::Envelope& original = *persist.letter->envelope;
  for (const Settlement& settlement : persist.settlements) {
    if (const auto action = action_of(original, settlement)) {
      notification.recipients.push_back(reported(original, settlement, *action, runtime, now));
    }
  }
  notification.reporting_mta = runtime.hostname;
  notification.original = &original;
  notification.now = now;
  return notification;
}

queue::Accept notice_of(report::Notification notification, const mail::Letter& letter,
                        const queue::Store& store, MessageId id) {
  const mail::Envelope& original = *letter.envelope;
  notification.id = id;
  mail::Chunk first = letter.body.chunks.empty() ? nullptr : letter.body.chunks.front();
  if (first == nullptr) {  // rare: only mail that was never loaded for an attempt
    if (auto read = store.body_chunk(original.id, 0)) first = *read;
  }
  if (first != nullptr) {
    notification.original_headers = header_section(*first);
    const bool whole = original.body_chunks == 1 && original.body_bytes <= kReturnedBytesMax;
    if (original.ret == mail::DsnReturn::kFull && whole) notification.original_body = *first;
  }
  OwnMail mail;
  mail.id = id;
  mail.recipient = original.sender;
  mail.content = render_notification(notification);
  mail.origin = "notification about " + render_id(original.id);
  mail.tls_wish = report::tls_wish_of_notification(original);
  mail.smtputf8 = !original.sender.ascii();
  mail.priority = original.priority;
  mail.now = notification.now;
  return accept_of(std::move(mail));
}

}  // namespace posthaste::daemon
