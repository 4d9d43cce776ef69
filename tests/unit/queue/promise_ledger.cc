#include "tests/unit/queue/promise_ledger.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::queue {
namespace {

constexpr std::size_t kMessagesMax = 40;
constexpr ShardId kShardsUsed[] = {0, 5, 1023};
constexpr const char* kGone = "(none)";  // as the value of a note

std::string recipient_name(MessageId id, std::uint16_t number) {
  return "recipient " + std::to_string(number) + " of " + render_id(id);
}

bool ends(const Fate& fate) { return fate.kind != FateKind::kDeferred; }

}  // namespace

// ---- what is asked ------------------------------------------------------------------------------

Accept PromiseLedger::new_mail() {
  const MessageId id = id_at(++last_millisecond_);
  std::vector<To> to;
  const auto count = static_cast<std::uint16_t>(rng_.chance(0.7) ? 1 : 2 + rng_.below(2));
  for (std::uint16_t number = 0; number < count; ++number) {
    to.push_back({kShardsUsed[rng_.below(std::size(kShardsUsed))], number});
  }
  const std::size_t body_bytes = 1 + (rng_.chance(0.1) ? rng_.below(150'000) : rng_.below(5000));
  Message& message = messages_[id];
  message.to = to;
  message.body_bytes = body_bytes;
  for (const To& one : to) message.waiting[one.number] = {};
  return make_accept(id, to, body_bytes, id.value);
}

ShardId PromiseLedger::shard_of(const Message& message, std::uint16_t number) const {
  return message.to.at(number).shard;
}

// A fate for a recipient that waits; at times with a bounce.
std::optional<Settle> PromiseLedger::new_settle() {
  std::vector<std::pair<MessageId, std::uint16_t>> free;
  for (const auto& [id, message] : messages_) {
    if (!message.answered) continue;
    for (const auto& [number, waiting] : message.waiting) {
      if (waiting.unanswered == 0) free.emplace_back(id, number);
    }
  }
  if (free.empty()) return std::nullopt;
  const auto [id, number] = free[rng_.below(free.size())];
  Message& message = messages_.at(id);
  Waiting& waiting = message.waiting.at(number);
  Settle settle = make_settle(shard_of(message, number), id, {});
  const auto dice = rng_.below(10);
  if (dice < 3) settle.fates = {deferred(number, waiting.revision)};
  if (dice >= 3 && dice < 7) settle.fates = {delivered(number, waiting.revision)};
  if (dice >= 7) settle.fates = {bounced(number, waiting.revision)};
  if (dice >= 7) settle.dsn = new_mail();
  settle.history.push_back(event_of(mail::HistoryKind::kDeferred, "words"));
  waiting.unanswered = ++last_ticket_;
  settles_[last_ticket_] = settle;
  return settle;
}

void PromiseLedger::ask_notes(std::vector<Request>& batch) {
  const std::string key(1, static_cast<char>('a' + rng_.below(3)));
  const std::uint64_t ticket = ++last_ticket_;
  if (rng_.chance(0.3)) {
    batch.push_back(DropNote{NoteKind::kSuspension, key, ticket});
    may_be_now_[key].insert(kGone);
  } else {
    const std::string value = std::to_string(ticket);
    batch.push_back(Keep{NoteKind::kSuspension, key, value, kNever, ticket});
    may_be_now_[key].insert(value);
  }
  asked_notes_.emplace(ticket, batch.back());
}

std::vector<Request> PromiseLedger::next_batch() {
  std::vector<Request> batch;
  for (const auto& [ticket, settle] : settles_) batch.push_back(settle);  // handed back before
  for (auto count = 1 + rng_.below(5); count > 0; --count) {
    const auto dice = rng_.below(20);
    if (dice == 0) {
      ask_notes(batch);
    } else if (dice < 10 && messages_.size() < kMessagesMax) {
      Accept accept = new_mail();
      if (accept.chunks.size() > 1 && rng_.chance(0.5)) {
        for (Append& append : take_appends(accept)) batch.push_back(std::move(append));
      }
      batch.push_back(std::move(accept));
    } else if (std::optional<Settle> settle = new_settle()) {
      batch.push_back(std::move(*settle));
    }
  }
  return batch;
}

std::vector<Request> PromiseLedger::end_of_all() const {
  std::vector<Request> batch;
  for (const auto& [id, message] : messages_) {
    for (const auto& [number, waiting] : message.waiting) {
      batch.push_back(
          make_settle(shard_of(message, number), id, {delivered(number, waiting.revision)}));
    }
  }
  return batch;
}

// ---- what is answered ---------------------------------------------------------------------------

void PromiseLedger::on_answers(const std::vector<StoreEvent>& events) {
  for (const StoreEvent& event : events) {
    if (const auto* accepted = std::get_if<Accepted>(&event)) {
      messages_.at(accepted->id).answered = true;
      ++answered_;
    } else if (const auto* settled = std::get_if<Settled>(&event)) {
      on_settled(*settled);
      ++answered_;
    } else if (const auto* kept = std::get_if<Kept>(&event)) {
      const Request& note = asked_notes_.at(kept->ticket);
      const auto* keep = std::get_if<Keep>(&note);
      const std::string& key = keep != nullptr ? keep->key : std::get<DropNote>(note).key;
      notes_[key] = keep != nullptr ? keep->value : kGone;
      may_be_now_[key].clear();
      ++answered_;
    }
  }
}

void PromiseLedger::on_settled(const Settled& settled) {
  const auto message = messages_.find(settled.id);
  for (const Fate& fate : settled.applied) {
    const auto found = message->second.waiting.find(fate.number);
    CHECK(found != message->second.waiting.end());
    settles_.erase(found->second.unanswered);
    found->second = {fate.progress.revision, 0};
    if (ends(fate)) message->second.waiting.erase(found);
  }
  if (message->second.waiting.empty()) messages_.erase(message);
}

// ---- what has to be there -----------------------------------------------------------------------

PromiseLedger::Listed PromiseLedger::listed(const Store& store) {
  Listed found;
  for (ListedRecipient& one : list_all(store)) {
    found[one.id].emplace(one.pending.recipient.number, std::move(one.pending));
  }
  return found;
}

std::map<std::string, std::string> PromiseLedger::suspensions(const Store& store) {
  std::map<std::string, std::string> found;
  const auto add = [&found](const std::string& key, const std::string& value, Instant) {
    found[key] = value;
  };
  CHECK(store.notes(NoteKind::kSuspension, Instant{}, add).has_value());
  return found;
}

std::vector<std::string> PromiseLedger::broken_now(const Store& store) const {
  Lines broken;
  const Listed found = listed(store);
  for (const auto& [id, recipients] : found) {
    const auto message = messages_.find(id);
    if (message == messages_.end() || !message->second.answered) {
      broken.push_back(render_id(id) + " is there and was not accepted, or has ended");
    }
  }
  for (const auto& [id, message] : messages_) {
    if (!message.answered) continue;
    const auto there = found.find(id);
    for (const auto& [number, waiting] : message.waiting) {
      const bool missing = there == found.end() || !there->second.contains(number);
      if (missing || there->second.at(number).progress.revision != waiting.revision) {
        broken.push_back(recipient_name(id, number) + " is not as it was answered");
      }
    }
  }
  return broken;
}

std::vector<std::string> PromiseLedger::broken_after_cut(Store& store,
                                                         const std::vector<Entry>& entries) {
  Lines broken;
  const Listed found = listed(store);
  std::size_t recipients = 0;
  for (const auto& [id, numbers] : found) {
    recipients += numbers.size();
    if (!messages_.contains(id)) broken.push_back(render_id(id) + " came back after its end");
  }
  if (recipients != entries.size()) {
    broken.push_back(std::to_string(entries.size()) + " entries of " + std::to_string(recipients));
  }
  for (const auto& [id, message] : messages_) check_message(id, message, found, broken);
  check_bounces(found, broken);
  check_content(store, found, broken);
  check_notes(store, broken);
  if (broken.empty()) adopt(found, store);
  return broken;
}

void PromiseLedger::check_message(MessageId id, const Message& message, const Listed& listed,
                                  Lines& broken) const {
  const auto found = listed.find(id);
  if (found == listed.end() && !message.answered) return;
  for (const auto& [number, waiting] : message.waiting) {
    const mail::PendingRecipient* there = nullptr;
    if (found != listed.end() && found->second.contains(number)) there = &found->second.at(number);
    check_recipient(id, number, waiting, there, broken);
  }
  if (found == listed.end()) return;
  for (const auto& [number, pending] : found->second) {
    if (!message.waiting.contains(number)) {
      broken.push_back(recipient_name(id, number) + " came back after its end");
    }
  }
}

void PromiseLedger::check_recipient(MessageId id, std::uint16_t number, const Waiting& waiting,
                                    const mail::PendingRecipient* found, Lines& broken) const {
  const auto asked = settles_.find(waiting.unanswered);
  const Fate* fate = asked == settles_.end() ? nullptr : &asked->second.fates.front();
  if (found == nullptr) {
    if (fate == nullptr || !ends(*fate)) broken.push_back(recipient_name(id, number) + " is lost");
    return;
  }
  const std::uint32_t revision = found->progress.revision;
  const bool was_deferred = fate != nullptr && !ends(*fate) && revision == fate->progress.revision;
  if (revision != waiting.revision && !was_deferred) {
    broken.push_back(recipient_name(id, number) + " has revision " + std::to_string(revision) +
                     ", not " + std::to_string(waiting.revision));
  }
}

// An end and its bounce are one write.
void PromiseLedger::check_bounces(const Listed& listed, Lines& broken) const {
  for (const auto& [ticket, settle] : settles_) {
    if (!settle.dsn) continue;
    const auto found = listed.find(settle.id);
    const std::uint16_t number = settle.fates.front().number;
    const bool ended = found == listed.end() || !found->second.contains(number);
    const bool told = listed.contains(settle.dsn->envelope->id);
    if (ended == told) continue;
    broken.push_back(recipient_name(settle.id, number) +
                     (ended ? " ended without its bounce" : " was bounced and still waits"));
  }
}

// No message is there by half.
void PromiseLedger::check_content(Store& store, const Listed& listed, Lines& broken) const {
  for (const auto& [id, recipients] : listed) {
    const auto message = messages_.find(id);
    if (message == messages_.end()) continue;
    const Accept wanted = make_accept(id, message->second.to, message->second.body_bytes);
    const auto& [number, pending] = *recipients.begin();
    const auto loaded =
        only<Loaded>(commit_one(store, Load{1, pending.shard, id, {number}, std::size_t{1} << 30}));
    if (loaded.empty() || *loaded[0].letter->envelope != *wanted.envelope) {
      broken.push_back(render_id(id) + " has no envelope, or another");
      continue;
    }
    const auto same = [](const mail::Chunk& a, const mail::Chunk& b) { return *a == *b; };
    const auto& chunks = loaded[0].letter->body.chunks;
    if (!std::equal(chunks.begin(), chunks.end(), wanted.chunks.begin(), wanted.chunks.end(),
                    same)) {
      broken.push_back(render_id(id) + " has no body, or another");
    }
  }
}

void PromiseLedger::check_notes(const Store& store, Lines& broken) const {
  auto found = suspensions(store);
  std::set<std::string> keys;
  for (const auto& [key, value] : notes_) keys.insert(key);
  for (const auto& [key, value] : found) keys.insert(key);
  for (const std::string& key : keys) {
    const std::string now = found.contains(key) ? found.at(key) : kGone;
    const std::string answered = notes_.contains(key) ? notes_.at(key) : kGone;
    const auto maybe = may_be_now_.find(key);
    if (now == answered || (maybe != may_be_now_.end() && maybe->second.contains(now))) continue;
    broken.push_back("the note " + key + " is " + now + ", not " + answered);
  }
}

// What was not answered is decided now.
void PromiseLedger::adopt(const Listed& listed, const Store& store) {
  settles_.clear();
  asked_notes_.clear();
  may_be_now_.clear();
  notes_ = suspensions(store);
  std::erase_if(messages_, [&listed](const auto& entry) { return !listed.contains(entry.first); });
  for (auto& [id, message] : messages_) {
    message.answered = true;
    const auto& found = listed.at(id);
    std::erase_if(message.waiting,
                  [&found](const auto& entry) { return !found.contains(entry.first); });
    for (auto& [number, waiting] : message.waiting) {
      waiting = {found.at(number).progress.revision, 0};
    }
  }
}

}  // namespace posthaste::queue
