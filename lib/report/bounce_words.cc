#include "lib/report/bounce_words.h"

#include <fmt/format.h>

#include <cstdint>

#include "lib/mail/date.h"
#include "lib/report/plain_text.h"

namespace posthaste::report {
namespace {

struct Advice {
  std::string_view prefix;  // of the status without its class; the first match counts
  std::string_view words;
};
// By RFC 3463 §3.
constexpr Advice kAdvice[] = {
    {"1.7",
     "The address that you send from was not accepted. Check the sender address in your mail "
     "program."},
    {"1.8",
     "The address that you send from was not accepted. Check the sender address in your mail "
     "program."},
    {"1.10",
     "This domain says that it takes no mail at all. Find out another address of the recipient."},
    {"1.",
     "Check the address for typing errors, or ask the recipient by other means for the right one."},
    {"2.2",
     "The mailbox is full. Tell the recipient by other means, and send the message again later."},
    {"2.3",
     "The message is too large for this mailbox. Send a smaller one, or pass large files on in "
     "another way."},
    {"2.", "The mailbox does not take mail at present. Ask the recipient by other means."},
    {"3.4",
     "The message is too large for this host. Send a smaller one, or pass large files on in "
     "another way."},
    {"4.6",
     "Mail for this domain goes round in circles. Its postmaster has to mend that; tell the "
     "recipient."},
    {"4.",
     "Send the message again later. If that does not help either, tell the recipient by other "
     "means."},
    {"6.7",
     "The recipient's mail system takes no addresses outside ASCII. Ask for an address in plain "
     "letters."},
    {"6.",
     "The recipient's mail system cannot take a message of this form. Send it as plain text, for "
     "example."},
    {"7.10",
     "The message may go through encrypted connections only, and no such connection to the "
     "recipient's mail system could be had. Tell the recipient by other means."},
    {"7.30",
     "You asked for this message to be protected all the way to the recipient (REQUIRETLS), and "
     "the recipient's mail system does not promise that. Send it without that demand if it may be "
     "read on its way, or tell the recipient by other means."},
    {"7.",
     "The recipient's mail system refused the message by its rules, not for want of the mailbox. "
     "Ask your "
     "postmaster, and show him this notification."},
};

std::string say(std::int64_t count, std::string_view unit) {
  return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
}

std::string age_words(Duration age) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(age).count();
  if (minutes >= 2 * 24 * 60) return say(minutes / (24 * 60), "day");
  if (minutes >= 2 * 60) return say(minutes / 60, "hour");
  return say(minutes < 1 ? 1 : minutes, "minute");
}

std::string utf8(std::string_view text) { return one_line(text, Charset::kUtf8); }

void append_reason(std::string& text, const BounceInput& input, const FailedRecipient& failed) {
  std::string lead;
  if (failed.expired) {
    lead = fmt::format("Given up after {} in {}. ", say(failed.attempts, "attempt"),
                       age_words(input.now - input.original->arrived));
  }
  const std::string host = utf8(failed.remote_host);
  std::string why = utf8(failed.remote_reply);
  if (!why.empty()) {
    lead += host.empty() ? "The recipient's host answered:"
                         : fmt::format("The host {} answered:", host);
  } else {
    why = failed.words.empty() ? "no reason is known" : utf8(failed.words);
    lead +=
        host.empty() ? "What went wrong:" : fmt::format("What went wrong with the host {}:", host);
  }
  append_wrapped(text, "    ", lead);
  append_wrapped(text, "        ", why);
}

}  // namespace

std::string_view advice(std::string_view status, bool expired) {
  const std::string_view code = status.size() > 2 ? status.substr(2) : std::string_view();
  if (expired) return "You may send the message again later, or tell the recipient by other means.";
  for (const Advice& row : kAdvice) {
    const bool whole = row.prefix.back() != '.';
    if (whole ? code == row.prefix : code.starts_with(row.prefix)) return row.words;
  }
  return "Ask your postmaster, and show him this notification.";
}

std::string render_bounce_words(const BounceInput& input) {
  std::string text;
  append_wrapped(text, "",
                 fmt::format("This is the mail system at {}.", utf8(input.reporting_mta.text())));
  text += "\r\n";
  const std::string_view whom = input.recipients.size() == 1 ? "recipient" : "recipients";
  append_wrapped(text, "",
                 fmt::format("Your message of {} could not be delivered to the {} below. Nothing "
                             "more will be tried. Other recipients, if any, are not affected.",
                             mail::render_date(input.original->arrived), whom));
  for (const FailedRecipient& failed : input.recipients) {
    text += "\r\n";
    append_wrapped(text, "", fmt::format("<{}>", utf8(failed.recipient.address.text())));
    append_reason(text, input, failed);
    append_wrapped(text, "    ", advice(failed.status, failed.expired));
  }
  text += "\r\n";
  append_wrapped(
      text, "",
      fmt::format("What follows is for mail programs and postmasters. We know your message as {}.",
                  render_id(input.original->id)));
  return text;
}

}  // namespace posthaste::report
