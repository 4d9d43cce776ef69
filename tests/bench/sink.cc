// bench_sink: the fastest receiver that still reads SMTP. Counts every message once by its X-Bench
// number, and ends when it has seen all of them, with one line of JSON. With EVERY, a line with the
// count so far whenever so many more have come.
//
//   bench_sink ADDRESS:PORT COUNT [EVERY]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/io/connection.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"

namespace posthaste {
namespace {

constexpr std::string_view kMark = "X-Bench: ";
constexpr std::string_view kEnd = "\r\n.\r\n";

struct Tally {
  Tally(std::size_t wanted, std::size_t report_every) : seen(wanted), every(report_every) {}
  std::vector<bool> seen;
  const std::size_t every;  // 0: only at the end
  std::size_t unique = 0, duplicates = 0, strays = 0, connections = 0;
};

class Peer final : public io::Connection::Handler {
 public:
  Peer(io::Loop& loop, io::Fd socket, Tally& tally, std::function<void(Peer*)> on_end)
      : loop_(loop),
        tally_(tally),
        on_end_(std::move(on_end)),
        connection_(loop, std::move(socket), *this) {
    connection_.send(std::string("220 sink\r\n"));
    connection_.flush();
  }

  void on_bytes(std::string_view data) override {
    input_.append(data);
    std::size_t at = 0;
    while (!over_ && (in_data_ ? take_content(at) : take_line(at))) {
    }
    input_.erase(0, at);
    if (!output_.empty()) {
      connection_.send(std::move(output_));
      output_.clear();
    }
    connection_.flush();
    if (over_) end();
  }
  void on_handshake(io::IoResult) override {}
  void on_gone(io::IoResult) override { end(); }

 private:
  bool take_line(std::size_t& at) {
    const auto end = input_.find("\r\n", at);
    if (end == std::string::npos) return false;
    const auto line = std::string_view(input_).substr(at, end - at);
    at = end + 2;
    switch (line.empty() ? ' ' : line[0] & ~0x20) {
      case 'E': output_ += "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"; break;
      case 'D':
        output_ += "354 go\r\n";
        in_data_ = true;
        break;
      case 'Q':
        output_ += "221 bye\r\n";
        over_ = true;
        break;
      default: output_ += "250 ok\r\n"; break;  // HELO, MAIL, RCPT, RSET, NOOP
    }
    return true;
  }

  bool take_content(std::size_t& at) {
    const auto end = input_.find(kEnd, at);
    if (end == std::string::npos) return false;
    count(std::string_view(input_).substr(at, end - at));
    at = end + kEnd.size();
    in_data_ = false;
    output_ += "250 ok\r\n";
    return true;
  }

  void count(std::string_view content) {
    const auto mark = content.find(kMark);
    const auto number = mark == std::string_view::npos
                            ? tally_.seen.size()
                            : std::strtoul(content.data() + mark + kMark.size(), nullptr, 10);
    if (number >= tally_.seen.size()) {
      ++tally_.strays;
    } else if (tally_.seen[number]) {
      ++tally_.duplicates;
    } else {
      tally_.seen[number] = true;
      if (++tally_.unique == tally_.seen.size()) loop_.stop();
      if (tally_.every > 0 && tally_.unique % tally_.every == 0) {
        std::printf("%zu\n", tally_.unique);
        std::fflush(stdout);
      }
    }
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    loop_.defer([this] { on_end_(this); });
  }

  io::Loop& loop_;
  Tally& tally_;
  std::function<void(Peer*)> on_end_;
  std::string input_, output_;
  bool in_data_ = false, over_ = false, ended_ = false;
  io::Connection connection_;
};

int serve(const Endpoint& at, std::size_t wanted, std::size_t every) {
  io::Loop loop;
  Tally tally(wanted, every);
  std::unordered_map<Peer*, std::unique_ptr<Peer>> peers;
  auto socket = io::listen_tcp(at, false);
  if (!socket) {
    std::fprintf(stderr, "bench_sink: %s\n", socket.error().words.c_str());
    return 1;
  }
  io::Signal on_term(loop, 15, [&] { loop.stop(); });
  {
    const auto forget = [&](Peer* peer) { peers.erase(peer); };
    io::Listener listener(
        loop, std::move(*socket),
        [&](io::Fd accepted, std::optional<Endpoint>) {
          ++tally.connections;
          auto peer = std::make_unique<Peer>(loop, std::move(accepted), tally, forget);
          peers.emplace(peer.get(), std::move(peer));
        },
        [](const Error& error) { std::fprintf(stderr, "bench_sink: %s\n", error.words.c_str()); });
    loop.run();
  }
  peers.clear();
  std::printf("{\"unique\": %zu, \"duplicates\": %zu, \"strays\": %zu, \"connections\": %zu}\n",
              tally.unique, tally.duplicates, tally.strays, tally.connections);
  return 0;
}

}  // namespace
}  // namespace posthaste

int main(int argc, char** argv) {
  const auto at =
      argc == 3 || argc == 4
          ? posthaste::parse_endpoint(argv[1])
          : posthaste::Result<posthaste::Endpoint>(posthaste::fail(
                posthaste::ErrorCode::kInvalid, "usage: bench_sink ADDRESS:PORT COUNT [EVERY]"));
  if (!at) {
    std::fprintf(stderr, "%s\n", at.error().words.c_str());
    return 2;
  }
  return posthaste::serve(*at, std::strtoul(argv[2], nullptr, 10),
                          argc == 4 ? std::strtoul(argv[3], nullptr, 10) : 0);
}
