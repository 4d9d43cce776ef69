// TlsContexts: the OpenSSL contexts of one thread: one for each profile, trust store and client
// certificate that a policy of the configuration can lead to, and the server's.
//
// All of them are made at once, so that a file that is missing or broken is found when the
// configuration is loaded, and not by the first mail.
//
// Lifetime     until the next reload, and as long as a connection that began before it.
// Threads      one at a time.
// Does not     choose a policy, or notice that a file has changed.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/wiring.h"
#include "lib/policy/tls_demand.h"
#include "lib/tls/context.h"

namespace posthaste::daemon {

class TlsContexts {
 public:
  // Error: what lib/tls says of a profile or a file. `warnings` are for the log (a certificate of
  // ours has expired), each once.
  static Result<std::unique_ptr<TlsContexts>> make(const Runtime& runtime,
                                                   std::vector<std::string>& warnings);
  // For a connection that offers `profile` under `demand`. nullptr: no policy of this configuration
  // leads there (but one of before a reload may).
  tls::ClientContext* client(const std::string& profile, const policy::TlsDemand& demand) const;
  // nullptr: there is no certificate to show.
  tls::ServerContext* server() const { return server_.get(); }
  const std::string& server_profile() const { return server_profile_; }
  std::size_t clients() const { return clients_.size(); }

 private:
  struct Key {
    std::string profile;
    policy::TrustStore trust;
    policy::ClientIdentity identity;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  static Status check_sts_trust(const config::Tls& tls);
  Status add_client(const config::Tls& tls, Key key, std::vector<std::string>& warnings);
  Status make_clients(const config::Tls& tls, std::vector<std::string>& warnings);
  Status make_server(const config::Config& config, std::vector<std::string>& warnings);

  std::map<Key, std::unique_ptr<tls::ClientContext>> clients_;
  std::unique_ptr<tls::ServerContext> server_;
  std::string server_profile_;
};

}  // namespace posthaste::daemon
