#include "lib/policy/mta_sts_cache.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/policy/mta_sts_entries.h"

namespace posthaste::policy::sts {
namespace {

constexpr std::string_view kTxtPrefix = "_mta-sts.";
constexpr std::string_view kHostPrefix = "mta-sts.";
constexpr std::string_view kPath = "/.well-known/mta-sts.txt";
constexpr std::size_t kNameOctetsMax = 253;  // RFC 1035 §2.3.4, as text
constexpr int kHttpOk = 200;

// Names that DNS and a URL can be made of; anything else has no policy.
bool can_have_policy(const RoutingDomain& domain) {
  const std::string& text = domain.text();
  return !text.empty() && kTxtPrefix.size() + text.size() <= kNameOctetsMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                  c == '_';
         });
}

// What is applied of a policy; max_age is not.
bool same_terms(const StsPolicy& a, const StsPolicy& b) { return a.mode == b.mode && a.mx == b.mx; }

}  // namespace

struct Cache::State {
  using Step = Entry::Step;

  State(Options given, Rng seeded)
      : options(given), rng(seeded), entries(given.policies_max, given.nones_max) {}

  void on(Wanted&& event, Instant now, Actions& out);
  void on(Doubted&& event, Instant now, Actions& out);
  void on(TxtAnswered&& event, Instant now, Actions& out);
  void on(Fetched&& event, Instant now, Actions& out);
  void on(FetchFailed&& event, Instant now, Actions& out);
  void on(Remembered&& event, Instant now, Actions& out);
  void on(Forget&& event, Instant now, Actions& out);
  void on(Tick&&, Instant, Actions&) {}  // what is due is done before any event

  void do_what_is_due(Instant now, Actions& out);
  void look_at(Entry& entry, Instant now, Actions& out);
  void ask(Entry& entry, Instant now, Actions& out);
  void on_published(Entry& entry, std::string id, Instant expires, Instant now, Actions& out);
  void on_unpublished(Entry& entry, std::string words, Instant expires, Instant now, Actions& out);
  void fetch_failed(Entry& entry, Problem problem, std::string words, Instant now, Actions& out);
  void adopt(Entry& entry, StsPolicy policy, Instant now, Actions& out);
  void lose(Entry& entry, Actions& out);
  void tell(Entry& entry, Instant now, Actions& out);
  void settle(Entry& entry, Instant now, Actions& out);
  void file(Entry& entry, bool used, Actions& out);

  Entry* find_in(const RoutingDomain& domain, Step step) const {
    Entry* const entry = entries.find(domain);
    return entry != nullptr && entry->step == step ? entry : nullptr;
  }
  Instant good_until(Instant ttl_end, Duration at_least, Instant now) const;
  Instant expiry(const StsRecord& record) const;
  Instant refresh_time(Instant from, Instant expires);
  Duration up_to(Duration most) {
    return Duration(rng.below(static_cast<std::uint64_t>(most.count()) + 1));
  }
  Duration jittered(Duration wait) { return wait + up_to(wait / 4); }

  const Options options;
  Rng rng;
  Entries entries;
};

Instant Cache::State::good_until(Instant ttl_end, Duration at_least, Instant now) const {
  return std::clamp(ttl_end, now + at_least, now + std::max(at_least, options.answer_good_max));
}

// DEVIATES RFC 8461 §3.2: a shorter max_age counts as the time in which we do not fetch again; else
// the domain would be without its policy in between.
Instant Cache::State::expiry(const StsRecord& record) const {
  return add_saturated(record.fetched, std::max(record.policy.max_age, options.retry_min));
}

// RFC 8461 §10.2: well ahead of the end, so that whoever wants it to pass has to keep us from the
// host for long.
Instant Cache::State::refresh_time(Instant from, Instant expires) {
  const Duration wait = std::min((expires - from) / 2, options.refresh_max);
  return from + wait - up_to(wait / 4);
}

// ---- what is asked ------------------------------------------------------------------------------

