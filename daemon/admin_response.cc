#include "daemon/admin_response.h"

#include <utility>

#include "daemon/admin_json.h"

namespace posthaste::daemon {

HttpResponse json_response(std::string body, int status) {
  return {.status = status, .content_type = "application/json", .body = std::move(body)};
}

HttpResponse error_response(int status, std::string_view words) {
  return json_response(error_json(words), status);
}

HttpResponse error_response(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid: return error_response(400, error.words);
    case ErrorCode::kNotFound: return error_response(404, error.words);
    case ErrorCode::kIo:
    case ErrorCode::kFull:
    case ErrorCode::kBusy:
    case ErrorCode::kCorrupt:
    case ErrorCode::kTimeout:
    case ErrorCode::kUnsupported: break;
  }
  return error_response(503, error.words);
}

}  // namespace posthaste::daemon
