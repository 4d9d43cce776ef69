// Conduct: how a mail host behaves in one connection: whether, at each turn of the conversation, it
// does what is proper, and how long it takes. A Peer asks; what it says of the protocol is the
// Peer's.
//
// Lifetime     one connection, owned by its Peer.
// Does not     speak SMTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/rehearsal/host.h"
#include "lib/base/time.h"

namespace posthaste::rehearsal {

// Where the host is to answer.
enum class Turn : std::uint8_t {
  kGreeting,
  kHello,  // EHLO or HELO
  kStartTls,
  kMail,  // subject: the sender
  kRcpt,  // subject: the recipient
  kData,
  kChunk,    // BDAT that is not the last
  kContent,  // all of it has been read
  kReset,
};

struct Deed {
  enum class Kind : std::uint8_t {
    kProper,   // what the protocol has for that turn
    kReply,    // code and words in its place
    kClosing,  // the reply, then the end
    kDrop,     // the end
    kReset,    // of the connection; what is under way is lost
    kSilence,  // nothing more, ever
    kGarbage,  // what is no reply, then the end
  };
  Kind kind = Kind::kProper;
  int code = 0;
  std::string words = {};
  bool takes = false;  // kContent: takes the message first, whatever follows
};

class Conduct {
 public:
  virtual ~Conduct() = default;

  virtual Deed at(Turn turn, std::string_view subject) = 0;
  virtual bool knows_ehlo() { return true; }
  // Asked once for each EHLO in plaintext.
  virtual bool offers_starttls() = 0;
  virtual bool offers_enhanced_codes() { return true; }
  // Speaks behind its 220 to STARTTLS, before TLS protects the client.
  virtual bool injects() { return false; }
  // kNone: the handshake succeeds.
  virtual policy::TlsFailure handshake_failure(std::string_view profile) = 0;
  virtual Duration handshake_time(bool fails) = 0;
  virtual Certificate certificate() = 0;
  // Before the next reply.
  virtual Duration pause() = 0;
  // After a message: when it has waited for so long, it closes with 421.
  virtual std::optional<Duration> patience() { return std::nullopt; }
  // The connection is over. Once.
  virtual void on_gone() {}
};

}  // namespace posthaste::rehearsal
