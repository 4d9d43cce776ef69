// A Peer's part in a mail transaction.
#include <algorithm>
#include <charconv>
#include <utility>

#include "daemon/rehearsal/peer.h"

namespace posthaste::rehearsal {
namespace {

// "FROM:<a@b> …" -> a@b; and where the parameters begin.
std::optional<std::string> path_of(const std::string& line, std::size_t& end) {
  const auto open = line.find('<');
  end = line.find('>');
  if (open == std::string::npos || end == std::string::npos || end < open) return std::nullopt;
  return line.substr(open + 1, end++ - open - 1);
}

}  // namespace

void Peer::check_parameters(const std::string& line, std::size_t from) {
  std::size_t at = from;
  while ((at = line.find_first_not_of(' ', at)) != std::string::npos) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    const std::string word = line.substr(at, end - at);
    const std::string key = word.substr(0, word.find('='));
    const bool known =
        (key == "SIZE" && host_.size) || (key == "BODY" && host_.eight_bit) ||
        ((key == "RET" || key == "ENVID" || key == "NOTIFY" || key == "ORCPT") && host_.dsn) ||
        (key == "SMTPUTF8" && host_.utf8) || (key == "BY" && host_.deliver_by) ||
        (key == "MT-PRIORITY" && host_.mt_priority) ||
        (key == "REQUIRETLS" && host_.requiretls && tls_);
    if (!known || !extended_) violate("a parameter that was not offered: " + line);
    at = end;
  }
}

// What the message's sender asked for, and this host would see to.
void Peer::check_wishes(const std::string& line, const mail::Envelope& envelope) {
  const auto& by = envelope.deliver_by;
  const auto at = line.find(" BY=");
  const bool told = at != std::string::npos;
  if (told != (by && host_.deliver_by && extended_))
    return violate("a deliver-by time as it was not asked for: " + line);
  if (!told && by && by->return_it)
    return violate("what is to come back if it is late, and the host is not told so: " + line);
  // RFC 2852 §4: what is left of it; the command has been on its way for a while. What a process
  // sent before it died may have been counted with another clock.
  if (told && !attempt_->crashed) {
    long long seconds = 0;
    const char* const from = line.data() + at + 4;
    const auto end = std::from_chars(from, line.data() + line.size(), seconds);
    const Instant meant = world_.now() + std::chrono::seconds(seconds);
    const Duration off = meant - by->by;
    const bool mode =
        end.ptr + 1 < line.data() + line.size() && end.ptr[1] == (by->return_it ? 'R' : 'N');
    if (!mode || off < -std::chrono::seconds(1) || off > std::chrono::minutes(1))
      return violate("another deliver-by time than was asked for: " + line);
  }
  const std::string priority = fmt::format(" MT-PRIORITY={}", envelope.priority);
  if (host_.mt_priority && extended_ && line.find(priority) == std::string::npos)
    return violate("another priority than was asked for: " + line);
  if (envelope.smtputf8 && line.find(" SMTPUTF8") == std::string::npos)
    violate("internationalised mail that was not announced: " + line);
}

void Peer::on_mail(const std::string& line) {
  std::size_t end = 0;
  const auto path = path_of(line, end);
  if (!path || !line.starts_with("MAIL FROM:<")) return violate("bad syntax: " + line);
  check_parameters(line, end);
  if (mail_) return violate("MAIL inside a transaction");
  if (!tls_ && call_.need == smtp::TlsNeed::kRequired) {
    return violate("plaintext MAIL where TLS is required");
  }
  if (!attempt_) return violate("MAIL that nobody ordered");
  witness_.on_mail(call_.conn, *attempt_, {tls_, shown_, tls_ && host_.requiretls});
  const mail::Envelope& envelope = *attempt_->envelope;
  const bool promised = line.find(" REQUIRETLS", end) != std::string::npos;
  const bool wished = envelope.tls_wish == mail::TlsWish::kRequireTls;
  const bool may_be = envelope.tls_wish == mail::TlsWish::kRequireTlsIfOffered;
  if (promised != wished && !may_be) {
    return violate("REQUIRETLS as it was not asked for: " + line);
  }
  if (envelope.eight_bit && (!host_.eight_bit || line.find(" BODY=8BITMIME", end) == line.npos)) {
    return violate("8-bit content that was not announced: " + line);
  }
  check_wishes(line, envelope);
  if (*path != attempt_->envelope->sender.text())
    return violate("another sender than was accepted");
  if (misbehave(Turn::kMail, *path)) return;
  mail_ = true;
  reply(250, "2.1.0 fine", false);
}

