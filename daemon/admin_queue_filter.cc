#include "daemon/admin_queue_filter.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "config/values.h"
#include "daemon/admin_parameters.h"
#include "lib/mail/address.h"

namespace posthaste::daemon {
namespace {

using State = QueueFilter::State;

constexpr std::array<std::pair<std::string_view, State>, 4> kStates{
    {{"waiting", State::kWaiting},
     {"ready", State::kReady},
     {"held", State::kHeld},
     {"suspended", State::kSuspended}}};

Status parse_domains(std::string_view text, QueueFilter& filter) {
  for (const std::string_view part : split_list(text)) {
    auto pattern = policy::parse_domain_pattern(part);
    if (!pattern) return fail(ErrorCode::kInvalid, "domain: " + pattern.error().words);
    filter.domains.push_back(std::move(*pattern));
  }
  if (filter.domains.size() <= kFilterPartsMax) return {};
  return fail(ErrorCode::kInvalid,
              "domain: expected at most " + std::to_string(kFilterPartsMax) + " of them");
}

Status parse_messages(std::string_view text, QueueFilter& filter) {
  for (const std::string_view part : split_list(text)) {
    const auto id = parse_id(part);
    if (!id) return fail(ErrorCode::kInvalid, "id: " + id.error().words);
    filter.messages.push_back(*id);
  }
  auto& messages = filter.messages;
  std::sort(messages.begin(), messages.end());
  messages.erase(std::unique(messages.begin(), messages.end()), messages.end());
  if (messages.size() <= kFilterPartsMax) return {};
  return fail(ErrorCode::kInvalid,
              "id: expected at most " + std::to_string(kFilterPartsMax) + " of them");
}

// The time that long ago; `otherwise` where the parameter is not given.
Result<Instant> parse_age(const HttpRequest& request, const char* key, Instant now,
                          Instant otherwise) {
  const std::string& text = request.parameter(key);
  if (text.empty()) return otherwise;
  const auto age = config::parse_duration(text);
  if (age && *age >= Duration{0} && *age <= now.time_since_epoch()) return now - *age;
  return fail(ErrorCode::kInvalid, std::string(key) + ": expected a duration, as 30m, 2h or 5d");
}

}  // namespace

bool QueueFilter::everything() const {
  return domains.empty() && sender.empty() && arrived_from == Instant{} &&
         arrived_before == kNever && !reason && state == State::kAny && messages.empty();
}

delivery::Selection QueueFilter::selection() const {
  delivery::Selection selection;
  selection.domains = domains;
  selection.arrived_from = arrived_from;
  selection.arrived_before = arrived_before;
  selection.retry_class = reason;
  selection.state = state;
  if (!messages.empty()) {
    selection.messages = std::make_shared<const std::vector<MessageId>>(messages);
  }
  return selection;
}

Result<QueueFilter> parse_queue_filter(const HttpRequest& request, Instant now) {
  QueueFilter filter;
  if (auto parsed = parse_domains(request.parameter("domain"), filter); !parsed) {
    return tl::unexpected(parsed.error());
  }
  if (auto parsed = parse_messages(request.parameter("id"), filter); !parsed) {
    return tl::unexpected(parsed.error());
  }
  filter.sender = request.parameter("sender");
  const auto older = parse_age(request, "older", now, kNever);
  if (!older) return tl::unexpected(older.error());
  const auto younger = parse_age(request, "younger", now, Instant{});
  if (!younger) return tl::unexpected(younger.error());
  filter.arrived_before = *older;
  filter.arrived_from = *younger;
  if (const std::string& reason = request.parameter("reason"); !reason.empty()) {
    filter.reason = policy::parse_retry_class(reason);
    if (!filter.reason) {
      return fail(ErrorCode::kInvalid,
                  "reason: expected connect, dns, tls, greylist, throttled, mailbox, policy or "
                  "other");
    }
  }
  if (const std::string& state = request.parameter("state"); !state.empty()) {
    const auto parsed = parse_queue_state(state);
    if (!parsed) {
      return fail(ErrorCode::kInvalid, "state: expected waiting, ready, held or suspended");
    }
    filter.state = *parsed;
  }
  return filter;
}

std::string_view name(State state) {
  for (const auto& [text, known] : kStates) {
    if (known == state) return text;
  }
  return {};
}

std::optional<State> parse_queue_state(std::string_view text) {
  for (const auto& [known, state] : kStates) {
    if (known == text) return state;
  }
  return std::nullopt;
}

State state_of(const mail::PendingRecipient& pending, const mail::Envelope* envelope,
               const Stopped& stopped, Instant now) {
  if (pending.progress.held) return State::kHeld;
  if (pending.progress.due > now) return State::kWaiting;
  const bool stands = stopped.stops(routing_domain(pending.recipient.address), envelope, now);
  return stands ? State::kSuspended : State::kReady;
}

bool fits_sender(const QueueFilter& filter, const mail::Envelope* envelope) {
  if (filter.sender.empty()) return true;
  if (envelope == nullptr) return false;
  if (envelope->sender.null()) return filter.sender == "<>";
  const std::string& sender = envelope->sender.text();
  if (filter.sender.front() != '@') return equal_fold(sender, filter.sender);
  return sender.size() > filter.sender.size() &&
         equal_fold(std::string_view(sender).substr(sender.size() - filter.sender.size()),
                    filter.sender);
}

bool fits_listed(const QueueFilter& filter, const queue::ListedRecipient& listed) {
  // By the id, as engines know it.
  const Instant arrived = listed.id.time();
  if (arrived < filter.arrived_from || arrived >= filter.arrived_before) return false;
  const auto& progress = listed.pending.progress;
  if (filter.reason && progress.retry_class != name(*filter.reason)) return false;
  if (!filter.messages.empty() &&
      !std::binary_search(filter.messages.begin(), filter.messages.end(), listed.id)) {
    return false;
  }
  return filter.domains.empty() ||
         policy::matches_any(filter.domains,
                             routing_domain(listed.pending.recipient.address).text());
}

}  // namespace posthaste::daemon
