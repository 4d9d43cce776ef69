#include "tests/unit/resolver/dns_servers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "lib/base/check.h"
#include "lib/io/fd.h"
#include "lib/io/socket_address.h"

namespace posthaste::resolver {
namespace {

constexpr int kReadyMilliseconds = 30'000;

// A port of 127.0.0.1 that is free for UDP and TCP.
Endpoint free_endpoint() {
  for (;;) {
    const io::Fd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const io::Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const io::SocketAddress any = io::socket_address({ipv4(127, 0, 0, 1), 0});
    CHECK(::bind(udp.get(), any.get(), any.size) == 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    CHECK(::getsockname(udp.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    if (::bind(tcp.get(), reinterpret_cast<sockaddr*>(&bound), size) != 0) continue;
    return io::endpoint_of(bound).value();
  }
}

std::string at_form(const Endpoint& endpoint) {
  return render_ip(endpoint.address) + "@" + std::to_string(endpoint.port);
}

// Forks and runs `command` with its output (`descriptor` of it) in a pipe, whose reading end is
// returned in `output`.
pid_t spawn(const std::vector<std::string>& command, const std::string& folder, int descriptor,
            int& output) {
  std::vector<char*> arguments;
  for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  std::array<int, 2> ends{};
  CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const pid_t pid = ::fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (!folder.empty() && ::chdir(folder.c_str()) != 0) ::_exit(126);
    ::dup2(ends[1], descriptor);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  output = ends[0];
  return pid;
}

std::string soa_and_ns(const std::string& zone) {
  const std::string origin = zone + ".";
  return origin + " 60 IN SOA ns." + origin + " hostmaster." + origin + " 1 3600 600 86400 7\n" +
         origin + " 60 IN NS ns." + origin + "\nns." + origin + " 60 IN A 127.0.0.1\n";
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "posthaste-dns-XXXXXX").string();
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(file(name)) << text;
  return file(name);
}

std::string TemporaryFolder::read(const std::string& name) const {
  std::ostringstream text;
  text << std::ifstream(file(name)).rdbuf();
  return text.str();
}

Daemon::Daemon(const std::vector<std::string>& command, const std::string& ready) {
  pid_ = spawn(command, {}, STDERR_FILENO, said_);
  std::string words;
  while (words.find(ready) == std::string::npos) {
    pollfd waiting{said_, POLLIN, 0};
    std::array<char, 4096> buffer{};
    const ssize_t got = ::poll(&waiting, 1, kReadyMilliseconds) == 1
                            ? ::read(said_, buffer.data(), buffer.size())
                            : 0;
    if (got <= 0) std::cerr << command.front() << " did not start:\n" << words << "\n";
    CHECK(got > 0);
    words.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Daemon::~Daemon() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::close(said_);
}

std::string run_in(const std::string& folder, const std::vector<std::string>& command) {
  int output = -1;
  const pid_t pid = spawn(command, folder, STDOUT_FILENO, output);
  std::string printed;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(output, buffer.data(), buffer.size());
    if (got <= 0) break;
    printed.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(output);
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return printed;
}

std::string NameServer::prepare(const Zone& zone) {
  std::string name = zone.name + ".zone";
  folder_.write(name, soa_and_ns(zone.name) + zone.records);
  if (!zone.sign) return name;
  std::string key =
      run_in(folder_.path(), {"ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone.name});
  while (!key.empty() && key.back() == '\n') key.pop_back();
  run_in(folder_.path(), {"ldns-signzone", "-f", name + ".signed", name, key});
  trust_anchors_.push_back(folder_.file(key + ".key"));
  name += ".signed";
  if (zone.tamper) {  // the records change, their signatures do not
    std::string text = folder_.read(name);
    for (auto at = text.find("192.0.2.1"); at != std::string::npos; at = text.find("192.0.2.1")) {
      text.replace(at, 9, "192.0.2.9");
    }
    folder_.write(name, text);
  }
  return name;
}

NameServer::NameServer(const std::vector<Zone>& zones) : endpoint_(free_endpoint()) {
  std::string config =
      "server:\n  ip-address: " + at_form(endpoint_) +
      "\n  username: \"\"\n  zonesdir: " + folder_.path() +
      "\n  database: \"\"\n  pidfile: \"\"\n  zonelistfile: " + folder_.file("zone.list") +
      "\n  xfrdfile: \"\"\n  server-count: 1\n  verbosity: 1\n"
      "  rrl-ratelimit: 0\nremote-control:\n  control-enable: no\n";
  for (const Zone& zone : zones) {
    config += "zone:\n  name: " + zone.name + "\n  zonefile: " + prepare(zone) + "\n";
  }
  daemon_ = std::make_unique<Daemon>(
      std::vector<std::string>{"nsd", "-d", "-c", folder_.write("nsd.conf", config)},
      "nsd started");
}

ValidatingResolver::ValidatingResolver(const NameServer& source, const std::vector<Zone>& zones)
    : endpoint_(free_endpoint()) {
  std::string config =
      "server:\n  interface: " + at_form(endpoint_) +
      "\n  username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n  directory: " + folder_.path() +
      "\n  do-daemonize: no\n  use-syslog: no\n  logfile: \"\"\n  verbosity: 1\n"
      "  num-threads: 1\n  do-not-query-localhost: no\n  do-ip6: no\n"
      "  module-config: \"validator iterator\"\n";
  for (const std::string& anchor : source.trust_anchors()) {
    config += "  trust-anchor-file: " + anchor + "\n";
  }
  for (const Zone& zone : zones) {
    config +=
        "stub-zone:\n  name: " + zone.name + "\n  stub-addr: " + at_form(source.endpoint()) + "\n";
  }
  config += "remote-control:\n  control-enable: no\n";
  daemon_ = std::make_unique<Daemon>(
      std::vector<std::string>{"unbound", "-d", "-c", folder_.write("unbound.conf", config)},
      "start of service");
}

}  // namespace posthaste::resolver
