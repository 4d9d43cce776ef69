#include "lib/smtp/server_transaction.h"

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/names.h"

namespace posthaste::smtp {
namespace {

// Domains are equal without regard to case, local parts are not (RFC 5321 §2.4).
bool same_mailbox(const mail::Mailbox& a, const mail::Mailbox& b) {
  return a.local() == b.local() && equal_fold(a.domain(), b.domain());
}

// Equal for the same mailbox: setting 0x20 makes lower case of letters, and no harm of the rest.
std::size_t hash_of(const mail::Mailbox& mailbox) {
  std::size_t hash = std::hash<std::string_view>{}(mailbox.local());
  for (const char c : mailbox.domain()) {
    hash = (hash ^ (static_cast<unsigned char>(c) | 0x20U)) * 1099511628211U;  // FNV-1a's step
  }
  return hash;
}

}  // namespace

void ServerTransaction::begin(MailArguments arguments, const GrantedWishes& granted) {
  CHECK(!open_);
  open_ = true;
  envelope_.sender = std::move(arguments.sender);
  envelope_.body_type = arguments.body_type;
  envelope_.smtputf8 = arguments.smtputf8;
  envelope_.ret = arguments.ret;
  envelope_.envid = std::move(arguments.envid);
  // RFC 8689 §5: a notification is not to be lost for want of REQUIRETLS on the way back.
  if (arguments.require_tls) {
    envelope_.tls_wish =
        envelope_.sender.null() ? mail::TlsWish::kRequireTlsIfOffered : mail::TlsWish::kRequireTls;
  }
  envelope_.deliver_by = granted.deliver_by;
  envelope_.hold_until = granted.hold_until;
  envelope_.priority = granted.priority;
  declared_size_ = arguments.size;
}

ServerTransaction::Added ServerTransaction::add(RcptArguments arguments,
                                                std::uint16_t recipients_max) {
  CHECK(open_ && !content);
  const std::size_t hash = hash_of(arguments.address);
  // A walk over one small array is faster than any tree or table up to some thousand recipients.
  for (std::size_t i = 0; i < hashes_.size(); ++i) {
    if (hashes_[i] == hash && same_mailbox(recipients_[i].address, arguments.address)) {
      return Added::kDuplicate;
    }
  }
  if (recipients_.size() >= recipients_max) return Added::kTooMany;
  hashes_.push_back(hash);
  recipients_.push_back({static_cast<std::uint16_t>(recipients_.size()),
                         std::move(arguments.address), arguments.notify,
                         std::move(arguments.orcpt)});
  return Added::kKept;
}

void ServerTransaction::reset(server::Actions& out) {
  if (content) content->abandon(out);
  content.reset();
  open_ = false;
  envelope_ = {};
  recipients_.clear();
  hashes_.clear();
  declared_size_.reset();
}

Submission ServerTransaction::finish(Instant arrived, std::string submitter) {
  CHECK(open_ && content && !recipients_.empty());
  Submission submission;
  submission.last_chunk = content->finish(envelope_);
  submission.chunks_spilled = content->chunks_spilled();
  envelope_.arrived = arrived;
  // Many clients say SMTPUTF8 wherever it is offered; a host without it is asked for it only where
  // the mail itself needs it (RFC 6531 §3.4). Recipients are looked at one by one when they are
  // sent to.
  envelope_.smtputf8 = envelope_.smtputf8 && (envelope_.eight_bit || !envelope_.sender.ascii());
  envelope_.recipients_total = static_cast<std::uint16_t>(recipients_.size());
  envelope_.submitter = std::move(submitter);
  submission.envelope = std::make_shared<const mail::Envelope>(std::move(envelope_));
  submission.recipients = std::move(recipients_);
  return submission;
}

}  // namespace posthaste::smtp
