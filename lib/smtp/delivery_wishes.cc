#include "lib/smtp/delivery_wishes.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/names.h"
#include "lib/base/overloaded.h"
#include "lib/mail/date.h"

namespace posthaste::smtp {
namespace {

using std::chrono::seconds;

constexpr std::size_t kDigitsMax = 9;  // of both RFCs
constexpr seconds kLongest{999'999'999};

// 1 to 9 digits, as seconds.
std::optional<seconds> parse_seconds(std::string_view digits) {
  std::uint64_t number = 0;
  if (digits.size() > kDigitsMax || !parse_number(digits, number)) return std::nullopt;
  return seconds(static_cast<seconds::rep>(number));
}

// "+5", "-5", "5".
std::optional<seconds> parse_signed_seconds(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::optional<seconds> parsed = parse_seconds(text);
  return parsed && negative ? -*parsed : parsed;
}

Parsed<std::optional<mail::DeliverBy>> grant_by(const std::optional<DeliveryWishes::By>& by,
                                                const ServerOptions& options, Instant now) {
  if (!by) return std::optional<mail::DeliverBy>();
  if (!options.deliver_by) return refuse("555 5.5.4 BY is not offered here");
  // RFC 2852 §3: the least time counts for by-mode "R" alone, and less is refused for good.
  const seconds least = deliver_by_least(options);
  if (by->return_it && by->within < least) {
    return refuse(fmt::format("555 5.5.4 BY with R takes at least {} seconds here", least.count()));
  }
  return mail::DeliverBy{now + by->within, by->return_it, by->trace};
}

Parsed<Instant> grant_hold(const std::optional<DeliveryWishes::Hold>& hold,
                           const ServerOptions& options, Instant now) {
  if (!hold) return Instant();
  const seconds longest = hold_max(options);
  if (longest.count() == 0) return refuse("555 5.5.4 HOLDFOR and HOLDUNTIL are not offered here");
  const Instant until = std::visit(
      Overloaded{[now](seconds wait) { return now + wait; }, [](Instant time) { return time; }},
      *hold);
  // RFC 4865 §4.2 (7), (8), (10), (11).
  if (until > now + longest) {
    return refuse(fmt::format("501 5.5.4 messages are held for up to {} seconds here, until {}",
                              longest.count(), mail::render_timestamp(now + longest)));
  }
  return until > now ? until : Instant();
}

}  // namespace

Parsed<DeliveryWishes::By> parse_by(std::string_view value) {
  const auto malformed = [] {
    return refuse("501 5.5.4 BY is a number of seconds, a semicolon, and N or R, maybe with T");
  };
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return malformed();
  const std::optional<seconds> within = parse_signed_seconds(value.substr(0, semicolon));
  const std::string_view mode = value.substr(semicolon + 1);
  if (!within || mode.empty() || mode.size() > 2) return malformed();
  DeliveryWishes::By by;
  by.within = *within;
  by.return_it = equal_fold(mode.substr(0, 1), "R");
  by.trace = equal_fold(mode.substr(1), "T");
  if (!by.return_it && !equal_fold(mode.substr(0, 1), "N")) return malformed();
  if (mode.size() == 2 && !by.trace) return malformed();
  // RFC 2852 §4.
  if (by.return_it && by.within.count() <= 0) {
    return refuse("501 5.5.4 BY with R takes a time that has not passed");
  }
  return by;
}

Parsed<DeliveryWishes::Hold> parse_hold_for(std::string_view value) {
  const std::optional<seconds> wait = parse_seconds(value);
  if (!wait || value.front() == '0') {
    return refuse("501 5.5.4 HOLDFOR takes a number of seconds, from 1 to 999999999");
  }
  return *wait;
}

Parsed<DeliveryWishes::Hold> parse_hold_until(std::string_view value) {
  const std::optional<Instant> time = mail::parse_timestamp(value);
  if (!time) return refuse("501 5.5.4 HOLDUNTIL takes a time in UTC, as 2026-11-21T22:08:43Z");
  return *time;
}

// RFC 6710 §7: no plus sign, no leading zero.
Parsed<std::int8_t> parse_priority(std::string_view value) {
  const bool negative = value.starts_with('-');
  const std::string_view digit = value.substr(negative ? 1 : 0);
  if (digit.size() != 1 || digit[0] < (negative ? '1' : '0') || digit[0] > '9') {
    return refuse("501 5.5.2 MT-PRIORITY is a number from -9 to 9");
  }
  const int number = digit[0] - '0';
  return static_cast<std::int8_t>(negative ? -number : number);
}

Parsed<GrantedWishes> grant_wishes(const DeliveryWishes& wishes, const ServerOptions& options,
                                   Instant now) {
  GrantedWishes granted;
  const auto by = grant_by(wishes.by, options, now);
  if (!by) return tl::unexpected(by.error());
  granted.deliver_by = *by;
  const auto hold = grant_hold(wishes.hold, options, now);
  if (!hold) return tl::unexpected(hold.error());
  granted.hold_until = *hold;
  // RFC 4865 §5.2.2: one of them would have to be ignored.
  if (granted.deliver_by && granted.hold_until > granted.deliver_by->by) {
    return refuse("501 5.5.4 the message is to be held for longer than until it has to be there");
  }
  if (wishes.priority && !options.priority) {
    return refuse("555 5.5.4 MT-PRIORITY is not offered here");
  }
  granted.priority = wishes.priority.value_or(0);
  return granted;
}

seconds deliver_by_least(const ServerOptions& options) {
  return std::clamp(std::chrono::ceil<seconds>(options.deliver_by_min), seconds(0), kLongest);
}

seconds hold_max(const ServerOptions& options) {
  return std::clamp(std::chrono::floor<seconds>(options.future_release_max), seconds(0), kLongest);
}

std::string render_wishes(const mail::Envelope& envelope) {
  std::string words;
  if (envelope.priority != 0) words += fmt::format(" MT-PRIORITY={}", envelope.priority);
  if (envelope.hold_until != Instant()) {
    words += " HOLDUNTIL=" + mail::render_timestamp(envelope.hold_until);
  }
  if (const auto& by = envelope.deliver_by) {
    words += fmt::format(" BY={};{}{}", mail::render_timestamp(by->by), by->return_it ? 'R' : 'N',
                         by->trace ? "T" : "");
  }
  return words;
}

}  // namespace posthaste::smtp
