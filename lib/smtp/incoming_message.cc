#include "lib/smtp/incoming_message.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "lib/base/check.h"
#include "lib/mail/utf8.h"

namespace posthaste::smtp {

IncomingMessage::IncomingMessage(Framing framing, const mail::Trace& trace, std::uint64_t bytes_max,
                                 std::uint64_t bytes_expected)
    : id_(trace.id), bytes_max_(bytes_max), scanner_(framing) {
  constexpr std::uint64_t kTraceOctets = 512;  // about; being wrong costs one more allocation
  chunk_.reserve(std::min<std::uint64_t>(bytes_expected + kTraceOctets, mail::kChunkBytesMax));
  mail::append_received(chunk_, trace);
}

std::size_t IncomingMessage::take(std::string_view wire, server::Actions& out) {
  CHECK(!ended_);
  std::size_t taken = 0;
  while (taken < wire.size() && !ended_) {
    const ContentScanner::Step step = scanner_.next(wire.substr(taken));
    taken += step.consumed;
    ended_ = step.ended;
    take_run(step.run, out);
  }
  return taken;
}

void IncomingMessage::take_run(std::string_view run, server::Actions& out) {
  content_bytes_ += run.size();
  if (!dropped_) {
    header_.feed(run);
    eight_bit_ = eight_bit_ || !mail::is_ascii(run);
  }
  if (!refusal().empty()) return drop(out);
  keep(run, out);
}

void IncomingMessage::keep(std::string_view run, server::Actions& out) {
  while (!run.empty()) {
    if (chunk_.size() == mail::kChunkBytesMax) {
      // Spilled only now that there is more, so that the last chunk is never empty.
      spilled_bytes_ += chunk_.size();
      auto full = std::make_shared<const std::string>(std::move(chunk_));
      out.emplace_back(server::Spill{id_, spilled_++, std::move(full)});
      chunk_ = {};
      chunk_.reserve(mail::kChunkBytesMax);
    }
    const std::size_t room = mail::kChunkBytesMax - chunk_.size();
    chunk_.append(run.substr(0, room));
    run.remove_prefix(std::min(room, run.size()));
  }
}

void IncomingMessage::refuse_by_store(bool full, server::Actions& out) {
  store_refusal_ = full ? "452 4.3.1 no room to store the message, try again later"
                        : "451 4.3.0 the message cannot be stored now, try again later";
  drop(out);
}

// The order is fixed, and each reason stays once it is there: so the answer does not depend on how
// the content was cut into reads. What is wrong for ever goes before what the store may do better
// next time.
std::string_view IncomingMessage::refusal() const {
  if (content_bytes_ > bytes_max_) return "552 5.3.4 the message is larger than SIZE allows";
  if (scanner_.bare_line_end() || unfinished_line_end_) {
    return "550 5.5.2 the message has a CR or LF that is not part of CRLF (RFC 5321 2.3.8)";
  }
  if (scanner_.line_too_long()) return "554 5.6.0 the message has a line of more than 65536 octets";
  if (header_.received_fields() > kReceivedFieldsMax) {
    return "554 5.4.6 mail loop: the message has more than 100 Received fields";
  }
  return store_refusal_;
}

void IncomingMessage::complete(server::Actions& out) {
  if (scanner_.after_cr()) {
    unfinished_line_end_ = true;
    return drop(out);
  }
  // RFC 3030 §3: without BINARYMIME content is lines; what follows us may have no BDAT to say
  // otherwise.
  if (!scanner_.at_line_start()) take("\r\n", out);
}

mail::Chunk IncomingMessage::finish(mail::Envelope& envelope) {
  CHECK(refusal().empty() && !dropped_);
  envelope.id = id_;
  envelope.eight_bit = eight_bit_;
  // RFC 8689 §4.1: the field means nothing beside the parameter of MAIL.
  if (envelope.tls_wish == mail::TlsWish::kPolicy && header_.tls_optional()) {
    envelope.tls_wish = mail::TlsWish::kOptional;
  }
  envelope.body_bytes = spilled_bytes_ + chunk_.size();
  envelope.body_chunks = static_cast<std::uint16_t>(spilled_ + 1);
  // A declared SIZE that was far too high must not sit in memory as long as the message does.
  if (chunk_.capacity() / 2 > chunk_.size()) chunk_.shrink_to_fit();
  return std::make_shared<const std::string>(std::move(chunk_));
}

void IncomingMessage::abandon(server::Actions& out) { drop(out); }

void IncomingMessage::drop(server::Actions& out) {
  if (dropped_) return;
  dropped_ = true;
  chunk_ = {};
  if (spilled_ > 0) out.emplace_back(server::Abandon{id_});
}

}  // namespace posthaste::smtp
