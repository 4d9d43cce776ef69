#include "daemon/rehearsal/scenario_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/values.h"

namespace posthaste::rehearsal {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kNamesMax = 20'000;

// A decimal number of exactly or at most so many digits.
std::optional<unsigned> digits(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

// "10:00", "24:00"
std::optional<Duration> parse_clock(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto hours = digits(text.substr(0, colon), 1, 2);
  const auto minutes = digits(text.substr(colon + 1), 2, 2);
  if (!hours || !minutes || *minutes > 59) return std::nullopt;
  const Duration clock = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return clock <= 24h ? std::optional(clock) : std::nullopt;
}

}  // namespace

std::optional<Instant> parse_date(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4), 4, 4);
  const auto month = digits(text.substr(5, 2), 2, 2);
  const auto day = digits(text.substr(8, 2), 2, 2);
  if (!year || !month || !day || *year < 2000 || *year > 2100) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  const Instant midnight = std::chrono::sys_days(date);
  if (text.size() == 10) return midnight;
  const auto clock = text[10] == ' ' ? parse_clock(text.substr(11)) : std::nullopt;
  return clock ? std::optional(midnight + *clock) : std::nullopt;
}

std::optional<Duration> parse_when(std::string_view text, Duration since_midnight) {
  if (const auto span = config::parse_duration(text)) return since_midnight + *span;
  if (!text.starts_with("day ")) return parse_clock(text);
  text.remove_prefix(4);
  const std::size_t space = std::min(text.find(' '), text.size());
  const auto day = digits(text.substr(0, space), 1, 3);
  if (!day || *day == 0) return std::nullopt;
  const Duration midnight = (*day - 1) * Duration(24h);
  if (space == text.size()) return midnight;
  const auto clock = parse_clock(text.substr(space + 1));
  return clock ? std::optional(midnight + *clock) : std::nullopt;
}

std::optional<std::pair<std::uint16_t, std::string>> parse_mx(std::string_view text) {
  std::uint16_t preference = 10;
  if (const std::size_t space = text.find(' '); space != std::string_view::npos) {
    const auto number = digits(text.substr(0, space), 1, 5);
    if (!number || *number > UINT16_MAX) return std::nullopt;
    preference = static_cast<std::uint16_t>(*number);
    text.remove_prefix(space + 1);
  }
  auto host = config::parse_host_name(text);
  if (!host) return std::nullopt;
  return std::pair(preference, *std::move(host));
}

std::optional<OddReply> parse_reply(std::string_view text) {
  const auto code = digits(text.substr(0, 3), 3, 3);
  if (!code || *code < 400 || *code > 599 || text.size() < 5 || text[3] != ' ') return std::nullopt;
  OddReply reply;
  reply.code = static_cast<int>(*code);
  reply.words = text.substr(4);
  const bool printable = std::all_of(reply.words.begin(), reply.words.end(),
                                     [](char c) { return c >= ' ' && c <= '~'; });
  return printable && reply.words.size() <= 400 ? std::optional(reply) : std::nullopt;
}

std::optional<std::pair<unsigned, unsigned>> parse_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto least = digits(text.substr(0, dots), 1, 4);
  const auto most = dots == std::string_view::npos ? least : digits(text.substr(dots + 2), 1, 4);
  if (!least || !most || *least == 0 || *least > *most || *most > 1000) return std::nullopt;
  return std::pair(*least, *most);
}

std::optional<double> parse_number(std::string_view text, double most) {
  double value = 0;
  const bool begins = !text.empty() && text[0] >= '0' && text[0] <= '9';
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!begins || end.ec != std::errc() || end.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value <= most ? std::optional(value) : std::nullopt;
}

std::optional<std::vector<std::pair<std::string, std::string>>> expand(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> names;
  const std::size_t open = text.find('[');
  if (open == std::string_view::npos) {
    names.emplace_back("", text);
    return names;
  }
  const std::size_t close = text.find(']', open);
  const std::size_t dash = text.find('-', open);
  if (close == std::string_view::npos || dash >= close) return std::nullopt;
  const auto from = digits(text.substr(open + 1, dash - open - 1), 1, 5);
  const auto to = digits(text.substr(dash + 1, close - dash - 1), 1, 5);
  if (!from || !to || *from > *to || *to - *from >= kNamesMax) return std::nullopt;
  for (unsigned i = *from; i <= *to; ++i) {
    names.emplace_back(std::to_string(i),
                       fmt::format("{}{}{}", text.substr(0, open), i, text.substr(close + 1)));
  }
  return names;
}

}  // namespace posthaste::rehearsal
