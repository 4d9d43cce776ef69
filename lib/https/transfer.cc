#include "lib/https/transfer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::https {
namespace {

constexpr std::size_t kHeaderBytesMax = std::size_t{64} * 1024;
constexpr const char* kUserAgent = "posthaste";

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  // Fails for options that this libcurl was built without: then it is not the one that we link.
  CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

// Appends, as curl_slist_append() does; the list is the caller's again afterwards.
void append(ListPtr& list, const std::string& text) {
  curl_slist* const longer = curl_slist_append(list.get(), text.c_str());
  CHECK(longer != nullptr);
  static_cast<void>(list.release());
  list.reset(longer);
}

std::string bracketed(const IpAddress& address) {
  return address.v6 ? "[" + render_ip(address) + "]" : render_ip(address);
}

Failure::Kind kind_of(CURLcode code) {
  using Kind = Failure::Kind;
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return Kind::kCertificate;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER: return Kind::kHandshake;
    case CURLE_OPERATION_TIMEDOUT: return Kind::kTimeout;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST: return Kind::kConnect;
    case CURLE_FILESIZE_EXCEEDED: return Kind::kTooLarge;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_OUT_OF_MEMORY: return Kind::kLocal;
    default: return Kind::kOther;
  }
}

// curl's words may hold what the peer wrote in its certificate.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

Transfer::Transfer(Request request, Receiver receiver)
    : request_(std::move(request)), receiver_(std::move(receiver)) {}

std::optional<Failure> Transfer::prepare() {
  auto origin = origin_of(request_.url);
  if (!origin) return Failure{Failure::Kind::kOther, std::move(origin.error().words)};
  if (request_.addresses.empty()) return Failure{Failure::Kind::kConnect, "no address"};
  easy_.reset(curl_easy_init());
  if (!easy_) return Failure{Failure::Kind::kLocal, "libcurl has no memory for a transfer"};
  set(easy(), CURLOPT_URL, request_.url.c_str());
  set(easy(), CURLOPT_ERRORBUFFER, words_.data());
  set_destination(*origin);
  set_trust();
  set_request();
  set_reception();
  return std::nullopt;
}

// Where it may go: to the addresses given, and nowhere else.
void Transfer::set_destination(const Origin& origin) {
  const std::uint16_t port = request_.port == 0 ? origin.port : request_.port;
  const std::string there = origin.host + ":" + std::to_string(port);
  if (port != origin.port) {
    append(connect_to_, origin.host + ":" + std::to_string(origin.port) + ":" + there);
    set(easy(), CURLOPT_CONNECT_TO, connect_to_.get());
  }
  // With "+" curl forgets them when its DNS cache is next cleaned; else it would keep them for
  // ever.
  std::string addresses = "+" + there;
  char separator = ':';
  for (const IpAddress& address : request_.addresses) {
    addresses += separator + bracketed(address);
    separator = ',';
  }
  append(resolved_, addresses);
  set(easy(), CURLOPT_RESOLVE, resolved_.get());
  // Called before curl would ask DNS itself; a number other than 0 forbids it.
  constexpr auto never = [](void*, void*, void*) noexcept -> int { return 1; };
  set(easy(), CURLOPT_RESOLVER_START_FUNCTION, static_cast<curl_resolver_start_callback>(never));
  set(easy(), CURLOPT_PROTOCOLS_STR, "https");
  set(easy(), CURLOPT_FOLLOWLOCATION, 0L);
  set(easy(), CURLOPT_PROXY, "");  // nor those of the environment
  set(easy(), CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
}

void Transfer::set_trust() {
  set(easy(), CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy(), CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy(), CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // A resumed session would bring its old verdict along, and perhaps another ca_file's.
  set(easy(), CURLOPT_SSL_SESSIONID_CACHE, 0L);
  // The system's roots are a file and a folder. The file alone is read once a day and not for each
  // transfer: curl keeps no store that has a folder (CURLOPT_CA_CACHE_TIMEOUT).
  set(easy(), CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  if (!request_.ca_file) return;
  set(easy(), CURLOPT_CAINFO, request_.ca_file->c_str());
  // An operator's file is small, and he wants to see it in force when he has changed it.
  set(easy(), CURLOPT_CA_CACHE_TIMEOUT, 0L);
}

void Transfer::set_request() {
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(request_.timeout).count();
  set(easy(), CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(timeout, 1)));
  set(easy(), CURLOPT_NOSIGNAL, 1L);
  set(easy(), CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy(), CURLOPT_FRESH_CONNECT, 1L);
  set(easy(), CURLOPT_FORBID_REUSE, 1L);
  set(easy(), CURLOPT_USERAGENT, kUserAgent);
  for (const std::string& header : request_.headers) {
    CHECK(header.find_first_of("\r\n") == header.npos);
    append(headers_, header);
  }
  if (request_.method == Method::kPost) {
    append(headers_, "Expect:");  // no waiting for 100
    set(easy(), CURLOPT_POSTFIELDS, request_.body.data());
    set(easy(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }
  if (headers_) set(easy(), CURLOPT_HTTPHEADER, headers_.get());
}

void Transfer::set_reception() {
  set(easy(), CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.body_bytes_max));
  constexpr auto body = [](char* data, std::size_t, std::size_t count, void* self) noexcept {
    return static_cast<Transfer*>(self)->on_body({data, count});
  };
  set(easy(), CURLOPT_WRITEFUNCTION, static_cast<curl_write_callback>(body));
  set(easy(), CURLOPT_WRITEDATA, this);
  constexpr auto header = [](char* data, std::size_t, std::size_t count, void* self) noexcept {
    return static_cast<Transfer*>(self)->on_header({data, count});
  };
  set(easy(), CURLOPT_HEADERFUNCTION, static_cast<curl_write_callback>(header));
  set(easy(), CURLOPT_HEADERDATA, this);
}

// CURLOPT_MAXFILESIZE knows only what Content-Length says.
std::size_t Transfer::on_body(std::string_view bytes) {
  if (bytes.size() > request_.body_bytes_max - body_.size()) {
    too_large_ = true;
    return 0;
  }
  body_ += bytes;
  return bytes.size();
}

std::size_t Transfer::on_header(std::string_view bytes) {
  header_bytes_ += bytes.size();
  too_large_ = header_bytes_ > kHeaderBytesMax;
  return too_large_ ? 0 : bytes.size();
}

Outcome Transfer::outcome(CURLcode code) {
  if (code != CURLE_OK) return tl::unexpected<Failure>(failure_of(code));
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 300 && status < 400) {
    return tl::unexpected<Failure>(
        Failure{Failure::Kind::kRedirect, "HTTP redirect " + std::to_string(status)});
  }
  const char* content_type = nullptr;
  curl_easy_getinfo(easy(), CURLINFO_CONTENT_TYPE, &content_type);
  return Response{static_cast<int>(status), content_type == nullptr ? "" : content_type,
                  std::move(body_)};
}

Failure Transfer::failure_of(CURLcode code) const {
  if (too_large_) return {Failure::Kind::kTooLarge, "the response is too large"};
  const std::string words = words_.front() == '\0' ? curl_easy_strerror(code) : words_.data();
  return {kind_of(code), one_line(words)};
}

}  // namespace posthaste::https
