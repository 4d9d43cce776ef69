// Runtime: the configuration as the modules understand it. The only place where config/ meets the
// others' Options.
//
// Lifetime     immutable; shared by all threads; a reload makes a new one and swaps the pointer in
//              each worker.
// Does not     open anything. See TlsContexts for what has to be read from files.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "daemon/log.h"
#include "lib/delivery/engine.h"
#include "lib/resolver/resolver.h"
#include "lib/smtp/server_session.h"
#include "lib/tls/context.h"

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
std::shared_ptr<const Runtime> make_runtime(config::Config config, const std::string& machine_name,
                                            unsigned cores);

LogLevel log_level(config::LogLevel level);
LogFormat log_format(config::LogFormat format);

// The OpenSSL contexts of one thread: one per profile, and the server's where a certificate is
// configured.
class TlsContexts {
 public:
  // Error: what lib/tls says of a profile or a file. `warnings` are for the log (an expired
  // certificate of ours).
  static Result<std::unique_ptr<TlsContexts>> make(const Runtime& runtime,
                                                   std::vector<std::string>& warnings);
  // nullptr: no such profile, which config/ has ruled out for every policy.
  tls::ClientContext* client(const std::string& profile);
  tls::ServerContext* server() { return server_.get(); }

 private:
  std::map<std::string, std::unique_ptr<tls::ClientContext>> clients_;
  std::unique_ptr<tls::ServerContext> server_;
};

}  // namespace posthaste::daemon
