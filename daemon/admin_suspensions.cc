#include "daemon/admin_suspensions.h"

#include <algorithm>
#include <utility>

#include "config/values.h"
#include "daemon/admin_parameters.h"
#include "daemon/admin_response.h"
#include "daemon/json_value.h"
#include "daemon/suspension_notes.h"
#include "daemon/worker.h"
#include "lib/mail/date.h"

namespace posthaste::daemon {
namespace {

using policy::Suspension;

bool same_subject(const Suspension& a, const Suspension& b) {
  return a.kind == b.kind && a.pattern == b.pattern;
}

Json suspension_json(const Suspension& suspension) {
  return {{"kind", name(suspension.kind)},
          {"pattern", suspension.pattern},
          {"since", time_json(suspension.since)},
          {"until", time_json(suspension.until)},
          {"words", suspension.words}};
}

// What a request names by ?kind= and ?pattern=. Error: kInvalid.
Result<Suspension> parse_subject(const HttpRequest& request) {
  const auto kind = policy::parse_suspension_kind(request.parameter("kind"));
  if (!kind) return fail(ErrorCode::kInvalid, "kind: expected domain, site or sender");
  auto suspension = policy::parse_suspension(*kind, request.parameter("pattern"));
  if (!suspension) return fail(ErrorCode::kInvalid, "pattern: " + suspension.error().words);
  return suspension;
}

// When it is to lapse, by ?for= or ?until=; kNever where there is neither. Error: kInvalid.
Result<Instant> parse_until(const HttpRequest& request, Instant now) {
  const std::string& span = request.parameter("for");
  const std::string& until = request.parameter("until");
  if (!span.empty() && !until.empty()) {
    return fail(ErrorCode::kInvalid, "for, until: only one of them can be obeyed");
  }
  if (!span.empty()) {
    const auto duration = config::parse_duration(span);
    if (!duration || *duration <= Duration{0}) {
      return fail(ErrorCode::kInvalid, "for: expected a duration, as 30m, 2h or 5d");
    }
    return add_saturated(now, *duration);
  }
  if (until.empty()) return kNever;
  const auto time = mail::parse_timestamp(until);
  if (!time) {
    return fail(ErrorCode::kInvalid, "until: expected a time in UTC, as 2026-11-21T22:00:00Z");
  }
  if (*time <= now) return fail(ErrorCode::kInvalid, "until: that is over already");
  return *time;
}

}  // namespace

AdminSuspensions::AdminSuspensions(House house,
                                   std::shared_ptr<const policy::Suspensions> now_suspended)
    : house_(std::move(house)), current_(std::move(now_suspended)) {}

void AdminSuspensions::answer(std::string_view page, const HttpRequest& request,
                              const Respond& respond) {
  const bool changes = page != "suspensions";
  if (request.method != (changes ? "POST" : "GET")) {
    return respond(error_response(405, changes ? "use POST" : "use GET"));
  }
  if (page == "suspend") return suspend(request, respond);
  if (page == "resume") return resume(request, respond);
  list(respond);
}

std::vector<Suspension> AdminSuspensions::lasting() const {
  std::vector<Suspension> all = current_->all();
  const Instant now = house_.loop.now();
  std::erase_if(all, [now](const Suspension& one) { return one.until <= now; });
  return all;
}

void AdminSuspensions::list(const Respond& respond) const {
  Json all = Json::array();
  for (const Suspension& one : lasting()) all.push_back(suspension_json(one));
  respond(json_response(
      text_of({{"now", time_json(house_.loop.now())}, {"suspensions", std::move(all)}})));
}

void AdminSuspensions::suspend(const HttpRequest& request, const Respond& respond) {
  auto suspension = parse_subject(request);
  if (!suspension) return respond(error_response(suspension.error()));
  const auto until = parse_until(request, house_.loop.now());
  if (!until) return respond(error_response(until.error()));
  auto words = parse_words(request.parameter("words"));
  if (!words) return respond(error_response(words.error()));
  if (lasting().size() >= kSuspensionsMax) {
    return respond(error_response(
        503, "there are " + std::to_string(kSuspensionsMax) +
                 " suspensions, more are not kept; a pattern like *.example.com covers many"));
  }
  suspension->since = house_.loop.now();
  suspension->until = *until;
  suspension->words = std::move(*words);
  ask_store({std::move(*suspension)}, true, respond);
}

void AdminSuspensions::resume(const HttpRequest& request, const Respond& respond) {
  if (request.parameter("all") == "yes") return ask_store(lasting(), false, respond);
  const auto subject = parse_subject(request);
  if (!subject) return respond(error_response(subject.error()));
  for (const Suspension& one : lasting()) {
    if (same_subject(one, *subject)) return ask_store({one}, false, respond);
  }
  respond(error_response(
      404, "that is not suspended: " + std::string(name(subject->kind)) + " " + subject->pattern));
}

void AdminSuspensions::ask_store(std::vector<Suspension> which, bool suspends,
                                 const Respond& respond) {
  const auto change = std::make_shared<Change>(Change{respond, which.size(), 0, {}});
  if (which.empty()) return respond(json_response(text_of({{"changed", 0}})));
  for (Suspension& one : which) {
    const std::uint64_t ticket = house_.store.admin_lane() << 48 | ++last_ticket_;
    queue::Request request;
    if (suspends) {
      auto keep = keep_suspension(one);
      keep.ticket = ticket;
      request = std::move(keep);
    } else {
      auto drop = drop_suspension(one);
      drop.ticket = ticket;
      request = std::move(drop);
    }
    Part part{change, std::move(one), suspends};
    if (house_.store.try_push(std::move(request))) {
      asked_.emplace(ticket, std::move(part));
    } else {
      settle(part, "the store has too much to do; try again");
    }
  }
}

void AdminSuspensions::on_store(const queue::Kept& kept) {
  const auto found = asked_.find(kept.ticket);
  if (found == asked_.end()) return;
  const Part part = std::move(found->second);
  asked_.erase(found);
  apply(part);
  settle(part, {});
}

void AdminSuspensions::on_store(const queue::NotKept& refused) {
  const auto found = asked_.find(refused.ticket);
  if (found == asked_.end()) return;
  const Part part = std::move(found->second);
  asked_.erase(found);
  settle(part, refused.words);
}

void AdminSuspensions::apply(const Part& part) {
  auto all = lasting();
  std::erase_if(all, [&](const Suspension& one) { return same_subject(one, part.suspension); });
  if (part.suspends) all.push_back(part.suspension);
  current_ = std::make_shared<const policy::Suspensions>(std::move(all));
  for (Worker* worker : house_.workers) {
    worker->post([suspensions = current_](Worker& each) {
      each.engine_event(delivery::Suspended{suspensions});
      each.pump();
    });
  }
  const Instant until = part.suspension.until;
  house_.log.write(LogLevel::kWarning, part.suspends ? "suspended" : "resumed",
                   {{std::string(name(part.suspension.kind)), part.suspension.pattern},
                    {"until", part.suspends && until != kNever ? time_json(until).get<std::string>()
                                                               : std::string()},
                    {"words", part.suspension.words}});
}

void AdminSuspensions::settle(const Part& part, std::string trouble) {
  Change& change = *part.change;
  if (trouble.empty()) {
    ++change.made;
  } else {
    change.trouble = std::move(trouble);
  }
  if (--change.unanswered != 0) return;
  if (!change.trouble.empty()) {
    return change.respond(error_response(
        503, "not kept, so not " + std::string(part.suspends ? "suspended: " : "resumed: ") +
                 change.trouble));
  }
  Json answer{{"now", time_json(house_.loop.now())}, {"changed", change.made}};
  if (part.suspends) answer["suspension"] = suspension_json(part.suspension);
  change.respond(json_response(text_of(answer)));
}

}  // namespace posthaste::daemon
