// Client: fetches and posts small things over HTTPS, many at a time, on a Loop: libcurl's multi
// interface, of which nothing shows here.
//
// The host's certificate must verify and bear the host's name; no redirect is followed, no proxy,
// cookie, password file or HTTP cache is used, and curl never asks DNS: the caller gives the
// addresses, and has refused those where a stranger's name must not lead us.
//
// Lifetime     destroyed before its Loop, and not inside a Receiver's call; what is under way is
//              cancelled then, and its Receivers are never called.
// Threads      the loop's.
// Limits       ClientOptions; a body of Request::body_bytes_max, headers of 64 KiB.
// Implements   RFC 8461 §3.3 (what it asks of a policy's transport), RFC 8460 §3 (POST).
// Does not     resolve, judge addresses, retry, keep connections. See lib/resolver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/io/loop.h"

namespace posthaste::https {

enum class Method : std::uint8_t { kGet, kPost };

struct Request {
  std::string url;  // https://HOST[:PORT]/…, HOST a name
  Method method = Method::kGet;
  std::string body = {};                  // kPost
  std::vector<std::string> headers = {};  // "Content-Type: application/json"; REQUIRES no CR or LF
  std::vector<IpAddress> addresses = {};  // of the URL's host; tried in curl's order
  std::size_t body_bytes_max = std::size_t{64} * 1024;  // RFC 8461 §3.3
  Duration timeout = std::chrono::minutes(1);           // of all of it, from the first packet
  std::optional<std::string> ca_file = std::nullopt;  // PEM, not the system's roots; read each time
  std::uint16_t port = 0;                             // connect there instead of the URL's port
};

struct Response {
  int status = 0;  // never 1xx or 3xx
  std::string content_type;
  std::string body;
};

struct Failure {
  enum class Kind : std::uint8_t {
    kCertificate,  // it does not verify, or bears another name
    kHandshake,    // no TLS session for another reason
    kTimeout,
    kConnect,   // nobody there; or no address was given
    kTooLarge,  // body or headers
    kRedirect,  // 3xx
    kLocal,     // our own trouble: ca_file cannot be used, too many wait, no memory
    kOther,     // the URL, a broken connection, not HTTP
  };
  Kind kind = Kind::kOther;
  std::string words;  // one line
};
inline constexpr std::size_t kFailureKinds = 8;
std::string_view label(Failure::Kind kind);  // "certificate", "handshake", …

using Outcome = tl::expected<Response, Failure>;
// Called once, never from inside send().
using Receiver = std::function<void(Outcome outcome)>;

struct ClientOptions {
  std::size_t transfers_max = 64;    // at a time; more wait for their turn
  std::size_t waiting_max = 10'000;  // more fail with kLocal
};

class Client {
 public:
  // Error: kIo (libcurl cannot be set up).
  static Result<std::unique_ptr<Client>> make(io::Loop& loop, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(Request request, Receiver receiver);
  std::size_t running() const;
  std::size_t waiting() const;

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Whom a URL would have us call: to be resolved, judged, and given as Request::addresses.
struct Origin {
  std::string host;  // folded
  std::uint16_t port = 443;
  friend bool operator==(const Origin&, const Origin&) = default;
};
// Error: kInvalid: not https, a password in it, an address where the name should be.
Result<Origin> origin_of(const std::string& url);

}  // namespace posthaste::https
