// `posthaste tls probe`: the one command that talks to mail hosts itself.
#include <unistd.h>

#include <array>
#include <charconv>
#include <optional>
#include <random>

#include "daemon/tool/command.h"
#include "daemon/tool/installation.h"
#include "daemon/tool/probe_json.h"
#include "daemon/tool/prober.h"
#include "daemon/tool/tls_story.h"
#include "daemon/wiring.h"
#include "lib/resolver/idna.h"

namespace posthaste::daemon::tool {
namespace {

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// nullopt: no number of a port.
std::optional<std::uint16_t> port_of(const std::string& text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

Result<ProbeReport> probe(const Runtime& runtime, const delivery::Options& options,
                          RoutingDomain domain) {
  io::Loop loop;
  const auto resolver = resolver::Resolver::make(loop, runtime.resolver);
  if (!resolver) return tl::unexpected(resolver.error());
  const auto client = https::Client::make(loop, {});
  if (!client) return tl::unexpected(client.error());
  HttpsFetcher fetcher(**resolver, **client);
  const std::string& ca_file = runtime.config.tls.mta_sts_ca_file;
  std::optional<ProbeReport> found;
  Prober prober({.loop = loop,
                 .resolver = **resolver,
                 .fetcher = fetcher,
                 .options = options,
                 .sts_ca_file = ca_file.empty() ? std::nullopt : std::optional(ca_file),
                 .rng = Rng(random_seed())},
                std::move(domain), [&](const ProbeReport& report) {
                  found = report;
                  loop.stop();
                });
  prober.begin();
  loop.run();
  return *std::move(found);
}

}  // namespace

Outcome probe_tls(const Arguments& arguments, const Style& style) {
  auto installation = find_installation(arguments.value("--config"));
  if (!installation) return failed(installation.error().words);
  const auto domain = arguments.operands[0].starts_with('[')
                          ? Result<std::string>(fold_domain(arguments.operands[0]))
                          : resolver::to_a_labels(arguments.operands[0]);
  if (!domain) return {kNotUnderstood, {}, domain.error().words};
  const auto runtime = make_runtime(std::move(installation->config), machine_name(), 1);
  delivery::Options options = *runtime->engine;
  if (arguments.has("--port")) {
    const auto port = port_of(arguments.value("--port"));
    if (!port) return {kNotUnderstood, {}, "--port: expected a number from 1 to 65535"};
    options.port = *port;
  }
  const auto report = probe(*runtime, options, RoutingDomain(*domain));
  if (!report) return failed(report.error().words);
  const std::string json = probe_json(*report);
  const auto told = arguments.has("--json") ? Result<std::string>(json) : tell_probe(json, style);
  if (!told) return failed(told.error().words);
  return {takes_mail(*report) ? kDone : kFailed, *told, installation->warning};
}

}  // namespace posthaste::daemon::tool
