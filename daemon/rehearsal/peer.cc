#include "daemon/rehearsal/peer.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace posthaste::rehearsal {
namespace {

using policy::TlsFailure;

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

}  // namespace

Peer::Peer(World& world, Witness& witness, const Host& host, std::unique_ptr<Conduct> conduct,
           Call call, std::shared_ptr<Link> link)
    : world_(world),
      witness_(witness),
      host_(host),
      conduct_(std::move(conduct)),
      call_(call),
      link_(std::move(link)) {}

void Peer::begin() {
  link_->attach(Side::kCallee,
                {[this](std::string_view bytes, std::uint64_t seen) { on_bytes(bytes, seen); },
                 [this] { go_away(); }, nullptr});
  if (handshake_failed_) return violate("a socket on which a handshake had failed is used again");
  reply_ends_.push_back(0);
  if (call_.implicit_tls) {
    phase_ = Phase::kTlsAwaited;
    return;
  }
  greeted_ = true;
  if (!misbehave(Turn::kGreeting)) reply(220, host_.name.text() + " ESMTP", true);
  if (phase_ != Phase::kGone) phase_ = Phase::kCommand;
}

void Peer::violate(const std::string& rule) {
  world_.violate(fmt::format("{}: {}", host_.name.text(), rule));
}

void Peer::go_away() {
  phase_ = Phase::kGone;
  link_->close(Side::kCallee);
  if (!std::exchange(gone_, true)) conduct_->on_gone();
}

void Peer::later(std::function<void()> what) {
  speak_at_ = std::max(speak_at_, world_.now() + conduct_->pause());
  world_.at(speak_at_, std::move(what));
}

// `awaited_alone`: the client may send nothing more before it has this one.
void Peer::reply(int code, const std::string& text, bool awaited_alone) {
  const std::uint64_t number = ++replies_;
  reply_ends_.push_back(0);
  if (awaited_alone || !host_.pipelining || !extended_) barrier_ = number;
  std::string bytes;
  if (text.find('\n') == std::string::npos) {
    bytes = fmt::format("{} {}\r\n", code, text);
  } else {
    std::size_t at = 0;
    for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      bytes += fmt::format("{}-{}\r\n", code, text.substr(at, end - at));
    }
    bytes += fmt::format("{} {}\r\n", code, text.substr(at));
  }
  later([self = shared_from_this(), bytes, number] {
    if (self->link_->closed(Side::kCallee)) return;
    self->world_.say("{} says {}", self->host_.name.text(), bytes.substr(0, bytes.size() - 2));
    self->link_->send(Side::kCallee, bytes);
    self->reply_ends_[number] = self->link_->sent(Side::kCallee);
  });
}

bool Peer::misbehave(Turn turn, std::string_view subject) {
  return misbehave(conduct_->at(turn, subject));
}

bool Peer::misbehave(const Deed& deed) {
  switch (deed.kind) {
    case Deed::Kind::kProper: return false;
    case Deed::Kind::kReply: reply(deed.code, deed.words, greeted_ && !extended_); return true;
    case Deed::Kind::kClosing: reply(deed.code, deed.words, true); break;
    case Deed::Kind::kDrop: break;
    case Deed::Kind::kReset:
      phase_ = Phase::kGone;
      link_->reset();
      return true;
    case Deed::Kind::kSilence: phase_ = Phase::kGone; return true;
    case Deed::Kind::kGarbage: link_->send(Side::kCallee, "\x7f what?\r\nxx"); break;
  }
  phase_ = Phase::kGone;
  later([self = shared_from_this()] { self->go_away(); });
  return true;
}

// RFC 5321 §3.8: 421 may come at any time, also when it crosses the next command.
void Peer::tire() {
  const auto patience = conduct_->patience();
  if (!patience) return;
  world_.after(*patience, [self = shared_from_this(), commands = commands_] {
    if (self->phase_ != Phase::kCommand || self->commands_ != commands) return;
    self->misbehave({Deed::Kind::kClosing, 421, "4.4.2 tired of waiting"});
  });
}

// ---- input

void Peer::on_bytes(std::string_view bytes, std::uint64_t seen) {
  if (phase_ == Phase::kGone) return;
  if (phase_ == Phase::kTlsAwaited) return violate("plaintext where a handshake is due");
  if (buffer_.empty()) buffer_seen_ = seen;
  buffer_ += bytes;
  while (phase_ != Phase::kGone && !buffer_.empty()) {
    if (phase_ == Phase::kTlsAwaited) return violate("plaintext behind STARTTLS");
    if (phase_ == Phase::kBdat) {
      on_content(std::min(bdat_left_, buffer_.size()));
      if (bdat_left_ > 0) return;
      continue;
    }
    const auto end = buffer_.find("\r\n");
    if (end == std::string::npos) return;
    const std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    on_line(line, buffer_seen_);
    buffer_seen_ = seen;  // what is left came with these bytes
  }
}