void Cache::State::on(Wanted&& event, Instant now, Actions& out) {
  if (!can_have_policy(event.domain)) {
    out.push_back(Known{std::move(event.domain), std::nullopt, "", kNever,
                        "such a name cannot have an MTA-STS policy", std::nullopt});
    return;
  }
  Entry& entry = entries.find_or_make(event.domain);
  const bool ask_now = entry.step == Step::kIdle && now >= entry.ask_from;
  if (ask_now) ask(entry, now, out);
  if (entry.held() || entry.step == Step::kIdle || now >= entry.wait_until) {
    tell(entry, now, out);
  } else {
    entry.awaited = true;
  }
  file(entry, true, out);
}

void Cache::State::on(Doubted&& event, Instant now, Actions& out) {
  Entry* const entry = entries.find(event.domain);
  if (entry == nullptr || !entry->held() || entry->step != Step::kIdle) return;
  if (now < entry->asked + options.retry_min) return;
  ask(*entry, now, out);
  file(*entry, false, out);
}

void Cache::State::ask(Entry& entry, Instant now, Actions& out) {
  entry.step = Step::kTxt;
  entry.step_until = now + options.answer_wait;
  entry.wait_until = now + options.delivery_wait;
  entry.asked = now;
  out.push_back(AskTxt{entry.domain, std::string(kTxtPrefix) + entry.domain.text()});
}

// ---- what is answered ---------------------------------------------------------------------------

void Cache::State::on(TxtAnswered&& event, Instant now, Actions& out) {
  Entry* const entry = find_in(event.domain, Step::kTxt);
  if (entry == nullptr) return;
  entry->txt_failed = event.status == TxtAnswered::Status::kTemporary;
  switch (event.status) {
    case TxtAnswered::Status::kRecords:
      if (auto id = parse_sts_txt(event.records)) {
        on_published(*entry, std::move(*id), event.expires, now, out);
      } else {
        on_unpublished(*entry, std::move(id.error().words), event.expires, now, out);
      }
      return;
    case TxtAnswered::Status::kNone:
      on_unpublished(*entry, "no MTA-STS record", event.expires, now, out);
      return;
    case TxtAnswered::Status::kTemporary:
      entry->words = "DNS does not tell whether there is an MTA-STS policy: " + event.words;
      entry->ask_from = now + jittered(entry->held() ? options.retry_min : options.none_min);
      out.push_back(Failed{entry->domain, Problem::kTxtTemporary, entry->words, entry->held()});
      settle(*entry, now, out);
      return;
  }
}

void Cache::State::on_published(Entry& entry, std::string id, Instant expires, Instant now,
                                Actions& out) {
  const bool current = entry.record && entry.record->id == id && now < entry.refresh_at;
  if (current || now < entry.fetch_from) {
    entry.ask_from = good_until(expires, options.retry_min, now);
    if (!current) entry.ask_from = entry.fetch_from;
    settle(entry, now, out);
    return;
  }
  entry.step = Step::kFetch;
  entry.step_until = now + options.answer_wait;
  entry.txt_id = std::move(id);
  entry.txt_expires = expires;
  std::string host = std::string(kHostPrefix) + entry.domain.text();
  std::string url = "https://" + host + std::string(kPath);
  out.push_back(Fetch{entry.domain, std::move(host), std::move(url)});
  file(entry, false, out);
}

// RFC 8461 §3.1: nothing is fetched then; §5.1: what is held goes on holding.
void Cache::State::on_unpublished(Entry& entry, std::string words, Instant expires, Instant now,
                                  Actions& out) {
  entry.words = std::move(words);
  entry.problem.reset();
  entry.ask_from = good_until(expires, options.none_min, now);
  if (entry.held() && entry.refresh_at <= now) {
    entry.refresh_at = std::max(refresh_time(now, entry.expires), now + options.retry_min);
    out.push_back(Failed{entry.domain, Problem::kTxtMissing, entry.words, true});
  }
  settle(entry, now, out);
}

void Cache::State::on(Fetched&& event, Instant now, Actions& out) {
  Entry* const entry = find_in(event.domain, Step::kFetch);
  if (entry == nullptr) return;
  if (event.status != kHttpOk) {  // RFC 8461 §3.3: nothing else will do
    fetch_failed(*entry, Problem::kFetchError, "HTTP status " + std::to_string(event.status), now,
                 out);
    return;
  }
  auto policy = parse_sts_policy(event.body, event.content_type);
  if (policy) {
    adopt(*entry, std::move(*policy), now, out);
  } else {
    fetch_failed(*entry, Problem::kInvalid, std::move(policy.error().words), now, out);
  }
}

