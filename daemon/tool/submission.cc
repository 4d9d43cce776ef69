#include "daemon/tool/submission.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "daemon/tool/table.h"

namespace posthaste::daemon::tool {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

std::size_t read_content(char* into, std::size_t size, std::size_t count, void* from) noexcept {
  auto& rest = *static_cast<std::string_view*>(from);
  const std::size_t bytes = std::min(size * count, rest.size());
  std::memcpy(into, rest.data(), bytes);
  rest.remove_prefix(bytes);
  return bytes;
}

// Keeps the last line that the server said.
std::size_t keep_reply(char* data, std::size_t size, std::size_t count, void* into) noexcept {
  std::string_view line(data, size * count);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty()) static_cast<std::string*>(into)->assign(line);
  return size * count;
}

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) noexcept {
  return size * count;
}

List recipient_list(const std::vector<std::string>& to) {
  List list;
  for (const auto& recipient : to) {
    curl_slist* longer = curl_slist_append(list.get(), ("<" + recipient + ">").c_str());
    if (longer == nullptr) return nullptr;
    (void)list.release();  // `longer` begins with it
    list.reset(longer);
  }
  return list;
}

}  // namespace

Result<std::string> submit(const Submission& submission) {
  const std::unique_ptr<CURL, CurlDeleter> curl(curl_easy_init());
  const List recipients = recipient_list(submission.to);
  if (!curl || !recipients) return fail(ErrorCode::kFull, "out of memory");
  const std::string url = fmt::format("{}://{}/{}", submission.implicit_tls ? "smtps" : "smtp",
                                      submission.server, submission.helo);
  const std::string from = "<" + submission.from + ">";
  std::string_view rest = submission.content;
  std::string reply;
  const auto set = [&curl](CURLoption option, auto value) {
    curl_easy_setopt(curl.get(), option, value);
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(Submission::kPatience / std::chrono::milliseconds(1)));
  set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_TRY));
  set(CURLOPT_SSL_VERIFYPEER, 0L);
  set(CURLOPT_SSL_VERIFYHOST, 0L);
  set(CURLOPT_MAIL_FROM, from.c_str());
  set(CURLOPT_MAIL_RCPT, recipients.get());
  set(CURLOPT_UPLOAD, 1L);
  set(CURLOPT_READFUNCTION, read_content);
  set(CURLOPT_READDATA, static_cast<void*>(&rest));
  set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(submission.content.size()));
  set(CURLOPT_HEADERFUNCTION, keep_reply);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&reply));
  set(CURLOPT_WRITEFUNCTION, ignore);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_OK) return printable(reply);
  if (code == CURLE_COULDNT_CONNECT) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot connect to {}: is posthasted running, and does it listen "
                            "there? (--server HOST:PORT)",
                            submission.server));
  }
  return fail(ErrorCode::kIo,
              reply.empty() ? fmt::format("{}: {}", submission.server, curl_easy_strerror(code))
                            : fmt::format("{} said: {} ({})", submission.server, printable(reply),
                                          curl_easy_strerror(code)));
}

}  // namespace posthaste::daemon::tool
