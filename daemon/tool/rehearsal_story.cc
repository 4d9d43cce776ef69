#include "daemon/tool/rehearsal_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/tool/time_text.h"

namespace posthaste::daemon::tool {
namespace {

using rehearsal::LateMail;
using rehearsal::Results;
using rehearsal::Stretch;
using rehearsal::Tallied;

constexpr std::size_t kWidth = 80;

// "1,234,567"
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

// "99.8 %"; 100 and 0 only where it is so.
std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  double share = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (part != whole) share = std::min(share, 99.9);
  if (part != 0) share = std::max(share, 0.1);
  return fmt::format("{:.1f} %", share);
}

// "2026-03-03 08:00", in UTC as scenarios have it.
std::string moment(Instant time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::minutes>(time - day));
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count());
}

std::string line(std::string_view name, std::uint64_t count, const std::string& rest) {
  std::string text = fmt::format("  {:<12}{:>11}", name, grouped(count));
  return rest.empty() ? text + "\n" : fmt::format("{}  {}\n", text, rest);
}

std::string totals(const Results& results, const Style& style) {
  const Tallied& all = results.all;
  std::string text =
      line("recipients", all.recipients, fmt::format("of {} messages", grouped(results.messages)));
  text += line("delivered", all.delivered, percent(all.delivered, all.recipients));
  for (std::size_t i = 0; i < rehearsal::kWithin.size(); ++i) {
    text += line("  within " + render_span(rehearsal::kWithin[i]), all.within[i],
                 percent(all.within[i], all.recipients));
  }
  text += fmt::format("  {:<12}{:>11}  99th percentile {}, worst {}\n", "median",
                      render_span(all.median), render_span(all.p99), render_span(all.worst));
  const auto alarming = [&](std::string_view name, std::uint64_t count, const std::string& rest) {
    const std::string said = line(name, count, rest);
    text += count == 0 ? said : style.bad(said.substr(0, said.size() - 1)) + "\n";
  };
  alarming("late", all.late, "more than " + render_span(results.late_after));
  alarming("bounced", all.bounced, "");
  alarming("expired", all.expired, "");
  text += line("queued", all.queued, "in the end");
  return text;
}

std::string tls(const Results& results, const Style& style) {
  const Tallied& all = results.all;
  std::string versions;
  for (const auto& [version, count] : results.versions) {
    versions += fmt::format("{}{} {}", versions.empty() ? "" : ", ", version, grouped(count));
  }
  std::string text = style.bold("TLS") + "\n";
  text += line("verified", all.verified, percent(all.verified, all.delivered));
  text += line("unverified", all.encrypted, percent(all.encrypted, all.delivered));
  text += line("plaintext", all.plaintext, percent(all.plaintext, all.delivered));
  const std::string down = line("downgraded", all.downgraded, "where STARTTLS is usually offered");
  text += all.downgraded == 0 ? down : style.bad(down.substr(0, down.size() - 1)) + "\n";
  if (results.strips != 0) text += line("strips", results.strips, "suspected, and not used");
  if (!versions.empty()) text += fmt::format("  {:<14}{}\n", "versions", versions);
  for (const auto& [words, count] : results.fallbacks) {
    text += fmt::format("  {:<14}{} {} times\n", "fallback", words, grouped(count));
  }
  return text;
}

std::string domains(const Results& results, const Style& style) {
  Table table({{"DOMAINS"},
               {"MAIL", Align::kRight},
               {"1m", Align::kRight},
               {"1h", Align::kRight},
               {"MEDIAN", Align::kRight},
               {"WORST", Align::kRight},
               {"LATE", Align::kRight},
               {"LOST", Align::kRight},
               {"PLAIN", Align::kRight}});
  for (const Tallied& one : results.groups) {
    table.add({one.name, grouped(one.recipients), percent(one.within[0], one.recipients),
               percent(one.within[2], one.recipients), render_span(one.median),
               render_span(one.worst), grouped(one.late), grouped(one.bounced + one.expired),
               grouped(one.plaintext)});
  }
  return table.render(style);
}

