#include "daemon/tool/api_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cerrno>
#include <memory>

namespace posthaste::daemon::tool {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* into) noexcept {
  auto& body = *static_cast<std::string*>(into);
  const std::size_t bytes = size * count;
  if (body.size() + bytes > ApiClient::kAnswerBytesMax) return 0;
  body.append(data, bytes);
  return bytes;
}

tl::unexpected<Error> cannot_reach(const std::string& path, CURLcode code, long sys_errno) {
  if (sys_errno == EACCES || sys_errno == EPERM) {
    return fail(ErrorCode::kIo, fmt::format("not allowed to use {}: be root, or a member of the "
                                            "socket's group (ls -l {})",
                                            path, path));
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return fail(ErrorCode::kTimeout,
                fmt::format("posthasted at {} does not answer: see its log (journalctl -u "
                            "posthaste)",
                            path));
  }
  if (code == CURLE_COULDNT_CONNECT) {
    return fail(ErrorCode::kNotFound, fmt::format("cannot reach posthasted at {}: is it running? "
                                                  "(systemctl status posthaste; --socket PATH)",
                                                  path));
  }
  return fail(ErrorCode::kIo,
              fmt::format("cannot ask posthasted at {}: {}", path, curl_easy_strerror(code)));
}

}  // namespace

std::string encode_component(std::string_view text) {
  if (text.empty()) return {};  // to libcurl length 0 means strlen()
  char* escaped = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  if (escaped == nullptr) return {};
  std::string encoded(escaped);
  curl_free(escaped);
  return encoded;
}

Result<ApiAnswer> ApiClient::get(const std::string& target) const { return ask(target, false); }
Result<ApiAnswer> ApiClient::post(const std::string& target) const { return ask(target, true); }

Result<ApiAnswer> ApiClient::ask(const std::string& target, bool post) const {
  const std::unique_ptr<CURL, CurlDeleter> curl(curl_easy_init());
  if (!curl) return fail(ErrorCode::kFull, "out of memory");
  ApiAnswer answer;
  const std::string url = "http://posthaste" + target;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  if (post) curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, "");
  curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket_path_.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");  // whatever the environment says
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS,
                   static_cast<long>(kPatience / std::chrono::milliseconds(1)));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    long sys_errno = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_OS_ERRNO, &sys_errno);
    return cannot_reach(socket_path_, code, sys_errno);
  }
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

}  // namespace posthaste::daemon::tool
