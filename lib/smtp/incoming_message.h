// IncomingMessage: the content of one message while it comes in, cut into chunks for the store.
//
//   octets -> ContentScanner (end, dots, line ends) -> HeaderScanner (loops, TLS-Required) ->
//   chunks -> Spill …
//
// A message that will be refused is still read to its end, as RFC 5321 §4.1.1.4 and RFC 3030 §2
// want, but no longer kept: what was spilled of it is abandoned at once.
//
// Lifetime     from DATA or the first BDAT until the store has answered or all is forgotten.
// Threads      none: one thread at a time.
// Limits       one chunk (64 KiB) in memory; bytes_max of content, the trace field not counted.
// Implements   RFC 5321 §4.1.1.4, §4.5.2, §6.3; RFC 1870 §6.3; RFC 3030 §2; RFC 8689 §4.1.
// Does not     know commands, recipients, or replies other than the one that refuses the content.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/mail/envelope.h"
#include "lib/mail/header_scanner.h"
#include "lib/mail/trace_header.h"
#include "lib/smtp/content_scanner.h"
#include "lib/smtp/server_session.h"

namespace posthaste::smtp {

class IncomingMessage {
 public:
  static constexpr unsigned kReceivedFieldsMax = 100;  // RFC 5321 §6.3: "at least 100"

  // The content begins with the trace field made of `trace`. `bytes_expected`: a guess, to allocate
  // once.
  IncomingMessage(Framing framing, const mail::Trace& trace, std::uint64_t bytes_max,
                  std::uint64_t bytes_expected);

  MessageId id() const { return id_; }
  // Takes content, appends Spill (or Abandon) actions. Returns how many octets it took: all, unless
  // the terminator was among them; then ended() is true. REQUIRES !ended().
  std::size_t take(std::string_view wire, server::Actions& out);
  bool ended() const { return ended_; }

  // The store refused a chunk: the rest is read and dropped.
  void refuse_by_store(bool full, server::Actions& out);
  // The reply that refuses the content so far, without CRLF; empty while there is nothing against
  // it.
  std::string_view refusal() const;
  // The last octet came (BDAT LAST): a line that is not ended is ended, or refused if it ends in a
  // CR.
  void complete(server::Actions& out);

  // Moves the last chunk out and fills in what the envelope says of the content. REQUIRES
  // refusal().empty().
  mail::Chunk finish(mail::Envelope& envelope);
  std::uint16_t chunks_spilled() const { return spilled_; }
  // Emits Abandon if anything was spilled and not yet abandoned. Idempotent.
  void abandon(server::Actions& out);

 private:
  void take_run(std::string_view run, server::Actions& out);
  void keep(std::string_view run, server::Actions& out);
  void drop(server::Actions& out);

  const MessageId id_;
  const std::uint64_t bytes_max_;
  ContentScanner scanner_;
  mail::HeaderScanner header_;
  std::string chunk_;                // the chunk that is being filled
  std::uint64_t content_bytes_ = 0;  // without the trace field, kept or not
  std::uint64_t spilled_bytes_ = 0;
  std::uint16_t spilled_ = 0;
  std::string_view store_refusal_;
  bool eight_bit_ = false;
  bool unfinished_line_end_ = false;
  bool ended_ = false;
  bool dropped_ = false;
};

}  // namespace posthaste::smtp
