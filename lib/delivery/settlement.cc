#include "lib/delivery/settlement.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

using policy::RetryClass;

// RFC 3463 §3.5: delivery time expired.
constexpr smtp::EnhancedCode kExpiredStatus{5, 4, 7};
constexpr smtp::EnhancedCode kLateStatus{4, 4, 7};
// RFC 3463 §3.8: delivery not authorized, message refused. It was a decision, not a failure, and
// says nothing of the mailbox: senders who strike addresses off their lists for 5.1.1 or 5.0.0 must
// not do so for this one.
constexpr smtp::EnhancedCode kOperatorStatus{5, 7, 1};
constexpr double kPlaintextJitter = 0.05;

std::string one_line(const smtp::Reply& reply) {
  if (reply.code != 0) return smtp::render_reply(reply);
  std::string line = reply.text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string age_in_words(Duration age) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(age).count();
  if (hours >= 48) return fmt::format("{} days", hours / 24);
  if (hours >= 2) return fmt::format("{} hours", hours);
  return fmt::format("{} minutes", std::chrono::duration_cast<std::chrono::minutes>(age).count());
}

Settlement of(const mail::PendingRecipient& before, const Trouble& trouble) {
  Settlement settlement;
  settlement.before = before;
  settlement.retry_class = trouble.retry_class;
  settlement.stage = trouble.stage;
  settlement.status = trouble.status;
  settlement.reply = trouble.reply;
  settlement.tls_failure = trouble.tls;
  settlement.host = trouble.host;
  settlement.maybe_delivered = before.progress.maybe_delivered;
  return settlement;
}

}  // namespace

Settlement Settler::delivered(const mail::PendingRecipient& before,
                              const smtp::RecipientOutcome& outcome, const std::string& host,
                              const std::string& tls) const {
  Settlement settlement;
  settlement.before = before;
  settlement.ending = Ending::kDelivered;
  settlement.stage = outcome.stage;
  settlement.reply = outcome.reply;
  settlement.host = host;
  settlement.tls = tls;
  return settlement;
}

Instant Settler::next_due(policy::RetryClass retry_class, std::uint32_t attempts) {
  for (const Due& due : dues_) {
    if (due.retry_class == retry_class && due.attempts == attempts) return due.at;
  }
  const auto policy = retry_.policy_for(domain_, retry_class);
  dues_.push_back({retry_class, attempts, policy::next_due(policy, attempts, now_, rng_)});
  return dues_.back().at;
}

// When the way to plaintext opens to this message; a little later, so that not all mail of one
// moment comes at one moment again.
Instant Settler::plaintext_from(Duration wait) {
  if (plaintext_jitter_ < 0) plaintext_jitter_ = kPlaintextJitter * rng_.unit();
  const double later = static_cast<double>(wait.count()) * (1.0 + plaintext_jitter_);
  constexpr double kCountMax = 9e18;  // a double that still fits Duration::rep
  return add_saturated(envelope_.id.time(),
                       Duration(static_cast<Duration::rep>(std::min(later, kCountMax))));
}

void Settler::defer(Settlement& settlement, const Trouble& trouble, const TimeLimits& limits) {
  mail::Progress& after = settlement.after;
  after = settlement.before.progress;
  ++after.revision;
  ++after.attempts;
  settlement.tell_delay = limits.notice <= now_;
  after.delay_told |= settlement.tell_delay;
  // Not beyond what the sender is to hear of, so that he does in time.
  after.due = std::min(next_due(trouble.retry_class, after.attempts), limits.expiry);
  if (!settlement.tell_delay) after.due = std::min(after.due, limits.notice);
  if (trouble.plaintext_after) {
    const Instant opens = plaintext_from(*trouble.plaintext_after);
    if (opens > now_) after.due = std::min(after.due, opens);
  }
  after.retry_class = policy::name(trouble.retry_class);
  after.last_host = trouble.host;
  after.last_words = one_line(trouble.reply);
  after.maybe_delivered = settlement.maybe_delivered;
  CHECK(after.due >= now_);
}

