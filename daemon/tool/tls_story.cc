#include "daemon/tool/tls_story.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/tool/answer.h"
#include "daemon/tool/pages.h"
#include "daemon/tool/time_text.h"
#include "daemon/tool/tls_words.h"

namespace posthaste::daemon::tool {
namespace {

std::string fields_table(const Json& fields, const Style& style) {
  Table table({{"FIELD"}, {"VALUE"}, {"FROM"}});
  for (const auto& field : fields) {
    table.add({text(field, "field"), text(field, "value"), text(field, "origin")});
  }
  return table.render(style);
}

std::string profile_block(const Json& profile, const Style& style) {
  if (profile.empty()) return {};
  constexpr int kNameWidth = 20;
  std::string said = "\nprofile " + style.bold(text(profile, "name")) + "\n";
  for (const char* key : {"min_version", "max_version", "ciphersuites", "ciphers", "groups",
                          "signature_algorithms"}) {
    said += fact(key, text(profile, key), kNameWidth);
  }
  const auto level = profile.find("security_level");
  if (level != profile.end()) said += fact("security_level", level->dump(), kNameWidth);
  return said;
}

std::string dane_text(const Json& host) {
  const std::string dane = text(host, "dane"), records = joined(host, "tlsa");
  std::string said = records.empty() ? dane : dane + ": " + records;
  if (flag(host, "insecure_mx")) said += " (DNSSEC does not vouch for the host's name)";
  return said;
}

std::string sts_text(const Json& host) {
  const std::string sts = text(host, "sts");
  if (sts.empty() || sts == "none") return sts;
  return sts + (flag(host, "sts_names_host") ? ", names this host" : ", does not name this host");
}

std::string lifetime_text(const Json& known, Instant now) {
  const auto learned = time(known, "learned"), expires = time(known, "expires");
  std::string said;
  if (learned) said += ", learned " + render_distance(*learned, now);
  if (expires) said += ", lapses " + render_distance(*expires, now);
  return said;
}

std::string remembered_text(const Json& known, Instant now) {
  if (known.empty()) return {};
  const std::string failure = text(known, "failure");
  std::string said =
      failure.empty() ? "works with " + text(known, "profile") : "failed: " + failure;
  return said + lifetime_text(known, now);
}

std::string host_block(const Json& host, const Style& style, Instant now) {
  std::string said =
      "\n" + style.bold(fmt::format("{}:{}", text(host, "host"), number(host, "port"))) + "\n";
  said += fact("no address", text(host, "words"));
  if (flag(host, "judged")) {
    said += fact("level", demand_text(host, "tlsa"));
    said += fact("SNI", text(host, "sni"));
    said += fact("DANE", dane_text(host));
    said += fact("MTA-STS", sts_text(host));
  }
  for (const auto& field : list(host, "fields")) {
    said += fact("of its own", fmt::format("{}: {} ({})", text(field, "field"),
                                           text(field, "value"), text(field, "origin")));
  }
  const std::string barred = text(host, "barred");
  if (!barred.empty()) said += fact("not used", style.bad(barred));
  if (flag(host, "shown_verified")) {
    said += fact("guarded", "has shown verified TLS: without it, it is not believed");
  }
  for (const auto& address : list(host, "addresses")) {
    const std::string known = remembered_text(part(address, "remembered"), now);
    said += fact(text(address, "address"),
                 "next: " + text(address, "next") + (known.empty() ? "" : "; " + known));
  }
  return said;
}

std::string attempt_block(const Json& answer, const Style& style) {
  const std::string words = text(answer, "attempt_words");
  Table table({{"HOST"}, {"ADDRESS"}, {"OFFER"}, {"LEVEL"}, {"BY"}});
  for (const auto& call : list(answer, "attempt")) {
    table.add({text(call, "host"), text(call, "address"), text(call, "offer"), text(call, "level"),
               text(call, "source")});
  }
  if (table.empty() && words.empty()) return {};
  std::string said = "\n" + style.bold("the next attempt calls, while nobody answers") + "\n";
  if (!table.empty()) said += table.render(style);
  return words.empty() ? said : said + words + "\n";
}

// Enough to tell one from another.
std::string short_fingerprint(std::string fingerprint) {
  constexpr std::string_view kKind = "sha256:";
  constexpr std::size_t kDigits = 12;
  if (fingerprint.starts_with(kKind)) fingerprint.erase(0, kKind.size());
  return fingerprint.substr(0, kDigits);
}

}  // namespace

Result<std::string> tell_tls(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Instant now = now_of(*json);
  std::string said = "TLS to " + style.bold(text(*json, "domain")) + "\n\n";
  said += fields_table(list(*json, "fields"), style);
  said += profile_block(part(*json, "profile"), style);
  const std::string verdict = text(*json, "verdict");
  if (!verdict.empty()) said += "\n" + style.bad(verdict) + "\n";
  const Json sts = part(*json, "sts");
  if (!sts.empty()) {
    const auto age =
        std::chrono::seconds(std::min<std::uint64_t>(number(sts, "max_age_s"), 1U << 30));
    said += fmt::format("\nMTA-STS policy: {}, for {}, good for {}\n", text(sts, "mode"),
                        joined(sts, "mx"), render_span(age));
  }
  for (const auto& host : list(*json, "hosts")) said += host_block(host, style, now);
  return said + attempt_block(*json, style);
}

Result<std::string> tell_tls_memory(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Instant now = now_of(*json);
  Table table({{"HOST"}, {"POLICY"}, {"LEARNED"}, {"LAPSES"}, {"WHAT"}});
  for (const auto& entry : list(*json, "entries")) {
    const std::string failure = text(entry, "failure");
    const bool shown = text(entry, "kind") == "shown";
    const auto distance = [&](const char* key) {
      const auto then = time(entry, key);
      return then ? render_distance(*then, now) : std::string("-");
    };
    std::string what =
        shown ? "has shown verified TLS" : fmt::format("rung {} works", number(entry, "rung") + 1);
    if (!failure.empty()) what = "failed: " + failure;
    table.add({text(entry, "subject"), shown ? "-" : short_fingerprint(text(entry, "policy")),
               distance("learned"), distance("expires"), std::move(what)});
  }
  if (table.empty()) return std::string("nothing is remembered of any host's TLS\n");
  return table.render(style) +
         end_of_page(*json, plural(list(*json, "entries").size(), "note"), style);
}

Result<std::string> tell_tls_forgotten(std::string_view answer, const Style& /*style*/) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const auto count = number(*json, "forgotten");
  const std::string host = text(*json, "host");
  if (count == 0) return "nothing was remembered of the TLS of " + host + "\n";
  return fmt::format("{} about {} forgotten\n", plural(count, "note"), host);
}

}  // namespace posthaste::daemon::tool
