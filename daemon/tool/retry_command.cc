// posthaste retry: what a reply means to the configuration, and when its recipient would be tried
// again; without the daemon.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "daemon/reply_rule_files.h"
#include "daemon/tool/answer.h"
#include "daemon/tool/command.h"
#include "daemon/tool/installation.h"
#include "daemon/tool/time_text.h"
#include "lib/base/names.h"
#include "lib/smtp/reply_parser.h"

namespace posthaste::daemon::tool {
namespace {

using Fate = policy::RefusalMeaning::Fate;

constexpr std::array<std::string_view, 6> kStages{"greeting", "ehlo", "mail",
                                                  "rcpt",     "data", "final_dot"};
constexpr std::size_t kAttemptsShown = 8;

struct Explained {
  smtp::Reply reply;
  RoutingDomain domain;
  policy::RefusalMeaning meaning;
  bool temporary = false;
  const config::PlacedRule* rule = nullptr;  // null: the codes alone
  policy::RetryPolicy policy;
  std::vector<Duration> attempts;  // after the first one: when, at its earliest and without jitter
};

// A reply as a host sends it, "\n" between its lines.
Result<smtp::Reply> parse_refusal(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != std::string::npos; at += 2) {
    text.replace(at, 2, "\r\n");
  }
  text += "\r\n";
  smtp::ReplyParser parser;
  smtp::Reply reply;
  std::string_view rest = text;
  const auto status = parser.parse(rest, reply);
  const bool refusal = reply.temporary() || reply.permanent();
  if (status == smtp::ReplyParser::Status::kReply && rest.empty() && refusal) return reply;
  return fail(ErrorCode::kInvalid,
              "that is no refusal; give it as the host sends it, for example '450 4.7.1 come back "
              "later', with \\n between lines");
}

bool is_temporary(const smtp::Reply& reply, Fate fate, std::string_view stage) {
  switch (fate) {
    case Fate::kDefer: return true;
    case Fate::kBounce: return false;
    case Fate::kAsSaid: break;
  }
  // Who refuses so early speaks of us, and not of a message; but for 521 (RFC 7504 §3).
  const bool of_us = stage == "greeting" || stage == "ehlo";
  return reply.temporary() || (of_us && reply.code != 521);
}

// By the intervals alone, until the mail is returned.
std::vector<Duration> attempts(const policy::RetryPolicy& policy) {
  constexpr std::size_t kAttemptsMax = 100'000;
  std::vector<Duration> all;
  Duration at{};
  while (all.size() < kAttemptsMax) {
    at += policy.intervals[std::min(all.size(), policy.intervals.size() - 1)];
    if (at >= policy.expire_after) break;
    all.push_back(at);
  }
  return all;
}

Explained explain(const config::Config& config, const LoadedReplies& replies, smtp::Reply reply,
                  const Arguments& arguments) {
  Explained explained;
  const std::string stage = arguments.has("--stage") ? arguments.value("--stage") : "rcpt";
  const std::string host = fold_domain(arguments.value("--host"));
  const policy::RefusalFacts facts{.code = reply.code,
                                   .subject = reply.enhanced.subject,
                                   .detail = reply.enhanced.detail,
                                   .text = reply.text,
                                   .host = host,
                                   .stage = stage};
  explained.domain = RoutingDomain(fold_domain(arguments.value("--domain")));
  explained.meaning = replies.rules->meaning_of(facts);
  explained.temporary = is_temporary(reply, explained.meaning.fate, stage);
  for (const auto& placed : replies.placed) {
    if (placed.rule.name == explained.meaning.rule) explained.rule = &placed;
  }
  explained.policy = config.retry.policy_for(explained.domain, explained.meaning.retry_class);
  if (explained.temporary) explained.attempts = attempts(explained.policy);
  explained.reply = std::move(reply);
  return explained;
}

std::string place(const config::PlacedRule& rule) {
  return fmt::format("{}:{}", rule.file, rule.line);
}

std::string fate_in_words(const Explained& it) {
  std::string words = it.temporary ? "tried again" : "not tried again: returned to the sender";
  const bool said_otherwise = it.temporary != it.reply.temporary();
  if (said_otherwise) words += fmt::format(", although it is a {}", it.reply.code);
  if (it.meaning.slow_down) words += "; the host has enough of us, and gets less for a while";
  return words;
}

std::string rule_in_words(const Explained& it) {
  if (it.rule == nullptr) return "none; its codes tell the class";
  std::string words = fmt::format("{} ({})", it.rule->rule.name, place(*it.rule));
  if (!it.rule->rule.about.empty()) words += ": " + it.rule->rule.about;
  return words;
}

std::string spans(const std::vector<Duration>& all, std::size_t most) {
  std::string words;
  for (std::size_t i = 0; i < std::min(all.size(), most); ++i) {
    words += (words.empty() ? "" : ", ") + render_span(all[i]);
  }
  return words + (all.size() > most ? ", …" : "");
}

std::string tell(const Explained& it, const Style& style) {
  std::string out = style.bold(printable(smtp::render_reply(it.reply))) + "\n";
  out += fact("class", name(it.meaning.retry_class));
  out += fact("fate", fate_in_words(it));
  out += fact("rule", rule_in_words(it));
  if (!it.temporary) return out;
  const policy::RetryPolicy& policy = it.policy;
  const std::string whose = it.domain.text().empty() ? "" : it.domain.text() + ": ";
  out += fact("intervals",
              fmt::format("{}{}; the last one repeats; give or take {:.0f} %", whose,
                          spans(policy.intervals, policy.intervals.size()), policy.jitter * 100));
  out += fact("attempts", it.attempts.empty() ? "none: the mail is returned before"
                                              : fmt::format("after {}; {} in all",
                                                            spans(it.attempts, kAttemptsShown),
                                                            it.attempts.size()));
  if (policy.delay_notice_after > Duration::zero()) {
    out += fact("told", "its sender, after " + render_span(policy.delay_notice_after));
  }
  return out + fact("returned", "after " + render_span(policy.expire_after));
}

std::int64_t seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

std::vector<std::int64_t> seconds(const std::vector<Duration>& all) {
  std::vector<std::int64_t> counts;
  for (const Duration one : all) counts.push_back(seconds(one));
  return counts;
}

std::string json(const Explained& it) {
  Json told = {{"reply", smtp::render_reply(it.reply)},
               {"class", name(it.meaning.retry_class)},
               {"fate", name(it.meaning.fate)},
               {"temporary", it.temporary},
               {"slow_down", it.meaning.slow_down},
               {"rule", it.meaning.rule},
               {"rule_at", it.rule == nullptr ? std::string() : place(*it.rule)},
               {"domain", it.domain.text()}};
  if (it.temporary) {
    told["intervals_s"] = seconds(it.policy.intervals);
    told["jitter"] = it.policy.jitter;
    told["attempts_after_s"] = seconds(it.attempts);
    told["delay_notice_after_s"] = seconds(it.policy.delay_notice_after);
    told["expire_after_s"] = seconds(it.policy.expire_after);
  }
  return text_of(told) + "\n";
}

}  // namespace

Outcome explain_retry(const Arguments& arguments, const Style& style) {
  const std::string stage = arguments.value("--stage");
  if (!stage.empty() && std::find(kStages.begin(), kStages.end(), stage) == kStages.end()) {
    return {
        kNotUnderstood, {}, fmt::format("--stage: expected one of {}", fmt::join(kStages, ", "))};
  }
  auto reply = parse_refusal(arguments.operands[0]);
  if (!reply) return {kNotUnderstood, {}, reply.error().words};
  const auto installation = find_installation(arguments.value("--config"));
  if (!installation) return failed(installation.error().words);
  const LoadedReplies replies = load_replies(installation->config.replies);
  if (replies.rules == nullptr) return failed(config::render_diagnostic(replies.errors.front()));
  const auto it = explain(installation->config, replies, *std::move(reply), arguments);
  return {kDone, arguments.has("--json") ? json(it) : tell(it, style), installation->warning};
}

Outcome show_reply_rules(const Arguments& arguments, const Style& /*style*/) {
  const std::string text(config::shipped_reply_rules());
  return done(arguments.has("--json") ? text_of(Json{{"rules", text}}) + "\n" : text);
}

}  // namespace posthaste::daemon::tool
