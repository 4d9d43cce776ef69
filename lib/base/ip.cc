#include "lib/base/ip.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>

#include "lib/base/check.h"

namespace posthaste {
namespace {

constexpr std::size_t kGroups = 8;
constexpr unsigned kMappedBits = 96;  // ::ffff:0:0/96
constexpr std::size_t kEmbeddedInNat64 = 12;
constexpr std::size_t kEmbeddedIn6To4 = 2;

Error invalid(std::string_view text, std::string_view why) {
  return Error{ErrorCode::kInvalid, "\"" + std::string(text) + "\" " + std::string(why)};
}

// All of `text` as a decimal number without superfluous zeros, at most `most`.
std::optional<unsigned> parse_decimal(std::string_view text, unsigned most) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value > most) return std::nullopt;
  return value;
}

// Dotted quad; "010.0.0.1" is refused, as people do not agree on what it means (RFC 6943 §3.1.1).
std::optional<std::array<std::uint8_t, 4>> parse_quad(std::string_view text) {
  std::array<std::uint8_t, 4> quad{};
  for (std::size_t i = 0; i < quad.size(); ++i) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == quad.size() - 1)) return std::nullopt;
    const auto octet = parse_decimal(text.substr(0, dot), 255);
    if (!octet) return std::nullopt;
    quad[i] = static_cast<std::uint8_t>(*octet);
    if (dot != std::string_view::npos) text.remove_prefix(dot + 1);
  }
  return quad;
}

// The groups of one side of "::", at most eight; empty text is no groups.
struct Groups {
  std::array<std::uint16_t, kGroups> values{};
  std::size_t count = 0;

  bool push(unsigned value) {
    if (count == kGroups) return false;
    values[count++] = static_cast<std::uint16_t>(value);
    return true;
  }
};

bool parse_group(std::string_view text, Groups& groups) {
  if (text.empty() || text.size() > 4) return false;
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  return error == std::errc() && stop == end && groups.push(value);
}

// RFC 4291 §2.2: the last two groups may be a dotted quad.
std::optional<Groups> parse_groups(std::string_view text, bool quad_allowed) {
  Groups groups;
  if (text.empty()) return groups;
  for (;;) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) break;
    if (!parse_group(text.substr(0, colon), groups)) return std::nullopt;
    text.remove_prefix(colon + 1);
  }
  if (text.find('.') == std::string_view::npos) {
    if (!parse_group(text, groups)) return std::nullopt;
    return groups;
  }
  const auto quad = parse_quad(text);
  if (!quad || !quad_allowed) return std::nullopt;
  if (!groups.push((*quad)[0] * 256U + (*quad)[1])) return std::nullopt;
  if (!groups.push((*quad)[2] * 256U + (*quad)[3])) return std::nullopt;
  return groups;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  const auto gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  const auto front = parse_groups(text.substr(0, gap), !has_gap);
  const auto back = has_gap ? parse_groups(text.substr(gap + 2), true) : Groups{};
  if (!front || !back) return std::nullopt;
  const std::size_t given = front->count + back->count;
  if (has_gap ? given >= kGroups : given != kGroups) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  const auto put = [&bytes](std::size_t group, std::uint16_t value) {
    bytes[2 * group] = static_cast<std::uint8_t>(value >> 8);
    bytes[2 * group + 1] = static_cast<std::uint8_t>(value & 0xff);
  };
  for (std::size_t i = 0; i < front->count; ++i) put(i, front->values[i]);
  for (std::size_t i = 0; i < back->count; ++i) put(kGroups - back->count + i, back->values[i]);
  return ipv6(bytes);
}

std::string render_v4(const IpAddress& address) {
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) text += '.';
    text += std::to_string(address.bytes[i]);
  }
  return text;
}

struct Run {
  std::size_t begin = 0;
  std::size_t length = 0;
};

// RFC 5952 §4.2: the longest run of at least two zero groups, of equal ones the first.
Run longest_zero_run(const std::array<unsigned, kGroups>& groups) {
  Run best;
  for (std::size_t begin = 0; begin < kGroups; ++begin) {
    std::size_t length = 0;
    while (begin + length < kGroups && groups[begin + length] == 0) ++length;
    if (length >= 2 && length > best.length) best = {begin, length};
  }
  return best;
}

std::string render_v6(const IpAddress& address) {
  std::array<unsigned, kGroups> groups{};
  for (std::size_t i = 0; i < kGroups; ++i) {
    groups[i] = address.bytes[2 * i] * 256U + address.bytes[2 * i + 1];
  }
  const Run gap = longest_zero_run(groups);
  std::string text;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (gap.length > 0 && i == gap.begin) {
      text += "::";
      i += gap.length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    std::array<char, 4> digits{};
    const auto [end, error] = std::to_chars(digits.begin(), digits.end(), groups[i], 16);
    CHECK(error == std::errc());
    text.append(digits.begin(), end);
  }
  return text;
}

bool has_host_bits(const Network& network) {
  for (unsigned bit = network.prefix_bits; bit < network.base.size() * 8; ++bit) {
    if (network.base.bytes[bit / 8] & (0x80U >> bit % 8)) return true;
  }
  return false;
}

IpAddress embedded_v4(const IpAddress& address, std::size_t at) {
  const auto& b = address.bytes;
  return ipv4(b[at], b[at + 1], b[at + 2], b[at + 3]);
}

// A network as the registries write it. REQUIRES that it parses: the tables are tested.
Network network(std::string_view text) {
  const auto parsed = parse_network(text);
  CHECK(parsed.has_value());
  return *parsed;
}