void Cache::State::on(FetchFailed&& event, Instant now, Actions& out) {
  Entry* const entry = find_in(event.domain, Step::kFetch);
  if (entry == nullptr) return;
  fetch_failed(*entry, event.problem, std::move(event.words), now, out);
}

// RFC 8461 §3.3: "limit further attempts to a period of five minutes or longer".
void Cache::State::fetch_failed(Entry& entry, Problem problem, std::string words, Instant now,
                                Actions& out) {
  const Duration wait = std::min(options.retry_min * (1 << std::min(entry.failures, 10U)),
                                 std::max(options.retry_min, options.retry_max));
  ++entry.failures;
  entry.fetch_from = now + jittered(wait);
  entry.ask_from = entry.fetch_from;
  entry.words = "no MTA-STS policy can be had: " + words;
  entry.problem = problem;
  out.push_back(Failed{entry.domain, problem, std::move(words), entry.held()});
  settle(entry, now, out);
}

void Cache::State::adopt(Entry& entry, StsPolicy policy, Instant now, Actions& out) {
  const bool news = !entry.record || !same_terms(entry.record->policy, policy);
  if (policy.mode == StsMode::kNone) {
    lose(entry, out);
    entry.words = "the domain's MTA-STS policy is of mode none";
  }
  entry.record = StsRecord{std::move(policy), std::move(entry.txt_id), now};
  entry.expires = expiry(*entry.record);
  entry.fetch_from = now + options.retry_min;
  entry.ask_from = good_until(entry.txt_expires, options.retry_min, now);
  entry.failures = 0;
  entry.problem.reset();
  entry.refresh_at = entry.expires;
  if (entry.held()) {
    entry.refresh_at = refresh_time(now, entry.expires);
    out.push_back(Keep{entry.domain, encode_sts_record(*entry.record), entry.expires});
    if (news && entry.told) {
      entry.told = false;
      out.push_back(Changed{entry.domain});
    }
  }
  settle(entry, now, out);
}

// The record does not count any more.
void Cache::State::lose(Entry& entry, Actions& out) {
  if (entry.held()) {
    out.push_back(Drop{entry.domain});
    if (entry.told) out.push_back(Changed{entry.domain});
    entry.told = false;
  }
  entry.record.reset();
  entry.refresh_at = kNever;
}

// ---- what is kept -------------------------------------------------------------------------------

void Cache::State::on(Remembered&& event, Instant now, Actions& out) {
  auto record = decode_sts_record(event.record);
  if (!record) {
    out.push_back(Drop{event.domain});
    out.push_back(Failed{std::move(event.domain), Problem::kUnreadable,
                         std::move(record.error().words), false});
    return;
  }
  // Should the clock have been set back, what was fetched in the future was fetched now.
  record->fetched = std::min(record->fetched, now);
  const Instant expires = expiry(*record);
  if (expires <= now || record->policy.mode == StsMode::kNone) {
    out.push_back(Drop{std::move(event.domain)});
    return;
  }
  Entry& entry = entries.find_or_make(event.domain);
  if (!entry.held()) {
    entry.refresh_at =
        std::max(refresh_time(record->fetched, expires), now + up_to(options.restart_spread));
    entry.expires = expires;
    entry.record = std::move(*record);
    if (entry.told) out.push_back(Changed{entry.domain});
    entry.told = false;
    if (entry.awaited) tell(entry, now, out);
  }
  file(entry, false, out);
}

void Cache::State::on(Forget&& event, Instant, Actions& out) {
  Entry* const entry = entries.find(event.domain);
  if (entry == nullptr) return;
  lose(*entry, out);
  if (entry->step == Step::kIdle) {
    entries.erase(*entry);
  } else {  // what is under way will tell
    file(*entry, false, out);
  }
}

// ---- answers, places, time ----------------------------------------------------------------------

