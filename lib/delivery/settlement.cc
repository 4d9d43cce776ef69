#include "lib/delivery/settlement.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

// RFC 3463 §3.5: delivery time expired.
constexpr smtp::EnhancedCode kExpiredStatus{5, 4, 7};
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
  return add_saturated(id_.time(),
                       Duration(static_cast<Duration::rep>(std::min(later, kCountMax))));
}

void Settler::defer(Settlement& settlement, const Trouble& trouble, Instant expiry) {
  mail::Progress& after = settlement.after;
  after = settlement.before.progress;
  ++after.revision;
  ++after.attempts;
  // Not beyond the expiry, so that the sender hears of it in time.
  after.due = std::min(next_due(trouble.retry_class, after.attempts), expiry);
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
  const auto policy = retry_.policy_for(domain_, trouble.retry_class);
  const Instant arrived = id_.time();
  const Instant expiry = add_saturated(arrived, policy.expire_after);
  if (expiry <= now_) {
    settlement.ending = Ending::kExpired;
    settlement.status = kExpiredStatus;
    return settlement;
  }
  settlement.ending = Ending::kDeferred;
  defer(settlement, trouble, expiry);
  return settlement;
}

Settlement Settler::expired(const mail::PendingRecipient& before, const Trouble& last) const {
  const mail::Progress& progress = before.progress;
  const bool own = !progress.last_words.empty();
  Settlement settlement = of(before, own ? Trouble{} : last);
  settlement.ending = Ending::kExpired;
  if (own) {
    settlement.host = progress.last_host;
    settlement.retry_class =
        policy::parse_retry_class(progress.retry_class).value_or(policy::RetryClass::kOther);
  }
  const std::string words = own ? progress.last_words : one_line(last.reply);
  const Duration age = now_ - id_.time();
  settlement.reply = smtp::Reply{};
  settlement.status = settlement.reply.enhanced = kExpiredStatus;
  settlement.reply.text = fmt::format("not delivered within {}; last trouble: {}",
                                      age_in_words(age), words.empty() ? "none was told" : words);
  return settlement;
}

}  // namespace posthaste::delivery
