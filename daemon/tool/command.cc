#include "daemon/tool/command.h"

#include <algorithm>

#include "daemon/version.h"

namespace posthaste::daemon::tool {
namespace {

// Which mail is meant.
std::vector<Option> filter_options() {
  return {{"--domain", "D", "mail to this domain, or *.D for those below it", true},
          {"--sender", "S", "mail from this address, @D for a domain, <> for bounces"},
          {"--older", "TIME", "that came longer ago (30m, 2h, 5d)"},
          {"--younger", "TIME", "that came since"},
          {"--reason", "CLASS", "that waits because of connect, dns, tls, greylist, …"},
          {"--state", "STATE", "waiting, ready, held or suspended"}};
}

std::vector<Option> listing_options() {
  auto options = filter_options();
  options.push_back({"--limit", "N", "at most so many (default 100)"});
  return options;
}

std::vector<Option> steering_options() {
  auto options = filter_options();
  options.push_back({"--id", "ID", "this message", true});
  options.push_back({"--all", "", "all mail in the queue"});
  options.push_back({"--words", "TEXT", "why, for history and bounces"});
  options.push_back({"--dry-run", "", "only say how many recipients it would be"});
  options.push_back({"--yes", "", "do not ask whether it is meant"});
  options.push_back({"--no-wait", "", "do not wait until it is done"});
  return options;
}

constexpr std::string_view kSteeringNotes =
    "Of several filters all have to hold. What is just being delivered is left alone. The daemon\n"
    "goes on when this command is interrupted: posthaste queue progress TICKET.";

Command steering_command(std::string_view name, std::string_view summary) {
  return {{name, "[ID]", summary, steering_options(), kSteeringNotes}, steer_queue};
}

std::vector<Command> commands() {
  return {
      {{"status", "", "whether all is well, and how much there is to do", {}}, show_status},
      {{"queue list", "", "recipients that wait for their fate", listing_options()}, list_queue},
      {{"queue show", "ID", "one queued message, and what its recipients wait for", {}},
       show_message},
      steering_command("queue retry", "try mail now, whatever its schedule says"),
      steering_command("queue hold", "keep mail, and try nothing until it is released"),
      steering_command("queue release", "let mail go on that was held"),
      steering_command("queue remove", "end mail; nobody is told"),
      steering_command("queue bounce", "end mail, and tell its senders"),
      {{"queue progress", "TICKET", "how far one of these is", {}}, show_steering},
      {{"queue backup",
        "DIR",
        "copy the queue as it is just now to a new directory, while the daemon works on",
        {},
        "The daemon makes it: DIR must be a place where it may write. On the same file system it\n"
        "costs next to nothing. It is restored by putting it back as data_dir/queue."},
       back_up_queue},
      {{"queue check",
        "",
        "read the queue's files from end to end, and say whether they are sound",
        {{"--data-dir", "DIR", "in place of the configuration's data_dir"},
         {"--dir", "DIR", "a backup, or any other queue"}},
        "Changes nothing, and needs no daemon. Exit status 1: something is wrong. Beside a daemon\n"
        "that writes it may be overtaken: then check a backup."},
       check_queue},
      {{"suspend",
        "KIND PATTERN",
        "try nothing of a kind for a while: domain, site (MX host) or sender",
        {{"--for", "TIME", "it lapses by itself (30m, 2h, 5d)"},
         {"--until", "TIME", "likewise, at a time in UTC: 2026-11-21T22:00:00Z"},
         {"--reason", "TEXT", "why, for whoever looks at it"}},
        "posthaste suspend domain example.com --for 2h\n"
        "posthaste suspend site '*.mx.example.net' --reason 'they asked us to'\n"
        "posthaste suspend sender news@example.org\n"
        "\n"
        "It is kept over restarts. Mail to it is taken, waits, and does not expire meanwhile."},
       suspend_mail},
      {{"resume", "[KIND] [PATTERN]", "end a suspension", {{"--all", "", "end all of them"}}},
       resume_mail},
      {{"suspensions", "", "what is suspended, since when and why", {}}, show_suspensions},
      {{"trace", "ID", "what happened to a message, and what will happen next, when and why", {}},
       trace_message},
      {{"schedule",
        "",
        "what falls due when, why, and to where",
        {{"--limit", "N", "at most so many destinations (default 50)"}}},
       show_schedule},
      {{"tls explain",
        "DOMAIN",
        "the TLS policy of a domain with origins, what is published and remembered, what comes "
        "next",
        {},
        "DNS and MTA-STS are asked, mail hosts are not: see posthaste tls probe."},
       explain_tls},
      {{"tls memory",
        "",
        "what is remembered of the TLS of mail hosts",
        {{"--limit", "N", "at most so many (default 100)"}}},
       show_tls_memory},
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
      {{"rehearse",
        "",
        "what a configuration makes of a pretend Internet, under virtual time",
        {{"--scenario", "F", "what there is, what befalls it, and the mail (docs/rehearsal.md)"},
         {"--against", "F", "another configuration, to compare with that of --config"},
         {"--seed", "N", "of all that is drawn (default 1)"}},
        "No mail is sent, nobody is asked, and no daemon is needed."},
       rehearse},
      {{"retry explain",
        "REPLY",
        "what a refusal means, and when its recipient would be tried again",
        {{"--domain", "D", "whose schedule"},
         {"--host", "H", "the mail host that says it"},
         {"--stage", "S",
          "what it answers: greeting, ehlo, mail, rcpt (default), data, final_dot"}},
        "Reads the configuration (--config) and its rules about replies; asks nobody."},
       explain_retry},
      {{"retry rules", "", "the rules about replies that come with Posthaste", {}},
       show_reply_rules},
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
