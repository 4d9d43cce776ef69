#include "daemon/http_request_reader.h"

#include <http_parser.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/names.h"

namespace posthaste::daemon {

// The parser's callbacks land here through trampolines. Each gives 0 to go on and -1 to stop (from
// on_headers_complete 1 and 2 mean something else).
struct HttpRequestReader::Parser {
  http_parser machine{};
  State state = State::kReading;
  HttpRequest request;
  HttpFraming framing;
  HttpResponse refusal;
  std::string target;
  std::string field;  // the header field being read
  bool field_ended = true;
  bool host_seen = false;
  bool head_done = false;
  std::size_t head_bytes = 0;

  void begin() {
    http_parser_init(&machine, HTTP_REQUEST);
    machine.data = this;
    state = State::kReading;
    request = {};
    framing = {};
    target.clear();
    field.clear();
    field_ended = true;
    host_seen = head_done = false;
    head_bytes = 0;
  }

  int refuse(int status, std::string words) {
    state = State::kRefused;
    refusal = {.status = status, .body = std::move(words) + "\n"};
    framing.keep_alive = false;
    return -1;
  }

  int on_field(std::string_view part) {
    if (std::exchange(field_ended, false)) field.clear();
    field += part;
    return 0;
  }

  int on_value() {
    if (!std::exchange(field_ended, true)) host_seen |= equal_fold(field, "host");
    return 0;
  }

  int on_head() {
    head_done = true;
    if (machine.http_major != 1) return refuse(505, "only HTTP/1.1 is spoken here");
    if (machine.http_minor > 0 && !host_seen) {  // RFC 9112 §3.2
      return refuse(400, "an HTTP/1.1 request needs a Host header");
    }
    const auto method = static_cast<http_method>(machine.method);
    framing.head_only = method == HTTP_HEAD;
    request.method = framing.head_only ? "GET" : http_method_str(method);
    if (method != HTTP_GET && method != HTTP_HEAD && method != HTTP_POST) {
      return refuse(405, request.method + " is not understood here; use GET");
    }
    if (auto parsed = parse_target(target, request); !parsed) {
      return refuse(400, parsed.error().words);
    }
    // ULLONG_MAX stands for "no Content-Length".
    if (machine.content_length != ULLONG_MAX && machine.content_length > kBodyBytesMax) {
      return refuse(413, "the body is longer than 64 KiB");
    }
    return 0;
  }

  int on_body(std::string_view part) {
    if (request.body.size() + part.size() > kBodyBytesMax) {
      return refuse(413, "the body is longer than 64 KiB");
    }
    request.body += part;
    return 0;
  }

  int on_complete() {
    framing.keep_alive = http_should_keep_alive(&machine) != 0;
    state = State::kComplete;
    http_parser_pause(&machine, 1);  // what is behind it belongs to the next request
    return 0;
  }

  static Parser& self(http_parser* raw) { return *static_cast<Parser*>(raw->data); }
  static const http_parser_settings& settings();
};

const http_parser_settings& HttpRequestReader::Parser::settings() {
  static const http_parser_settings kSettings = [] {
    http_parser_settings made;
    http_parser_settings_init(&made);
    made.on_url = [](http_parser* raw, const char* at, std::size_t size) noexcept {
      self(raw).target.append(at, size);
      return 0;
    };
    made.on_header_field = [](http_parser* raw, const char* at, std::size_t size) noexcept {
      return self(raw).on_field({at, size});
    };
    made.on_header_value = [](http_parser* raw, const char*, std::size_t) noexcept {
      return self(raw).on_value();
    };
    made.on_headers_complete = [](http_parser* raw) noexcept { return self(raw).on_head(); };
    made.on_body = [](http_parser* raw, const char* at, std::size_t size) noexcept {
      return self(raw).on_body({at, size});
    };
    made.on_message_complete = [](http_parser* raw) noexcept { return self(raw).on_complete(); };
    return made;
  }();
  return kSettings;
}

HttpRequestReader::HttpRequestReader() : parser_(std::make_unique<Parser>()) { parser_->begin(); }
HttpRequestReader::~HttpRequestReader() = default;

std::size_t HttpRequestReader::feed(std::string_view bytes) {
  Parser& p = *parser_;
  CHECK(p.state == State::kReading);
  std::size_t taken = 0;
  while (taken < bytes.size() && p.state == State::kReading) {
    std::string_view part = bytes.substr(taken);
    if (!p.head_done) part = part.substr(0, kHeadBytesMax - p.head_bytes);
    const std::size_t count =
        http_parser_execute(&p.machine, &Parser::settings(), part.data(), part.size());
    taken += count;
    const http_errno error = HTTP_PARSER_ERRNO(&p.machine);
    if (p.state != State::kReading) break;
    if (error != HPE_OK) {
      p.refuse(400, std::string("bad request: ") + http_errno_description(error));
    } else if (!p.head_done && (p.head_bytes += count) >= kHeadBytesMax) {
      p.refuse(431, "the request's head is longer than 8 KiB");
    } else if (count < part.size()) {
      p.refuse(400, "bad request");
    }
  }
  return std::min(taken, bytes.size());
}

HttpRequestReader::State HttpRequestReader::state() const { return parser_->state; }

bool HttpRequestReader::begun() const { return parser_->head_bytes > 0 || parser_->head_done; }

const HttpRequest& HttpRequestReader::request() const {
  CHECK(parser_->state == State::kComplete);
  return parser_->request;
}

HttpFraming HttpRequestReader::framing() const { return parser_->framing; }

const HttpResponse& HttpRequestReader::refusal() const {
  CHECK(parser_->state == State::kRefused);
  return parser_->refusal;
}

void HttpRequestReader::next() {
  CHECK(parser_->state == State::kComplete);
  parser_->begin();
}

}  // namespace posthaste::daemon