void Peer::on_rcpt(const std::string& line) {
  std::size_t end = 0;
  const auto path = path_of(line, end);
  if (!path || !line.starts_with("RCPT TO:<")) return violate("bad syntax: " + line);
  check_parameters(line, end);
  if (!mail_) {  // legal only behind a MAIL that was refused after it was sent
    if (!host_.pipelining || !extended_) return violate("RCPT without MAIL");
    return reply(503, "5.5.1 MAIL first", false);
  }
  if (misbehave(Turn::kRcpt, *path)) return;
  accepted_.push_back(*path);
  reply(250, "2.1.5 fine", false);
}

void Peer::on_data() {
  if (!host_.pipelining && accepted_.empty()) return violate("DATA for nobody");
  if (extended_ && host_.chunking) return violate("DATA where CHUNKING is offered");
  content_.clear();
  if (accepted_.empty() && !(mail_ && host_.answers_data_without_recipients)) {
    return reply(503, "5.5.1 nobody would have it", true);
  }
  if (misbehave(Turn::kData)) return;
  data_for_nobody_ = accepted_.empty();
  reply(354, "go on", true);
  phase_ = Phase::kContent;
}

// RFC 5321 §4.5.2.
void Peer::on_content_line(const std::string& line) {
  if (line == ".") {
    phase_ = Phase::kCommand;
    return end_of_content();
  }
  content_ += line.starts_with('.') ? line.substr(1) : line;
  content_ += "\r\n";
  if (data_for_nobody_) violate("content for nobody");
}

void Peer::on_bdat(const std::string& line) {
  if (!host_.chunking || !extended_) return violate("BDAT that was not offered");
  const auto end = std::from_chars(line.data() + 5, line.data() + line.size(), bdat_left_);
  if (end.ec != std::errc()) return violate("bad syntax: " + line);
  bdat_last_ = line.ends_with(" LAST");
  if (accepted_.empty() && !bdat_refused_) return violate("BDAT for nobody");
  phase_ = Phase::kBdat;
  if (bdat_left_ == 0) on_content(0);
}

void Peer::on_content(std::size_t take) {
  content_ += buffer_.substr(0, take);
  buffer_.erase(0, take);
  bdat_left_ -= take;
  if (bdat_left_ > 0) return;
  phase_ = Phase::kCommand;
  if (bdat_refused_) return reply(503, "5.5.1 the message is refused", false);
  if (bdat_last_) return end_of_content();
  if (misbehave(Turn::kChunk)) {
    accepted_.clear();
    bdat_refused_ = true;
    return;
  }
  reply(250, "2.0.0 more", false);
}

void Peer::end_of_content() {
  const bool nobody = data_for_nobody_;
  if (!nobody && attempt_) witness_.on_content(*attempt_, content_);
  if (nobody) {
    world_.say("{} reads a lone dot", host_.name.text());
    reset_transaction();
    return reply(554, "5.5.1 no valid recipients", false);
  }
  const Deed deed = conduct_->at(Turn::kContent, {});
  if (deed.takes) take_message();  // it may be ours already when we lose our voice
  if (misbehave(deed)) return reset_transaction();
  take_message();
  reset_transaction();
  reply(250, "2.0.0 it is ours", false);
  tire();
}

void Peer::take_message() {
  if (!attempt_) return violate("content that nobody ordered");
  world_.say("{} takes {} for {}", host_.name.text(), render_id(attempt_->envelope->id),
             fmt::join(accepted_, " "));
  witness_.on_taken(*attempt_, accepted_);
}

}  // namespace posthaste::rehearsal
