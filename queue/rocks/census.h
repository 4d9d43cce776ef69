// Census: compares what recipients, envelopes and bodies say of each other. Pure.
//
//   count_recipient()… -> end_recipients() -> count_envelope()… -> end_envelopes()
//   -> count_chunk()… -> end_bodies()
//
// Lifetime     one inspection.
// Threads      none: one thread at a time.
// Limits       16 bytes for each recipient, 24 for each message.
// Does not     read. Envelopes and chunks have to come in the order of their keys.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "lib/mail/envelope.h"
#include "queue/record.h"
#include "queue/rocks/inspection.h"

namespace posthaste::queue {

class Census {
 public:
  explicit Census(QueueReport& report) : report_(report) {}

  // Messages whose body may stand alone, and whose envelope and body may: still arriving; of a
  // recipient that was set aside; perhaps ended.
  void expect_arriving(MessageId id) { arriving_.insert(id); }
  void expect_without_recipient(MessageId id) { alone_.insert(id); }

  void count_recipient(MessageId id, MessageSize message);
  void end_recipients();
  void count_envelope(const mail::Envelope& envelope);
  // Of the message, nothing but that it has one is known.
  void count_unreadable_envelope(MessageId id);
  void end_envelopes();
  void count_chunk(MessageId id, std::uint16_t chunk, std::size_t bytes);
  void end_bodies();

  // A part of them could not be read: nobody can say any more what is missing there.
  void lost_recipients() { recipients_lost_ = true; }
  void lost_envelopes() { envelopes_lost_ = true; }
  void lost_bodies() { bodies_lost_ = true; }

  void add(ProblemKind kind, std::string key, std::string words);

 private:
  struct Seat {  // of a recipient
    MessageId id;
    MessageSize message;
  };
  struct Content {  // of a message
    MessageId id;
    std::uint16_t chunks = 0;
    bool bytes_known = false;
    std::uint64_t bytes = 0;
  };

  std::size_t seats_of(MessageId id);
  void skip_seats_before(MessageId id);
  void finish_content();
  bool open_content(MessageId id);

  QueueReport& report_;
  std::set<MessageId> arriving_;
  std::set<MessageId> alone_;
  std::vector<Seat> seats_;
  std::size_t next_seat_ = 0;
  std::vector<Content> contents_;
  std::size_t next_content_ = 0;
  std::uint64_t stray_ = 0;  // the latest message of which chunks were found without an envelope
  std::uint32_t chunks_found_ = 0;  // of the content at next_content_
  std::uint64_t bytes_found_ = 0;
  bool recipients_lost_ = false;
  bool envelopes_lost_ = false;
  bool bodies_lost_ = false;
};

}  // namespace posthaste::queue
