// UdpResponder: a DNS server of our own, for answers that no real server would give; or for none.
//
// Lifetime     destroyed before its Loop. Threads: the loop's.
// Does not     speak TCP.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/ip.h"
#include "lib/io/fd.h"
#include "lib/io/loop.h"
#include "lib/io/poll.h"

namespace posthaste::resolver {

class UdpResponder {
 public:
  // nullopt: stays silent.
  using Respond = std::function<std::optional<std::string>(std::string_view query)>;

  UdpResponder(io::Loop& loop, Respond respond);
  const Endpoint& endpoint() const { return endpoint_; }
  std::size_t queries() const { return queries_; }
  const std::string& last_query() const { return last_query_; }

 private:
  void on_readable();

  const Respond respond_;
  io::Fd socket_;
  Endpoint endpoint_;
  std::size_t queries_ = 0;
  std::string last_query_;
  std::optional<io::Poll> poll_;
};

// The query as an answer without records: QR and RA set, this rcode, and no OPT.
std::string reply_to(std::string_view query, unsigned rcode);
// The same with one record of the question's name and type.
std::string reply_with(std::string_view query, std::uint32_t ttl, const std::string& data);

}  // namespace posthaste::resolver
