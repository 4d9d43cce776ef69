#include "queue/rocks/shelf.h"

#include <string>

#include "queue/rocks/keys.h"

namespace posthaste::queue {

void Shelf::set_aside_recipient(std::string_view key, std::string_view value, std::string_view why,
                                rocksdb::WriteBatch& batch) {
  const std::string shelved = prefixed(kCorruptRecipientPrefix, key);
  batch.Put(database_.family(Family::kDefault), shelved, slice(value));
  // Its revision is not known, so neither is how often the key was written: Delete is right for
  // both.
  batch.Delete(database_.family(Family::kRcpt), slice(key));
  const auto parsed = parse_recipient_key(key);
  const std::string whose = parsed ? "recipient " + std::to_string(parsed->number) +
                                         " of message " + render_id(parsed->id)
                                   : "a recipient of an unknown message";
  report(whose + " was set aside: " + std::string(why));
}

void Shelf::set_aside_message(MessageId id, std::string_view value, std::string_view why,
                              rocksdb::WriteBatch& batch) {
  const auto key = message_key(id);
  batch.Put(database_.family(Family::kDefault), prefixed(kCorruptMessagePrefix, key.view()),
            slice(value));
  batch.SingleDelete(database_.family(Family::kMsg), slice(key.view()));
  report("the envelope of message " + render_id(id) + " was set aside: " + std::string(why));
}

void Shelf::report(std::string_view words) {
  count_.fetch_add(1, std::memory_order_relaxed);
  if (log_) log_(LogLevel::kError, words);
}

void Shelf::warn(std::string_view words) const {
  if (log_) log_(LogLevel::kWarning, words);
}

}  // namespace posthaste::queue
