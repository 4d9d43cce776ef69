#include <fmt/format.h>

#include "daemon/tool/answer.h"
#include "daemon/tool/tls_story.h"
#include "daemon/tool/tls_words.h"

namespace posthaste::daemon::tool {
namespace {

constexpr int kInner = 13;  // columns of a name below an address

std::string indented(std::string_view name, std::string_view value) {
  return value.empty() ? std::string() : "  " + fact(name, value, kInner);
}

std::string way_text(const Json& report) {
  const std::string route = text(report, "route");
  if (route == "route") return "by delivery.routes";
  if (route == "literal") return "by address";
  return flag(report, "mx_secure") ? "by MX, which DNSSEC vouches for"
                                   : "by MX, which DNSSEC does not vouch for";
}

std::string sts_text(const Json& sts) {
  if (sts.empty()) return "not asked for";
  const std::string mode = text(sts, "mode");
  if (mode == "none") return "none: " + text(sts, "words");
  return fmt::format("{}, id {}, for {}", mode, text(sts, "id"), joined(sts, "mx"));
}

std::string verdict_text(const std::string& verdict, const Style& style) {
  if (verdict == "delivers") return style.good("mail goes there");
  if (verdict == "plaintext") return style.good("mail goes there, in plaintext");
  if (verdict == "plaintext_later") {
    return style.bad("mail waits, and goes there in plaintext after plaintext_after");
  }
  if (verdict == "bounces") return style.bad("mail is returned");
  if (verdict == "unreachable") return style.bad("no session");
  return style.bad("no mail goes there");
}

std::string session_text(const Json& tls) {
  std::string said = text(tls, "version") + " " + text(tls, "cipher");
  if (const std::string group = text(tls, "group"); !group.empty()) said += ", " + group;
  if (!flag(tls, "forward_secret")) said += ", no forward secrecy";
  if (flag(tls, "verified")) return said + ", verified by " + text(tls, "authenticated_by");
  return said + ", not verified: " + text(tls, "certificate");
}

std::string call_line(const Json& call, const Style& style) {
  const Json tls = part(call, "tls");
  std::string profile = text(call, "profile");
  if (profile.empty()) profile = "plaintext";
  if (flag(call, "observing")) profile = "to look";
  std::string said;
  if (!tls.empty()) {
    const auto took = call.value("seconds", 0.0);
    said = indented(profile, session_text(tls) + fmt::format(", {:.0f} ms", took * 1000));
  }
  const std::string failure = text(call, "failure"), words = text(call, "words");
  if (!words.empty()) {
    const std::string why = failure.empty() ? words : failure + ": " + words;
    said += indented(said.empty() ? profile : "", style.bad(why));
  }
  return said.empty() ? indented(profile, "ready for mail") : said;
}

std::string day_text(const Json& certificate, const char* key) {
  return text(certificate, key).substr(0, 10);
}

std::string certificate_block(const Json& certificate, std::size_t depth) {
  std::string said = indented(fmt::format("certificate {}", depth), text(certificate, "subject"));
  said += indented("  issuer", text(certificate, "issuer"));
  said += indented("  names", joined(certificate, "names"));
  said += indented("  valid", fmt::format("{} to {}", day_text(certificate, "not_before"),
                                          day_text(certificate, "not_after")));
  return said + indented("  key", text(certificate, "fingerprint"));
}

// What the last call that has it says: the certificates, and what is offered.
std::string evidence_block(const Json& calls) {
  std::string said;
  const auto last = [&](const char* key) {
    Json found;
    for (const auto& call : calls) {
      if (const Json part = list(call, key); !part.empty()) found = call;
    }
    return found;
  };
  if (const Json call = last("offers"); !call.is_null()) {
    said += indented("offers", joined(call, "offers"));
  }
  const Json call = last("chain");
  if (call.is_null()) return said;
  std::size_t depth = 0;
  for (const auto& certificate : list(call, "chain"))
    said += certificate_block(certificate, depth++);
  return said;
}

std::string host_block(const Json& host, const Style& style) {
  std::string said =
      style.bold(fmt::format("{}:{}", text(host, "host"), number(host, "port"))) + "\n";
  said += fact("no address", text(host, "trouble"));
  said += fact("DANE", text(part(host, "dane"), "words"));
  const Json demand = part(host, "demand");
  if (!demand.empty()) said += fact("level", demand_text(demand, "records"));
  said += fact("ladder", joined(host, "ladder"));
  if (const std::string barred = text(host, "barred"); !barred.empty()) {
    said += fact("not used", style.bad(barred));
  }
  for (const auto& address : list(host, "addresses")) {
    said += fmt::format("\n  {}  {}\n", text(address, "endpoint"),
                        verdict_text(text(address, "verdict"), style));
    const Json calls = list(address, "calls");
    for (const auto& call : calls) said += call_line(call, style);
    said += evidence_block(calls);
  }
  return said;
}

}  // namespace

Result<std::string> tell_probe(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  std::string said = "TLS of " + style.bold(text(*json, "domain")) + ", looked at from here\n";
  said += fact("hosts", way_text(*json));
  if (text(*json, "route") == "mx") said += fact("MTA-STS", sts_text(part(*json, "mta_sts")));
  if (const std::string trouble = text(*json, "trouble"); !trouble.empty()) {
    said += fact("trouble", style.bad(trouble));
  }
  for (const auto& host : list(*json, "hosts")) said += "\n" + host_block(host, style);
  return said;
}

}  // namespace posthaste::daemon::tool
