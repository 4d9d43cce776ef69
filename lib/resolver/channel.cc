#include "lib/resolver/channel.h"

#include <ares.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "lib/base/check.h"
#include "lib/dns/query.h"

namespace posthaste::resolver {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr int kReceiveBufferOctets = 1 << 20;  // answers come in bursts; the kernel may give less

bool all_loopback(const std::vector<Endpoint>& servers) {
  return std::all_of(servers.begin(), servers.end(),
                     [](const Endpoint& server) { return is_loopback(server.address); });
}

// c-ares wants to be initialised before threads use it; the first caller does it for all.
int initialise_library() {
  static const int result = ares_library_init(ARES_LIB_INIT_ALL);
  return result;
}

tl::unexpected<Error> io_failure(std::string_view what, int code) {
  return fail(ErrorCode::kIo, std::string(what) + ": " + ares_strerror(code));
}

Endpoint endpoint_of(const ares_addr_port_node& node) {
  Endpoint endpoint;
  if (node.family == AF_INET) {
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &node.addr.addr4, octets.size());
    endpoint.address = ipv4(octets[0], octets[1], octets[2], octets[3]);
  } else {
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &node.addr.addr6, octets.size());
    endpoint.address = ipv6(octets);
  }
  endpoint.port = node.udp_port == 0 ? kDnsPort : static_cast<std::uint16_t>(node.udp_port);
  return endpoint;
}

void report_failure(Channel::Receiver& receiver, int code) {
  switch (code) {
    case ARES_ETIMEOUT: receiver.on_failure(dns::AnswerStatus::kTimeout, "no answer"); return;
    case ARES_ECONNREFUSED:
      receiver.on_failure(dns::AnswerStatus::kTimeout, "no connection to any server");
      return;
    default: receiver.on_failure(dns::AnswerStatus::kServFail, ares_strerror(code)); return;
  }
}

void on_answer(void* arg, int code, int /*timeouts*/, unsigned char* octets, int size) noexcept {
  if (code == ARES_EDESTRUCTION) return;  // nobody waits any more
  auto& receiver = *static_cast<Channel::Receiver*>(arg);
  if (code != ARES_SUCCESS || octets == nullptr) {
    report_failure(receiver, code);
    return;
  }
  receiver.on_packet({reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size)});
}

}  // namespace

Channel::Channel(io::Loop& loop, Duration timeout)
    : loop_(loop), timeout_(timeout), timer_(loop, [this] { on_timer(); }) {}

Channel::~Channel() {
  if (channel_ != nullptr) ares_destroy(channel_);
}

Result<std::unique_ptr<Channel>> Channel::make(io::Loop& loop, const ChannelOptions& options) {
  std::unique_ptr<Channel> channel(new Channel(loop, options.timeout));
  if (auto opened = channel->open(options); !opened) return tl::make_unexpected(opened.error());
  return channel;
}

Status Channel::open(const ChannelOptions& options) {
  if (const int code = initialise_library(); code != ARES_SUCCESS) {
    return io_failure("c-ares cannot be initialised", code);
  }
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(options.timeout);
  char from_dns_only[] = "b";  // never /etc/hosts
  ares_options wanted{};
  wanted.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS;
  // A socket that stays has one source port for ever, which a distant forger could learn; a near
  // one need not guess.
  if (!options.servers.empty() && all_loopback(options.servers)) {
    wanted.flags |= ARES_FLAG_STAYOPEN;
  }
  wanted.timeout = static_cast<int>(timeout.count());
  wanted.tries = options.tries;
  wanted.ednspsz = dns::kUdpOctetsMax;
  wanted.lookups = from_dns_only;
  wanted.socket_receive_buffer_size = kReceiveBufferOctets;
  wanted.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) noexcept {
    static_cast<Channel*>(self)->on_socket_state(fd, readable != 0, writable != 0);
  };
  wanted.sock_state_cb_data = this;
  const int code =
      ares_init_options(&channel_, &wanted,
                        ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
                            ARES_OPT_LOOKUPS | ARES_OPT_SOCK_RCVBUF | ARES_OPT_SOCK_STATE_CB);
  if (code != ARES_SUCCESS) {
    channel_ = nullptr;
    return io_failure("c-ares cannot open a channel", code);
  }
  if (auto set = set_servers(options.servers); !set) return set;
  return read_servers();
}

Status Channel::set_servers(const std::vector<Endpoint>& servers) {
  if (servers.empty()) return {};
  std::string list;
  for (const Endpoint& server : servers) {
    if (server.port == 0) {
      return fail(ErrorCode::kInvalid, "DNS server " + render_endpoint(server) + " has no port");
    }
    if (!list.empty()) list += ',';
    list += render_endpoint(server);
  }
  const int code = ares_set_servers_ports_csv(channel_, list.c_str());
  if (code == ARES_SUCCESS) return {};
  return fail(ErrorCode::kInvalid,
              "c-ares does not take the DNS servers " + list + ": " + ares_strerror(code));
}

Status Channel::read_servers() {
  ares_addr_port_node* first = nullptr;
  if (const int code = ares_get_servers_ports(channel_, &first); code != ARES_SUCCESS) {
    return io_failure("c-ares does not tell its DNS servers", code);
  }
  for (const auto* node = first; node != nullptr; node = node->next) {
    servers_.push_back(endpoint_of(*node));
  }
  ares_free_data(first);
  if (!servers_.empty()) return {};
  return fail(ErrorCode::kInvalid, "no DNS server: neither dns.servers nor resolv.conf names one");
}

void Channel::send(const std::string& packet, Receiver& receiver) {
  const auto* const octets = reinterpret_cast<const unsigned char*>(packet.data());
  ares_send(channel_, octets, static_cast<int>(packet.size()), on_answer, &receiver);
  wake_within(timeout_);
}

void Channel::on_socket_state(int fd, bool readable, bool writable) {
  if (!readable && !writable) {
    sockets_.erase(fd);  // c-ares closes it next
    return;
  }
  Socket& socket = sockets_[fd];
  socket.readable = readable;
  socket.writable = writable;
  if (!socket.poll) {
    socket.poll = std::make_unique<io::Poll>(
        loop_, fd, [this, fd](io::Readiness readiness) { on_ready(fd, readiness); });
  }
  socket.poll->watch(readable, writable);
}

void Channel::on_ready(int fd, io::Readiness readiness) {
  const bool read = readiness.readable || readiness.broken;  // a read tells what is broken
  const bool write = readiness.writable || readiness.broken;
  ares_process_fd(channel_, read ? fd : ARES_SOCKET_BAD, write ? fd : ARES_SOCKET_BAD);
  wake_within(timeout_);
  if (!readiness.broken) return;
  const auto still = sockets_.find(fd);
  if (still != sockets_.end())
    still->second.poll->watch(still->second.readable, still->second.writable);
}

void Channel::on_timer() {
  wake_at_ = kNever;
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  timeval rest{};
  if (ares_timeout(channel_, nullptr, &rest) == nullptr) return;
  wake_within(std::chrono::seconds(rest.tv_sec) + std::chrono::microseconds(rest.tv_usec));
}

// ares_timeout() looks at every query under way; so it is only asked when the timer fires. In
// between it is enough that no try which began since then can end sooner than a first try: the
// timer may be early, but it is never late.
void Channel::wake_within(Duration wait) {
  const Instant at = loop_.now() + wait;
  if (at >= wake_at_) return;
  wake_at_ = at;
  timer_.set(at);
}

}  // namespace posthaste::resolver
