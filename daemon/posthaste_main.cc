// posthaste: the operator's tool.
#include <curl/curl.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "daemon/tool/command.h"

namespace {

posthaste::daemon::tool::Style style_of(int fd) {
  posthaste::daemon::tool::Style style;
  style.asks = isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
  if (isatty(fd) == 0) return style;
  setlocale(LC_CTYPE, "");
  style.blocks = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  const char* no_colour = std::getenv("NO_COLOR");
  style.colour = no_colour == nullptr || *no_colour == '\0';
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0) style.width = size.ws_col;
  return style;
}

}  // namespace

int main(int argc, char** argv) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto outcome = posthaste::daemon::tool::run_tool(words, style_of(STDOUT_FILENO));
  std::fwrite(outcome.out.data(), 1, outcome.out.size(), stdout);
  if (!outcome.err.empty()) std::fprintf(stderr, "posthaste: %s\n", outcome.err.c_str());
  curl_global_cleanup();
  // A full disk or a closed pipe behind standard output is a failure too.
  return std::fflush(stdout) == 0 ? outcome.status : posthaste::daemon::tool::kFailed;
}
