#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <string>

#include "lib/base/names.h"
#include "lib/https/client.h"

namespace posthaste::https {
namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// Empty where the URL has no such part.
std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

// What CURLOPT_RESOLVE and DNS can take without a second reading.
bool is_host_name(const std::string& host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

tl::unexpected<Error> refused(const std::string& why) {
  return fail(ErrorCode::kInvalid, "the URL " + why);
}

}  // namespace

Result<Origin> origin_of(const std::string& url) {
  const std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
  if (!parsed) return fail(ErrorCode::kFull, "no memory for a URL");
  const CURLUcode code =
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_DISALLOW_USER);
  if (code != CURLUE_OK) return refused(std::string("is none: ") + curl_url_strerror(code));
  if (part_of(parsed.get(), CURLUPART_SCHEME) != "https") return refused("is not https");
  const Origin origin{fold_domain(part_of(parsed.get(), CURLUPART_HOST)),
                      static_cast<std::uint16_t>(
                          std::stoi(part_of(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)))};
  // curl has made "127.1" and "0x7f000001" the addresses that they are.
  if (!is_host_name(origin.host) || parse_ip(origin.host)) return refused("names no host");
  if (origin.port == 0) return refused("has port 0");
  return origin;
}

}  // namespace posthaste::https
