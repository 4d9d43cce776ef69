// MemoryStore: the model of a Store: what every store has to do, in the plainest words. Tests
// compare queue/rocks with it; the simulator runs on it, crashes it and breaks its disk.
//
// Lifetime     crash() makes the store of the next process; the old one is then to be destroyed.
// Threads      none: one thread at a time, reads too.
// Does not     save anything, or count bytes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "queue/store.h"

namespace posthaste::queue {

class MemoryStore : public Store {
 public:
  // Why writes are refused: new mail always, fates only if `settles_too` (a disk near its floor
  // still takes them).
  struct Trouble {
    bool full = false;
    bool settles_too = true;
    std::string words;
    bool for_good = false;
  };

  MemoryStore() = default;

  // The store as a process finds it that starts after a kill at this instant: what was accepted or
  // settled is there, appended chunks of messages that were not accepted are gone, no shard is
  // gained.
  std::unique_ptr<MemoryStore> crash() const;

  // While there is trouble, writes are refused; reads go on.
  void set_trouble(std::optional<Trouble> trouble) { trouble_ = std::move(trouble); }

  bool stuck() const override { return trouble_ && trouble_->for_good; }

  // While a message is unreadable, it can be neither loaded nor settled; reads from outside go on.
  void set_unreadable(MessageId id, bool unreadable);

  std::size_t messages() const { return messages_.size(); }
  std::size_t recipients() const { return recipients_.size(); }

  bool commit(std::span<Request> batch, std::vector<StoreEvent>& out) override;
  bool gain(std::size_t records, std::vector<StoreEvent>& out) override;
  MessageId last_id() const override { return last_id_; }
  Status prune_history(Instant before) override;
  Status prune_notes(Instant now) override;
  Result<mail::Chunk> body_chunk(MessageId id, std::uint16_t chunk) const override;
  Result<std::vector<mail::HistoryEvent>> history(MessageId id) const override;
  Result<mail::Envelope> envelope(MessageId id) const override;
  Result<std::optional<ListCursor>> list(ListCursor cursor, std::size_t limit,
                                         std::vector<ListedRecipient>& out) const override;
  Status notes(NoteKind kind, Instant now, const NoteVisit& visit) const override;

 private:
  struct Message {
    std::shared_ptr<const mail::Envelope> envelope;
    std::vector<mail::Chunk> chunks;
    std::size_t remaining = 0;  // recipients without a final fate
  };
  struct Note {
    std::string value;
    Instant expires;
  };
  using Events = std::vector<StoreEvent>;

  void announce(Events& out);
  void apply(Append& append, Events& out);
  void apply(Abandon& abandon, Events& out);
  void apply(Accept& accept, Events& out);
  void apply(Settle& settle, Events& out);
  void apply(Load& load, Events& out);
  void apply(Release& release, Events& out);
  void apply(Keep& keep, Events& out);
  void apply(DropNote& drop, Events& out);
  bool refused(Request& request, Events& out);
  bool disk_refuses() const { return trouble_ && trouble_->settles_too; }
  bool store(const Accept& accept);
  bool give_fate(ShardId shard, MessageId id, const Fate& fate);
  void end(std::map<RecipientKey, mail::PendingRecipient>::iterator recipient);
  bool owned(ShardId shard) const { return !released_.contains(shard); }

  std::map<MessageId, Message> messages_;
  std::map<RecipientKey, mail::PendingRecipient> recipients_;
  std::map<MessageId, std::vector<mail::HistoryEvent>> history_;
  std::map<MessageId, std::vector<mail::Chunk>> arriving_;
  std::map<std::pair<NoteKind, std::string>, Note> notes_;
  MessageId last_id_;
  MessageId last_id_at_start_;
  std::uint64_t epoch_ = 1;
  std::optional<Trouble> trouble_;
  std::set<MessageId> unreadable_;

  bool announced_ = false;
  RecipientKey cursor_;  // what gain() looks at next
  bool gained_ = false;
  std::set<ShardId> released_;
};

}  // namespace posthaste::queue
