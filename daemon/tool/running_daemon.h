// RunningDaemon: the daemon that the arguments name, and how a command asks it.
//
// Threads      main; blocks.
// Does not     understand answers: whoever asks brings a teller.
#pragma once

#include <string>
#include <string_view>

#include "daemon/tool/api_client.h"
#include "daemon/tool/command.h"

namespace posthaste::daemon::tool {

class RunningDaemon {
 public:
  // By --socket, else by the configuration. Error: the configuration's.
  static Result<RunningDaemon> find(const Arguments& arguments);

  Result<ApiAnswer> get(const std::string& target) const { return warned(client_.get(target)); }
  Result<ApiAnswer> post(const std::string& target) const { return warned(client_.post(target)); }

 private:
  RunningDaemon(std::string socket, std::string warning)
      : client_(std::move(socket)), warning_(std::move(warning)) {}
  Result<ApiAnswer> warned(Result<ApiAnswer> answer) const;

  ApiClient client_;
  std::string warning_;
};

using Teller = Result<std::string> (*)(std::string_view json, const Style& style);
enum class Method : bool { kGet, kPost };

// Asks one question and tells the answer, or passes it on as it came where --json is given.
Outcome ask(const Arguments& arguments, const Style& style, const std::string& target, Teller tell,
            Method method = Method::kGet);
// Of an answer that is already there.
Outcome tell_answer(const Arguments& arguments, const Style& style, const ApiAnswer& answer,
                    Teller tell);

// An answer that says what is wrong.
Outcome trouble(const ApiAnswer& answer, bool json);
Outcome told(Result<std::string> story);

// "&key=value" for each option that was given, its values joined by commas: "--older" is "older".
std::string query_of(const Arguments& arguments, std::initializer_list<std::string_view> options);

}  // namespace posthaste::daemon::tool
