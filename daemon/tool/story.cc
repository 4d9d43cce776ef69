#include "daemon/tool/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "daemon/tool/answer.h"
#include "daemon/tool/pages.h"
#include "daemon/tool/queue_text.h"
#include "daemon/tool/time_text.h"

namespace posthaste::daemon::tool {
namespace {

// From so many columns on there is room for what is nice to know.
constexpr std::size_t kWide = 120;

std::string size_text(std::uint64_t bytes) {
  if (bytes < 10'000) return std::to_string(bytes);
  if (bytes < 10'000'000) return fmt::format("{}k", bytes / 1000);
  return fmt::format("{}M", bytes / 1'000'000);
}

std::string due_text(const Json& recipient, Instant now, bool clock) {
  const std::string state = text(recipient, "state");
  if (state == "held" || state == "suspended") return state;
  const auto due = time(recipient, "due");
  if (!due || *due <= now) return "now";
  return clock ? render_when(*due, now) : render_distance(*due, now);
}

std::int64_t priority_of(const Json& recipient) {
  const auto found = recipient.find("priority");
  return found != recipient.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}
bool has_priority(const Json& recipient) { return priority_of(recipient) != 0; }
bool has_deadline(const Json& recipient) { return time(recipient, "deliver_by").has_value(); }

// What nobody tried: the operator's word, and what a sender was told.
bool is_attempt(const std::string& kind) {
  return kind == "delivered" || kind == "deferred" || kind == "bounced" || kind == "expired";
}

std::string event_title(const Json& event, const Style& style) {
  const std::string kind = text(event, "kind");
  std::string said = kind == "delay_told" ? "told that it is late, for" : kind;
  if (kind == "delivered") {
    said = style.good(said);
  } else if (kind == "bounced" || kind == "expired" || kind == "removed") {
    said = style.bad(said);
  } else {
    said = style.bold(said);
  }
  if (kind != "accepted") said += " " + text(event, "recipient");
  if (is_attempt(kind)) said += style.dull(fmt::format(" (attempt {})", number(event, "attempt")));
  return said;
}

std::string event_block(const Json& event, const Style& style, Instant now) {
  const auto when = time(event, "time").value_or(Instant{});
  std::string said = fmt::format("{}  {} {}\n", render_moment(when), event_title(event, style),
                                 style.dull(render_distance(when, now)));
  const std::string kind = text(event, "kind");
  const bool accepted = kind == "accepted";
  if (accepted) {
    said += fact("from", text(event, "sender"));
    said += fact("to", text(event, "recipient"));
  }
  said += fact("host", text(event, "host"));
  said += fact("TLS", text(event, "tls"));
  said += fact(accepted ? "submitted" : is_attempt(kind) ? "reply" : "words", text(event, "words"));
  if (const auto next = time(event, "next_due"); next && kind != "held") {
    const std::string why = text(event, "class");
    said += fact("next",
                 fmt::format("{} after, at {}{}", render_span(std::max(*next - when, Duration{})),
                             render_clock(*next, when), why.empty() ? "" : ", because: " + why));
  } else if (!accepted) {
    said += fact("because", text(event, "class"));
  }
  return said;
}

std::string pending_block(const Json& recipient, const Style& style, Instant now) {
  std::string said = "  " + style.bold(text(recipient, "recipient")) + "\n";
  const auto attempts = number(recipient, "attempts");
  said += fact("  next",
               fmt::format("{}, attempt {}", due_text(recipient, now, true), attempts + 1), 12);
  said += fact("  why", text(recipient, "why"), 12);
  said += fact("  last host", text(recipient, "last_host"), 12);
  if (flag(recipient, "maybe_delivered")) {
    said += fact("  note", "may have been delivered: a connection broke after our final dot", 12);
  }
  return said;
}

std::string yes_or(bool good, const std::string& words, const Style& style) {
  return good ? style.good(words) : style.bad(words);
}

}  // namespace

Result<std::string> tell_status(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Instant now = now_of(*json);
  const Json queue = part(*json, "queue");
  const Json connections = part(*json, "connections");
  std::string listen;
  for (const auto& at : list(*json, "listen")) {
    listen +=
        fmt::format("{}{} ({})", listen.empty() ? "" : ", ", text(at, "address"), text(at, "tls"));
  }
  std::string said = style.bold(fmt::format("posthasted {} on {}", text(*json, "version"),
                                            text(*json, "hostname"))) +
                     "\n";
  if (const auto started = time(*json, "started")) {
    said +=
        fact("up", fmt::format("{}, since {}", render_span(std::max(now - *started, Duration{})),
                               render_moment(*started)));
  }
  said += fact("ready", yes_or(flag(*json, "ready"), text(*json, "ready_words"), style));
  said += fact("health", yes_or(flag(*json, "healthy"), text(*json, "health_words"), style));
  said += fact("listening", listen);
  said += fact("workers", std::to_string(number(*json, "workers")));
  said += fact("queue", fmt::format("{}, to {}", queue_text(queue),
                                    plural(number(*json, "destinations"), "destination")));
  if (const auto oldest = time(queue, "oldest")) {
    said += fact("oldest",
                 fmt::format("{} (accepted {})", render_span(std::max(now - *oldest, Duration{})),
                             render_moment(*oldest)));
  }
  said += fact("sockets", fmt::format("{} inbound, {} outbound", number(connections, "inbound"),
                                      number(connections, "outbound")));
  return said;
}

Result<std::string> tell_queue(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Instant now = now_of(*json);
  const Json recipients = list(*json, "recipients");
  const bool wide = style.width == 0 || style.width >= kWide;
  const bool priorities = std::any_of(recipients.begin(), recipients.end(), has_priority);
  const bool deadlines = std::any_of(recipients.begin(), recipients.end(), has_deadline);
  std::vector<Column> columns{{"ID"}};
  if (wide) columns.push_back({"SIZE", Align::kRight});
  columns.push_back({"SENDER", Align::kLeft, true});
  columns.push_back({"RECIPIENT", Align::kLeft, true});
  if (priorities) columns.push_back({"PRIORITY", Align::kRight});
  if (deadlines) columns.push_back({"DELIVER BY"});
  columns.push_back({"TRIED", Align::kRight});
  columns.push_back({"NEXT"});
  columns.push_back({"WHY", Align::kLeft, true});
  Table table(std::move(columns));
  for (const auto& recipient : recipients) {
    std::vector<std::string> cells{text(recipient, "id")};
    if (wide) cells.push_back(size_text(number(recipient, "bytes")));
    cells.push_back(text(recipient, "sender"));
    cells.push_back(text(recipient, "recipient"));
    if (priorities) cells.push_back(std::to_string(priority_of(recipient)));
    if (deadlines) {
      const auto by = time(recipient, "deliver_by");
      cells.push_back(by ? render_distance(*by, now) : "-");
    }
    cells.push_back(std::to_string(number(recipient, "attempts")));
    cells.push_back(due_text(recipient, now, wide));
    cells.push_back(text(recipient, "why"));
    table.add(std::move(cells));
  }
  if (table.empty()) return std::string("nothing is queued that fits\n");
  return table.render(style) + end_of_page(*json, plural(recipients.size(), "recipient"), style);
}

Result<std::string> tell_message(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Instant now = now_of(*json);
  const Json pending = list(*json, "pending");
  const auto total = number(*json, "recipients_total");
  std::string said = style.bold("message " + text(*json, "id")) + "\n";
  said += fact("from", text(*json, "sender"));
  if (const auto arrived = time(*json, "arrived")) {
    said += fact("accepted",
                 fmt::format("{} ({})", render_moment(*arrived), render_distance(*arrived, now)));
  }
  said += fact("submitted", text(*json, "submitter"));
  said += fact("size", plural(number(*json, "bytes"), "byte") + ", " + text(*json, "body_type") +
                           (flag(*json, "smtputf8") ? ", smtputf8" : ""));
  said += fact("envid", text(*json, "envid"));
  if (const auto by = time(*json, "deliver_by")) {
    said += fact("by", render_when(*by, now) + (flag(*json, "late_mail_returns")
                                                    ? ", or it goes back"
                                                    : ", or its sender is told"));
  }
  if (const auto from = time(*json, "hold_until"); from && *from > now) {
    said += fact("not before", render_when(*from, now));
  }
  if (has_priority(*json)) said += fact("priority", std::to_string(priority_of(*json)));
  said +=
      fact("to", fmt::format("{}, {} still pending", plural(total, "recipient"), pending.size()));
  for (const auto& recipient : pending) said += "\n" + pending_block(recipient, style, now);
  return said;
}

Result<std::string> tell_trace(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Instant now = now_of(*json);
  const Json pending = list(*json, "pending");
  const Json events = list(*json, "events");
  std::string said = style.bold("message " + text(*json, "id"));
  said += flag(*json, "queued")
              ? fmt::format(" is queued for {}\n", plural(pending.size(), "recipient"))
              : std::string(" has ended\n");
  for (const auto& event : events) said += "\n" + event_block(event, style, now);
  if (events.empty()) said += "\nits history is older than queue.history keeps\n";
  if (!pending.empty()) said += "\n" + style.bold("still to come") + "\n";
  for (const auto& recipient : pending) said += pending_block(recipient, style, now);
  return said;
}

Result<std::string> tell_config(std::string_view answer) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const auto yaml = json->find("config");
  if (yaml == json->end() || !yaml->is_string()) {
    return fail(ErrorCode::kCorrupt, "the daemon's answer has no configuration in it");
  }
  return yaml->get<std::string>();
}

std::string tell_error(std::string_view answer) {
  const auto json = parse_answer(answer);
  const std::string words = json ? text(*json, "error") : std::string();
  return words.empty() ? printable(answer) : words;
}

std::string json_of(std::string_view key, std::string_view value) {
  const Json json{{std::string(key), value}};
  return text_of(json);
}

std::string json_of(const std::string& file, const std::vector<config::Diagnostic>& diagnostics) {
  bool ok = true;
  Json list = Json::array();
  for (const auto& diagnostic : diagnostics) {
    const bool error = diagnostic.severity == config::Severity::kError;
    ok = ok && !error;
    list.push_back({{"severity", error ? "error" : "warning"},
                    {"file", diagnostic.file},
                    {"line", diagnostic.line},
                    {"column", diagnostic.column},
                    {"words", diagnostic.words}});
  }
  const Json json{{"file", file}, {"ok", ok}, {"diagnostics", std::move(list)}};
  return text_of(json);
}

}  // namespace posthaste::daemon::tool
