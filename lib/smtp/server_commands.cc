#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/smtp/ehlo_reply.h"
#include "lib/smtp/server_state.h"
#include "lib/smtp/submission_access.h"

namespace posthaste::smtp {
namespace {

constexpr unsigned kErrorsMax = 20;
// What a client that declares no size is expected to send; most messages are smaller.
constexpr std::uint64_t kUndeclaredBytes = 8 * 1024;

constexpr std::string_view kMailFirst = "503 5.5.1 send MAIL first";
constexpr std::string_view kAfterBdat = "503 5.5.1 not between BDAT and BDAT LAST: send RSET first";

bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < ' ' && octet != '\t') || octet == 0x7F;
  });
}

}  // namespace

// ---- replies

void ServerSession::State::reply(std::string_view line) {
  constexpr std::size_t kUsual = 256;  // a pipelined transaction's replies
  if (replies.empty()) replies.reserve(kUsual);
  replies.append(line).append("\r\n");
}

void ServerSession::State::refuse_gently(std::string_view line) {
  reply(line);
  out->emplace_back(server::Note{"rejected", std::string(line)});
}

void ServerSession::State::reject(std::string_view line) {
  refuse_gently(line);
  if (++errors <= kErrorsMax) return;
  say_goodbye("421 4.7.0 too many errors");
}

// ---- commands

void ServerSession::State::obey(std::string_view line) {
  if (has_control(line)) return reject("500 5.5.2 the line has a control character");
  on_command(parse_command(line));
}

void ServerSession::State::on_command(const Command& command) {
  switch (command.verb) {
    case Verb::kMail: return on_mail(command.argument);
    case Verb::kRcpt: return on_rcpt(command.argument);
    case Verb::kData: return on_data(command.argument);
    case Verb::kBdat: return on_bdat(command.argument);
    case Verb::kEhlo: return on_hello(command.argument, true);
    case Verb::kHelo: return on_hello(command.argument, false);
    case Verb::kStartTls: return on_starttls(command.argument);
    case Verb::kNoop: return reply("250 2.0.0 ok");
    case Verb::kHelp:
      return reply("214 2.0.0 see RFC 5321; this is Posthaste, which takes mail to send on");
    case Verb::kExpn: return reject("502 5.5.1 there are no lists here");
    case Verb::kVrfy:
      if (command.argument.empty()) return reject("501 5.5.4 VRFY takes an address");
      return reply("252 2.1.5 cannot verify it, but will take mail for it and try");
    case Verb::kRset:
      if (!command.argument.empty()) return reject("501 5.5.4 RSET takes no argument");
      reset_transaction();
      return reply("250 2.0.0 forgotten");
    case Verb::kQuit:
      if (!command.argument.empty()) return reject("501 5.5.4 QUIT takes no argument");
      reply("221 2.0.0 bye");
      return hang_up();
    case Verb::kHttp:
      // A page in somebody's browser can make it post to any port, and trusted networks have
      // browsers.
      out->emplace_back(server::Note{"rejected", "the client speaks HTTP"});
      return say_goodbye("421 4.7.0 this is not a web server");
    case Verb::kUnknown: return reject("500 5.5.1 unknown command");
  }
}

void ServerSession::State::on_hello(std::string_view argument, bool extended_hello) {
  const Parsed<std::string_view> name = parse_helo_name(argument);
  if (!name) return reject(name.error().line);
  reset_transaction();  // RFC 5321 §4.1.4
  helo = *name;
  extended = extended_hello;
  if (extended) {
    append_ehlo_reply(replies, options, tls.has_value(), now);
  } else {
    append_helo_reply(replies, options);
  }
}

void ServerSession::State::on_mail(std::string_view argument) {
  if (helo.empty()) return reject("503 5.5.1 send EHLO first");
  if (const std::string refusal = access_refusal(options, tls); !refusal.empty()) {
    return reject(refusal);
  }
  if (transaction.open()) return reject("503 5.5.1 a transaction is open already: send RSET first");
  Parsed<MailArguments> arguments = parse_mail(argument, extended);
  if (!arguments) return reject(arguments.error().line);
  if (arguments->require_tls && !tls) {
    // RFC 8689 §2: the parameter is good only where it is offered, and that is within TLS. Who
    // could say it in plaintext has not even looked.
    return reject(options.offer_starttls
                      ? "530 5.7.10 REQUIRETLS needs TLS here as well: send STARTTLS first"
                      : "501 5.7.10 REQUIRETLS needs TLS here as well, which is not offered");
  }
  // RFC 1870 §6.1.
  if (arguments->size.value_or(0) > options.message_bytes_max) {
    return refuse_gently(
        fmt::format("552 5.3.4 messages may have up to {} octets here", options.message_bytes_max));
  }
  // Not an error of the client: it may be that only the operator's limits have changed.
  const Parsed<GrantedWishes> granted = grant_wishes(arguments->wishes, options, now);
  if (!granted) return refuse_gently(granted.error().line);
  transaction.begin(*std::move(arguments), *granted);
  reply("250 2.1.0 sender ok");
}

