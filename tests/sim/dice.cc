#include "tests/sim/dice.h"

#include <iterator>
#include <utility>

namespace posthaste::sim {

using namespace std::chrono_literals;
using policy::TlsFailure;
using rehearsal::Deed;
using rehearsal::Turn;
using Kind = rehearsal::Deed::Kind;

Deed Dice::at(Turn turn, std::string_view subject) {
  switch (turn) {
    case Turn::kGreeting:
      if (!std::exchange(received_, true)) {
        if (const auto deed = reception_.at_greeting()) return *deed;
      }
      return misdeed(0.5);
    case Turn::kHello:
    case Turn::kChunk: return misdeed(0.5);
    case Turn::kRcpt:
      if (subject.starts_with("gone")) return {Kind::kReply, 550, "5.1.1 no such user"};
      if (const auto deed = reception_.at_rcpt(sender_, subject)) return *deed;
      return misdeed(1);
    case Turn::kStartTls:
      if (const Deed deed = misdeed(1); deed.kind != Kind::kProper) return deed;
      if (!world_.fault(host_.handshake_trouble * 0.3)) return {};
      return {Kind::kReply, world_.rng().chance(0.5) ? 454 : 502, "no TLS today"};
    case Turn::kContent: return at_content();
    case Turn::kMail:
      sender_ = subject;
      if (const auto deed = reception_.at_mail()) return *deed;
      return misdeed(1);
    case Turn::kData:
    case Turn::kReset: return misdeed(1);
  }
  return {};
}

Deed Dice::misdeed(double more) {
  if (!world_.fault(host_.trouble * more)) return {};
  const Deed deeds[] = {{Kind::kReply, 451, "4.3.0 not just now"},
                        {Kind::kReply, 451, "4.3.0 not just now"},
                        {Kind::kReply, 554, "5.3.0 not ever"},
                        {Kind::kClosing, 421, "4.3.2 closing"},
                        {Kind::kDrop},
                        {Kind::kReset},
                        {Kind::kSilence},
                        {Kind::kGarbage}};
  return deeds[world_.rng().below(std::size(deeds))];
}

// A host that loses its voice may have made the message its own, or not.
Deed Dice::at_content() {
  if (!world_.fault(host_.trouble)) return misdeed(1);
  Deed deed;
  deed.takes = world_.rng().chance(0.5);
  deed.kind = world_.rng().chance(0.4) ? Kind::kReset
                                       : (world_.rng().chance(0.5) ? Kind::kSilence : Kind::kDrop);
  return deed;
}

// Somebody in between may take STARTTLS away.
bool Dice::offers_starttls() {
  return !world_.fault(host_.strips) && (host_.starttls || !world_.faults());
}

TlsFailure Dice::handshake_failure(std::string_view profile) {
  if (world_.faults() && host_.only_compat && profile != "compat") {
    return TlsFailure::kPeerHandshakeFailure;
  }
  if (world_.faults() && host_.resets_large && profile != "reduced") return TlsFailure::kReset;
  if (!world_.fault(host_.handshake_trouble)) return TlsFailure::kNone;
  constexpr TlsFailure kFailures[] = {TlsFailure::kPeerHandshakeFailure,
                                      TlsFailure::kProtocolVersion,
                                      TlsFailure::kReset,
                                      TlsFailure::kClosed,
                                      TlsFailure::kTimeout,
                                      TlsFailure::kProtocolError};
  return kFailures[world_.rng().below(std::size(kFailures))];
}

Duration Dice::handshake_time(bool fails) {
  if (fails) return world_.draw(1ms, 2s);
  return world_.draw(1ms, world_.rng().chance(0.1) ? Duration(10s) : Duration(100ms));
}

Duration Dice::pause() {
  return world_.draw(0ms, world_.rng().chance(0.1) ? Duration(20s) : Duration(50ms));
}

std::optional<Duration> Dice::patience() {
  if (!world_.fault(host_.trouble * 2)) return std::nullopt;
  return world_.draw(0ms, world_.rng().chance(0.5) ? Duration(20s) : Duration(500ms));
}

void Dice::on_gone() {
  if (std::exchange(received_, false)) reception_.on_gone();
}

}  // namespace posthaste::sim
