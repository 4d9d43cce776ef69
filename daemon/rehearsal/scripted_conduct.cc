#include "daemon/rehearsal/scripted_conduct.h"

#include <functional>

namespace posthaste::rehearsal {

using namespace std::chrono_literals;
using policy::TlsFailure;
using Kind = Deed::Kind;

ScriptedConduct::ScriptedConduct(World& world, const Climate& climate, const ScenarioHost& host,
                                 std::size_t index, HostState& state)
    : world_(world), climate_(climate), host_(host), index_(index), state_(state) {
  ++state_.connections;
}

void ScriptedConduct::on_gone() { --state_.connections; }

Deed ScriptedConduct::at(Turn turn, std::string_view subject) {
  const Trouble now = trouble();
  switch (turn) {
    case Turn::kGreeting:
      if (now.connections_max && state_.connections > *now.connections_max) {
        return {Kind::kClosing, 421, "4.7.0 too many connections from you"};
      }
      return odd_reply(now, ReplyAt::kGreeting);
    case Turn::kHello: return odd_reply(now, ReplyAt::kEhlo);
    case Turn::kStartTls:
      if (now.starttls_refused.value_or(false)) {
        return {Kind::kReply, 454, "4.7.0 TLS is not available just now"};
      }
      return {};
    case Turn::kMail: return at_mail(now, subject);
    case Turn::kRcpt: return at_rcpt(now, subject);
    case Turn::kData: return odd_reply(now, ReplyAt::kData);
    case Turn::kContent: return odd_reply(now, ReplyAt::kContent);
    case Turn::kChunk:
    case Turn::kReset: return {};
  }
  return {};
}

Deed ScriptedConduct::odd_reply(const Trouble& trouble, ReplyAt at) {
  if (!trouble.reply || trouble.reply->at != at) return {};
  const OddReply& reply = *trouble.reply;
  if (reply.probability < 1 && !world_.rng().chance(reply.probability)) return {};
  // RFC 5321 §3.8: who says 421 closes.
  return {reply.code == 421 ? Kind::kClosing : Kind::kReply, reply.code, reply.words};
}

Deed ScriptedConduct::at_mail(const Trouble& trouble, std::string_view sender) {
  sender_ = sender;
  if (trouble.messages_max) {
    if (world_.now() >= state_.period_began + trouble.messages_max->per) {
      state_.period_began = world_.now();
      state_.messages = 0;
    }
    if (++state_.messages > trouble.messages_max->count) {
      return {Kind::kClosing, 421, "4.7.28 too many messages from you, come back later"};
    }
  }
  return odd_reply(trouble, ReplyAt::kMail);
}

Deed ScriptedConduct::at_rcpt(const Trouble& trouble, std::string_view recipient) {
  if (trouble.greylist) {
    const std::size_t triplet = std::hash<std::string>{}(sender_ + " " + std::string(recipient));
    const Instant first = state_.triplets.try_emplace(triplet, world_.now()).first->second;
    if (world_.now() < first + *trouble.greylist) {
      return {Kind::kReply, 450, "4.2.0 greylisted, try again later"};
    }
  }
  return odd_reply(trouble, ReplyAt::kRcpt);
}

bool ScriptedConduct::offers_starttls() {
  return host_.starttls && trouble().starttls_refused.value_or(true);
}

TlsFailure ScriptedConduct::handshake_failure(std::string_view profile) {
  const Trouble now = trouble();
  if (!now.handshake || now.only_profile == profile) return TlsFailure::kNone;
  return *now.handshake;
}

Duration ScriptedConduct::handshake_time(bool /*fails*/) { return world_.draw(30ms, 90ms); }

Certificate ScriptedConduct::certificate() {
  Certificate shown;
  const Trouble now = trouble();
  if (!now.certificate) return shown;
  switch (*now.certificate) {
    case Flaw::kExpired: shown.expired = true; break;
    case Flaw::kSelfSigned: shown.self_signed = true; break;
    case Flaw::kUntrusted: shown.trusted = false; break;
    case Flaw::kWrongName: shown.names_host = false; break;
    case Flaw::kOtherKey: shown.key = 'y'; break;
  }
  return shown;
}

Duration ScriptedConduct::pause() {
  if (const auto latency = trouble().latency) return world_.draw(*latency / 2, *latency * 3 / 2);
  return world_.draw(0ms, 10ms);
}

}  // namespace posthaste::rehearsal
