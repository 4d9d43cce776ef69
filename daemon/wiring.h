// Runtime: the configuration as the modules understand it. The only place where config/ meets the
// others' Options.
//
// Lifetime     immutable; shared by all threads; a reload makes a new one and swaps the pointer in
//              each worker.
// Does not     open anything. See tls_contexts.h for what has to be read from files.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "daemon/log.h"
#include "daemon/tls_metrics.h"
#include "lib/delivery/engine.h"
#include "lib/resolver/resolver.h"
#include "lib/smtp/server_session.h"

namespace posthaste::daemon {

struct Runtime {
  config::Config config;
  HeloName hostname;
  unsigned workers = 1;
  std::shared_ptr<const delivery::Options> engine;
  resolver::Options resolver;
  smtp::ServerOptions submission;  // peer, trusted and the TLS flags are filled in per connection
};

// `machine_name` stands in where the file names no hostname; `cores` where it says workers: auto.
// `replies`: what load_replies made of the configuration; null: codes alone say what refusals mean.
std::shared_ptr<const Runtime> make_runtime(
    config::Config config, const std::string& machine_name, unsigned cores,
    std::shared_ptr<const policy::ReplyRules> replies = nullptr);

TlsMetrics::Vocabulary tls_vocabulary(const config::Config& config);
LogLevel log_level(config::LogLevel level);
LogFormat log_format(config::LogFormat format);

}  // namespace posthaste::daemon
