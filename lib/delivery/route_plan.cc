#include "lib/delivery/route_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

bool refused(const IpAddress& address, const std::vector<Network>& allowed) {
  return is_special_purpose(address) && !contains_any(allowed, address);
}

// RFC 8305 §4: the families take turns, IPv6 first, each in the order that DNS gave.
std::vector<IpAddress> interleave(const std::vector<IpAddress>& v6,
                                  const std::vector<IpAddress>& v4) {
  std::vector<IpAddress> all;
  for (std::size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
    if (i < v6.size()) all.push_back(v6[i]);
    if (i < v4.size()) all.push_back(v4[i]);
  }
  if (all.size() > kAddressesMax) all.resize(kAddressesMax);
  return all;
}

// "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3).
Result<IpAddress> parse_literal(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
    return fail(ErrorCode::kInvalid, "no address literal");
  }
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view kTag = "ipv6:";
  if (text.size() > kTag.size() && equal_fold(text.substr(0, kTag.size()), kTag)) {
    text.remove_prefix(kTag.size());
  }
  return parse_ip(text);
}

std::uint16_t port_of(const Options& options, const RoutingDomain& domain, const MxName& host) {
  const std::uint16_t port = tls_policy_for(options, domain, host).port;
  return port != 0 ? port : options.port;
}

}  // namespace

std::string render_candidate(const Candidate& candidate) {
  return fmt::format("{}[{}]:{}", candidate.host.text(), render_ip(candidate.endpoint.address),
                     candidate.endpoint.port);
}

RoutePlan RoutePlan::of_route(const RouteRule& rule, const Options& options,
                              const RoutingDomain& domain) {
  RoutePlan plan;
  for (const RouteRule::Host& given : rule.hosts) {
    Host host;
    host.name = given.name;
    host.port = given.port != 0 ? given.port : port_of(options, domain, given.name);
    host.trusted = true;
    if (const auto address = parse_ip(given.name.text())) {
      host.known = true;
      host.addresses.push_back(*address);
    }
    plan.hosts_.push_back(std::move(host));
  }
  return plan;
}

RoutePlan RoutePlan::of_literal(const RoutingDomain& literal, const Options& options) {
  RoutePlan plan;
  const auto address = parse_literal(literal.text());
  if (!address) {
    plan.verdict_ = bad_literal(literal);
    return plan;
  }
  Host host;
  host.name = MxName(render_ip(*address));
  host.port = port_of(options, literal, host.name);
  host.known = true;
  if (refused(*address, options.allow_networks)) {
    plan.verdict_ = refused_address(host.name, *address);
  } else {
    host.addresses.push_back(*address);
  }
  plan.hosts_.push_back(std::move(host));
  return plan;
}

RoutePlan RoutePlan::of_mx(const dns::MxPlan& mx, Instant expires, const Options& options,
                           const RoutingDomain& domain) {
  CHECK(mx.kind != dns::MxPlan::Kind::kTemporary);
  RoutePlan plan;
  plan.expires_ = expires;
  if (mx.kind != dns::MxPlan::Kind::kHosts) plan.verdict_ = trouble_of_plan(mx);
  for (const MxName& name : mx.hosts) {
    Host host;
    host.name = name;
    host.port = port_of(options, domain, name);
    plan.hosts_.push_back(std::move(host));
  }
  return plan;
}

void RoutePlan::set_addresses(std::size_t index, const dns::Answer& a, const dns::Answer& aaaa,
                              const std::vector<Network>& allowed) {
  CHECK(index < hosts_.size() && !hosts_[index].known);
  Host& host = hosts_[index];
  host.known = true;
  std::optional<IpAddress> turned_away;
  const auto admit = [&](const dns::Answer& answer) {
    std::vector<IpAddress> admitted;
    for (const IpAddress& address : answer.addresses) {
      if (!host.trusted && refused(address, allowed)) {
        turned_away = address;
      } else {
        admitted.push_back(address);
      }
    }
    return admitted;
  };
  host.addresses = interleave(admit(aaaa), admit(a));
  if (!host.addresses.empty()) return;
  // One family that DNS did not answer for may be the one with the address.
  if (dns::temporary(a.status) || dns::temporary(aaaa.status)) {
    host.trouble = trouble_of_lookup(host.name, dns::temporary(a.status) ? a : aaaa);
  } else {
    host.trouble = turned_away ? refused_address(host.name, *turned_away) : no_address(host.name);
    // A route that leads nowhere is for the operator to mend, and no reason to return anybody's
    // mail.
    if (host.trusted) {
      host.trouble->permanent = false;
      host.trouble->status = host.trouble->reply.enhanced = {4, 3, 5};
    }
  }
}

void RoutePlan::set_tls(std::size_t host, std::shared_ptr<const HostTls> tls) {
  CHECK(host < hosts_.size() && hosts_[host].known && hosts_[host].tls == nullptr);
  hosts_[host].tls = std::move(tls);
}

}  // namespace posthaste::delivery
