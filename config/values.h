// The scalars of a configuration file: text -> value, and back.
//
// Threads      any; no state.
// Does not     know ranges or fields; see config/schema.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace posthaste::config {

// "500ms 10s 5m 2h 5d": a whole number and a unit; "0s" is zero.
std::optional<Duration> parse_duration(std::string_view text);
std::string render_duration(Duration duration);  // the largest unit that is exact
// As above, or "never", which is zero.
std::optional<Duration> parse_duration_or_never(std::string_view text);
std::string render_duration_or_never(Duration duration);

// "50MiB 10KB 2GiB 4096": octets; KB is 1,000, KiB is 1,024.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string render_size(std::uint64_t octets);

// "100/s 100/m 100/h 100/d", or "unlimited".
std::optional<Rate> parse_rate(std::string_view text);
std::string render_rate(const Rate& rate);

std::optional<std::uint64_t> parse_count(std::string_view text);  // decimal digits only
std::optional<double> parse_fraction(std::string_view text);      // "0.1"
std::optional<bool> parse_flag(std::string_view text);            // "true" or "false"

// A host name of letters, digits, hyphens and dots (RFC 1123 §2.1), folded.
std::optional<std::string> parse_host_name(std::string_view text);
// "relay.example:2525", "relay.example", "192.0.2.1:25", "[2001:db8::1]:25"
std::optional<RouteHost> parse_route_host(std::string_view text);
std::string render_route_host(const RouteHost& host);
// "127.0.0.1:5300", "127.0.0.1", "[::1]:53": port 53 where there is none.
std::optional<Endpoint> parse_dns_server(std::string_view text);

// "postmaster@example.com": ASCII, and no quotes (RFC 5321 §4.1.2, Dot-string), the domain folded.
std::optional<std::string> parse_mail_address(std::string_view text);

std::string_view name(ListenTls tls);       // "none", "starttls", "implicit"
std::string_view name(CertificateUse use);  // "ignore", "optional", "required"
std::string_view name(LogLevel level);      // "debug", …
std::string_view name(LogFormat format);    // "logfmt", "json"

// The enumerator of `all` with that name; name() is found where the enum is.
template <typename Enum, std::size_t N>
std::optional<Enum> parse_choice(std::string_view text, const std::array<Enum, N>& all) {
  for (const Enum value : all) {
    if (name(value) == text) return value;
  }
  return std::nullopt;
}

}  // namespace posthaste::config