using Member = std::uint64_t Stretch::*;
constexpr std::array<std::pair<std::string_view, Member>, 6> kSeries{
    {{"submitted", &Stretch::submitted},
     {"delivered", &Stretch::delivered},
     {"plaintext", &Stretch::plaintext},
     {"deferred", &Stretch::failed},
     {"queued", &Stretch::queued},
     {"connections", &Stretch::connections}}};

// Days, or hours where there are few.
std::string axis(const Results& results) {
  const std::size_t columns = results.stretches.size();
  std::string marks(columns + 12, ' ');
  const bool days = results.length > std::chrono::hours(48);
  const Duration step = days ? Duration(std::chrono::hours(24)) : results.length / 6;
  std::size_t free = 0;
  for (Duration at{0}; at < results.length; at += step) {
    const auto column = static_cast<std::size_t>(at * columns / results.length);
    const std::string mark = days ? fmt::format("|{}", moment(results.start + at).substr(5, 5))
                                  : fmt::format("|{}", moment(results.start + at).substr(11));
    if (column < free || column + mark.size() > marks.size()) continue;
    marks.replace(column, mark.size(), mark);
    free = column + mark.size() + 1;
  }
  marks.erase(marks.find_last_not_of(' ') + 1);
  return marks;
}

std::string over_time(const Results& results, const Style& style) {
  std::string text =
      style.bold(fmt::format("OVER TIME, each column {}", render_span(results.stretch))) + "\n";
  for (const auto& [name, member] : kSeries) {
    std::vector<std::uint64_t> values;
    for (const Stretch& stretch : results.stretches) values.push_back(stretch.*member);
    const std::uint64_t most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    text += fmt::format("{:<11} {} {:>7}\n", name, sparkline(values, most), grouped(most));
  }
  return text + fmt::format("{:<11} {}\n", "", axis(results));
}

std::string waits(const Results& results, const Style& style) {
  std::string text = style.bold("CONVERSATIONS") + "\n";
  text += line("connections", results.connections,
               fmt::format("{} sessions; {} back-offs of a destination", grouped(results.sessions),
                           grouped(results.back_offs)));
  std::uint64_t sum = 0;
  std::string classes;
  for (std::size_t i = 0; i < policy::kRetryClasses; ++i) {
    sum += results.deferrals[i];
    if (results.deferrals[i] == 0) continue;
    classes += fmt::format("{}{} {}", classes.empty() ? "" : ", ",
                           policy::name(static_cast<policy::RetryClass>(i)),
                           grouped(results.deferrals[i]));
  }
  text += line("deferrals", sum, classes);
  text += line("senders told", results.notifications,
               fmt::format("{} recipients of a delay", grouped(results.delay_notices)));
  return text;
}

std::string latest(const Results& results, const Style& style) {
  if (results.latest.empty()) return {};
  Table table({{"LATEST"},
               {"LATE", Align::kRight},
               {"WORST", Align::kRight},
               {"ACCEPTED"},
               {"LAST WORDS BEFORE"}});
  for (const LateMail& mail : results.latest) {
    table.add({mail.domain, grouped(mail.recipients),
               fmt::format("{}{}", mail.delivered ? "" : "queued ", render_span(mail.needed)),
               moment(mail.accepted).substr(5), mail.why});
  }
  return "\n" + table.render({style.colour, std::max(kWidth, style.width)});
}

std::string undelivered(const Results& results, const Style& style) {
  if (results.undelivered.empty()) return {};
  Table table({{"NOT DELIVERED"}, {"MAIL", Align::kRight}, {"FIRST"}, {"WORDS"}});
  for (const auto& one : results.undelivered) {
    table.add({one.group, grouped(one.recipients), moment(one.first), one.words});
  }
  return "\n" + table.render({style.colour, std::max(kWidth, style.width)});
}

std::string heading(const std::string& title, const Results& results, const Style& style) {
  const std::string name = title.empty() ? "Rehearsal" : printable(title);
  return fmt::format("{}\n{} from {} UTC, seed {}\n\n", style.bold(name),
                     render_span(results.length), moment(results.start), results.seed);
}

// ---- two of them

struct Figure {
  std::string_view name;
  std::uint64_t one = 0, other = 0;
  bool is_span = false;
  bool more_is_better = false;
  bool judged = true;
};

