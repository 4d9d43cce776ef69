// The admin API's answers as JSON text. Fields are added, never renamed.
//
// Times are RFC 3339 in UTC with milliseconds ("2026-11-21T22:08:43.123Z"), null where there is
// none.
//
// Threads      any; no state.
// Does not     ask anybody: whoever calls has the values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "daemon/admin_census.h"
#include "daemon/admin_queue.h"

namespace posthaste::daemon {

struct StatusView {
  std::string hostname;
  unsigned workers = 0;
  std::vector<config::Listen> listen;
  Instant started;
  bool ready = false;
  std::string ready_words;
  bool healthy = false;
  std::string health_words;
  bool store_trouble = false;
  bool store_gained = false;
  Snapshot snapshot;
};

// {now, version, hostname, started, workers, listen: [{address, tls}], ready, ready_words, healthy,
//  health_words, store: {trouble, gained}, queue: {waiting, ready, in_flight, held, suspended,
//  oldest}, destinations, connections: {inbound, outbound}, due: DUE}
// DUE: [{within: "1m" | "5m" | "15m" | "1h" | "4h" | "1d" | "later", recipients}], not cumulative
std::string status_json(const StatusView& status, Instant now);

// {now, recipients: [{id, sender, arrived, bytes, deliver_by, PENDING…}], next: cursor | null}
// PENDING: number, recipient, domain, state: "ready" | "waiting" | "held" | "suspended", due,
// attempts, class, why, last_host, last_words, maybe_delivered, delay_told, priority,
// notify: ["failure", …], orcpt
std::string queue_json(const QueuePage& page, Instant now);

// {now, id, sender, arrived, bytes, body_type, smtputf8, envid, deliver_by, late_mail_returns,
//  hold_until, priority, submitter, recipients_total, pending: [{PENDING}]}
// REQUIRES view.envelope.
std::string message_json(const MessageView& view, const Stopped& stopped, Instant now);

// {now, id, queued, events: [{time, kind, attempt, recipient, sender (accepted only), host, tls,
//  words, class, next_due}], pending: [{PENDING}]}
std::string trace_json(const MessageView& view, const Stopped& stopped, Instant now);

// {now, waiting, ready, in_flight, held, suspended, due: DUE, due_by_class: {connect: [n, …], …,
//  untried: [n, …]} (one figure for each span of DUE), by_class: {connect: n, dns: n, …},
//  destinations_total, destinations: [{domain, waiting, ready, in_flight, held, suspended,
//  connections, next_due, backed_off_until, last_failure, by_class, suspended_until,
//  suspended_words, site, window, slowed_until, slowed_words}]}
std::string schedule_json(const Census& census, Instant now);

std::string config_json(std::string_view yaml);  // {config}
std::string error_json(std::string_view words);  // {error}

}  // namespace posthaste::daemon
