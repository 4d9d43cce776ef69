// A scenario of any bytes: it is refused with words of one line each, or it can be looked up.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/rehearsal/climate.h"
#include "daemon/rehearsal/scenario_reader.h"
#include "lib/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthaste;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = rehearsal::parse_scenario(text, "fuzz.yaml");
  CHECK(parsed.scenario.has_value() == parsed.errors.empty());
  for (const auto& error : parsed.errors) {
    CHECK(config::render_diagnostic(error).find('\n') == std::string::npos);
  }
  if (!parsed.scenario) return 0;
  const rehearsal::Scenario& scenario = *parsed.scenario;
  const rehearsal::Climate climate(scenario);
  for (std::size_t i = 0; i < scenario.domains.size(); ++i) {
    CHECK(!scenario.domains[i].name.text().empty());
    CHECK(scenario.domains[i].group < scenario.groups.size());
    for (const auto& mx : scenario.domains[i].mx) CHECK(mx.host < scenario.hosts.size());
    (void)climate.at_domain(i, scenario.start + scenario.length / 2);
  }
  return 0;
}
