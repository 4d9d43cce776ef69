#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace posthaste::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr std::uint64_t kSecond = 1'000'000;  // Duration counts microseconds
// Largest first, for render; a name never begins a longer one that stands after it.
constexpr std::array kTimeUnits{Unit{"d", 86'400 * kSecond}, Unit{"h", 3'600 * kSecond},
                                Unit{"m", 60 * kSecond}, Unit{"s", kSecond},
                                Unit{"ms", kSecond / 1000}};
constexpr std::array kSizeUnits{Unit{"TiB", 1ULL << 40},
                                Unit{"GiB", 1ULL << 30},
                                Unit{"MiB", 1ULL << 20},
                                Unit{"KiB", 1ULL << 10},
                                Unit{"TB", 1'000'000'000'000},
                                Unit{"GB", 1'000'000'000},
                                Unit{"MB", 1'000'000},
                                Unit{"KB", 1'000},
                                Unit{"B", 1}};

// "50MiB" -> 50 and "MiB".
std::optional<std::uint64_t> leading_number(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_count(text.substr(0, digits));
  if (number) text.remove_prefix(digits);
  return number;
}

template <std::size_t N>
std::optional<std::uint64_t> scaled(std::uint64_t number, std::string_view unit,
                                    const std::array<Unit, N>& units) {
  const auto* found =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == unit; });
  if (found == units.end()) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (number > kMax / found->size) return std::nullopt;
  return number * found->size;
}

template <std::size_t N>
std::string in_largest_exact_unit(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value % unit.size == 0) return fmt::format("{}{}", value / unit.size, unit.name);
  }
  return fmt::format("{}{}", value / units.back().size, units.back().name);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_count(text);
  if (!number || *number == 0 || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

bool is_label(std::string_view label) {
  const auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !label.empty() && label.size() <= 63 && is_letter_or_digit(label.front()) &&
         is_letter_or_digit(label.back()) && std::all_of(label.begin(), label.end(), [&](char c) {
           return c == '-' || is_letter_or_digit(c);
         });
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Duration> parse_duration(std::string_view text) {
  const auto number = leading_number(text);
  if (!number) return std::nullopt;
  const auto microseconds = scaled(*number, text, kTimeUnits);
  if (!microseconds) return std::nullopt;
  return Duration(static_cast<Duration::rep>(*microseconds));
}

std::string render_duration(Duration duration) {
  if (duration <= Duration::zero()) return "0s";
  return in_largest_exact_unit(static_cast<std::uint64_t>(duration.count()), kTimeUnits);
}

std::optional<Duration> parse_duration_or_never(std::string_view text) {
  return text == "never" ? Duration::zero() : parse_duration(text);
}

std::string render_duration_or_never(Duration duration) {
  return duration == Duration::zero() ? "never" : render_duration(duration);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto number = leading_number(text);
  if (!number) return std::nullopt;
  return scaled(*number, text.empty() ? "B" : text, kSizeUnits);
}

std::string render_size(std::uint64_t octets) {
  if (octets == 0) return "0";
  return in_largest_exact_unit(octets, kSizeUnits);
}

std::optional<Rate> parse_rate(std::string_view text) {
  if (text == "unlimited") return Rate{0, std::chrono::seconds(1)};
  const auto number = leading_number(text);
  if (!number || *number == 0 || *number > std::numeric_limits<std::uint32_t>::max())
    return std::nullopt;
  if (text.empty() || text.front() != '/' || text == "/ms") return std::nullopt;
  const auto per = scaled(1, text.substr(1), kTimeUnits);
  if (!per) return std::nullopt;
  return Rate{static_cast<std::uint32_t>(*number), Duration(static_cast<Duration::rep>(*per))};
}

std::string render_rate(const Rate& rate) {
  if (rate.count == 0) return "unlimited";
  return fmt::format("{}/{}", rate.count, render_duration(rate.per).substr(1));
}

std::optional<double> parse_fraction(std::string_view text) {
  // from_chars takes "inf", "nan" and "1e3" too; a configuration needs none of them.
  if (text.empty() || text.size() > 12 ||
      text.find_first_not_of("0123456789.") != std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_flag(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<std::string> parse_host_name(std::string_view text) {
  std::string folded = fold_domain(text);
  if (folded.empty() || folded.size() > 253) return std::nullopt;
  std::string_view rest = folded;
  while (true) {
    const std::size_t dot = rest.find('.');
    if (!is_label(rest.substr(0, dot))) return std::nullopt;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return folded;
}

std::optional<RouteHost> parse_route_host(std::string_view text) {
  if (const auto endpoint = parse_endpoint(text); endpoint && endpoint->port != 0) {
    return RouteHost{MxName(render_ip(endpoint->address)), endpoint->port};
  }
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  if (const auto address = parse_ip(text)) return RouteHost{MxName(render_ip(*address)), 0};
  std::uint16_t port = 0;
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    const auto number = parse_port(text.substr(colon + 1));
    if (!number) return std::nullopt;
    port = *number;
    text = text.substr(0, colon);
  }
  auto host = parse_host_name(text);
  // What ends in a number is a mistyped address: no top-level domain is all digits.
  if (!host || parse_count(std::string_view(*host).substr(host->rfind('.') + 1)))
    return std::nullopt;
  return RouteHost{MxName(std::move(*host)), port};
}

std::string render_route_host(const RouteHost& host) {
  if (const auto address = parse_ip(host.name.text())) {
    if (host.port == 0) return host.name.text();
    return render_endpoint(Endpoint{*address, host.port});
  }
  return host.port == 0 ? host.name.text() : fmt::format("{}:{}", host.name.text(), host.port);
}

std::optional<Endpoint> parse_dns_server(std::string_view text) {
  if (const auto endpoint = parse_endpoint(text); endpoint && endpoint->port != 0) return *endpoint;
  if (const auto address = parse_ip(text)) return Endpoint{*address, 53};
  return std::nullopt;
}

std::optional<std::string> parse_mail_address(std::string_view text) {
  constexpr std::string_view kAtext = "!#$%&'*+-/=?^_`{|}~.";
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return std::nullopt;
  const std::string_view local = text.substr(0, at);
  const auto is_atext = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kAtext.find(c) != std::string_view::npos;
  };
  const bool dots_in_place =
      local.front() != '.' && local.back() != '.' && local.find("..") == std::string_view::npos;
  const auto domain = parse_host_name(text.substr(at + 1));
  if (!domain || !dots_in_place || !std::all_of(local.begin(), local.end(), is_atext))
    return std::nullopt;
  return fmt::format("{}@{}", local, *domain);
}

std::string_view name(CertificateUse use) {
  switch (use) {
    case CertificateUse::kIgnore: return "ignore";
    case CertificateUse::kOptional: return "optional";
    case CertificateUse::kRequired: return "required";
  }
  return "";
}

std::string_view name(ListenTls tls) {
  switch (tls) {
    case ListenTls::kNone: return "none";
    case ListenTls::kStartTls: return "starttls";
    case ListenTls::kImplicit: return "implicit";
  }
  return "";
}

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  return "";
}

std::string_view name(LogFormat format) {
  switch (format) {
    case LogFormat::kLogfmt: return "logfmt";
    case LogFormat::kJson: return "json";
  }
  return "";
}

}  // namespace posthaste::config
