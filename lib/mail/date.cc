#include "lib/mail/date.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string_view>

namespace posthaste::mail {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// REQUIRES digits there.
int number_at(std::string_view text, std::size_t from, std::size_t count) {
  int number = 0;
  for (const char c : text.substr(from, count)) number = number * 10 + (c - '0');
  return number;
}

// "" or ".123": as microseconds; what is less is left out. nullopt: neither.
std::optional<Duration> parse_fraction(std::string_view text) {
  if (text.empty()) return Duration{};
  if (text.front() != '.' || text.size() == 1) return std::nullopt;
  Duration::rep micros = 0;
  Duration::rep place = 100'000;
  for (const char c : text.substr(1)) {
    if (!is_digit(c)) return std::nullopt;
    micros += (c - '0') * place;
    place /= 10;
  }
  return Duration(micros);
}

}  // namespace

std::string render_date(Instant instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(instant - day));
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000",
                     kDays[std::chrono::weekday(day).c_encoding()], unsigned(date.day()),
                     kMonths[unsigned(date.month()) - 1], int(date.year()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::string render_timestamp(Instant instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(instant - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()),
                     unsigned(date.month()), unsigned(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::optional<Instant> parse_timestamp(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";  // then a fraction, then "Z"
  if (text.size() <= kForm.size() || (text.back() != 'Z' && text.back() != 'z')) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool lower_t = kForm[i] == 'T' && text[i] == 't';
    if (kForm[i] == '0' ? !is_digit(text[i]) : text[i] != kForm[i] && !lower_t) return std::nullopt;
  }
  const std::chrono::year_month_day date(
      std::chrono::year(number_at(text, 0, 4)),
      std::chrono::month(static_cast<unsigned>(number_at(text, 5, 2))),
      std::chrono::day(static_cast<unsigned>(number_at(text, 8, 2))));
  const std::chrono::hours hours(number_at(text, 11, 2));
  const std::chrono::minutes minutes(number_at(text, 14, 2));
  const std::chrono::seconds seconds(number_at(text, 17, 2));
  // A leap second, 60, is the beginning of the next minute.
  if (!date.ok() || hours.count() > 23 || minutes.count() > 59 || seconds.count() > 60) {
    return std::nullopt;
  }
  text.remove_suffix(1);
  const auto fraction = parse_fraction(text.substr(kForm.size()));
  if (!fraction) return std::nullopt;
  return Instant(std::chrono::sys_days(date)) + hours + minutes + seconds + *fraction;
}

}  // namespace posthaste::mail
