// Command: one subcommand of `posthaste`, from its arguments to what it says and its exit status.
//
// Threads      main.
#pragma once

#include <string>

#include "daemon/tool/arguments.h"
#include "daemon/tool/table.h"

namespace posthaste::daemon::tool {

enum ExitStatus : int { kDone = 0, kFailed = 1, kNotUnderstood = 2 };

struct Outcome {
  int status = kDone;
  std::string out;  // for standard output
  std::string err;  // for standard error, without "posthaste: "
};
inline Outcome done(std::string out) { return {kDone, std::move(out), {}}; }
inline Outcome failed(std::string words) { return {kFailed, {}, std::move(words)}; }

struct Command {
  CommandSyntax syntax;
  Outcome (*run)(const Arguments& arguments, const Style& style);
};

// Questions to the daemon.
Outcome list_queue(const Arguments& arguments, const Style& style);
Outcome show_message(const Arguments& arguments, const Style& style);
Outcome trace_message(const Arguments& arguments, const Style& style);
Outcome show_schedule(const Arguments& arguments, const Style& style);
Outcome show_steering(const Arguments& arguments, const Style& style);
Outcome show_suspensions(const Arguments& arguments, const Style& style);
Outcome explain_tls(const Arguments& arguments, const Style& style);
Outcome show_tls_memory(const Arguments& arguments, const Style& style);
Outcome forget_tls(const Arguments& arguments, const Style& style);
Outcome show_tls_report(const Arguments& arguments, const Style& style);
// Orders to the daemon.
Outcome steer_queue(const Arguments& arguments, const Style& style);  // "queue hold", …
Outcome suspend_mail(const Arguments& arguments, const Style& style);
Outcome resume_mail(const Arguments& arguments, const Style& style);
Outcome back_up_queue(const Arguments& arguments, const Style& style);
// The queue's files, without the daemon.
Outcome check_queue(const Arguments& arguments, const Style& style);
// Mail hosts, without the daemon.
Outcome probe_tls(const Arguments& arguments, const Style& style);
// A table of Postfix's.
Outcome import_postfix_table(const Arguments& arguments, const Style& style);
Outcome show_status(const Arguments& arguments, const Style& style);
// Mail.
Outcome send_message(const Arguments& arguments, const Style& style);
// A configuration, under virtual time.
Outcome rehearse(const Arguments& arguments, const Style& style);
// What a reply means, without the daemon.
Outcome explain_retry(const Arguments& arguments, const Style& style);
Outcome show_reply_rules(const Arguments& arguments, const Style& style);
// The configuration.
Outcome check_config(const Arguments& arguments, const Style& style);
Outcome show_config(const Arguments& arguments, const Style& style);
Outcome show_schema(const Arguments& arguments, const Style& style);
Outcome show_reference(const Arguments& arguments, const Style& style);

// The effective configuration of a file.
Outcome show_file(const std::string& file, bool json);

// What `posthaste WORDS…` does.
Outcome run_tool(std::span<const std::string> words, const Style& style);

}  // namespace posthaste::daemon::tool
