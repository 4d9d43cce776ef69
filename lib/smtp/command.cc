#include "lib/smtp/command.h"

#include <array>
#include <charconv>
#include <utility>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/mail/address.h"

namespace posthaste::smtp {
namespace {

struct NamedVerb {
  std::string_view name;
  Verb verb;
};
constexpr std::array kVerbs = {
    NamedVerb{"MAIL", Verb::kMail},    NamedVerb{"RCPT", Verb::kRcpt},
    NamedVerb{"DATA", Verb::kData},    NamedVerb{"BDAT", Verb::kBdat},
    NamedVerb{"EHLO", Verb::kEhlo},    NamedVerb{"HELO", Verb::kHelo},
    NamedVerb{"RSET", Verb::kRset},    NamedVerb{"NOOP", Verb::kNoop},
    NamedVerb{"QUIT", Verb::kQuit},    NamedVerb{"STARTTLS", Verb::kStartTls},
    NamedVerb{"VRFY", Verb::kVrfy},    NamedVerb{"EXPN", Verb::kExpn},
    NamedVerb{"HELP", Verb::kHelp},    NamedVerb{"GET", Verb::kHttp},
    NamedVerb{"POST", Verb::kHttp},    NamedVerb{"PUT", Verb::kHttp},
    NamedVerb{"CONNECT", Verb::kHttp}, NamedVerb{"OPTIONS", Verb::kHttp},
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '-' || c == '_';
}

bool is_address_literal(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  std::string_view inside = text.substr(1, text.size() - 2);
  constexpr std::string_view kTag = "IPv6:";
  if (equal_fold(inside.substr(0, kTag.size()), kTag)) inside.remove_prefix(kTag.size());
  return parse_ip(inside).has_value();
}

}  // namespace

tl::unexpected<Refusal> refuse(std::string line) {
  return tl::unexpected<Refusal>(Refusal{std::move(line)});
}

Command parse_command(std::string_view line) {
  line = trimmed(line);
  std::size_t end = 0;
  while (end < line.size() && !is_blank(line[end])) ++end;
  const std::string_view word = line.substr(0, end);
  for (const NamedVerb& known : kVerbs) {
    if (equal_fold(word, known.name)) return {known.verb, trimmed(line.substr(end))};
  }
  return {Verb::kUnknown, line};
}

Parsed<std::string_view> parse_helo_name(std::string_view argument) {
  if (argument.empty()) return refuse("501 5.5.4 say who you are: EHLO your.host.name");
  bool good = argument.size() <= mail::kDomainOctetsMax;
  if (good && !is_address_literal(argument)) {
    for (const char c : argument) good = good && is_name_character(c);
  }
  if (!good) return refuse("501 5.5.4 that is neither a host name nor an address literal");
  return argument;
}

bool parse_number(std::string_view digits, std::uint64_t& value) {
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  return error == std::errc() && stop == end && digits.size() <= 20;
}

Parsed<BdatArguments> parse_bdat(std::string_view argument) {
  BdatArguments parsed;
  const auto blank = argument.find(' ');
  const std::string_view tail =
      blank == std::string_view::npos ? std::string_view() : trimmed(argument.substr(blank));
  parsed.last = equal_fold(tail, "LAST");
  if (!parse_number(argument.substr(0, blank), parsed.octets) || (!tail.empty() && !parsed.last)) {
    return refuse("501 5.5.4 the syntax is BDAT octets [LAST]");
  }
  return parsed;
}

}  // namespace posthaste::smtp
