// ScriptedConduct: the Conduct of a host in an operator's rehearsal: what the scenario has for it
// at that moment, else as it should be.
//
// Lifetime     one connection. Climate and HostState outlive it.
#pragma once

#include <string>
#include <unordered_map>

#include "daemon/rehearsal/climate.h"
#include "daemon/rehearsal/conduct.h"
#include "daemon/rehearsal/world.h"

namespace posthaste::rehearsal {

// What a host knows of all its connections.
struct HostState {
  std::uint32_t connections = 0;
  Instant period_began;  // of messages_max
  std::uint32_t messages = 0;
  std::unordered_map<std::size_t, Instant> triplets;  // by digest: first seen
};

class ScriptedConduct : public Conduct {
 public:
  ScriptedConduct(World& world, const Climate& climate, const ScenarioHost& host, std::size_t index,
                  HostState& state);

  Deed at(Turn turn, std::string_view subject) override;
  bool offers_starttls() override;
  policy::TlsFailure handshake_failure(std::string_view profile) override;
  Duration handshake_time(bool fails) override;
  Certificate certificate() override;
  Duration pause() override;
  void on_gone() override;

 private:
  Trouble trouble() const { return climate_.at_host(index_, world_.now()); }
  Deed odd_reply(const Trouble& trouble, ReplyAt at);
  Deed at_mail(const Trouble& trouble, std::string_view sender);
  Deed at_rcpt(const Trouble& trouble, std::string_view recipient);

  World& world_;
  const Climate& climate_;
  const ScenarioHost& host_;
  const std::size_t index_;
  HostState& state_;
  std::string sender_;
};

}  // namespace posthaste::rehearsal
