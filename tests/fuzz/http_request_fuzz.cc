// Bytes of an HTTP client, whole and byte by byte: both ways must read the same requests.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/http_request_reader.h"

namespace {

using posthaste::daemon::HttpRequestReader;

// What a connection that sends `bytes` in pieces of at most `piece` would see, as text.
std::string read_all(std::string_view bytes, std::size_t piece) {
  HttpRequestReader reader;
  std::string seen;
  while (!bytes.empty()) {
    bytes.remove_prefix(reader.feed(bytes.substr(0, piece)));
    if (reader.state() == HttpRequestReader::State::kRefused) {
      return seen + std::to_string(reader.refusal().status);
    }
    if (reader.state() == HttpRequestReader::State::kComplete) {
      const auto& request = reader.request();
      if (request.path.empty() || request.path.front() != '/') std::abort();
      if (request.body.size() > HttpRequestReader::kBodyBytesMax) std::abort();
      seen += request.method + ' ' + request.path + ' ' + request.body;
      for (const auto& [key, value] : request.query) seen += key + '=' + value + '&';
      seen += reader.framing().keep_alive ? '\n' : '!';
      reader.next();
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (read_all(bytes, bytes.size() + 1) != read_all(bytes, 1)) std::abort();
  return 0;
}
