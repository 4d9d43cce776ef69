#include "lib/report/notification_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/check.h"
#include "lib/mail/date.h"
#include "lib/report/advice.h"
#include "lib/report/plain_text.h"

namespace posthaste::report {
namespace {

constexpr std::string_view kIndent = "    ";
constexpr std::string_view kQuoteIndent = "        ";

std::string say(std::int64_t count, std::string_view unit) {
  return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
}

std::string age_words(Duration age) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(age).count();
  if (minutes >= 2 * 24 * 60) return say(minutes / (24 * 60), "day");
  if (minutes >= 2 * 60) return say(minutes / 60, "hour");
  return say(minutes < 1 ? 1 : minutes, "minute");
}

// "Sat, 21 Nov 2026 22:08 UTC": the seconds and the offset of a header's date are for programs.
std::string when(Instant instant) {
  constexpr std::string_view kShown = "Sat, 21 Nov 2026 22:08";
  return mail::render_date(instant).substr(0, kShown.size()) + " UTC";
}

std::string utf8(std::string_view text) { return one_line(text, Charset::kUtf8); }

std::string_view recipients_word(std::size_t count) {
  return count == 1 ? "recipient" : "recipients";
}

// How the message is known to its sender, and to us.
void append_message(std::string& text, const Notification& notification,
                    const OriginalHeader& header) {
  const mail::Envelope& original = *notification.original;
  const auto line = [&text](std::string_view label, std::string_view value) {
    if (!value.empty()) append_wrapped(text, kIndent, fmt::format("{}: {}", label, value));
  };
  line("Subject", header.subject);
  line("Sent", when(original.arrived));
  line("Message-ID", header.message_id);
  line("Reference", render_id(original.id));
}

// How long it is, or was, on its way: mail that was to wait (RFC 4865) was not.
std::string age_of(const Notification& notification) {
  const mail::Envelope& original = *notification.original;
  return age_words(notification.now - std::max(original.arrived, original.hold_until));
}

std::string opening(const Notification& notification, Action action, std::size_t count) {
  const std::string_view whom = recipients_word(count);
  switch (action) {
    case Action::kFailed:
      return fmt::format(
          "Your message could not be delivered to the {} below. Nothing more will be tried.", whom);
    case Action::kDelayed:
      return fmt::format(
          "Your message has not yet reached the {} below, {} after it was sent. It is still being "
          "tried: you need not do anything, and need not send it again.",
          whom, age_of(notification));
    case Action::kRelayed:
      return fmt::format(
          "Your message was handed on to the mail system of the {} below. You asked to be told.",
          whom);
  }
  check_failed(__FILE__, __LINE__, "a known Action");
}

std::string tried(const Notification& notification, const ReportedRecipient& told) {
  if (told.attempts == 0) return fmt::format("{} without an attempt", age_of(notification));
  return fmt::format("{} in {}", say(told.attempts, "attempt"), age_of(notification));
}

// What stands before the words of a host, or before ours.
std::string lead_of(const Notification& notification, const ReportedRecipient& told) {
  const std::string host = utf8(told.remote_host);
  std::string lead;
  if (told.expired) lead = fmt::format("Given up after {}. ", tried(notification, told));
  if (told.action == Action::kDelayed)
    lead = fmt::format("Not delivered after {}. ", tried(notification, told));
  if (told.by_operator) return "The operator of this mail system has returned the message:";
  if (!told.remote_reply.empty()) {
    if (host.empty()) return lead + "The recipient's host answered:";
    return lead + fmt::format("The host {} answered:", host);
  }
  if (host.empty()) return lead + "What went wrong:";
  return lead + fmt::format("What went wrong with the host {}:", host);
}

void append_reason(std::string& text, const Notification& notification,
                   const ReportedRecipient& told) {
  const std::string reply = utf8(told.remote_reply);
  const std::string words = utf8(told.words);
  if (told.by_operator && words.empty()) {
    append_wrapped(text, kIndent, "The operator of this mail system has returned the message.");
    return;
  }
  append_wrapped(text, kIndent, lead_of(notification, told));
  const std::string_view why = !reply.empty() ? reply : words;
  append_wrapped(text, kQuoteIndent, why.empty() ? "no reason is known" : why);
}

// A paragraph of its own, below what a host said.
void append_paragraph(std::string& text, const std::vector<std::string_view>& sentences) {
  std::string paragraph;
  for (const std::string_view sentence : sentences) {
    if (sentence.empty()) continue;
    if (!paragraph.empty()) paragraph += ' ';
    paragraph += sentence;
  }
  text += "\r\n";
  append_wrapped(text, kIndent, paragraph);
}

std::string_view doubt(const ReportedRecipient& told) {
  if (!told.maybe_delivered) return {};
  return "It may have arrived all the same: once the connection broke after the message had gone "
         "over it, and before the host could confirm that.";
}

void append_failed(std::string& text, const Notification& notification,
                   const ReportedRecipient& told) {
  append_reason(text, notification, told);
  append_paragraph(text, {tls_reason(told.tls_failure), doubt(told), advice(told)});
}

void append_delayed(std::string& text, const Notification& notification,
                    const ReportedRecipient& told) {
  const auto& deliver_by = notification.original->deliver_by;
  if (told.deliver_by_passed && deliver_by) {
    append_wrapped(
        text, kIndent,
        fmt::format("It should have been there by {}, as you asked.", when(deliver_by->by)));
  }
  append_reason(text, notification, told);
  const std::string next = told.next_attempt > notification.now
                               ? fmt::format("The next attempt is at {}.", when(told.next_attempt))
                               : std::string();
  const std::string until = told.retry_until > notification.now
                                ? fmt::format("It is tried until {},", when(told.retry_until))
                                : std::string("It is tried for some days,");
  append_paragraph(text,
                   {tls_reason(told.tls_failure), doubt(told), next, until,
                    "and you will be told if it does not get there. If it is urgent, tell the "
                    "recipient by other means."});
}

void append_relayed(std::string& text, const ReportedRecipient& told) {
  const std::string host = utf8(told.remote_host);
  const std::string_view how = told.tls.starts_with("TLS") ? ", through an encrypted connection"
                               : told.tls.starts_with("plaintext") ? ", without encryption"
                                                                   : "";
  const std::string whose = host.empty() ? "The recipient's host" : "The host " + host;
  append_wrapped(text, kIndent, fmt::format("{} took it over{}, and answered:", whose, how));
  const std::string reply = utf8(told.remote_reply);
  append_wrapped(text, kQuoteIndent, reply.empty() ? "nothing that is known" : reply);
  append_wrapped(text, kIndent,
                 told.more_to_come
                     ? "Whether it gets to the mailbox is for that host to tell you."
                     : "That host does not tell when a message has got to the mailbox, so this is "
                       "all that can be said of it.");
}

void append_recipient(std::string& text, const Notification& notification,
                      const ReportedRecipient& told) {
  text += "\r\n";
  append_wrapped(text, "", fmt::format("<{}>", utf8(told.recipient.address.text())));
  switch (told.action) {
    case Action::kFailed: return append_failed(text, notification, told);
    case Action::kDelayed: return append_delayed(text, notification, told);
    case Action::kRelayed: return append_relayed(text, told);
  }
}

}  // namespace

std::string render_notification_words(const Notification& notification,
                                      const OriginalHeader& header) {
  std::string text;
  append_wrapped(
      text, "",
      fmt::format("This is the mail system at {}.", utf8(notification.reporting_mta.text())));
  bool first = true;
  for (const Action action : {Action::kFailed, Action::kDelayed, Action::kRelayed}) {
    const auto is_told = [action](const ReportedRecipient& told) { return told.action == action; };
    const auto& all = notification.recipients;
    const auto count = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_told));
    if (count == 0) continue;
    text += "\r\n";
    append_wrapped(text, "", opening(notification, action, count));
    if (std::exchange(first, false)) {
      text += "\r\n";
      append_message(text, notification, header);
    }
    for (const ReportedRecipient& told : all)
      if (is_told(told)) append_recipient(text, notification, told);
  }
  text += "\r\n";
  append_wrapped(text, "",
                 "This is about nobody but the recipients named above. What follows is for mail "
                 "programs and postmasters.");
  return text;
}

}  // namespace posthaste::report
