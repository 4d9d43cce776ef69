// ServerTransaction: one mail transaction as the server sees it: sender, recipients, then content.
//
// Lifetime     reused by one session from transaction to transaction; reset() between them.
// Threads      none: one thread at a time.
// Limits       recipients_max; a second RCPT for the same mailbox is agreed to and not kept.
// Implements   RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.1.5.
// Does not     parse commands, write replies, read content (incoming_message.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/mail/envelope.h"
#include "lib/smtp/incoming_message.h"
#include "lib/smtp/path_arguments.h"

namespace posthaste::smtp {

class ServerTransaction {
 public:
  enum class Added : std::uint8_t { kKept, kDuplicate, kTooMany };

  bool open() const { return open_; }
  // `granted`: what the wishes among the arguments come to. REQUIRES !open().
  void begin(MailArguments arguments, const GrantedWishes& granted);
  // REQUIRES open() && !content.
  Added add(RcptArguments arguments, std::uint16_t recipients_max);
  // Forgets everything; appends Abandon where something was spilled.
  void reset(server::Actions& out);

  bool smtputf8() const { return envelope_.smtputf8; }
  std::int8_t priority() const { return envelope_.priority; }
  // Of the sender, for the log: " MT-PRIORITY=3 BY=…", or nothing.
  std::string wishes() const { return render_wishes(envelope_); }
  const std::vector<mail::Recipient>& recipients() const { return recipients_; }
  std::optional<std::uint64_t> declared_size() const { return declared_size_; }

  // Set from DATA or the first BDAT on.
  std::optional<IncomingMessage> content;

  // Moves everything into a Submission, but keeps `content`, so that it can still be abandoned.
  // REQUIRES content->refusal().empty(), at least one recipient.
  Submission finish(Instant arrived, std::string submitter);

 private:
  bool open_ = false;
  mail::Envelope envelope_;
  std::vector<mail::Recipient> recipients_;
  std::vector<std::size_t>
      hashes_;  // of recipients_, in their order: what a duplicate is looked up by
  std::optional<std::uint64_t> declared_size_;
};

}  // namespace posthaste::smtp
