#include "daemon/http_message.h"

#include <fmt/format.h>

#include "lib/mail/date.h"

namespace posthaste::daemon {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// `plus_is_space`: in a query, as forms and curl --data-urlencode write it.
Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail(ErrorCode::kInvalid, "bad percent escape in the address");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return fail(ErrorCode::kInvalid, "a NUL in the address");
    decoded.push_back(c);
  }
  return decoded;
}

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

// RFC 9110 §5.6.7: the date of RFC 5322, but always "GMT".
std::string http_date(Instant now) {
  std::string date = mail::render_date(now);
  // The day of the month has two digits here.
  if (date.size() > 6 && date[6] == ' ') date.insert(5, "0");
  return date.substr(0, date.rfind(' ')) + " GMT";
}

}  // namespace

const std::string& HttpRequest::parameter(const std::string& key) const {
  static const std::string kEmpty;
  const auto found = query.find(key);
  return found == query.end() ? kEmpty : found->second;
}

Status parse_target(std::string_view target, HttpRequest& request) {
  if (target.empty() || target.front() != '/') {
    return fail(ErrorCode::kInvalid, "the address must be a path that begins with /");
  }
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  auto path = decode(target.substr(0, mark), false);
  if (!path) return tl::unexpected(path.error());
  request.path = std::move(*path);
  request.query.clear();
  if (mark == std::string_view::npos) return {};
  for (std::string_view rest = target.substr(mark + 1); !rest.empty();) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const std::size_t equals = pair.find('=');
    auto key = decode(pair.substr(0, equals), true);
    auto value = decode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!key) return tl::unexpected(key.error());
    if (!value) return tl::unexpected(value.error());
    if (!key->empty()) request.query[std::move(*key)] = std::move(*value);
  }
  return {};
}

std::string render_head(const HttpResponse& response, HttpFraming framing, Instant now) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\n"
      "Date: {}\r\n"
      "Content-Type: {}\r\n"
      "Content-Length: {}\r\n"
      "Cache-Control: no-store\r\n"
      "{}"
      "Connection: {}\r\n"
      "\r\n",
      response.status, reason(response.status), http_date(now), response.content_type,
      response.body.size(), response.status == 405 ? "Allow: GET, HEAD\r\n" : "",
      framing.keep_alive ? "keep-alive" : "close");
}

}  // namespace posthaste::daemon
