// submit: hands one message to an SMTP server.
//
// Threads      any; blocks.
// Limits       kPatience for the whole conversation.
// Does not     authenticate, or check the server's certificate: it is for trying things out, mostly
//              on the same machine.
#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/time.h"

namespace posthaste::daemon::tool {

struct Submission {
  static constexpr Duration kPatience = std::chrono::seconds(300);

  std::string server;         // "127.0.0.1:587", "[::1]:587", "mta.example.com:587"
  bool implicit_tls = false;  // else STARTTLS where it is offered
  std::string helo;
  std::string from;  // empty: the null sender
  std::vector<std::string> to;
  std::string content;  // CRLF line ends
};

// The server's reply to the final dot. Error: kIo, with its last reply, if there was one.
Result<std::string> submit(const Submission& submission);

}  // namespace posthaste::daemon::tool
