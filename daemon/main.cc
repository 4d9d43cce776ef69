// posthasted: the daemon's command line.
#include <getopt.h>

#include <cstdio>
#include <string>
#include <vector>

#include "daemon/daemon.h"
#include "daemon/version.h"

namespace {

constexpr const char* kDefaultConfig = "/etc/posthaste/posthaste.yaml";
constexpr const char* kUsage =
    "usage: posthasted [--config FILE] [--check]\n"
    "  --config FILE   the configuration (default: /etc/posthaste/posthaste.yaml)\n"
    "  --check         read and check it, say what is wrong, serve nothing\n"
    "  --version       print the version\n"
    "Runs in the foreground and logs to standard output. SIGHUP reloads, SIGTERM ends it.\n";

// Exit codes as sysexits(3) has them, so that systemd can tell a bad file from a busy port.
constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr int kExitIoError = 74;
constexpr int kExitConfig = 78;

struct Arguments {
  std::string config = kDefaultConfig;
  bool check = false;
};

enum class Parsed { kRun, kDone, kWrong };

Parsed parse(int argc, char** argv, Arguments& arguments) {
  static const option kOptions[] = {{"config", required_argument, nullptr, 'c'},
                                    {"check", no_argument, nullptr, 'k'},
                                    {"version", no_argument, nullptr, 'v'},
                                    {"help", no_argument, nullptr, 'h'},
                                    {nullptr, 0, nullptr, 0}};
  for (int found = 0; (found = getopt_long(argc, argv, "c:h", kOptions, nullptr)) != -1;) {
    switch (found) {
      case 'c': arguments.config = optarg; break;
      case 'k': arguments.check = true; break;
      case 'v': std::printf("posthasted %s\n", posthaste::daemon::kVersion); return Parsed::kDone;
      case 'h': std::fputs(kUsage, stdout); return Parsed::kDone;
      default: std::fputs(kUsage, stderr); return Parsed::kWrong;
    }
  }
  if (optind == argc) return Parsed::kRun;
  std::fprintf(stderr, "posthasted: unexpected \"%s\"\n%s", argv[optind], kUsage);
  return Parsed::kWrong;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  switch (parse(argc, argv, arguments)) {
    case Parsed::kDone: return 0;
    case Parsed::kWrong: return kExitUsage;
    case Parsed::kRun: break;
  }
  std::vector<std::string> report;
  auto runtime = posthaste::daemon::load_runtime(arguments.config, report);
  for (const auto& line : report) std::fprintf(stderr, "%s\n", line.c_str());
  if (runtime == nullptr) return kExitConfig;
  if (arguments.check) {
    std::printf("%s: ok\n", arguments.config.c_str());
    return 0;
  }
  posthaste::daemon::Daemon daemon(arguments.config, std::move(runtime));
  if (const auto opened = daemon.open(); !opened) {
    std::fprintf(stderr, "posthasted: %s\n", opened.error().words.c_str());
    return kExitUnavailable;
  }
  if (const auto ended = daemon.run(); !ended) {
    std::fprintf(stderr, "posthasted: %s\n", ended.error().words.c_str());
    return kExitIoError;
  }
  return 0;
}