void ServerSession::State::on_rcpt(std::string_view argument) {
  if (!transaction.open()) return reject(kMailFirst);
  if (transaction.content) return reject(kAfterBdat);
  Parsed<RcptArguments> arguments = parse_rcpt(argument, extended, transaction.smtputf8());
  // Not an error of the client: one bad address in a long list must not cost it the connection.
  if (!arguments) return refuse_gently(arguments.error().line);
  switch (transaction.add(*std::move(arguments), options.recipients_max)) {
    case ServerTransaction::Added::kKept: return reply("250 2.1.5 recipient ok");
    case ServerTransaction::Added::kDuplicate: return reply("250 2.1.5 recipient ok, as before");
    case ServerTransaction::Added::kTooMany:  // RFC 5321 §4.5.3.1.10
      return refuse_gently("452 4.5.3 too many recipients: send the others another copy");
  }
}

void ServerSession::State::on_data(std::string_view argument) {
  if (!argument.empty()) return reject("501 5.5.4 DATA takes no argument");
  if (!transaction.open()) return reject(kMailFirst);
  if (transaction.content) return reject(kAfterBdat);
  if (transaction.recipients().empty()) return reject("554 5.5.1 there are no valid recipients");
  begin_content(Framing::kDotStuffed, kUndeclaredBytes);
  reply("354 end with CRLF.CRLF");
  enter(Phase::kData);
}

// RFC 3030 §2: whatever is wrong, the announced octets are read, for they are not commands.
void ServerSession::State::on_bdat(std::string_view argument) {
  const Parsed<BdatArguments> arguments = parse_bdat(argument);
  if (!arguments) {
    // How long the chunk is nobody knows, so nobody knows where the next command begins.
    refuse_gently(arguments.error().line);
    return say_goodbye("421 4.5.4 lost track of the content");
  }
  chunk_refusal.clear();
  if (!transaction.open()) {
    chunk_refusal = kMailFirst;
  } else if (transaction.recipients().empty()) {
    chunk_refusal = "554 5.5.1 there are no valid recipients";
  } else if (!transaction.content) {
    begin_content(Framing::kCounted, std::max(arguments->octets, kUndeclaredBytes));
  }
  chunk_left = arguments->octets;
  chunk_last = arguments->last;
  enter(Phase::kChunk);
  if (chunk_left == 0) on_chunk_read();
}

void ServerSession::State::on_chunk_read() {
  enter(Phase::kCommand);
  if (!chunk_refusal.empty()) return reject(chunk_refusal);
  IncomingMessage& content = *transaction.content;
  if (chunk_last) content.complete(*out);
  if (!content.refusal().empty()) {
    // Until BDAT LAST or RSET, each further chunk gets the same answer: pipelined ones are under
    // way.
    refuse_gently(content.refusal());
    if (chunk_last) reset_transaction();
  } else if (chunk_last) {
    store();
  } else {
    reply("250 2.0.0 chunk taken");
  }
}

void ServerSession::State::on_starttls(std::string_view argument) {
  if (!argument.empty()) return reject("501 5.5.4 STARTTLS takes no argument");
  if (tls) return reject("503 5.5.1 TLS is on already");
  if (!options.offer_starttls) return reject("502 5.5.1 STARTTLS is not offered here");
  reset_transaction();
  start_tls = true;  // finish_call says 220, unless something was pipelined
  enter(Phase::kHandshake);
}

// ---- what they have in common

void ServerSession::State::greet() {
  reply(fmt::format("220 {} ESMTP Posthaste", options.hostname.text()));
  enter(Phase::kCommand);
}

void ServerSession::State::reset_transaction() { transaction.reset(*out); }

void ServerSession::State::begin_content(Framing framing, std::uint64_t bytes_expected) {
  const auto& recipients = transaction.recipients();
  mail::Trace trace;
  trace.helo = helo;
  trace.peer = options.peer.address;
  trace.hostname = options.hostname.text();
  trace.extended = extended;
  trace.smtputf8 = transaction.smtputf8();
  trace.priority = transaction.priority();
  if (tls) {
    trace.tls_version = tls->version;
    trace.tls_cipher = tls->cipher;
    trace.client_subject = holder_of(*tls);
  }
  trace.id = ids.next(now);
  trace.only_recipient = recipients.size() == 1 ? &recipients.front().address : nullptr;
  trace.arrived = now;
  transaction.content.emplace(framing, trace, options.message_bytes_max,
                              transaction.declared_size().value_or(bytes_expected));
}

void ServerSession::State::store() {
  out->emplace_back(server::Store{transaction.finish(now, submitter())});
  enter(Phase::kStoring);
}

// "client.example[192.0.2.1]:50123 ESMTPS TLSv1.3 TLS_AES_256_GCM_SHA384 CN=app.example
// MT-PRIORITY=3": the subject only of a verified certificate. RFC 6710 §4.1 wants the priority
// logged.
std::string ServerSession::State::submitter() const {
  std::string words =
      fmt::format("{}[{}]:{} {}", helo, render_ip(options.peer.address), options.peer.port,
                  mail::protocol_name(extended, tls.has_value(), transaction.smtputf8()));
  if (tls) {
    words += fmt::format(" {} {}", tls->version, tls->cipher);
    const std::string_view holder = holder_of(*tls);
    if (!holder.empty()) words += " " + mail::render_subject(holder);
  }
  return words + transaction.wishes();
}

}  // namespace posthaste::smtp