Settlement Settler::failed(const mail::PendingRecipient& before, const Trouble& trouble,
                           const std::string& tls, bool maybe_delivered) {
  Settlement settlement = of(before, trouble);
  settlement.tls = tls;
  settlement.maybe_delivered |= maybe_delivered;
  if (trouble.permanent) {
    settlement.ending = Ending::kBounced;
    return settlement;
  }
  const TimeLimits limits =
      time_limits(envelope_, before, retry_.policy_for(domain_, trouble.retry_class));
  if (limits.expiry <= now_) {
    settlement.ending = Ending::kExpired;
    settlement.status = kExpiredStatus;
    return settlement;
  }
  settlement.ending = Ending::kDeferred;
  defer(settlement, trouble, limits);
  return settlement;
}

TimeLimits Settler::limits_of(const mail::PendingRecipient& before) const {
  const auto retry_class = policy::parse_retry_class(before.progress.retry_class);
  return time_limits(envelope_, before,
                     retry_.policy_for(domain_, retry_class.value_or(RetryClass::kOther)));
}

Instant Settler::next_limit(const mail::PendingRecipient& before) const {
  const TimeLimits limits = limits_of(before);
  return std::min(limits.expiry, limits.notice);
}

std::optional<Settlement> Settler::overdue(const mail::PendingRecipient& before,
                                           const Doom& doom) const {
  const TimeLimits limits = limits_of(before);
  if (now_ < std::min(limits.expiry, limits.notice)) return std::nullopt;
  Settlement settlement = left_waiting(before, doom);
  if (limits.expiry <= now_) {
    settlement.ending = Ending::kExpired;
    settlement.status = kExpiredStatus;
  } else {
    settlement.ending = Ending::kDeferred;
    settlement.status = kLateStatus;
    settlement.tell_delay = true;
    settlement.after = before.progress;
    ++settlement.after.revision;
    settlement.after.delay_told = true;
  }
  settlement.reply.enhanced = settlement.status;
  return settlement;
}

// Nobody was called for it: its own last trouble says most, or else its destination's; unless it
// waits for hosts that have failed since, when others called them.
Settlement Settler::left_waiting(const mail::PendingRecipient& before, const Doom& doom) const {
  const mail::Progress& progress = before.progress;
  const bool stranded = doom.kind == Doom::Kind::kStranded;
  const bool own = !stranded && !progress.last_words.empty();
  Settlement settlement = of(before, own ? Trouble{} : doom.trouble);
  if (own) {
    settlement.host = progress.last_host;
    settlement.retry_class =
        policy::parse_retry_class(progress.retry_class).value_or(RetryClass::kOther);
  }
  const std::string words = own ? progress.last_words : one_line(doom.trouble.reply);
  const Duration age = std::max(now_ - clock_starts(envelope_), Duration::zero());
  settlement.reply = smtp::Reply{};
  settlement.reply.text = fmt::format(
      "not delivered within {}; {}: {}", age_in_words(age),
      stranded ? "its mail hosts do not answer, or take no mail at all" : "last trouble",
      words.empty() ? "none was told" : words);
  return settlement;
}

Settlement Settler::steered(const mail::PendingRecipient& before, const SteerOrder& order) const {
  Settlement settlement;
  settlement.before = before;
  settlement.by_operator = true;
  settlement.maybe_delivered = before.progress.maybe_delivered;
  settlement.retry_class = RetryClass::kPolicy;
  settlement.status = settlement.reply.enhanced = kOperatorStatus;
  settlement.reply.text = order.words;
  const auto keep = [&](Ending ending, bool held) {
    settlement.ending = ending;
    settlement.after = before.progress;
    ++settlement.after.revision;
    settlement.after.held = held;
  };
  switch (order.verb) {
    case SteerVerb::kRetry: CHECK(false);
    case SteerVerb::kHold: keep(Ending::kHeld, true); break;
    case SteerVerb::kRelease: keep(Ending::kReleased, false); break;
    case SteerVerb::kRemove: settlement.ending = Ending::kRemoved; break;
    case SteerVerb::kBounce:
      settlement.ending = Ending::kBounced;
      if (order.words.empty()) settlement.reply.text = "returned by the operator of this host";
      break;
  }
  return settlement;
}

}  // namespace posthaste::delivery
