// The results of a rehearsal as JSON.
#include <fmt/format.h>

#include "daemon/json_value.h"
#include "daemon/tool/rehearsal_story.h"

namespace posthaste::daemon::tool {
namespace {

using rehearsal::Results;
using rehearsal::Tallied;

double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

Json json_of(const Tallied& tallied) {
  Json within = Json::object();
  for (std::size_t i = 0; i < rehearsal::kWithin.size(); ++i) {
    within[fmt::format("{}", seconds(rehearsal::kWithin[i]))] = tallied.within[i];
  }
  Json json;
  if (!tallied.name.empty()) json["name"] = tallied.name;
  json["recipients"] = tallied.recipients;
  json["delivered"] = tallied.delivered;
  json["within"] = std::move(within);
  json["late"] = tallied.late;
  json["bounced"] = tallied.bounced;
  json["expired"] = tallied.expired;
  json["queued"] = tallied.queued;
  json["verified"] = tallied.verified;
  json["unverified"] = tallied.encrypted;
  json["plaintext"] = tallied.plaintext;
  json["downgraded"] = tallied.downgraded;
  json["median"] = seconds(tallied.median);
  json["p99"] = seconds(tallied.p99);
  json["worst"] = seconds(tallied.worst);
  return json;
}

Json json_of(const rehearsal::Stretch& stretch) {
  return {{"submitted", stretch.submitted}, {"delivered", stretch.delivered},
          {"plaintext", stretch.plaintext}, {"deferred", stretch.failed},
          {"queued", stretch.queued},       {"connections", stretch.connections}};
}

Json deferrals_of(const Results& results) {
  Json json = Json::object();
  for (std::size_t i = 0; i < policy::kRetryClasses; ++i) {
    json[std::string(policy::name(static_cast<policy::RetryClass>(i)))] = results.deferrals[i];
  }
  return json;
}

Json lists_of(const Results& results) {
  Json json;
  json["domains"] = json["over_time"] = json["latest"] = json["undelivered"] = Json::array();
  for (const auto& one : results.groups) json["domains"].push_back(json_of(one));
  for (const auto& one : results.stretches) json["over_time"].push_back(json_of(one));
  for (const auto& one : results.latest) {
    json["latest"].push_back({{"domain", one.domain},
                              {"recipients", one.recipients},
                              {"accepted", time_json(one.accepted)},
                              {"needed", seconds(one.needed)},
                              {"delivered", one.delivered},
                              {"why", one.why}});
  }
  for (const auto& one : results.undelivered) {
    json["undelivered"].push_back({{"domains", one.group},
                                   {"recipients", one.recipients},
                                   {"first", time_json(one.first)},
                                   {"words", one.words}});
  }
  return json;
}

Json whole(const std::string& title, const Results& results) {
  Json json;
  json["title"] = title;
  json["seed"] = results.seed;
  json["start"] = time_json(results.start);
  json["length"] = seconds(results.length);
  json["late_after"] = seconds(results.late_after);
  json["messages"] = results.messages;
  json["all"] = json_of(results.all);
  json["versions"] = results.versions;
  json["fallbacks"] = results.fallbacks;
  json["suspected_strips"] = results.strips;
  json["connections"] = results.connections;
  json["sessions"] = results.sessions;
  json["back_offs"] = results.back_offs;
  json["deferrals"] = deferrals_of(results);
  json["notifications"] = results.notifications;
  json["delay_notices"] = results.delay_notices;
  json["stretch"] = seconds(results.stretch);
  json.update(lists_of(results));
  return json;
}

}  // namespace

std::string rehearsal_json(const std::string& title, const Results& results) {
  return text_of(whole(title, results)) + "\n";
}

std::string comparison_json(const std::string& title, const Compared& one, const Compared& other) {
  Json json;
  for (const auto& [key, side] : {std::pair("one", &one), std::pair("other", &other)}) {
    json[key] = whole(title, side->results);
    json[key]["config"] = side->name;
  }
  return text_of(json) + "\n";
}

}  // namespace posthaste::daemon::tool
