// HttpRequest and HttpResponse: the little of HTTP/1.1 that the admin side speaks, as values.
//
// Threads      any; no state.
// Implements   RFC 9112 §3.2 (origin form), §6 (Content-Length); RFC 3986 §2.1.
// Does not     know headers beyond those that frame a message.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/base/time.h"

namespace posthaste::daemon {

struct HttpRequest {
  std::string method;  // "GET", "POST"; HEAD comes as GET, its body is dropped on the way out
  std::string path;    // decoded, begins with "/"
  std::map<std::string, std::string> query;  // decoded; of equal keys the last one counts
  std::string body;

  // The value of a query key, or the empty string.
  const std::string& parameter(const std::string& key) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// What has to be known of a request in order to answer it.
struct HttpFraming {
  bool keep_alive = false;
  bool head_only = false;
};

// Fills path and query from a request target in origin form
// ("/v1/queue?domain=example.com&limit=5"). Error: kInvalid (another form, a bad percent escape, an
// encoded NUL).
Status parse_target(std::string_view target, HttpRequest& request);

// Status line and header section with the empty line behind it.
std::string render_head(const HttpResponse& response, HttpFraming framing, Instant now);

}  // namespace posthaste::daemon