void Cache::State::tell(Entry& entry, Instant now, Actions& out) {
  entry.awaited = false;
  entry.told = true;
  if (entry.held()) {
    const StsRecord& record = *entry.record;
    out.push_back(Known{entry.domain, record.policy, record.id, entry.expires, "", std::nullopt});
    return;
  }
  Known none{entry.domain, std::nullopt, "", std::max(entry.ask_from, now),
             entry.words,  entry.problem};
  none.unsure = entry.problem || entry.txt_failed || entry.step != Step::kIdle;
  if (entry.step != Step::kIdle) {
    none.until = now + options.none_min;
    none.words = "whether there is an MTA-STS policy is still being asked";
  }
  out.push_back(std::move(none));
}

// A step has come to its end.
void Cache::State::settle(Entry& entry, Instant now, Actions& out) {
  entry.step = Step::kIdle;
  entry.step_until = kNever;
  if (entry.held() && entry.refresh_at <= now) entry.refresh_at = entry.ask_from;
  if (entry.awaited) tell(entry, now, out);
  file(entry, false, out);
}

// After every change. The entry may be gone afterwards.
void Cache::State::file(Entry& entry, bool used, Actions& out) {
  entries.file(entry, used);
  while (Entry* const last = entries.surplus()) {
    if (last->held()) out.push_back(Drop{last->domain});
    entries.erase(*last);
  }
}

void Cache::State::do_what_is_due(Instant now, Actions& out) {
  while (entries.earliest() <= now) look_at(entries.first(), now, out);
}

void Cache::State::look_at(Entry& entry, Instant now, Actions& out) {
  if (entry.held() && entry.expires <= now) {
    lose(entry, out);
    entry.words = "the MTA-STS policy has expired, and no other can be had";
    entry.ask_from = std::min(entry.ask_from, entry.asked + options.retry_min);
    entry.fetch_from = std::min(entry.fetch_from, entry.asked + options.retry_min);
  }
  if (entry.step == Step::kTxt && entry.step_until <= now) {
    on(TxtAnswered{entry.domain, TxtAnswered::Status::kTemporary, {}, now, "no answer"}, now, out);
    return;
  }
  if (entry.step == Step::kFetch && entry.step_until <= now) {
    fetch_failed(entry, Problem::kFetchError, "no answer", now, out);
    return;
  }
  if (entry.awaited && entry.wait_until <= now) tell(entry, now, out);
  if (entry.held() && entry.step == Step::kIdle) {
    if (std::max(entry.refresh_at, entry.fetch_from) <= now) ask(entry, now, out);
  }
  file(entry, false, out);
}

Cache::Cache(Options options, Rng rng) : state_(std::make_unique<State>(options, rng)) {
  // Else what is due would be due again at once.
  CHECK(options.answer_wait > Duration(0) && options.retry_min > Duration(0));
  CHECK(options.none_min > Duration(0));
}
Cache::~Cache() = default;

void Cache::handle(Event event, Instant now, Actions& out) {
  state_->do_what_is_due(now, out);
  std::visit([&](auto&& happened) { state_->on(std::move(happened), now, out); }, std::move(event));
}

Instant Cache::deadline() const { return state_->entries.earliest(); }

const StsRecord* Cache::find(const RoutingDomain& domain) const {
  const Entry* const entry = state_->entries.find(domain);
  return entry != nullptr && entry->held() ? &*entry->record : nullptr;
}

std::size_t Cache::policies() const { return state_->entries.policies(); }
std::size_t Cache::size() const { return state_->entries.size(); }

std::string_view label(Problem problem) {
  switch (problem) {
    case Problem::kTxtMissing: return "txt_missing";
    case Problem::kTxtTemporary: return "txt_temporary";
    case Problem::kFetchError: return "fetch_error";
    case Problem::kInvalid: return "invalid";
    case Problem::kWebPkiInvalid: return "webpki_invalid";
    case Problem::kUnreadable: return "unreadable";
    case Problem::kLocal: return "local";
  }
  return "";
}

std::string_view tlsrpt_result_type(Problem problem) {
  switch (problem) {
    case Problem::kFetchError: return "sts-policy-fetch-error";
    case Problem::kInvalid: return "sts-policy-invalid";
    case Problem::kWebPkiInvalid: return "sts-webpki-invalid";
    case Problem::kTxtMissing:
    case Problem::kTxtTemporary:
    case Problem::kUnreadable:
    case Problem::kLocal: return "";
  }
  return "";
}

}  // namespace posthaste::policy::sts
