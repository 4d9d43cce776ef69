#include "daemon/tool/command.h"

#include <algorithm>

#include "daemon/version.h"

namespace posthaste::daemon::tool {
namespace {

std::vector<Command> commands() {
  return {
      {{"status", "", "whether all is well, and how much there is to do", {}}, show_status},
      {{"queue list",
        "",
        "recipients that wait for their fate",
        {{"--domain", "D", "only mail to this domain"},
         {"--sender", "S", "only mail from this address (<> for bounces)"},
         {"--limit", "N", "at most so many (default 100)"}}},
       list_queue},
      {{"queue show", "ID", "one queued message, and what its recipients wait for", {}},
       show_message},
      {{"trace", "ID", "what happened to a message, and what will happen next, when and why", {}},
       trace_message},
      {{"schedule",
        "",
        "what falls due when, and to where",
        {{"--limit", "N", "at most so many destinations (default 50)"}}},
       show_schedule},
      {{"tls explain",
        "DOMAIN",
        "the TLS policy of a domain with origins, what is published and remembered, what comes "
        "next",
        {},
        "DNS and MTA-STS are asked, mail hosts are not: see posthaste tls probe."},
       explain_tls},
      {{"tls memory", "", "what is remembered of the TLS of mail hosts", {}}, show_tls_memory},
      {{"tls forget",
        "HOST",
        "drop what is remembered of a mail host, an address, or a domain's MTA-STS policy",
        {}},
       forget_tls},
      {{"tls report",
        "DOMAIN",
        "how TLS went with a domain on a day, as its owner is told (RFC 8460)",
        {{"--day", "YYYY-MM-DD", "in UTC (default: today, so far)"}}},
       show_tls_report},
      {{"tls probe",
        "DOMAIN",
        "call the mail hosts of a domain, and see what our policy makes of their TLS",
        {{"--port", "N", "in place of delivery.port"}},
        "Connects from this process, by the configuration (--config), and sends no mail. Where a\n"
        "certificate is not accepted, the host is called once more to show it. The daemon may do\n"
        "otherwise by what it remembers: posthaste tls explain DOMAIN. Exit status 0: mail would "
        "go\n"
        "to one of the hosts now."},
       probe_tls},
      {{"tls import-postfix",
        "FILE",
        "a Postfix tls_policy table as a `tls:` section, with what could not be converted",
        {},
        "FILE is the text of the table (not the .db). What it leaves to main.cf is not known "
        "here:\n"
        "compare smtp_tls_security_level with tls.default.level."},
       import_postfix_table},
      {{"send",
        "",
        "submit a message by SMTP",
        {{"--from", "A", "sender; <> for none"},
         {"--to", "B", "recipient", true},
         {"--server", "HOST:PORT", "where to (default: the first listener)"},
         {"--file", "F", "the message (default: standard input)"}},
        "What does not begin with a header field is taken for a body, and gets a header. STARTTLS\n"
        "is used where it is offered; the server's certificate is not checked."},
       send_message},
      {{"config check", "[FILE]", "what is wrong with a configuration file", {}}, check_config},
      {{"config show",
        "",
        "the configuration in force, defaults included; or, with --config, a file's",
        {}},
       show_config},
      {{"config schema", "", "a JSON Schema of the configuration file, for editors", {}},
       show_schema},
      {{"config reference", "", "every field of the configuration file", {}}, show_reference},
  };
}

}  // namespace

Outcome run_tool(std::span<const std::string> words, const Style& style) {
  const auto all = commands();
  std::vector<CommandSyntax> syntaxes;
  for (const auto& command : all) syntaxes.push_back(command.syntax);
  const auto arguments = parse_arguments(words, syntaxes);
  if (!arguments) return {kNotUnderstood, {}, arguments.error().words};
  if (arguments->has("--version")) return done(std::string("posthaste ") + kVersion + "\n");
  if (arguments->command == nullptr) {
    if (arguments->has("--help")) return done(render_help(syntaxes));
    return {kNotUnderstood, {}, "say what to do (see posthaste --help)"};
  }
  if (arguments->has("--help")) return done(render_help(*arguments->command));
  const auto chosen = std::find_if(all.begin(), all.end(), [&](const Command& command) {
    return command.syntax.name == arguments->command->name;
  });
  return chosen->run(*arguments, style);
}

}  // namespace posthaste::daemon::tool
