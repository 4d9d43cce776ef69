#include "daemon/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <tuple>
#include <vector>

#include "lib/base/check.h"

namespace posthaste::daemon {
namespace {

using policy::RetryClass;
using Buckets = prometheus::Histogram::BucketBoundaries;

constexpr std::array<std::string_view, 2> kDirections{"inbound", "outbound"};
constexpr std::array<std::string_view, 4> kEndings{"delivered", "deferred", "bounced", "expired"};
constexpr std::array<std::string_view, 7> kWithin{"1m", "5m", "15m", "1h", "4h", "1d", "later"};
constexpr std::array<std::string_view, 6> kRefusals{"full",      "busy",   "loop",
                                                    "smuggling", "policy", "other"};
constexpr std::array<std::string_view, 5> kStates{"waiting", "ready", "in_flight", "held",
                                                  "suspended"};
constexpr std::array<std::string_view, 3> kSteered{"removed", "held", "released"};  // as Ending
constexpr std::array<std::string_view, 3> kActions{"failed", "delayed", "relayed"};
constexpr std::size_t kFirstSteered = static_cast<std::size_t>(delivery::Ending::kRemoved);
static_assert(kFirstSteered == kEndings.size());
static_assert(static_cast<std::size_t>(delivery::Ending::kReleased) ==
              kFirstSteered + kSteered.size() - 1);

std::string str(std::string_view text) { return std::string(text); }
double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

template <typename Builder>
auto& family(Builder builder, prometheus::Registry& registry, const char* name, const char* help) {
  return builder.Name(name).Help(help).Register(registry);
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;

  TlsMetrics tls{registry};
  prometheus::Family<prometheus::Counter>& attempts =
      family(prometheus::BuildCounter(), registry, "posthaste_attempts_total",
             "Recipients tried, by outcome and class of the failure");
  prometheus::Family<prometheus::Counter>& scheduled_family =
      family(prometheus::BuildCounter(), registry, "posthaste_retry_scheduled_total",
             "Recipients put back into the schedule, by class");
  prometheus::Family<prometheus::Counter>& refusals =
      family(prometheus::BuildCounter(), registry, "posthaste_submissions_refused_total",
             "Submissions that got a 4xx or 5xx, by reason");
  prometheus::Family<prometheus::Counter>& steered_family =
      family(prometheus::BuildCounter(), registry, "posthaste_steered_total",
             "Recipients that the operator removed, held or released");
  prometheus::Family<prometheus::Counter>& notifications =
      family(prometheus::BuildCounter(), registry, "posthaste_dsn_total",
             "Delivery status notifications queued, by their foremost action");
  prometheus::Family<prometheus::Counter>& backups =
      family(prometheus::BuildCounter(), registry, "posthaste_store_backups_total",
             "Copies of the queue that were asked for, by result");
  prometheus::Family<prometheus::Gauge>& recipients =
      family(prometheus::BuildGauge(), registry, "posthaste_queue_recipients",
             "Recipients in the queue, by state");
  prometheus::Family<prometheus::Gauge>& due =
      family(prometheus::BuildGauge(), registry, "posthaste_retry_due",
             "The retry schedule: recipients that fall due within each span (not cumulative)");
  prometheus::Family<prometheus::Gauge>& connections =
      family(prometheus::BuildGauge(), registry, "posthaste_connections", "Open connections");

  std::array<std::array<prometheus::Counter*, policy::kRetryClasses + 1>, 4> attempt{};
  std::array<prometheus::Counter*, policy::kRetryClasses> scheduled{};
  std::array<prometheus::Counter*, kSteered.size()> steered{};
  std::array<prometheus::Gauge*, kWithin.size()> due_within{};
  std::array<prometheus::Gauge*, kStates.size()> by_state{};
  std::array<prometheus::Gauge*, 2> open{};
  prometheus::Counter* accepted_messages = nullptr;
  prometheus::Counter* accepted_recipients = nullptr;
  prometheus::Counter* accepted_bytes = nullptr;
  prometheus::Counter* maybe = nullptr;
  prometheus::Counter* outbound = nullptr;
  prometheus::Counter* slowdowns = nullptr;
  prometheus::Counter* sync_requests = nullptr;
  prometheus::Histogram* delivery_seconds = nullptr;
  prometheus::Histogram* sync_seconds = nullptr;
  prometheus::Gauge* oldest = nullptr;
  prometheus::Gauge* destinations = nullptr;
  prometheus::Gauge* trouble = nullptr;

  State() {
    make_attempts();
    make_queue();
    make_store();
  }

  void make_attempts() {
    for (std::size_t ending = 0; ending < kEndings.size(); ++ending) {
      for (std::size_t c = 0; c < policy::kRetryClasses; ++c) {
        attempt[ending][c] = &attempts.Add(
            {{"outcome", str(kEndings[ending])}, {"class", str(name(static_cast<RetryClass>(c)))}});
      }
      attempt[ending].back() =
          &attempts.Add({{"outcome", str(kEndings[ending])}, {"class", "none"}});
    }
    for (std::size_t c = 0; c < policy::kRetryClasses; ++c) {
      scheduled[c] = &scheduled_family.Add({{"class", str(name(static_cast<RetryClass>(c)))}});
    }
    for (std::size_t i = 0; i < kSteered.size(); ++i) {
      steered[i] = &steered_family.Add({{"outcome", str(kSteered[i])}});
    }
    for (const auto action : kActions) notifications.Add({{"action", str(action)}});
    slowdowns = &counter("posthaste_slowdowns_total",
                         "Times that a site had enough of us and got less for a while");
    maybe = &counter("posthaste_maybe_delivered_total",
                     "Recipients whose connection was lost between our final dot and its reply");
    delivery_seconds = &family(prometheus::BuildHistogram(), registry, "posthaste_delivery_seconds",
                               "Time from accepted to delivered")
                            .Add({}, Buckets{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300,
                                             1800, 7200, 43200, 172800});
    outbound = &counter("posthaste_outbound_connections_total",
                        "Connections to mail hosts begun, whether or not they came up; an "
                        "address that refuses counts, a connection that is reused does not");
  }

  void make_queue() {
    for (std::size_t i = 0; i < kWithin.size(); ++i)
      due_within[i] = &due.Add({{"within", str(kWithin[i])}});
    for (std::size_t i = 0; i < kStates.size(); ++i)
      by_state[i] = &recipients.Add({{"state", str(kStates[i])}});
    for (std::size_t i = 0; i < 2; ++i)
      open[i] = &connections.Add({{"direction", str(kDirections[i])}});
    for (const auto why : kRefusals) refusals.Add({{"reason", str(why)}});
    oldest = &gauge("posthaste_queue_oldest_seconds", "Age of the oldest recipient in the queue");
    destinations = &gauge("posthaste_destinations", "Destinations with mail or connections");
    accepted_messages =
        &counter("posthaste_accepted_messages_total", "Messages that got their 250");
    accepted_recipients =
        &counter("posthaste_accepted_recipients_total", "Recipients of those messages");
    accepted_bytes = &counter("posthaste_accepted_bytes_total", "Content of those messages");
  }

  void make_store() {
    sync_seconds = &family(prometheus::BuildHistogram(), registry, "posthaste_store_sync_seconds",
                           "Time of one synced write of the store")
                        .Add({}, Buckets{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05,
                                         .1, .25, .5, 1, 5});
    sync_requests =
        &counter("posthaste_store_requests_total", "Requests that those writes carried");
    for (const char* result : {"done", "failed"}) backups.Add({{"result", result}});
    trouble = &gauge("posthaste_store_trouble",
                     "1 while outcomes cannot be stored; no delivery begins then");
  }

  prometheus::Counter& counter(const char* name, const char* help) {
    return family(prometheus::BuildCounter(), registry, name, help).Add({});
  }
  prometheus::Gauge& gauge(const char* name, const char* help) {
    return family(prometheus::BuildGauge(), registry, name, help).Add({});
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

TlsMetrics& Metrics::tls() { return state_->tls; }

void Metrics::attempt(delivery::Ending ending, RetryClass retry_class) {
  const auto index = static_cast<std::size_t>(ending);
  if (index >= kFirstSteered) return state_->steered[index - kFirstSteered]->Increment();
  auto& row = state_->attempt[index];
  const bool delivered = ending == delivery::Ending::kDelivered;
  (delivered ? row.back() : row[static_cast<std::size_t>(retry_class)])->Increment();
}

void Metrics::maybe_delivered() { state_->maybe->Increment(); }
void Metrics::delivered_after(Duration since) { state_->delivery_seconds->Observe(seconds(since)); }
void Metrics::scheduled(RetryClass c) {
  state_->scheduled[static_cast<std::size_t>(c)]->Increment();
}

void Metrics::accepted(std::uint64_t recipients, std::uint64_t bytes) {
  state_->accepted_messages->Increment();
  state_->accepted_recipients->Increment(static_cast<double>(recipients));
  state_->accepted_bytes->Increment(static_cast<double>(bytes));
}

void Metrics::refused(std::string_view why) {
  const bool known = std::find(kRefusals.begin(), kRefusals.end(), why) != kRefusals.end();
  state_->refusals.Add({{"reason", known ? str(why) : "other"}}).Increment();
}

void Metrics::synced(Duration took, std::size_t requests) {
  state_->sync_seconds->Observe(seconds(took));
  state_->sync_requests->Increment(static_cast<double>(requests));
}

void Metrics::notified(std::string_view action) {
  CHECK(std::find(kActions.begin(), kActions.end(), action) != kActions.end());
  state_->notifications.Add({{"action", str(action)}}).Increment();
}
void Metrics::slowed_down() { state_->slowdowns->Increment(); }
void Metrics::backed_up(bool done) {
  state_->backups.Add({{"result", done ? "done" : "failed"}}).Increment();
}

void Metrics::outbound_connection() { state_->outbound->Increment(); }

namespace {

prometheus::ClientMetric::Label text_label(const char* name, std::string_view value) {
  prometheus::ClientMetric::Label label;
  label.name = name;
  label.value = str(value);
  return label;
}

void add_sample(prometheus::MetricFamily& into, std::vector<prometheus::ClientMetric::Label> labels,
                std::uint64_t value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(value);
  into.metric.push_back(std::move(metric));
}

prometheus::MetricFamily counter_family(const char* name, const char* help) {
  prometheus::MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = prometheus::MetricType::Counter;
  return made;
}

prometheus::MetricFamily total(const char* name, const char* help, std::uint64_t value) {
  auto made = counter_family(name, help);
  add_sample(made, {}, value);
  return made;
}

// The domains that get a series of their own: the configured ones, then those with the most
// attempts.
std::set<std::string> shown_domains(const Snapshot& snapshot,
                                    const std::vector<std::string>& configured, std::size_t top) {
  std::set<std::string> shown(configured.begin(), configured.end());
  std::vector<std::pair<std::uint64_t, std::string>> ranked;
  for (const auto& [domain, count] : snapshot.domains) {
    if (!shown.contains(domain)) ranked.emplace_back(count.total(), domain);
  }
  const std::size_t kept = std::min(top, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept),
                    ranked.end(), std::greater<>());
  for (std::size_t i = 0; i < kept; ++i) shown.insert(ranked[i].second);
  return shown;
}

prometheus::MetricFamily domain_family(const Snapshot& snapshot,
                                       const std::vector<std::string>& configured,
                                       std::size_t top) {
  auto made = counter_family(
      "posthaste_domain_attempts_total",
      "Recipients tried, for the configured and the busiest domains; the rest is \"other\"");
  std::map<std::string, Snapshot::DomainCount> rows;
  for (const auto& domain : shown_domains(snapshot, configured, top)) rows[domain];
  for (const auto& [domain, count] : snapshot.domains) {
    auto& row = rows.contains(domain) ? rows[domain] : rows["other"];
    row.delivered += count.delivered;
    row.deferred += count.deferred;
    row.bounced += count.bounced;
  }
  for (const auto& [domain, row] : rows) {
    add_sample(made, {text_label("domain", domain), text_label("outcome", "delivered")},
               row.delivered);
    add_sample(made, {text_label("domain", domain), text_label("outcome", "deferred")},
               row.deferred);
    add_sample(made, {text_label("domain", domain), text_label("outcome", "bounced")}, row.bounced);
  }
  return made;
}

}  // namespace

std::string Metrics::render(const Snapshot& snapshot, Instant now,
                            const std::vector<std::string>& configured, std::size_t top) {
  const auto& counts = snapshot.counts;
  const std::array<std::uint64_t, kStates.size()> states{
      counts.waiting, counts.ready, counts.in_flight, counts.held, counts.suspended};
  for (std::size_t i = 0; i < states.size(); ++i)
    state_->by_state[i]->Set(static_cast<double>(states[i]));
  for (std::size_t i = 0; i < kWithin.size(); ++i)
    state_->due_within[i]->Set(static_cast<double>(snapshot.due[i]));
  state_->open[0]->Set(static_cast<double>(snapshot.inbound_connections));
  state_->open[1]->Set(static_cast<double>(snapshot.counts.connections));
  state_->destinations->Set(static_cast<double>(snapshot.counts.destinations));
  state_->oldest->Set(snapshot.oldest == kNever ? 0
                                                : std::max(0.0, seconds(now - snapshot.oldest)));
  state_->trouble->Set(snapshot.store_trouble ? 1 : 0);

  auto families = state_->registry.Collect();
  families.push_back(domain_family(snapshot, configured, top));
  families.push_back(total("posthaste_dns_queries_total", "Questions sent to the resolvers",
                           snapshot.dns_queries));
  families.push_back(total("posthaste_dns_cache_hits_total", "Questions answered from memory",
                           snapshot.dns_cache_hits));
  families.push_back(total("posthaste_dns_failures_total", "Questions without a usable answer",
                           snapshot.dns_failures));
  families.push_back(total("posthaste_log_dropped_total",
                           "Log lines dropped because the reader was slow", snapshot.log_dropped));
  families.push_back(total("posthaste_store_corrupt_total", "Records set aside as unreadable",
                           snapshot.store_corrupt));
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace posthaste::daemon
