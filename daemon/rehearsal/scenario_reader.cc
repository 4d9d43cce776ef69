#include "daemon/rehearsal/scenario_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "config/values.h"
#include "daemon/rehearsal/keyed_section.h"
#include "daemon/rehearsal/scenario_values.h"

namespace posthaste::rehearsal {
namespace {

using namespace std::chrono_literals;
using config::Node;

constexpr std::size_t kHostsMax = 20'000, kDomainsMax = 20'000, kIncidentsMax = 1000;

// The value that stands beside a word.
template <typename Value, std::size_t N>
auto one_of(const std::array<std::pair<std::string_view, Value>, N>& all) {
  return [&all](std::string_view text) -> std::optional<Value> {
    for (const auto& [word, value] : all) {
      if (word == text) return value;
    }
    return std::nullopt;
  };
}

constexpr std::array<std::pair<std::string_view, bool>, 2> kDown{
    {{"refused", false}, {"silent", true}}};
constexpr std::array<std::pair<std::string_view, bool>, 2> kStartTls{
    {{"dropped", false}, {"refused", true}}};
constexpr std::array<std::pair<std::string_view, policy::StsMode>, 3> kStsModes{
    {{"none", policy::StsMode::kNone},
     {"testing", policy::StsMode::kTesting},
     {"enforce", policy::StsMode::kEnforce}}};
constexpr std::array<std::pair<std::string_view, Flaw>, 5> kFlaws{
    {{"expired", Flaw::kExpired},
     {"self_signed", Flaw::kSelfSigned},
     {"untrusted", Flaw::kUntrusted},
     {"wrong_name", Flaw::kWrongName},
     {"other_key", Flaw::kOtherKey}}};
constexpr std::array<std::pair<std::string_view, ReplyAt>, 6> kReplyAt{
    {{"greeting", ReplyAt::kGreeting},
     {"ehlo", ReplyAt::kEhlo},
     {"mail", ReplyAt::kMail},
     {"rcpt", ReplyAt::kRcpt},
     {"data", ReplyAt::kData},
     {"content", ReplyAt::kContent}}};
constexpr std::array<std::pair<std::string_view, dns::AnswerStatus>, 3> kDns{
    {{"servfail", dns::AnswerStatus::kServFail},
     {"timeout", dns::AnswerStatus::kTimeout},
     {"nxdomain", dns::AnswerStatus::kNxDomain}}};
constexpr std::array<std::pair<std::string_view, bool ScenarioHost::*>, 8> kExtensions{
    {{"starttls", &ScenarioHost::starttls},
     {"pipelining", &ScenarioHost::pipelining},
     {"chunking", &ScenarioHost::chunking},
     {"size", &ScenarioHost::size},
     {"8bitmime", &ScenarioHost::eight_bit},
     {"smtputf8", &ScenarioHost::utf8},
     {"dsn", &ScenarioHost::dsn},
     {"requiretls", &ScenarioHost::requiretls}}};

auto duration_within(Duration least, Duration most) {
  return [=](std::string_view text) -> std::optional<Duration> {
    const auto duration = config::parse_duration(text);
    return duration && *duration >= least && *duration <= most ? duration : std::nullopt;
  };
}
auto count_within(std::uint64_t least, std::uint64_t most) {
  return [=](std::string_view text) -> std::optional<std::uint64_t> {
    const auto count = config::parse_count(text);
    return count && *count >= least && *count <= most ? count : std::nullopt;
  };
}
auto number_to(double most) {
  return [=](std::string_view text) { return parse_number(text, most); };
}

std::optional<policy::DomainPattern> parse_pattern(std::string_view text) {
  if (text == "*") return policy::DomainPattern{"*"};
  auto pattern = policy::parse_domain_pattern(text);
  return pattern ? std::optional(*pattern) : std::nullopt;
}

class Reader {
 public:
  explicit Reader(config::Findings& findings) : findings_(findings) {}

  Scenario read(const Node& root) {
    const KeyedSection file(root, "", findings_);
    const auto line = [](std::string_view text) { return std::optional(std::string(text)); };
    scenario_.title = file.value("title", line).value_or("");
    scenario_.start = file.value("start", parse_date).value_or(*parse_date("2026-03-02 00:00"));
    since_midnight_ = scenario_.start - std::chrono::floor<std::chrono::days>(scenario_.start);
    scenario_.length = file.value("length", duration_within(1min, 60 * 24h)).value_or(168h);
    scenario_.late_after = file.value("late_after", duration_within(1s, 60 * 24h)).value_or(1h);
    for (const Node* node : file.sections("hosts")) read_host(*node);
    for (const Node* node : file.sections("domains")) read_domain(*node);
    for (const Node* node : file.sections("incidents")) read_incident(*node);
    if (const Node* load = file.find("load")) read_load(*load);
    const bool shared = std::any_of(scenario_.groups.begin(), scenario_.groups.end(),
                                    [](const DomainGroup& group) { return group.share > 0; });
    if (!shared && !findings_.has_errors()) file.error("no domain has a share of the mail");
    return std::move(scenario_);
  }

