#include "daemon/admin_api.h"

#include <utility>

#include "config/render.h"
#include "daemon/admin_json.h"
#include "daemon/admin_parameters.h"
#include "daemon/admin_queue.h"
#include "daemon/admin_response.h"
#include "daemon/worker.h"

namespace posthaste::daemon {
namespace {

constexpr std::size_t kDestinationsDefault = 50;
constexpr std::size_t kDestinationsMax = 10'000;

constexpr const char* kPublicPages =
    "posthaste\n"
    "\n"
    "/metrics   for Prometheus\n"
    "/healthz   200 while all threads are alive\n"
    "/readyz    200 while mail is taken\n";
constexpr const char* kLocalPages =
    "/v1/status\n"
    "/v1/queue?domain=&sender=&older=&younger=&reason=&state=&limit=&cursor=\n"
    "/v1/queue/retry|hold|release|remove|bounce?id=&domain=&…&all=&words=&dry_run=   POST\n"
    "/v1/steering/TICKET\n"
    "/v1/suspensions\n"
    "/v1/suspend?kind=&pattern=&for=&until=&words=   POST\n"
    "/v1/resume?kind=&pattern=&all=   POST\n"
    "/v1/backup?dir=   POST, and GET for how it is\n"
    "/v1/messages/ID\n"
    "/v1/messages/ID/trace\n"
    "/v1/schedule?limit=\n"
    "/v1/tls/explain?domain=\n"
    "/v1/tls/memory?limit=&cursor=\n"
    "/v1/tls/forget?host=   POST\n"
    "/v1/tls/report?domain=&day=\n"
    "/v1/config\n";

HttpResponse plain(const Verdict& verdict) {
  return {.status = verdict.ok ? 200 : 503, .body = verdict.words + "\n"};
}

HttpResponse show_message(const queue::Store& store, MessageId id, const Stopped& stopped,
                          Instant now, const std::stop_token& stop) {
  const auto view = read_message(store, id, stop);
  if (!view) return error_response(view.error());
  if (!view->envelope) {
    return error_response(
        404, "message " + render_id(id) + " is no longer queued; its trace says what became of it");
  }
  return json_response(message_json(*view, stopped, now));
}

HttpResponse trace_message(const queue::Store& store, MessageId id, const Stopped& stopped,
                           Instant now, const std::stop_token& stop) {
  const auto view = read_message(store, id, stop);
  return view ? json_response(trace_json(*view, stopped, now)) : error_response(view.error());
}

// Pages that change something say themselves that they are to be asked by POST.
bool is_changing(std::string_view path) {
  return path.starts_with("/v1/queue/") || path == "/v1/suspend" || path == "/v1/resume" ||
         path == "/v1/backup" || path == "/v1/tls/forget";
}

}  // namespace

AdminApi::AdminApi(io::Loop& loop, std::shared_ptr<ReturnAddress> home, House house,
                   std::shared_ptr<const Runtime> runtime)
    : loop_(loop),
      home_(home),
      house_(std::move(house)),
      runtime_(std::move(runtime)),
      census_(loop, house_.workers, home),
      tls_(loop, home, house_.workers, house_.reporter, runtime_),
      suspensions_({loop, house_.store, house_.log, house_.workers}, house_.suspensions),
      steering_({loop, home, house_.store, house_.reader, house_.log, house_.workers}),
      backup_({loop, std::move(home), house_.store, house_.reader, house_.metrics, house_.log}),
      started_(loop.now()) {}

void AdminApi::answer_public(const HttpRequest& request, const Respond& respond) {
  if (request.method != "GET") return respond({.status = 405, .body = "use GET\n"});
  if (answer_open(request, respond)) return;
  if (request.path == "/") return respond({.body = kPublicPages});
  respond({.status = 404, .body = "no such page; / lists what there is\n"});
}

void AdminApi::answer_local(const HttpRequest& request, const Respond& respond) {
  if (request.method != "GET" && !is_changing(request.path)) {
    return respond(error_response(405, "use GET"));
  }
  if (answer_open(request, respond)) return;
  constexpr std::string_view kV1 = "/v1/";
  const std::string_view path = request.path;
  if (path == "/") return respond({.body = std::string(kPublicPages) + kLocalPages});
  if (path.starts_with(kV1)) return answer_v1(path.substr(kV1.size()), request, respond);
  respond(error_response(404, "no such page; / lists what there is"));
}

bool AdminApi::answer_open(const HttpRequest& request, const Respond& respond) {
  if (request.path == "/metrics") {
    metrics(respond);
  } else if (request.path == "/healthz") {
    respond(plain(health()));
  } else if (request.path == "/readyz") {
    respond(plain(readiness()));
  } else {
    return false;
  }
  return true;
}

void AdminApi::answer_v1(std::string_view path, const HttpRequest& request,
                         const Respond& respond) {
  constexpr std::string_view kMessages = "messages/";
  constexpr std::string_view kTls = "tls/";
  constexpr std::string_view kQueue = "queue/";
  constexpr std::string_view kSteering = "steering/";
  if (path == "status") return status(respond);
  if (path == "queue") return list_queue(request, respond);
  if (path.starts_with(kQueue)) {
    return steering_.steer(path.substr(kQueue.size()), request, suspensions_.current(), respond);
  }
  if (path.starts_with(kSteering)) {
    return steering_.progress(path.substr(kSteering.size()), respond);
  }
  if (path == "backup") return backup_.answer(request, respond);
  if (path == "suspend" || path == "resume" || path == "suspensions") {
    return suspensions_.answer(path, request, respond);
  }
  if (path == "schedule") return schedule(request, respond);
  if (path.starts_with(kTls)) return tls_.answer(path.substr(kTls.size()), request, respond);
  if (path == "config") {
    return respond(json_response(config_json(config::render_config(runtime_->config))));
  }
  if (path.starts_with(kMessages)) return answer_message(path.substr(kMessages.size()), respond);
  respond(error_response(404, "no such page; / lists what there is"));
}

void AdminApi::answer_message(std::string_view path, const Respond& respond) {
  constexpr std::string_view kTrace = "/trace";
  const bool wants_trace = path.ends_with(kTrace);
  if (wants_trace) path.remove_suffix(kTrace.size());
  const auto id = parse_id(path);
  if (!id) return respond(error_response(id.error()));
  read(
      [id = *id, wants_trace](const queue::Store& store, const Stopped& stopped, Instant now,
                              const std::stop_token& stop) {
        return wants_trace ? trace_message(store, id, stopped, now, stop)
                           : show_message(store, id, stopped, now, stop);
      },
      respond);
}

void AdminApi::metrics(const Respond& respond) {
  census_.take(0, [this, respond](Result<Census> census) {
    if (!census) return respond({.status = 503, .body = census.error().words + "\n"});
    complete(census->snapshot);
    std::vector<std::string> domains;
    for (const auto& domain : runtime_->config.metrics.domains) domains.push_back(domain.text());
    respond({.content_type = "text/plain; version=0.0.4; charset=utf-8",
             .body = house_.metrics.render(census->snapshot, loop_.now(), domains,
                                           runtime_->config.metrics.top_domains)});
  });
}

void AdminApi::status(const Respond& respond) {
  census_.take(0, [this, respond](Result<Census> census) {
    if (!census) return respond(error_response(census.error()));
    complete(census->snapshot);
    const Verdict ready = readiness();
    const Verdict healthy = health();
    respond(json_response(status_json({.hostname = runtime_->hostname.text(),
                                       .workers = runtime_->workers,
                                       .listen = runtime_->config.listen,
                                       .started = started_,
                                       .ready = ready.ok,
                                       .ready_words = ready.words,
                                       .healthy = healthy.ok,
                                       .health_words = healthy.words,
                                       .store_trouble = house_.store.in_trouble(),
                                       .store_gained = house_.store.gained(),
                                       .snapshot = std::move(census->snapshot)},
                                      loop_.now())));
  });
}

void AdminApi::list_queue(const HttpRequest& request, const Respond& respond) {
  auto query = parse_queue_query(request, loop_.now());
  if (!query) return respond(error_response(query.error()));
  read(
      [query = std::move(*query)](const queue::Store& store, const Stopped& stopped, Instant now,
                                  const std::stop_token& stop) mutable {
        query.look.stopped = stopped;
        const auto page = read_page(store, query, stop);
        return page ? json_response(queue_json(*page, now)) : error_response(page.error());
      },
      respond);
}

void AdminApi::on_store(const std::vector<queue::StoreEvent>& events) {
  for (const auto& event : events) {
    if (const auto* kept = std::get_if<queue::Kept>(&event)) suspensions_.on_store(*kept);
    if (const auto* refused = std::get_if<queue::NotKept>(&event)) suspensions_.on_store(*refused);
  }
}

void AdminApi::schedule(const HttpRequest& request, const Respond& respond) {
  const auto max = parse_limit(request.parameter("limit"), kDestinationsDefault, kDestinationsMax);
  if (!max) return respond(error_response(max.error()));
  census_.take(*max, [this, respond](const Result<Census>& census) {
    respond(census ? json_response(schedule_json(*census, loop_.now()))
                   : error_response(census.error()));
  });
}

void AdminApi::read(Read read, const Respond& respond) {
  ask_what_is_stopped(
      house_.workers, home_, suspensions_.current(),
      [this, read = std::move(read), respond](Stopped stopped) {
        house_.reader.push_scan([&store = house_.store.store(), home = home_, read, respond,
                                 stopped = std::move(stopped),
                                 now = loop_.now()](const std::stop_token& stop) {
          home->send([respond, response = read(store, stopped, now, stop)] { respond(response); });
        });
      });
}

Verdict AdminApi::health() const {
  return judge_health(take_pulses(house_.workers, house_.store, house_.reader, house_.reporter),
                      loop_.now());
}

Verdict AdminApi::readiness() const {
  return judge_readiness({.listening = listening_,
                          .store_trouble = house_.store.in_trouble(),
                          .queue_gained = house_.store.gained()});
}

void AdminApi::complete(Snapshot& snapshot) const {
  snapshot.inbound_connections = house_.inbound_connections.load(std::memory_order_relaxed);
  snapshot.log_dropped = house_.log.dropped();
  snapshot.store_corrupt = house_.store.store().corrupt_records();
  snapshot.store_trouble = house_.store.in_trouble();
}

}  // namespace posthaste::daemon
