#include "tests/unit/resolver/udp_responder.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "lib/base/check.h"
#include "lib/dns/wire.h"
#include "lib/io/socket_address.h"

namespace posthaste::resolver {
namespace {

constexpr std::size_t kHeaderOctets = 12;

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string question_of(std::string_view query) {
  dns::WireReader reader(query);
  reader.seek(kHeaderOctets);
  reader.domain_name();
  reader.u32();  // type and class
  CHECK(!reader.failed());
  return std::string(query.substr(kHeaderOctets, reader.at() - kHeaderOctets));
}

std::string reply(std::string_view query, unsigned rcode, unsigned answers) {
  return std::string(query.substr(0, 2)) + u16(0x8180U | rcode) + u16(1) + u16(answers) + u16(0) +
         u16(0) + question_of(query);
}

}  // namespace

UdpResponder::UdpResponder(io::Loop& loop, Respond respond)
    : respond_(std::move(respond)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  CHECK(socket_);
  const io::SocketAddress any = io::socket_address({ipv4(127, 0, 0, 1), 0});
  CHECK(::bind(socket_.get(), any.get(), any.size) == 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  CHECK(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  endpoint_ = io::endpoint_of(bound).value();
  poll_.emplace(loop, socket_.get(), [this](io::Readiness) { on_readable(); });
  poll_->watch(true, false);
}

void UdpResponder::on_readable() {
  for (;;) {
    std::array<char, 2048> buffer{};
    sockaddr_storage from{};
    socklen_t from_size = sizeof(from);
    auto* const from_address = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got =
        ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, from_address, &from_size);
    if (got < 0) return;
    ++queries_;
    last_query_.assign(buffer.data(), static_cast<std::size_t>(got));
    const std::optional<std::string> answer = respond_(last_query_);
    if (!answer) continue;
    (void)::sendto(socket_.get(), answer->data(), answer->size(), 0, from_address, from_size);
  }
}

std::string reply_to(std::string_view query, unsigned rcode) { return reply(query, rcode, 0); }

std::string reply_with(std::string_view query, std::uint32_t ttl, const std::string& data) {
  const std::string question = question_of(query);
  const std::string type = question.substr(question.size() - 4, 2);
  return reply(query, 0, 1) + u16(0xC000U | kHeaderOctets) + type + u16(1) + u16(ttl >> 16) +
         u16(ttl & 0xffff) + u16(static_cast<unsigned>(data.size())) + data;
}

}  // namespace posthaste::resolver
