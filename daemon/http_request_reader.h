// HttpRequestReader: bytes of a connection -> one request after the other.
//
// Lifetime     one connection; dead after a refusal.
// Threads      none: one thread at a time.
// Limits       request line and header section 8 KiB, body 64 KiB.
// Implements   the framing of RFC 9112, through libhttp-parser.
// Does not     read or write sockets, keep bytes, or know what is asked for.
#pragma once

#include <memory>
#include <string_view>

#include "daemon/http_message.h"

namespace posthaste::daemon {

class HttpRequestReader {
 public:
  static constexpr std::size_t kHeadBytesMax = 8U << 10;
  static constexpr std::size_t kBodyBytesMax = 64U << 10;

  enum class State : unsigned char { kReading, kComplete, kRefused };

  HttpRequestReader();
  ~HttpRequestReader();
  HttpRequestReader(const HttpRequestReader&) = delete;
  HttpRequestReader& operator=(const HttpRequestReader&) = delete;

  // Takes the front of `bytes`, up to the end of a request, and says how many that were. What is
  // behind them is to be offered after next(). REQUIRES state() is kReading.
  std::size_t feed(std::string_view bytes);
  State state() const;
  // True: at least one byte of the request at hand was there.
  bool begun() const;

  // kComplete.
  const HttpRequest& request() const;
  HttpFraming framing() const;
  // kRefused: what to say before the connection is closed.
  const HttpResponse& refusal() const;
  // Begins the next request of the connection. REQUIRES kComplete.
  void next();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace posthaste::daemon