void Peer::on_line(const std::string& line, std::uint64_t seen) {
  if (phase_ == Phase::kContent) return on_content_line(line);
  const std::uint64_t needed = reply_ends_[barrier_];
  if (barrier_ > 0 && (needed == 0 || seen < needed)) {
    return violate("a command while a reply is awaited: " + line);
  }
  if (line.size() > 1000) return violate("a command that is too long");
  if (line.find_first_of("\r\n") != std::string::npos)
    return violate("a bare CR or LF in a command");
  world_.say("{} reads {}", host_.name.text(), line);
  ++commands_;
  on_command(line);
}

void Peer::on_command(const std::string& line) {
  const std::string verb = upper(line.substr(0, line.find_first_of(" :")));
  if (verb == "EHLO") return on_ehlo(true);
  if (verb == "HELO") return on_ehlo(false);
  if (verb == "STARTTLS") return on_starttls();
  if (verb == "MAIL") return on_mail(line);
  if (verb == "RCPT") return on_rcpt(line);
  if (verb == "DATA") return on_data();
  if (verb == "BDAT") return on_bdat(line);
  if (verb == "RSET") {
    reset_transaction();
    return misbehave(Turn::kReset) ? void() : reply(250, "2.0.0 flushed", false);
  }
  if (verb == "QUIT") {
    reply(221, "2.0.0 bye", true);
    phase_ = Phase::kGone;
    return later([self = shared_from_this()] { self->go_away(); });
  }
  violate("a command that nobody knows: " + line);
}

void Peer::on_ehlo(bool extended) {
  reset_transaction();
  extended_ = false;
  if (misbehave(Turn::kHello)) return;
  if (extended && !tls_ && !conduct_->knows_ehlo()) return reply(502, "EHLO is not known", true);
  if (!extended) return reply(250, host_.name.text(), true);
  std::string text = host_.name.text() + " is glad";
  if (host_.pipelining) text += "\nPIPELINING";
  if (host_.chunking) text += "\nCHUNKING";
  if (host_.dsn) text += "\nDSN";
  if (host_.size) text += "\nSIZE 10000000";
  if (host_.eight_bit) text += "\n8BITMIME";
  if (host_.utf8) text += "\nSMTPUTF8";
  if (host_.deliver_by) text += "\nDELIVERBY";
  if (host_.mt_priority) text += "\nMT-PRIORITY";
  if (tls_ && host_.requiretls) text += "\nREQUIRETLS";
  if (!tls_ && conduct_->offers_starttls()) text += "\nSTARTTLS";
  if (conduct_->offers_enhanced_codes()) text += "\nENHANCEDSTATUSCODES";
  reply(250, text, true);
  extended_ = true;
}

void Peer::on_starttls() {
  if (tls_) return violate("STARTTLS inside TLS");
  if (call_.need == smtp::TlsNeed::kNever) return violate("STARTTLS where TLS is forbidden");
  if (misbehave(Turn::kStartTls)) {
    barrier_ = replies_;  // RFC 3207 §4: nothing is sent behind STARTTLS before its reply
    return;
  }
  reply(220, "2.0.0 go ahead", true);
  if (conduct_->injects()) {  // somebody in between speaks before TLS protects us
    injected_ = true;
    reply(250, "2.0.0 injected", true);
  }
  phase_ = Phase::kTlsAwaited;
}

void Peer::handshake(const std::string& profile, std::function<void(TlsFailure)> answer) {
  if (phase_ == Phase::kGone) return;  // the client's time-out or the end of the link will tell
  if (phase_ != Phase::kTlsAwaited) return violate("a handshake that was not asked for");
  if (injected_) {  // what is no TLS record breaks the handshake
    phase_ = Phase::kGone;
    handshake_failed_ = true;
    return world_.after(conduct_->handshake_time(true), [answer] { answer(TlsFailure::kNotTls); });
  }
  const TlsFailure failure = conduct_->handshake_failure(profile);
  if (failure != TlsFailure::kNone) {
    phase_ = Phase::kGone;
    handshake_failed_ = true;
    if (failure == TlsFailure::kTimeout) return;
    return world_.after(conduct_->handshake_time(true), [answer, failure] { answer(failure); });
  }
  world_.after(conduct_->handshake_time(false), [self = shared_from_this(), answer] {
    if (self->phase_ != Phase::kTlsAwaited) return;
    self->tls_ = true;
    self->shown_ = self->conduct_->certificate();
    self->extended_ = false;
    self->phase_ = Phase::kCommand;
    answer(TlsFailure::kNone);
    if (std::exchange(self->greeted_, true)) return;
    if (!self->misbehave(Turn::kGreeting)) self->reply(220, "hello inside TLS", true);
  });
}

// ---- output of verdicts: see peer_transaction.cc

void Peer::reset_transaction() {
  mail_ = false;
  accepted_.clear();
  content_.clear();
  data_for_nobody_ = bdat_refused_ = false;
}

}  // namespace posthaste::rehearsal
