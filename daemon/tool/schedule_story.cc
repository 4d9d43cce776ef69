#include "daemon/tool/schedule_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "daemon/tool/answer.h"
#include "daemon/tool/queue_text.h"
#include "daemon/tool/time_text.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::size_t kBarWithoutTerminal = 40;
constexpr std::string_view kBlock = "█";

// Why mail waits: how it is drawn, and what it means.
struct Class {
  std::string_view name;
  char letter;
  const char* colour;  // SGR
  std::string_view words;
};
constexpr std::array<Class, 9> kClasses{{
    {"connect", 'c', "31", "no connection came up"},
    {"dns", 'd', "35", "DNS has no answer"},
    {"tls", 't', "33", "TLS is not as it must be"},
    {"greylist", 'g', "32", "greylisted"},
    {"throttled", 'r', "36", "the site wants less of us"},
    {"mailbox", 'm', "34", "the mailbox is full or busy"},
    {"policy", 'p', "95", "the site's rules"},
    {"other", 'o', "37", "refused for now"},
    {"untried", 'u', "90", "not tried yet"},
}};

using Row = std::array<std::uint64_t, kClasses.size()>;

struct Span {
  std::string within;
  std::uint64_t recipients = 0;
  Row by_class{};  // what no class is known of is missing
};

std::vector<Span> spans_of(const Json& schedule) {
  std::vector<Span> spans;
  const Json by_class = part(schedule, "due_by_class");
  for (const auto& each : list(schedule, "due")) {
    Span span{text(each, "within"), number(each, "recipients"), {}};
    for (std::size_t c = 0; c < kClasses.size(); ++c) {
      const Json counts = list(by_class, std::string(kClasses[c].name).c_str());
      if (spans.size() >= counts.size() || !counts[spans.size()].is_number_unsigned()) continue;
      span.by_class[c] = counts[spans.size()].get<std::uint64_t>();
    }
    spans.push_back(std::move(span));
  }
  return spans;
}

std::string piece(const Class& of, std::size_t columns, const Style& style) {
  if (columns == 0) return {};
  std::string drawn;
  for (std::size_t i = 0; i < columns; ++i) {
    drawn += style.blocks && style.colour ? std::string(kBlock) : std::string(1, of.letter);
  }
  return style.colour ? fmt::format("\x1b[{}m{}\x1b[0m", of.colour, drawn) : drawn;
}

// `columns` of it, shared among the classes by their counts.
std::string bar(const Span& span, std::size_t columns, const Style& style) {
  std::uint64_t total = 0;
  for (const auto count : span.by_class) total += count;
  if (total == 0) return std::string(columns, '#');
  std::string drawn;
  std::uint64_t so_far = 0;
  std::size_t end = 0;
  for (std::size_t c = 0; c < kClasses.size(); ++c) {
    so_far += span.by_class[c];
    const auto next = static_cast<std::size_t>((so_far * columns + total / 2) / total);
    drawn += piece(kClasses[c], next - end, style);
    end = next;
  }
  return drawn;
}

std::string chart(const std::vector<Span>& spans, const Style& style) {
  std::uint64_t most = 1;
  std::size_t digits = 9;
  for (const auto& span : spans) {
    most = std::max(most, span.recipients);
    digits = std::max(digits, grouped(span.recipients).size());
  }
  const std::size_t left = 2 + 6 + 1 + digits + 1;
  const std::size_t room = style.width == 0          ? kBarWithoutTerminal
                           : style.width > left + 10 ? style.width - left
                                                     : 10;
  std::string said;
  for (const auto& span : spans) {
    // Whatever is there is seen, however much more there is elsewhere.
    const auto columns =
        span.recipients == 0
            ? 0
            : std::max<std::size_t>(static_cast<std::size_t>(span.recipients * room / most), 1);
    std::string line =
        fmt::format("  {:<6} {:>{}} ", span.within, grouped(span.recipients), digits);
    line += bar(span, columns, style);
    line.erase(line.find_last_not_of(' ') + 1);
    said += line + "\n";
  }
  return said;
}

