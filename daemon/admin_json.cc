#include "daemon/admin_json.h"

#include "daemon/json_value.h"
#include "daemon/version.h"
#include "lib/base/check.h"
#include "lib/mail/address.h"

namespace posthaste::daemon {
namespace {

constexpr std::array<std::string_view, delivery::kDueBounds.size() + 1> kWithin{
    "1m", "5m", "15m", "1h", "4h", "1d", "later"};

std::string address_text(const mail::Mailbox& address) {
  return address.null() ? "<>" : address.text();
}

Json notify_json(std::uint8_t bits) {
  Json list = Json::array();
  if ((bits & mail::kNotifyNever) != 0) list.push_back("never");
  if ((bits & mail::kNotifySuccess) != 0) list.push_back("success");
  if ((bits & mail::kNotifyFailure) != 0) list.push_back("failure");
  if ((bits & mail::kNotifyDelay) != 0) list.push_back("delay");
  return list;
}

std::string why_it_waits(const mail::Progress& progress) {
  if (progress.attempts == 0) return "not tried yet";
  std::string why = progress.retry_class.empty() ? "other" : progress.retry_class;
  if (!progress.last_words.empty()) why += ": " + progress.last_words;
  return why;
}

Json pending_json(const mail::PendingRecipient& pending, QueueFilter::State state) {
  const auto& progress = pending.progress;
  return {
      {"number", pending.recipient.number},
      {"recipient", pending.recipient.address.text()},
      {"domain", routing_domain(pending.recipient.address).text()},
      {"state", name(state)},
      {"due", time_json(progress.due)},
      {"attempts", progress.attempts},
      {"class", progress.retry_class},
      {"why", why_it_waits(progress)},
      {"last_host", progress.last_host},
      {"last_words", progress.last_words},
      {"maybe_delivered", progress.maybe_delivered},
      {"delay_told", progress.delay_told},
      {"priority", pending.priority},
      {"notify", notify_json(pending.recipient.notify)},
      {"orcpt", pending.recipient.orcpt},
  };
}

Json pending_list(const MessageView& view, const Stopped& stopped, Instant now) {
  Json list = Json::array();
  const mail::Envelope* envelope = view.envelope ? &*view.envelope : nullptr;
  for (const auto& recipient : view.pending) {
    list.push_back(pending_json(recipient, state_of(recipient, envelope, stopped, now)));
  }
  return list;
}

Json event_json(const mail::HistoryEvent& event) {
  Json json{{"time", time_json(event.time)},
            {"kind", name(event.kind)},
            {"attempt", event.attempt},
            {"recipient", event.recipient}};
  if (event.kind == mail::HistoryKind::kAccepted) {
    json["sender"] = event.sender.empty() ? "<>" : event.sender;
  }
  json["host"] = event.host;
  json["tls"] = event.tls;
  json["words"] = event.words;
  json["class"] = event.retry_class;
  json["next_due"] = time_json(event.next_due);
  return json;
}

std::string_view body_name(mail::BodyType type) {
  switch (type) {
    case mail::BodyType::k7Bit: return "7bit";
    case mail::BodyType::k8BitMime: return "8bitmime";
    case mail::BodyType::kBinaryMime: return "binarymime";
  }
  check_failed(__FILE__, __LINE__, "a known BodyType");
}

std::string_view tls_name(config::ListenTls tls) {
  switch (tls) {
    case config::ListenTls::kNone: return "none";
    case config::ListenTls::kStartTls: return "starttls";
    case config::ListenTls::kImplicit: return "implicit";
  }
  check_failed(__FILE__, __LINE__, "a known ListenTls");
}

Json deliver_by_json(const std::optional<mail::DeliverBy>& deliver_by) {
  return deliver_by ? time_json(deliver_by->by) : Json(nullptr);
}

Json envelope_json(const mail::Envelope& envelope) {
  return {
      {"id", render_id(envelope.id)},
      {"sender", address_text(envelope.sender)},
      {"arrived", time_json(envelope.arrived)},
      {"bytes", envelope.body_bytes},
      {"body_type", body_name(envelope.body_type)},
      {"smtputf8", envelope.smtputf8},
      {"envid", envelope.envid},
      {"deliver_by", deliver_by_json(envelope.deliver_by)},
      {"late_mail_returns", envelope.deliver_by && envelope.deliver_by->return_it},
      {"hold_until", time_json(envelope.hold_until)},
      {"priority", envelope.priority},
      {"submitter", envelope.submitter},
      {"recipients_total", envelope.recipients_total},
  };
}

Json due_json(const delivery::DueHistogram& due) {
  Json list = Json::array();
  for (std::size_t i = 0; i < due.size(); ++i) {
    list.push_back({{"within", kWithin[i]}, {"recipients", due[i]}});
  }
  return list;
}

Json due_by_class_json(const delivery::DueByClass& due) {
  Json json = Json::object();
  for (std::size_t i = 0; i < due.size(); ++i) {
    const bool tried = i < policy::kRetryClasses;
    json[tried ? std::string(name(static_cast<policy::RetryClass>(i))) : "untried"] = due[i];
  }
  return json;
}

Json by_class_json(const std::array<std::uint64_t, policy::kRetryClasses>& counts) {
  Json json = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    json[std::string(name(static_cast<policy::RetryClass>(i)))] = counts[i];
  }
  return json;
}

Json destination_json(const delivery::DestinationView& destination) {
  return {
      {"domain", destination.domain.text()},
      {"waiting", destination.waiting},
      {"ready", destination.ready},
      {"in_flight", destination.in_flight},
      {"held", destination.held},
      {"suspended", destination.suspended},
      {"connections", destination.connections},
      {"next_due", time_json(destination.next_due)},
      {"backed_off_until", time_json(destination.backed_off_until)},
      {"last_failure", destination.last_failure},
      {"by_class", by_class_json(destination.waiting_by_class)},
      {"suspended_until", time_json(destination.suspended_until)},
      {"suspended_words", destination.suspended_words},
      {"site", destination.site},
      {"window", destination.window},
      {"slowed_until", time_json(destination.slowed_until)},
      {"slowed_words", destination.slowed_words},
  };
}

}  // namespace