 private:
  using Names = std::vector<std::pair<std::string, std::string>>;

  // Names of hosts or domains with their numbers.
  std::optional<Names> names(const KeyedSection& section) {
    return section.value("name", [](std::string_view text) -> std::optional<Names> {
      auto all = expand(text);
      if (!all) return std::nullopt;
      for (auto& [number, name] : *all) {
        auto folded = config::parse_host_name(name);
        if (!folded) return std::nullopt;
        name = *std::move(folded);
      }
      return all;
    });
  }

  void read_host(const Node& node) {
    const KeyedSection section(node, "hosts", findings_);
    ScenarioHost made = usual_host();
    if (section.has("offers")) {
      for (const auto& [word, member] : kExtensions) made.*member = false;
      for (const auto member : section.values("offers", one_of(kExtensions))) made.*member = true;
    }
    made.dane = section.value("dane", config::parse_flag).value_or(false);
    made.dnssec = section.value("dnssec", config::parse_flag).value_or(made.dane);
    const auto addresses = section.value("addresses", count_within(1, 8)).value_or(1);
    const auto all = names(section);
    if (!all) return;
    for (const auto& [number, name] : *all) {
      if (hosts_.contains(name)) {
        return section.error(fmt::format("{} is there twice", config::quoted(name)));
      }
      add_host(made, name, addresses);
    }
  }

  static ScenarioHost usual_host() {
    ScenarioHost host;
    host.chunking = host.utf8 = true;
    return host;
  }

  std::size_t add_host(ScenarioHost host, const std::string& name, std::uint64_t addresses) {
    const std::size_t index = scenario_.hosts.size();
    if (index >= kHostsMax) {
      findings_.error(0, 0, fmt::format("more than {} hosts", kHostsMax));
      return index - 1;
    }
    host.name = MxName(name);
    for (std::uint64_t i = 0; i < addresses; ++i) {
      host.addresses.push_back(ipv4(11, static_cast<std::uint8_t>(index >> 8),
                                    static_cast<std::uint8_t>(index),
                                    static_cast<std::uint8_t>(i + 1)));
    }
    scenario_.hosts.push_back(std::move(host));
    hosts_.emplace(name, index);
    return index;
  }

  void read_domain(const Node& node) {
    const KeyedSection section(node, "domains", findings_);
    ScenarioDomain made;
    made.group = scenario_.groups.size();
    made.dnssec = section.value("dnssec", config::parse_flag).value_or(false);
    made.sts = section.value("mta_sts", one_of(kStsModes)).value_or(policy::StsMode::kNone);
    const double share = section.value("share", number_to(1e6)).value_or(1);
    const auto all = names(section);
    if (!all) return;
    scenario_.groups.push_back({section.find("name")->text, share});
    for (const auto& [number, name] : *all) {
      if (!domains_.try_emplace(name, scenario_.domains.size()).second) {
        return section.error(fmt::format("{} is there twice", config::quoted(name)));
      }
      if (scenario_.domains.size() >= kDomainsMax) {
        return section.error(fmt::format("more than {} domains", kDomainsMax));
      }
      made.name = RoutingDomain(name);
      made.mx = mx_of(section, number, name);
      scenario_.domains.push_back(made);
    }
  }

  std::vector<ScenarioDomain::Mx> mx_of(const KeyedSection& section, const std::string& number,
                                        const std::string& domain) {
    auto written = section.values("mx", [&](std::string_view text) {
      std::string whole(text);
      for (std::size_t at; (at = whole.find("{}")) != std::string::npos;) {
        whole.replace(at, 2, number);
      }
      return parse_mx(whole);
    });
    if (!section.has("mx")) written.emplace_back(std::uint16_t{10}, "mx." + domain);
    std::vector<ScenarioDomain::Mx> mx;
    for (const auto& [preference, name] : written) {
      const auto found = hosts_.find(name);
      mx.push_back(
          {preference, found != hosts_.end() ? found->second : add_host(usual_host(), name, 1)});
    }
    return mx;
  }

  void read_incident(const Node& node) {
    const KeyedSection section(node, "incidents", findings_);
    const auto when = [&](std::string_view text) -> std::optional<Duration> {
      const auto since = parse_when(text, since_midnight_);
      return since ? std::optional(*since - since_midnight_) : std::nullopt;
    };
    Incident made;
    made.hosts = section.values("hosts", parse_pattern);
    made.domains = section.values("domains", parse_pattern);
    made.from = section.value("from", when).value_or(Duration(0));
    if (const auto to = section.value("to", when)) made.until = *to;
    if (const auto span = section.value("for", duration_within(1s, 60 * 24h))) {
      if (section.has("to"))
        section.error("both \"to\" and \"for\"; one of them says when it ends");
      made.until = std::max(made.from, Duration(0)) + *span;
    }
    made.every = section.value("every", duration_within(1min, 60 * 24h)).value_or(Duration(0));
    made.trouble = read_trouble(section);
    check_incident(section, made);
    if (scenario_.incidents.size() >= kIncidentsMax) return section.error("too many incidents");
    scenario_.incidents.push_back(std::move(made));
  }