std::string legend(const std::vector<Span>& spans, const Style& style) {
  std::string said;
  for (std::size_t c = 0; c < kClasses.size(); ++c) {
    std::uint64_t count = 0;
    for (const auto& span : spans) count += span.by_class[c];
    if (count == 0) continue;
    said += fmt::format("  {} {:<9} {:>9}  {}\n", piece(kClasses[c], 1, style), kClasses[c].name,
                        grouped(count), style.dull(kClasses[c].words));
  }
  return said.empty() ? said : "\n" + style.bold("waiting because") + "\n" + said;
}

// What is particular about a destination, the worst first.
std::vector<std::string> particulars(const Json& destination, Instant now) {
  std::vector<std::string> all;
  const auto add = [&](std::string what, const std::string& words) {
    all.push_back(words.empty() ? std::move(what) : what + ": " + words);
  };
  const auto until = [now](const std::optional<Instant>& then) {
    return then ? " until " + render_clock(*then, now) : std::string();
  };
  const std::string suspended = text(destination, "suspended_words");
  const auto suspended_until = time(destination, "suspended_until");
  if (!suspended.empty() || suspended_until) add("suspended" + until(suspended_until), suspended);
  const auto backed_off = time(destination, "backed_off_until");
  const std::string failure = text(destination, "last_failure");
  if (backed_off && *backed_off > now) {
    add("backed off" + until(backed_off), failure);
  } else if (!failure.empty()) {
    add("failed last", failure);
  }
  const auto slowed = time(destination, "slowed_until");
  if (slowed && *slowed > now) {
    add(fmt::format("slowed down to {}{}", plural(number(destination, "window"), "connection"),
                    until(slowed)),
        text(destination, "slowed_words"));
  }
  if (const auto held = number(destination, "held"); held != 0) add(grouped(held) + " held", {});
  return all;
}

std::string destinations_table(const Json& destinations, const Style& style, Instant now) {
  Table table({{"DESTINATION", Align::kLeft, true},
               {"WAITING", Align::kRight},
               {"READY", Align::kRight},
               {"SENDING", Align::kRight},
               {"CONNS", Align::kRight},
               {"NEXT"},
               {"SITE", Align::kLeft, true}});
  for (const auto& destination : destinations) {
    const auto next = time(destination, "next_due");
    table.add({text(destination, "domain"), grouped(number(destination, "waiting")),
               grouped(number(destination, "ready")), grouped(number(destination, "in_flight")),
               grouped(number(destination, "connections")),
               next ? render_distance(std::max(*next, now), now) : "-", text(destination, "site")});
  }
  return table.empty() ? std::string() : "\n" + table.render(style);
}

std::string troubles(const Json& destinations, const Style& style, Instant now) {
  std::string said;
  for (const auto& destination : destinations) {
    const auto words = particulars(destination, now);
    if (words.empty()) continue;
    said += "  " + text(destination, "domain") + "\n";
    for (const auto& each : words) said += wrapped(each, 4, style.width);
  }
  return said.empty() ? said : "\n" + style.bold("out of the ordinary") + "\n" + said;
}

}  // namespace

Result<std::string> tell_schedule(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Instant now = now_of(*json);
  const auto spans = spans_of(*json);
  const Json destinations = list(*json, "destinations");
  std::string said = queue_text(*json) + "\n\n";
  said += style.bold("due within") + "\n" + chart(spans, style) + legend(spans, style);
  said += destinations_table(destinations, style, now) + troubles(destinations, style, now);
  const auto total = number(*json, "destinations_total");
  if (total > destinations.size()) {
    said += style.dull(fmt::format("{} of {}", destinations.size(), plural(total, "destination"))) +
            "\n";
  }
  return said;
}

}  // namespace posthaste::daemon::tool
