// ApiClient: asks the daemon over its Unix socket.
//
// Lifetime     a few questions. Threads: none; blocks.
// Limits       kPatience for a question, kAnswerBytesMax for its answer.
// Does not     understand answers.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "lib/base/result.h"
#include "lib/base/time.h"

namespace posthaste::daemon::tool {

struct ApiAnswer {
  long status = 0;
  std::string body;
};

// The percent-encoding of one query value or path segment.
std::string encode_component(std::string_view text);

class ApiClient {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(40);  // longer than the daemon's own
  static constexpr std::size_t kAnswerBytesMax = 256U << 20;

  explicit ApiClient(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // `target`: path and query, encoded. Error: nobody there, and what to do about it.
  Result<ApiAnswer> get(const std::string& target) const;
  // The same, where it changes something.
  Result<ApiAnswer> post(const std::string& target) const;

 private:
  Result<ApiAnswer> ask(const std::string& target, bool post) const;
  std::string socket_path_;
};

}  // namespace posthaste::daemon::tool