  void check_incident(const KeyedSection& section, const Incident& incident) {
    if (!section.has("hosts") && !section.has("domains")) {
      section.error("\"hosts\" or \"domains\" is missing here; for example hosts: [\"*\"]");
    }
    if (incident.until <= incident.from) section.error("it ends before it begins");
    if (incident.every > Duration(0) && incident.until == Duration::max()) {
      section.error("\"every\" needs \"to\" or \"for\"");
    }
    const bool any = section.has("down") || section.has("starttls") || section.has("handshake") ||
                     section.has("certificate") || section.has("greylist") ||
                     section.has("connections_max") || section.has("messages_max") ||
                     section.has("reply") || section.has("latency") || section.has("dns");
    if (!any) section.error("nothing happens here; for example down: refused");
    if (!section.has("reply") && (section.has("at") || section.has("probability"))) {
      section.error("\"at\" and \"probability\" are about \"reply\", which is missing here");
    }
    for (const auto& pattern : incident.hosts) check_known(section, "hosts", pattern, hosts_);
    for (const auto& pattern : incident.domains) check_known(section, "domains", pattern, domains_);
  }

  // An incident that befalls nobody is a slip.
  static void check_known(const KeyedSection& section, std::string_view key,
                          const policy::DomainPattern& pattern,
                          const std::unordered_map<std::string, std::size_t>& all) {
    if (pattern.text == "*" || all.contains(pattern.text)) return;
    const bool some = std::any_of(all.begin(), all.end(),
                                  [&](const auto& one) { return pattern.matches(one.first); });
    if (!some) {
      section.error(fmt::format("{} has none of the {}", config::quoted(pattern.text), key));
    }
  }

  static Trouble read_trouble(const KeyedSection& section) {
    Trouble trouble;
    trouble.down = section.value("down", one_of(kDown));
    trouble.starttls_refused = section.value("starttls", one_of(kStartTls));
    trouble.handshake =
        section.value("handshake", [&](std::string_view text) -> std::optional<policy::TlsFailure> {
          if (text == "needs_compat") trouble.only_profile = "compat";
          if (text == "needs_reduced") trouble.only_profile = "reduced";
          if (text == "needs_compat") return policy::TlsFailure::kPeerHandshakeFailure;
          if (text == "needs_reduced") return policy::TlsFailure::kReset;
          const auto failure = policy::parse_tls_failure(text);
          const bool fits = failure && policy::kind(*failure) == policy::TlsFailureKind::kHandshake;
          return fits ? failure : std::nullopt;
        });
    trouble.certificate = section.value("certificate", one_of(kFlaws));
    trouble.greylist = section.value("greylist", duration_within(1s, 24h));
    if (const auto most = section.value("connections_max", count_within(0, 100'000))) {
      trouble.connections_max = static_cast<std::uint32_t>(*most);
    }
    if (const auto rate = section.value("messages_max", config::parse_rate)) {
      if (rate->count > 0) trouble.messages_max = MessagesMax{rate->count, rate->per};
    }
    trouble.reply = section.value("reply", parse_reply);
    if (trouble.reply) {
      trouble.reply->at = section.value("at", one_of(kReplyAt)).value_or(ReplyAt::kRcpt);
      trouble.reply->probability = section.value("probability", number_to(1)).value_or(1);
    }
    trouble.latency = section.value("latency", duration_within(1ms, 10min));
    trouble.dns = section.value("dns", one_of(kDns));
    return trouble;
  }

  void read_load(const Node& node) {
    const KeyedSection section(node, "load", findings_);
    LoadPlan& load = scenario_.load;
    load.messages_per_hour = section.value("messages_per_hour", number_to(1e6)).value_or(100);
    const auto factors = section.values("by_hour", number_to(100));
    if (factors.size() == load.by_hour.size()) {
      std::copy(factors.begin(), factors.end(), load.by_hour.begin());
    } else if (const Node* written = section.find("by_hour")) {
      section.complain("by_hour", *written);
    }
    const auto recipients = section.value("recipients", parse_range).value_or(std::pair(1U, 1U));
    std::tie(load.recipients_min, load.recipients_max) = recipients;
    load.size = section.value("size", config::parse_size).value_or(load.size);
    load.require_tls = section.value("require_tls", number_to(1)).value_or(0);
    load.tls_optional = section.value("tls_optional", number_to(1)).value_or(0);
  }

  config::Findings& findings_;
  Scenario scenario_;
  Duration since_midnight_{};
  std::unordered_map<std::string, std::size_t> hosts_, domains_;
};

}  // namespace

ParsedScenario parse_scenario(std::string_view yaml, std::string file_name) {
  config::Findings findings(std::move(file_name));
  const Node root = config::parse_yaml(yaml, findings);
  ParsedScenario parsed;
  if (!findings.has_errors()) {
    Scenario scenario = Reader(findings).read(root);
    if (!findings.has_errors()) parsed.scenario = std::move(scenario);
  }
  parsed.errors = findings.take_errors();
  return parsed;
}

}  // namespace posthaste::rehearsal
