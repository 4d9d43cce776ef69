// Channel: sends DNS packets and waits for their answers: c-ares on a Loop.
//
// c-ares chooses among the servers, repeats, and changes to TCP for an answer that was cut off; it
// neither makes our packets nor reads the answers (ARES_FLAG_NOCHECKRESP: else SERVFAIL and REFUSED
// would be swallowed).
//
// Lifetime     after its destruction no Receiver is called any more; not to be destroyed inside a
//              Receiver's call.
// Threads      the loop's.
// Limits       none of its own: what is sent is under way at once. A UDP send that would block
//              counts as a failed try, so the caller keeps a bound.
// Does not     cache, join equal questions, parse. See resolver.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/dns/answer.h"
#include "lib/io/loop.h"
#include "lib/io/poll.h"

struct ares_channeldata;

namespace posthaste::resolver {

struct ChannelOptions {
  std::vector<Endpoint> servers;  // empty: resolv.conf's
  Duration timeout = std::chrono::seconds(2);
  int tries = 3;
};

class Channel {
 public:
  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void on_packet(std::string_view octets) = 0;  // valid during the call
    virtual void on_failure(dns::AnswerStatus status, std::string_view words) = 0;
  };

  // Error: kInvalid (servers), kIo.
  static Result<std::unique_ptr<Channel>> make(io::Loop& loop, const ChannelOptions& options);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // `receiver` is called exactly once, perhaps before send() returns, unless the Channel is
  // destroyed before.
  void send(const std::string& packet, Receiver& receiver);
  // Those in use, resolv.conf's included.
  const std::vector<Endpoint>& servers() const { return servers_; }

 private:
  struct Socket {
    std::unique_ptr<io::Poll> poll;
    bool readable = false;  // what c-ares wants to know
    bool writable = false;
  };

  Channel(io::Loop& loop, Duration timeout);
  Status open(const ChannelOptions& options);
  Status set_servers(const std::vector<Endpoint>& servers);
  Status read_servers();
  void on_socket_state(int fd, bool readable, bool writable);
  void on_ready(int fd, io::Readiness readiness);
  void on_timer();
  void wake_within(Duration wait);

  io::Loop& loop_;          // constant after construction
  const Duration timeout_;  // of a first try
  std::vector<Endpoint> servers_;
  ares_channeldata* channel_ = nullptr;
  std::unordered_map<int, Socket> sockets_;
  Instant wake_at_ = kNever;  // not later than the first time-out of c-ares
  io::Timer timer_;
};

}  // namespace posthaste::resolver
