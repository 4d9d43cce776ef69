#include "daemon/own_mail.h"

#include <algorithm>
#include <utility>

namespace posthaste::daemon {
namespace {

std::vector<mail::Chunk> cut_into_chunks(std::string content) {
  std::vector<mail::Chunk> chunks;
  if (content.size() <= mail::kChunkBytesMax) {
    chunks.push_back(std::make_shared<const std::string>(std::move(content)));
    return chunks;
  }
  for (std::size_t at = 0; at < content.size(); at += mail::kChunkBytesMax) {
    chunks.push_back(std::make_shared<const std::string>(content.substr(at, mail::kChunkBytesMax)));
  }
  return chunks;
}

}  // namespace

queue::Accept accept_of(OwnMail mail) {
  auto envelope = std::make_shared<mail::Envelope>();
  envelope->id = mail.id;
  envelope->sender = std::move(mail.sender);
  envelope->arrived = mail.now;
  envelope->eight_bit =
      std::any_of(mail.content.begin(), mail.content.end(), [](char c) { return (c & 0x80) != 0; });
  envelope->body_type = envelope->eight_bit ? mail::BodyType::k8BitMime : mail::BodyType::k7Bit;
  envelope->smtputf8 = mail.smtputf8;
  envelope->tls_wish = mail.tls_wish;
  envelope->priority = mail.priority;
  envelope->body_bytes = mail.content.size();
  envelope->recipients_total = 1;
  envelope->submitter = std::move(mail.origin);

  queue::Accept accept;
  accept.chunks = cut_into_chunks(std::move(mail.content));
  envelope->body_chunks = static_cast<std::uint16_t>(accept.chunks.size());
  mail::HistoryEvent event;
  event.time = mail.now;
  event.sender = envelope->sender.text();
  event.recipient = mail.recipient.text();
  event.words = envelope->submitter;
  accept.history = std::move(event);
  mail::PendingRecipient pending;
  pending.shard = shard_of(routing_domain(mail.recipient));
  pending.recipient.address = std::move(mail.recipient);
  pending.recipient.notify = mail::kNotifyNever;
  pending.progress.due = mail.now;
  pending.tls_wish = mail.tls_wish;
  pending.priority = mail.priority;
  accept.recipients.push_back(std::move(pending));
  accept.envelope = std::move(envelope);
  return accept;
}

}  // namespace posthaste::daemon
