// `posthaste send`: what a person would do with telnet, without the mistakes.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <random>

#include "daemon/tool/command.h"
#include "daemon/tool/installation.h"
#include "daemon/tool/message_content.h"
#include "daemon/tool/story.h"
#include "daemon/tool/submission.h"
#include "lib/base/ids.h"
#include "lib/mail/address.h"

namespace posthaste::daemon::tool {
namespace {

// Where a listener can be reached from this machine: "all addresses" is none to connect to.
std::string reachable(Endpoint listener) {
  const auto& bytes = listener.address.bytes;
  if (std::all_of(bytes.begin(), bytes.end(), [](auto octet) { return octet == 0; })) {
    listener.address = *parse_ip(listener.address.v6 ? "::1" : "127.0.0.1");
  }
  return render_endpoint(listener);
}

// "HOST:PORT" of characters that mean nothing else in a URL.
bool is_host_and_port(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::all_of(text.begin(), text.end(), allowed) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(), is_digit);
}

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return mail::check_domain(name.data(), false) ? std::string(name.data()) : "localhost";
}

std::string message_id(const std::string& host) {
  std::random_device device;
  return fmt::format("{:08x}{:08x}.posthaste@{}", device(), device(), host);
}

Result<std::string> parse_sender(std::string text) {
  if (text.empty())
    return fail(ErrorCode::kInvalid, "--from is missing (see posthaste send --help)");
  if (text == "<>") return std::string();
  const auto mailbox = mail::parse_mailbox(text, true);
  if (!mailbox) return fail(ErrorCode::kInvalid, "--from: " + mailbox.error().words);
  return text;
}

Result<std::vector<std::string>> parse_recipients(std::vector<std::string> texts) {
  if (texts.empty())
    return fail(ErrorCode::kInvalid, "--to is missing (see posthaste send --help)");
  for (const auto& text : texts) {
    const auto mailbox = mail::parse_mailbox(text, true);
    if (!mailbox) return fail(ErrorCode::kInvalid, "--to: " + mailbox.error().words);
  }
  return texts;
}

// Fills server and implicit_tls.
Status choose_server(const Arguments& arguments, Submission& submission) {
  if (arguments.has("--server")) {
    submission.server = arguments.value("--server");
    if (is_host_and_port(submission.server)) return {};
    return fail(ErrorCode::kInvalid, "--server: expected HOST:PORT, such as 127.0.0.1:587");
  }
  const auto installation = find_installation(arguments.value("--config"));
  if (!installation) return tl::unexpected(installation.error());
  const auto& listen = installation->config.listen;
  if (listen.empty()) {
    return fail(ErrorCode::kInvalid, "the configuration has no listener; say --server HOST:PORT");
  }
  submission.server = reachable(listen.front().address);
  submission.implicit_tls = listen.front().tls == config::ListenTls::kImplicit;
  return {};
}

}  // namespace

Outcome send_message(const Arguments& arguments, const Style& style) {
  auto from = parse_sender(arguments.value("--from"));
  if (!from) return {kNotUnderstood, {}, from.error().words};
  auto to = parse_recipients(arguments.values("--to"));
  if (!to) return {kNotUnderstood, {}, to.error().words};
  Submission submission;
  if (auto chosen = choose_server(arguments, submission); !chosen) {
    return {chosen.error().code == ErrorCode::kInvalid ? kNotUnderstood : kFailed,
            {},
            chosen.error().words};
  }
  const std::string file = arguments.has("--file") ? arguments.value("--file") : "-";
  const auto text = read_text(file);
  if (!text) return failed(text.error().words);
  submission.helo = machine_name();
  submission.from = std::move(*from);
  submission.to = std::move(*to);
  const auto now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  submission.content =
      prepare_content(*text, {submission.from, submission.to, now, message_id(submission.helo)});
  const auto reply = submit(submission);
  if (!reply) return failed(reply.error().words);
  return done(arguments.has("--json") ? json_of("reply", *reply) : style.good(*reply) + "\n");
}

}  // namespace posthaste::daemon::tool
