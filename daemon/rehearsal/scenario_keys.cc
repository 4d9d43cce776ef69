#include "daemon/rehearsal/scenario_keys.h"

#include <fmt/format.h>

#include <array>

namespace posthaste::rehearsal {
namespace {

// clang-format off
constexpr std::array kKeys{
    ScenarioKey{"", "title", "a line of text", "", "What is rehearsed; printed above the results"},
    ScenarioKey{"", "start", "a time in UTC", "2026-03-02 00:00", "When the rehearsal begins", false, true},
    ScenarioKey{"", "length", "a duration from 1m to 60d", "7d", "How long it is; mail that waits at the end is shown as queued", false, true},
    ScenarioKey{"", "late_after", "a duration from 1s to 60d", "1h", "Mail that needs longer is late", false, true},
    ScenarioKey{"", "hosts", "a list of sections", "", "Mail hosts that are not as usual; an MX that is not among them has every default"},
    ScenarioKey{"", "domains", "a list of sections", "", "Where the mail goes", true},
    ScenarioKey{"", "incidents", "a list of sections", "", "What befalls hosts and domains, and when; of two at a time the later one in the file counts"},
    ScenarioKey{"", "load", "a section of keys", "", "The mail that is submitted"},

    ScenarioKey{"hosts", "name", "a host name, perhaps with one [FROM-TO]", "mx[1-3].example.com", "One host, or one for each number", true},
    ScenarioKey{"hosts", "addresses", "a count from 1 to 8", "1", "How many IPv4 addresses it has", false, true},
    ScenarioKey{"hosts", "offers", "a list of extensions", "[starttls, pipelining, chunking, size, 8bitmime, smtputf8]", "What it offers; also dsn, requiretls", false, true},
    ScenarioKey{"hosts", "dnssec", "true or false", "false", "Its zone is signed", false, true},
    ScenarioKey{"hosts", "dane", "true or false", "false", "It publishes a TLSA record of its key, in a signed zone", false, true},

    ScenarioKey{"domains", "name", "a domain, perhaps with one [FROM-TO]", "d[1-200].example", "One domain, or one for each number; they share a line of the results", true},
    ScenarioKey{"domains", "mx", "a list of hosts, each perhaps with its preference in front", "[10 mx1.example.com, 20 mx2.example.com]", "Its mail hosts, {} being the number in its name; by default mx. and its name"},
    ScenarioKey{"domains", "share", "a number from 0 to 1000000", "1", "Its share of the mail, compared with the others'", false, true},
    ScenarioKey{"domains", "dnssec", "true or false", "false", "Its zone is signed", false, true},
    ScenarioKey{"domains", "mta_sts", "one of none, testing, enforce", "none", "The mode of its MTA-STS policy, which names all its hosts", false, true},

    ScenarioKey{"incidents", "hosts", "a list of hosts, or *.DOMAIN", "[mx1.example.com]", "Whom it befalls; * is every host"},
    ScenarioKey{"incidents", "domains", "a list of domains, or *.DOMAIN", "[example.com]", "Likewise: all hosts of these domains"},
    ScenarioKey{"incidents", "from", "a time of the first day, \"day 3 10:00\", or a duration since the start", "10:00", "When it begins; by default with the rehearsal"},
    ScenarioKey{"incidents", "to", "a time as in from", "16:00", "When it ends; by default never"},
    ScenarioKey{"incidents", "for", "a duration from 1s to 60d", "6h", "How long it takes, in place of to"},
    ScenarioKey{"incidents", "every", "a duration from 1m to 60d", "1d", "It comes again after so long"},
    ScenarioKey{"incidents", "down", "one of refused, silent", "refused", "Connections are refused, or nobody answers"},
    ScenarioKey{"incidents", "starttls", "one of dropped, refused", "dropped", "STARTTLS is not offered any more, or refused with 454"},
    ScenarioKey{"incidents", "handshake", "a TLS failure as in docs/tls.md, needs_compat or needs_reduced", "peer_handshake_failure", "Handshakes fail so; or unless that profile is offered"},
    ScenarioKey{"incidents", "certificate", "one of expired, self_signed, untrusted, wrong_name, other_key", "expired", "What is wrong with the certificate that is shown; other_key does not match TLSA"},
    ScenarioKey{"incidents", "greylist", "a duration from 1s to 1d", "5m", "A sender, recipient pair is turned away with 450 until it is known for so long"},
    ScenarioKey{"incidents", "connections_max", "a count from 0 to 100000", "10", "421 for every connection beyond so many"},
    ScenarioKey{"incidents", "messages_max", "a rate", "100/m", "421 for every message beyond so many"},
    ScenarioKey{"incidents", "reply", "a code from 400 to 599 and words", "451 4.3.0 try again later", "What the host says at that point; 421 ends the connection"},
    ScenarioKey{"incidents", "at", "one of greeting, ehlo, mail, rcpt, data, content", "rcpt", "Where it says so", false, true},
    ScenarioKey{"incidents", "probability", "a number from 0 to 1", "1", "How often it says so", false, true},
    ScenarioKey{"incidents", "latency", "a duration from 1ms to 10m", "2s", "How long each reply takes"},
    ScenarioKey{"incidents", "dns", "one of servfail, timeout, nxdomain", "servfail", "What DNS says of the domains named, or of the hosts"},

    ScenarioKey{"load", "messages_per_hour", "a number from 0 to 1000000", "100", "On average, where by_hour is 1", false, true},
    ScenarioKey{"load", "by_hour", "a list of 24 numbers from 0 to 100", "", "Factors for the hours of the day, from midnight UTC on; 1 where there are none"},
    ScenarioKey{"load", "recipients", "a count, or a range of counts, up to 1000", "1..3", "How many recipients a message has, each at a domain of his own"},
    ScenarioKey{"load", "size", "a size", "20KiB", "How large messages are", false, true},
    ScenarioKey{"load", "require_tls", "a number from 0 to 1", "0", "The share of messages with REQUIRETLS", false, true},
    ScenarioKey{"load", "tls_optional", "a number from 0 to 1", "0", "The share of messages with TLS-Required: No", false, true},
};
// clang-format on

}  // namespace

std::span<const ScenarioKey> scenario_keys() { return kKeys; }

const ScenarioKey* find_scenario_key(std::string_view section, std::string_view name) {
  for (const ScenarioKey& key : kKeys) {
    if (key.section == section && key.name == name) return &key;
  }
  return nullptr;
}

std::string render_scenario_keys() {
  std::string text;
  const ScenarioKey* last = nullptr;
  for (const ScenarioKey& key : kKeys) {
    if (last == nullptr || last->section != key.section) {
      text += fmt::format("{}### {}\n\n| key | value | default | |\n|---|---|---|---|\n",
                          last == nullptr ? "" : "\n",
                          key.section.empty() ? "The file" : fmt::format("`{}`", key.section));
    }
    last = &key;
    const std::string fallback = key.is_default ? fmt::format("`{}`", key.example)
                                 : key.required ? "required"
                                                : "";
    const bool shows = !key.is_default && !key.example.empty();
    text += fmt::format("| `{}` | {}{} | {} | {} |\n", key.name, key.expected,
                        shows ? fmt::format(": `{}`", key.example) : "", fallback, key.doc);
  }
  return text;
}

}  // namespace posthaste::rehearsal
