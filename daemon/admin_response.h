// The admin API's responses around a JSON body.
//
// Threads      any; no state.
#pragma once

#include <string>
#include <string_view>

#include "daemon/http_message.h"
#include "lib/base/result.h"

namespace posthaste::daemon {

HttpResponse json_response(std::string body, int status = 200);
HttpResponse error_response(int status, std::string_view words);
// 400, 404, or 503 for what is our trouble.
HttpResponse error_response(const Error& error);

}  // namespace posthaste::daemon