std::vector<Network> networks(std::initializer_list<std::string_view> texts) {
  std::vector<Network> list;
  for (const std::string_view text : texts) list.push_back(network(text));
  return list;
}

struct Registry {
  std::vector<Network> special;
  std::vector<Network> reachable_after_all;  // within `special`, but "Globally Reachable: True"
};

// https://www.iana.org/assignments/iana-ipv4-special-registry, plus multicast.
const Registry& v4_registry() {
  static const Registry kRegistry{
      networks({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
                "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
                "240.0.0.0/4"}),
      networks({"192.0.0.9/32", "192.0.0.10/32"})};
  return kRegistry;
}

// https://www.iana.org/assignments/iana-ipv6-special-registry, as far as it lies within 2000::/3.
const Registry& v6_registry() {
  static const Registry kRegistry{
      networks({"2001::/23", "2001:db8::/32", "3fff::/20"}),
      networks({"2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:3::/32", "2001:4:112::/48",
                "2001:20::/28", "2001:30::/28"})};
  return kRegistry;
}

bool is_special(const Registry& registry, const IpAddress& address) {
  return contains_any(registry.special, address) &&
         !contains_any(registry.reachable_after_all, address);
}

bool is_special_v6(const IpAddress& address) {
  static const Network kNat64 = network("64:ff9b::/96");      // RFC 6052
  static const Network k6To4 = network("2002::/16");          // RFC 3056
  static const Network kGlobalUnicast = network("2000::/3");  // the only block that IANA hands out
  if (kNat64.contains(address)) return is_special_purpose(embedded_v4(address, kEmbeddedInNat64));
  if (k6To4.contains(address)) return is_special_purpose(embedded_v4(address, kEmbeddedIn6To4));
  return !kGlobalUnicast.contains(address) || is_special(v6_registry(), address);
}

}  // namespace

IpAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  IpAddress address;
  address.bytes = {a, b, c, d};
  return address;
}

IpAddress ipv6(const std::array<std::uint8_t, 16>& bytes) {
  constexpr std::array<std::uint8_t, kMappedBits / 8> kMapped{0, 0, 0, 0, 0,    0,
                                                              0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return ipv4(bytes[12], bytes[13], bytes[14], bytes[15]);
  }
  return IpAddress{bytes, true};
}

Result<IpAddress> parse_ip(std::string_view text) {
  if (text.find(':') != std::string_view::npos) {
    const auto address = parse_v6(text);
    if (!address) return tl::make_unexpected(invalid(text, "is no IPv6 address"));
    return *address;
  }
  const auto quad = parse_quad(text);
  if (!quad) return tl::make_unexpected(invalid(text, "is no IP address"));
  return ipv4((*quad)[0], (*quad)[1], (*quad)[2], (*quad)[3]);
}

std::string render_ip(const IpAddress& address) {
  return address.v6 ? render_v6(address) : render_v4(address);
}

bool Network::contains(const IpAddress& address) const {
  if (address.v6 != base.v6) return false;
  const unsigned bits = std::min(prefix_bits, static_cast<unsigned>(base.size() * 8));
  const std::size_t whole = bits / 8;
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes.begin())) {
    return false;
  }
  if (bits % 8 == 0) return true;
  const unsigned difference = base.bytes[whole] ^ address.bytes[whole];
  return difference >> (8 - bits % 8) == 0;
}

Result<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const auto address = parse_ip(address_text);
  if (!address) return tl::make_unexpected(address.error());
  const unsigned bits_max = static_cast<unsigned>(address->size() * 8);
  if (slash == std::string_view::npos) return Network{*address, bits_max};
  // An IPv4-mapped network counts its prefix from the start of the IPv6 address.
  const bool mapped = !address->v6 && address_text.find(':') != std::string_view::npos;
  const unsigned skipped = mapped ? kMappedBits : 0;
  const auto bits = parse_decimal(text.substr(slash + 1), skipped + bits_max);
  if (!bits || *bits < skipped) {
    return tl::make_unexpected(invalid(text, "has no valid prefix length after its slash"));
  }
  const Network network{*address, *bits - skipped};
  if (has_host_bits(network)) {
    return tl::make_unexpected(invalid(text, "has bits set beyond its prefix length"));
  }
  return network;
}

std::string render_network(const Network& network) {
  return render_ip(network.base) + "/" + std::to_string(network.prefix_bits);
}

bool contains_any(const std::vector<Network>& networks, const IpAddress& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.contains(address); });
}

bool is_loopback(const IpAddress& address) {
  if (!address.v6) return address.bytes[0] == 127;
  static const Network kLoopback = network("::1/128");
  return kLoopback.contains(address);
}

bool is_special_purpose(const IpAddress& address) {
  return address.v6 ? is_special_v6(address) : is_special(v4_registry(), address);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  const auto address = parse_ip(host);
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (colon == std::string_view::npos || !address || brackets != has_colon) {
    return tl::make_unexpected(invalid(text, "is no \"127.0.0.1:25\" or \"[::1]:25\""));
  }
  const auto port = parse_decimal(text.substr(colon + 1), 65535);
  if (!port) return tl::make_unexpected(invalid(text, "has no valid port after its colon"));
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string render_endpoint(const Endpoint& endpoint) {
  const std::string address = render_ip(endpoint.address);
  const std::string host = endpoint.address.v6 ? "[" + address + "]" : address;
  return host + ":" + std::to_string(endpoint.port);
}

}  // namespace posthaste