std::vector<Figure> figures(const Tallied& one, const Tallied& other) {
  const auto seconds = [](Duration span) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(span).count());
  };
  return {{"delivered", one.delivered, other.delivered, false, true},
          {"within 1m", one.within[0], other.within[0], false, true},
          {"within 1h", one.within[2], other.within[2], false, true},
          {"median", seconds(one.median), seconds(other.median), true},
          {"99th percentile", seconds(one.p99), seconds(other.p99), true},
          {"worst", seconds(one.worst), seconds(other.worst), true},
          {"late", one.late, other.late},
          {"bounced", one.bounced, other.bounced},
          {"expired", one.expired, other.expired},
          {"queued in the end", one.queued, other.queued},
          {"verified", one.verified, other.verified, false, true},
          {"plaintext", one.plaintext, other.plaintext},
          {"downgraded", one.downgraded, other.downgraded}};
}

std::string shown(std::uint64_t value, bool is_span) {
  return is_span ? render_span(std::chrono::seconds(value)) : grouped(value);
}

std::string change(const Figure& figure) {
  if (figure.one == figure.other) return "";
  const bool more = figure.other > figure.one;
  const std::uint64_t by = more ? figure.other - figure.one : figure.one - figure.other;
  return fmt::format("{}{}{}", more ? "+" : "-", shown(by, figure.is_span),
                     !figure.judged                  ? ""
                     : more == figure.more_is_better ? " better"
                                                     : " worse");
}

void add_figure(Table& table, std::string_view name, const Figure& figure) {
  table.add({std::string(name), shown(figure.one, figure.is_span),
             shown(figure.other, figure.is_span), change(figure)});
}

// Lines that end in a verdict get its colour.
std::string coloured(const std::string& table, const Style& style) {
  std::string text;
  for (std::size_t at = 0; at < table.size();) {
    const std::size_t end = table.find('\n', at);
    const std::string row = table.substr(at, end - at);
    text += row.ends_with(" better")  ? style.good(row)
            : row.ends_with(" worse") ? style.bad(row)
                                      : row;
    text += '\n';
    at = end + 1;
  }
  return text;
}

}  // namespace

std::string sparkline(const std::vector<std::uint64_t>& values, std::uint64_t most) {
  constexpr std::array<std::string_view, 9> kBars{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string text;
  for (const std::uint64_t value : values) {
    const std::uint64_t steps = kBars.size() - 1;
    text += kBars[most == 0 ? 0 : std::min(steps, (value * steps + most - 1) / most)];
  }
  return text;
}

std::string tell_rehearsal(const std::string& title, const Results& results, const Style& style) {
  return heading(title, results, style) + totals(results, style) + "\n" + tls(results, style) +
         "\n" + waits(results, style) + "\n" + over_time(results, style) + "\n" +
         domains(results, style) + latest(results, style) + undelivered(results, style);
}

std::string tell_comparison(const std::string& title, const Compared& one, const Compared& other,
                            const Style& style) {
  const auto columns = [&](std::string first) {
    return std::vector<Column>{{std::move(first)},
                               {one.name, Align::kRight},
                               {other.name, Align::kRight},
                               {"CHANGE", Align::kRight}};
  };
  Table all(columns("ALL"));
  for (const Figure& figure : figures(one.results.all, other.results.all)) {
    add_figure(all, figure.name, figure);
  }
  add_figure(all, "connections",
             {.name = "connections",
              .one = one.results.connections,
              .other = other.results.connections,
              .judged = false});
  Table groups(columns("WHERE IT DIFFERS"));
  for (std::size_t i = 0; i < one.results.groups.size(); ++i) {
    for (const Figure& figure : figures(one.results.groups[i], other.results.groups[i])) {
      if (figure.one == figure.other) continue;
      add_figure(groups, fmt::format("{}, {}", one.results.groups[i].name, figure.name), figure);
    }
  }
  std::string text = heading(title, one.results, style) + coloured(all.render(style), style) + "\n";
  for (const Compared* side : {&one, &other}) {
    text += style.bold(printable(side->name)) + "\n" + over_time(side->results, style) + "\n";
  }
  if (groups.empty()) return text + "No domain fares otherwise.\n";
  return text + coloured(groups.render(style), style);
}

}  // namespace posthaste::daemon::tool
