#include "lib/smtp/client_transaction.h"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

#include "lib/base/check.h"
#include "lib/smtp/client_command.h"

// What goes in one flight
//
// * With PIPELINING alone: RSET, MAIL, all RCPT and DATA; then content and dot. Two round trips.
// * With PIPELINING and CHUNKING: RSET, MAIL and all RCPT; then all BDAT. Two round trips as well,
//   so DATA has nothing to gain, and BDAT needs no scan for dots, no lone dot and no 354.
//   The BDAT could join the first flight (RFC 3030 allows that) and save a round trip; but then
//   the content is under way while nobody has been accepted. It is wasted where all recipients
//   are refused; and where the connection breaks before any reply, every recipient would be
//   "maybe delivered". A duplicate costs more than a round trip.
// * Without PIPELINING: strictly one command, one reply.

namespace posthaste::smtp {
namespace {

constexpr unsigned kChunksAhead = 2;  // sent but not yet taken by the kernel
// "Service not available, closing": ends the session wherever it comes.
constexpr std::uint16_t kClosing = 421;

bool completes(const Reply& reply) { return reply.code >= 200 && reply.code < 300; }
bool goes_ahead(const Reply& reply) { return reply.code >= 300 && reply.code < 400; }
Verdict refusal_verdict(const Reply& reply) {
  const bool ours = reply.code == 0;
  const bool permanent = ours ? reply.enhanced.cls == 5 : reply.permanent();
  return permanent ? Verdict::kPermanent : Verdict::kTemporary;
}

}  // namespace

void ClientTransaction::begin(Transaction transaction, const Capabilities& capabilities,
                              const TlsState& tls, bool rset, Instant now) {
  CHECK(!transaction.recipients.empty() && transaction.envelope != nullptr);
  transaction_ = std::move(transaction);
  capabilities_ = capabilities;
  const mail::Envelope& envelope = *transaction_.envelope;
  requiretls_ = passes_requiretls(envelope, capabilities, tls);
  // RFC 2852 §4.1.4 wants it computed close to the time that MAIL goes. Only where an RSET has to
  // be answered first is that a round trip later.
  time_left_ = time_left(envelope, now).value_or(std::chrono::seconds(0));
  ask_delay_ = loses_deliver_by(envelope, capabilities, now);
  const std::size_t count = transaction_.recipients.size();
  asked_.clear();
  fates_.assign(count, Fate::kUnknown);
  result_.outcomes.assign(count, RecipientOutcome{});
  result_.dsn_passed_on = capabilities.dsn;
  result_.tell_relayed = relayed_is_told(envelope, capabilities, now);
  for (std::size_t i = 0; i < count; ++i)
    result_.outcomes[i].number = transaction_.recipients[i].number;
  sent_ = answered_ = rset ? 0 : 1;
  accepted_ = 0;
  over_ = stray_accept_ = lone_dot_due_ = lone_dot_sent_ = false;
  open_ = rset;
  content_ = chunk_asked_ = last_sent_ = false;
  next_chunk_ = 0;
  unwritten_ = 0;
  stuffer_ = DotStuffer{};

  // What another host of the domain might do better goes before what this one can never do: only
  // then is that other host asked.
  auto refused = requiretls_obstacle(envelope, capabilities_, tls);
  if (!refused) refused = deliver_by_obstacle(envelope, capabilities_, now);
  if (!refused) refused = obstacle(envelope, capabilities_);
  if (refused) settle_all(Fate::kUnknown, refusal_verdict(*refused), Stage::kMail, *refused);
  set_out_recipients();
}

// Who gets a RCPT, and who cannot be served here.
void ClientTransaction::set_out_recipients() {
  for (std::size_t i = 0; i < fates_.size(); ++i) {
    if (fates_[i] == Fate::kSettled) continue;
    if (auto refused = obstacle(transaction_.recipients[i], capabilities_)) {
      const Verdict verdict = refusal_verdict(*refused);
      settle(i, verdict, Stage::kRcpt, std::move(*refused));
    } else {
      asked_.push_back(static_cast<std::uint16_t>(i));
    }
  }
  over_ = asked_.empty();
}

ClientTransaction::Command ClientTransaction::command_at(std::size_t position) const {
  if (position == 0) return Command::kRset;
  if (position == 1) return Command::kMail;
  if (position < content_position()) return Command::kRcpt;
  if (capabilities_.chunking) return Command::kBdat;
  return position == content_position() ? Command::kData : Command::kFinalDot;
}

Stage ClientTransaction::stage() const {
  if (!awaits_reply()) return content_ ? Stage::kContent : Stage::kMail;
  switch (command_at(answered_)) {
    case Command::kRset: return Stage::kMail;
    case Command::kMail: return Stage::kMail;
    case Command::kRcpt: return Stage::kRcpt;
    case Command::kData: return Stage::kData;
    case Command::kBdat: return last_sent_ && !over_ ? Stage::kFinalDot : Stage::kContent;
    case Command::kFinalDot: return lone_dot_sent_ ? Stage::kData : Stage::kFinalDot;
  }
  return Stage::kMail;
}

// ---- sending ------------------------------------------------------------------------------------

void ClientTransaction::drain(ClientActions& out) {
  std::string commands;
  if (lone_dot_due_) {
    lone_dot_due_ = false;
    lone_dot_sent_ = true;
    commands = ".\r\n";
    ++sent_;
  }
  while (may_send_next()) append_next(commands);
  if (!commands.empty()) out.push_back(Send{std::move(commands)});
  if (content_) ask_chunk(out);
}

bool ClientTransaction::may_send_next() {
  if (over_ || content_ || sent_ > content_position()) return false;
  const bool all_answered = sent_ == answered_;
  if (sent_ == content_position() && capabilities_.chunking) {
    content_ = all_answered;
    return false;
  }
  return capabilities_.pipelining || all_answered;
}

void ClientTransaction::append_next(std::string& commands) {
  const std::size_t position = sent_++;
  if (commands.empty()) {
    constexpr std::size_t kPerCommand = 96;  // a guess that most addresses fit
    commands.reserve(capabilities_.pipelining ? kPerCommand * (2 + asked_.size())
                                              : 2 * kPerCommand);
  }
  switch (command_at(position)) {
    case Command::kRset: commands += "RSET\r\n"; return;
    case Command::kMail: {
      bool utf8 = transaction_.envelope->smtputf8 || !transaction_.envelope->sender.ascii();
      for (const std::uint16_t index : asked_) {
        utf8 = utf8 || !transaction_.recipients[index].address.ascii();
      }
      append_mail(commands, *transaction_.envelope, {utf8, requiretls_, time_left_}, capabilities_);
      return;
    }
    case Command::kRcpt:
      append_rcpt(commands, transaction_.recipients[asked_[position - 2]], capabilities_,
                  ask_delay_);
      return;
    case Command::kData: commands += "DATA\r\n"; return;
    case Command::kBdat:
    case Command::kFinalDot: CHECK(false);  // content is sent chunk by chunk
  }
}

void ClientTransaction::ask_chunk(ClientActions& out) {
  if (chunk_asked_ || last_sent_ || over_ || unwritten_ >= kChunksAhead) return;
  // RFC 3030 §2: without PIPELINING the reply to one BDAT comes before the next BDAT goes.
  if (capabilities_.chunking && !capabilities_.pipelining && awaits_reply()) return;
  chunk_asked_ = true;
  out.push_back(WantBody{next_chunk_++});
}

void ClientTransaction::on_chunk(BodyChunk event, ClientActions& out) {
  CHECK(chunk_asked_);
  chunk_asked_ = false;
  if (over_) return;  // refused meanwhile
  if (capabilities_.chunking) {
    send_bdat_chunk(std::move(event), out);
  } else {
    send_data_chunk(std::move(event), out);
  }
}

void ClientTransaction::send_data_chunk(BodyChunk event, ClientActions& out) {
  if (event.chunk != nullptr && !event.chunk->empty()) {
    ++unwritten_;
    if (auto stuffed = stuffer_.stuff(*event.chunk)) {
      out.push_back(Send{std::move(*stuffed)});
    } else {
      out.push_back(SendChunk{std::move(event.chunk)});
    }
  }
  if (!event.last) return;
  out.push_back(Send{std::string(stuffer_.terminator())});
  last_sent_ = true;
  ++sent_;
}

void ClientTransaction::send_bdat_chunk(BodyChunk event, ClientActions& out) {
  const std::size_t size = event.chunk == nullptr ? 0 : event.chunk->size();
  if (size == 0 && !event.last) return;
  out.push_back(Send{fmt::format("BDAT {}{}\r\n", size, event.last ? " LAST" : "")});
  if (size > 0) out.push_back(SendChunk{std::move(event.chunk)});
  ++unwritten_;
  ++sent_;
  last_sent_ = event.last;
}

// Only breaking the connection keeps the peer from taking half a message for a whole one.
void ClientTransaction::on_body_lost(std::string_view words) {
  CHECK(chunk_asked_);
  chunk_asked_ = false;
  const Reply ours{
      0, {4, 3, 0}, fmt::format("our own queue failed to give the message content: {}", words)};
  settle_all(Fate::kAccepted, Verdict::kTemporary, Stage::kContent, ours);
}

// ---- replies ------------------------------------------------------------------------------------

bool ClientTransaction::on_reply(Reply reply) {
  if (!awaits_reply()) return on_unasked_reply(reply);
  const std::size_t position = answered_++;
  switch (command_at(position)) {
    case Command::kRset: return completes(reply);
    case Command::kMail: return on_mail_reply(reply);
    case Command::kRcpt: return on_rcpt_reply(asked_[position - 2], std::move(reply));
    case Command::kData: return on_data_reply(reply);
    case Command::kBdat: return on_bdat_reply(reply);
    case Command::kFinalDot: return on_final_reply(reply);
  }
  return false;
}

bool ClientTransaction::on_mail_reply(const Reply& reply) {
  open_ = completes(reply);
  if (open_) return true;
  // 421 speaks of the host, not of this sender: another host may take the message.
  if (goes_ahead(reply) || reply.code == kClosing) return false;
  settle_all(Fate::kUnknown, refusal_verdict(reply), Stage::kMail, reply);
  over_ = true;
  return true;
}

bool ClientTransaction::on_rcpt_reply(std::size_t index, Reply reply) {
  const bool closing = reply.code == kClosing;
  if (goes_ahead(reply)) return false;
  if (fates_[index] == Fate::kSettled) {  // by the reply to MAIL
    stray_accept_ = stray_accept_ || completes(reply);
  } else if (completes(reply)) {
    fates_[index] = Fate::kAccepted;
    ++accepted_;
  } else {
    // RFC 5321 §4.5.3.1.10: behind accepted recipients a 552 is an old server's way to say "too
    // many".
    const bool too_many = reply.code == 552 && accepted_ > 0;
    settle(index, too_many ? Verdict::kTemporary : refusal_verdict(reply), Stage::kRcpt,
           std::move(reply));
  }
  if (answered_ == content_position() && accepted_ == 0) over_ = true;
  return !closing;
}

bool ClientTransaction::on_data_reply(const Reply& reply) {
  if (completes(reply)) return false;
  if (!goes_ahead(reply)) {
    settle_all(Fate::kAccepted, refusal_verdict(reply), Stage::kData, reply);
    over_ = true;
    return reply.code != kClosing;
  }
  if (!over_) {
    content_ = true;
    return true;
  }
  // RFC 2920 §3.1: nobody was accepted, yet the peer waits for content. A dot alone ends that; but
  // a peer that says to have accepted somebody after it refused MAIL might deliver the nothing that
  // we send.
  lone_dot_due_ = !stray_accept_;
  return lone_dot_due_;
}

// RFC 3030 §2: after a refused BDAT the transaction is dead, whatever the peer says to those behind
// it, and only RSET makes a new beginning.
bool ClientTransaction::on_bdat_reply(const Reply& reply) {
  if (goes_ahead(reply)) return false;
  const bool last = last_sent_ && !awaits_reply();
  if (over_) return reply.code != kClosing;
  if (last && completes(reply)) return on_final_reply(reply);
  if (completes(reply)) return true;
  settle_all(Fate::kAccepted, refusal_verdict(reply), last ? Stage::kFinalDot : Stage::kContent,
             reply);
  over_ = true;
  return reply.code != kClosing;
}

bool ClientTransaction::on_final_reply(const Reply& reply) {
  if (lone_dot_sent_) {
    open_ = false;
    return reply.code != kClosing;
  }
  if (goes_ahead(reply)) return false;
  const Verdict verdict = completes(reply) ? Verdict::kDelivered : refusal_verdict(reply);
  settle_all(Fate::kAccepted, verdict, Stage::kFinalDot, reply);
  over_ = true;
  open_ = false;
  return reply.code != kClosing;
}

// A peer that refuses while the content still flows has decided; but where in our bytes it stands
// nobody knows.
bool ClientTransaction::on_unasked_reply(const Reply& reply) {
  if (content_ && reply.code >= 400) {
    settle_all(Fate::kAccepted, refusal_verdict(reply), Stage::kContent, reply);
  }
  return false;
}

// ---- fates --------------------------------------------------------------------------------------

void ClientTransaction::settle(std::size_t index, Verdict verdict, Stage stage, Reply reply) {
  CHECK(fates_[index] != Fate::kSettled);
  if (fates_[index] == Fate::kAccepted) --accepted_;
  fates_[index] = Fate::kSettled;
  RecipientOutcome& outcome = result_.outcomes[index];
  outcome.verdict = verdict;
  outcome.stage = stage;
  outcome.reply = std::move(reply);
}

void ClientTransaction::settle_all(Fate which, Verdict verdict, Stage stage, const Reply& reply) {
  for (std::size_t i = 0; i < fates_.size(); ++i) {
    if (fates_[i] == which) settle(i, verdict, stage, reply);
  }
}

TransactionResult untried(const Transaction& transaction, std::string_view words) {
  TransactionResult result;
  for (const mail::Recipient& recipient : transaction.recipients) {
    result.outcomes.push_back(
        {recipient.number, Verdict::kUntried, Stage::kMail, Reply{0, {}, std::string(words)}});
  }
  return result;
}

TransactionResult ClientTransaction::take_result(std::string_view words) {
  const Verdict verdict = last_sent_ ? Verdict::kMaybe : Verdict::kUntried;
  const Stage at = stage();
  for (std::size_t i = 0; i < fates_.size(); ++i) {
    if (fates_[i] != Fate::kSettled) settle(i, verdict, at, Reply{0, {}, std::string(words)});
  }
  over_ = true;
  transaction_ = Transaction{};
  return std::move(result_);
}

}  // namespace posthaste::smtp
