#include "daemon/admin_tls.h"

#include <atomic>
#include <utility>

#include "daemon/admin_ask_all.h"
#include "daemon/admin_response.h"
#include "daemon/admin_tls_json.h"
#include "daemon/worker.h"
#include "lib/mail/address.h"

namespace posthaste::daemon {
namespace {

// A domain as mail is routed by it. Error: kInvalid.
Result<RoutingDomain> parse_routing_domain(const std::string& text) {
  if (text.empty()) return fail(ErrorCode::kInvalid, "domain: missing; say ?domain=example.com");
  const auto mailbox = mail::parse_mailbox("postmaster@" + fold_domain(text), true);
  if (!mailbox) {
    return fail(ErrorCode::kInvalid, "domain: \"" + text + "\": " + mailbox.error().words);
  }
  return mail::routing_domain(*mailbox);
}

}  // namespace

AdminTls::AdminTls(io::Loop& loop, std::shared_ptr<ReturnAddress> home,
                   std::vector<Worker*> workers, TlsReporter& reporter,
                   std::shared_ptr<const Runtime> runtime)
    : loop_(loop),
      home_(std::move(home)),
      workers_(std::move(workers)),
      reporter_(reporter),
      runtime_(std::move(runtime)) {}

void AdminTls::answer(std::string_view page, const HttpRequest& request, const Respond& respond) {
  const bool changes = page == "forget";
  if (request.method != (changes ? "POST" : "GET")) {
    return respond(error_response(405, changes ? "use POST" : "use GET"));
  }
  if (page == "explain") return explain(request, respond);
  if (page == "memory") return memory(request, respond);
  if (page == "forget") return forget(request, respond);
  if (page == "report") return report(request, respond);
  respond(error_response(404, "no such page; / lists what there is"));
}

void AdminTls::explain(const HttpRequest& request, const Respond& respond) {
  const auto domain = parse_routing_domain(request.parameter("domain"));
  if (!domain) return respond(error_response(domain.error()));
  const auto tell = [this, domain = *domain, respond](const TlsRehearsal::Outcome& outcome) {
    respond(
        json_response(tls_explanation_json(domain, runtime_->config.tls, outcome, loop_.now())));
  };
  workers_[shard_of(*domain) % workers_.size()]->post(
      [domain = *domain, home = home_, tell, respond](Worker& worker) {
        if (!worker.tls_office().may_rehearse()) {
          home->send([respond] {
            respond(error_response(503, "too many domains are being explained; try again"));
          });
          return;
        }
        worker.tls_office().rehearse(domain, worker.engine().remembered(),
                                     [home, tell](const TlsRehearsal::Outcome& outcome) {
                                       home->send([tell, outcome] { tell(outcome); });
                                     });
      });
}

void AdminTls::memory(const HttpRequest& request, const Respond& respond) {
  const auto query = parse_tls_memory_query(request);
  if (!query) return respond(error_response(query.error()));
  const auto parts =
      std::make_shared<std::vector<TlsMemoryPage>>(workers_.size(), TlsMemoryPage(*query));
  ask_all(
      workers_, home_,
      [parts](Worker& worker, std::size_t index) {
        worker.engine().for_each_remembered([&](const policy::TlsMemory::View& view) {
          (*parts)[index].add({view, index});
        });
      },
      [this, parts, query = *query, respond] {
        TlsMemoryPage page(query);
        for (auto& part : *parts) page.merge(std::move(part));
        respond(json_response(tls_memory_json(std::move(page), loop_.now())));
      });
}

void AdminTls::forget(const HttpRequest& request, const Respond& respond) {
  const std::string host = request.parameter("host");
  if (host.empty()) {
    return respond(error_response(400, "host: missing; say ?host=mx.example.com or an address"));
  }
  const auto forgotten = std::make_shared<std::atomic<std::size_t>>(0);
  ask_all(
      workers_, home_,
      [host, forgotten](Worker& worker, std::size_t) {
        const std::size_t before = worker.engine().remembered_count();
        worker.engine_event(delivery::ForgetTls{host});
        worker.pump();
        *forgotten += before - worker.engine().remembered_count();
        worker.tls_office().sts().forget(RoutingDomain(fold_domain(host)));
      },
      [host, forgotten, respond] { respond(json_response(tls_forgotten_json(host, *forgotten))); });
}

void AdminTls::report(const HttpRequest& request, const Respond& respond) {
  const auto domain = parse_routing_domain(request.parameter("domain"));
  if (!domain) return respond(error_response(domain.error()));
  const std::string text = request.parameter("day");
  const auto day = text.empty() ? Result<report::ReportDay>(report::report_day(loop_.now()))
                                : report::parse_day(text);
  if (!day) return respond(error_response(day.error()));
  reporter_.read(*day, domain->text(), [home = home_, respond](std::string json) {
    home->send([respond, json = std::move(json)] {
      respond(json.empty() ? error_response(404, "nothing was counted for that domain and day")
                           : json_response(json));
    });
  });
}

}  // namespace posthaste::daemon