std::string status_json(const StatusView& status, Instant now) {
  Json listen = Json::array();
  for (const auto& at : status.listen) {
    listen.push_back({{"address", render_endpoint(at.address)}, {"tls", tls_name(at.tls)}});
  }
  const auto& snapshot = status.snapshot;
  return text_of({
      {"version", kVersion},
      {"hostname", status.hostname},
      {"now", time_json(now)},
      {"started", time_json(status.started)},
      {"workers", status.workers},
      {"listen", std::move(listen)},
      {"ready", status.ready},
      {"ready_words", status.ready_words},
      {"healthy", status.healthy},
      {"health_words", status.health_words},
      {"store", {{"trouble", status.store_trouble}, {"gained", status.store_gained}}},
      {"queue",
       {{"waiting", snapshot.counts.waiting},
        {"ready", snapshot.counts.ready},
        {"in_flight", snapshot.counts.in_flight},
        {"held", snapshot.counts.held},
        {"suspended", snapshot.counts.suspended},
        {"oldest", time_json(snapshot.oldest)}}},
      {"destinations", snapshot.counts.destinations},
      {"connections",
       {{"inbound", snapshot.inbound_connections}, {"outbound", snapshot.counts.connections}}},
      {"due", due_json(snapshot.due)},
  });
}

std::string queue_json(const QueuePage& page, Instant now) {
  Json list = Json::array();
  for (const auto& line : page.lines) {
    Json json{{"id", render_id(line.listed.id)}};
    if (line.envelope != nullptr) {
      json["sender"] = address_text(line.envelope->sender);
      json["arrived"] = time_json(line.envelope->arrived);
      json["bytes"] = line.envelope->body_bytes;
      json["deliver_by"] = deliver_by_json(line.envelope->deliver_by);
    } else {
      json["sender"] = json["arrived"] = json["bytes"] = json["deliver_by"] = nullptr;
    }
    json.update(pending_json(line.listed.pending, line.state));
    list.push_back(std::move(json));
  }
  return text_of({{"now", time_json(now)},
                  {"recipients", std::move(list)},
                  {"next", page.next ? Json(render_cursor(*page.next)) : Json(nullptr)}});
}

std::string message_json(const MessageView& view, const Stopped& stopped, Instant now) {
  CHECK(view.envelope.has_value());
  Json json{{"now", time_json(now)}};
  json.update(envelope_json(*view.envelope));
  json["pending"] = pending_list(view, stopped, now);
  return text_of(json);
}

std::string trace_json(const MessageView& view, const Stopped& stopped, Instant now) {
  Json events = Json::array();
  for (const auto& event : view.history) events.push_back(event_json(event));
  return text_of({{"now", time_json(now)},
                  {"id", render_id(view.id)},
                  {"queued", view.envelope.has_value()},
                  {"events", std::move(events)},
                  {"pending", pending_list(view, stopped, now)}});
}

std::string schedule_json(const Census& census, Instant now) {
  Json destinations = Json::array();
  for (const auto& destination : census.destinations) {
    destinations.push_back(destination_json(destination));
  }
  const auto& counts = census.snapshot.counts;
  return text_of({{"now", time_json(now)},
                  {"waiting", counts.waiting},
                  {"ready", counts.ready},
                  {"in_flight", counts.in_flight},
                  {"held", counts.held},
                  {"suspended", counts.suspended},
                  {"due", due_json(census.snapshot.due)},
                  {"due_by_class", due_by_class_json(census.due_by_class)},
                  {"by_class", by_class_json(census.waiting_by_class)},
                  {"destinations_total", counts.destinations},
                  {"destinations", std::move(destinations)}});
}

std::string config_json(std::string_view yaml) { return text_of({{"config", yaml}}); }

std::string error_json(std::string_view words) { return text_of({{"error", words}}); }

}  // namespace posthaste::daemon
