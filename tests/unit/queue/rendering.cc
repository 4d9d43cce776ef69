// Words for what a store says, for comparing.
#include <functional>
#include <string>

#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {
namespace {

std::string render_time(Instant time) { return std::to_string(time.time_since_epoch().count()); }

std::string letter_text(const mail::Letter& letter) {
  std::string text = render_id(letter.envelope->id) + " from " + letter.envelope->sender.text();
  for (const auto& pending : letter.recipients) text += " " + render(pending);
  for (const auto& chunk : letter.body.chunks) {
    text += " body " + std::to_string(std::hash<std::string>{}(*chunk));
  }
  return text;
}

std::string fate_text(const Fate& fate) {
  return std::to_string(fate.number) + ":" + std::to_string(static_cast<int>(fate.kind)) + ":" +
         std::to_string(fate.revision);
}

std::string place(ShardId shard, MessageId id) {
  return std::to_string(shard) + "/" + render_id(id);
}

}  // namespace

std::string render(const mail::PendingRecipient& pending) {
  const mail::Progress& progress = pending.progress;
  return "<" + std::to_string(pending.shard) + "." + std::to_string(pending.recipient.number) +
         " " + pending.recipient.address.text() + " " + pending.recipient.orcpt + " r" +
         std::to_string(progress.revision) + " a" + std::to_string(progress.attempts) + " " +
         render_time(progress.due) + " " + progress.retry_class + " " + progress.last_host + " " +
         progress.last_words + (progress.maybe_delivered ? " maybe" : "") +
         (progress.held ? " held" : "") + (progress.delay_told ? " told" : "") + " wish " +
         std::to_string(static_cast<int>(pending.tls_wish)) + " priority " +
         std::to_string(pending.priority) + ">";
}

std::string render(const StoreEvent& event) {
  struct Render {
    std::string operator()(const Accepted& e) const {
      return "Accepted " + std::to_string(e.ticket) + " " + render_id(e.id);
    }
    std::string operator()(const Refused& e) const {
      return "Refused " + std::to_string(e.ticket) + " " + render_id(e.id) +
             (e.full ? " full" : "");
    }
    std::string operator()(const Settled& e) const {
      std::string text = "Settled " + place(e.shard, e.id);
      for (const Fate& fate : e.applied) text += " " + fate_text(fate);
      return text;
    }
    std::string operator()(const Superseded& e) const {
      std::string text = "Superseded " + place(e.shard, e.id);
      for (const auto number : e.numbers) text += " " + std::to_string(number);
      return text;
    }
    std::string operator()(const NotSettled& e) const {
      return "NotSettled " + place(e.request.shard, e.request.id) + (e.full ? " full" : "");
    }
    std::string operator()(const Loaded& e) const {
      return "Loaded " + std::to_string(e.ticket) + " " + letter_text(*e.letter);
    }
    std::string operator()(const NotLoaded& e) const {
      return "NotLoaded " + std::to_string(e.ticket) + " " + place(e.shard, e.id) + " " +
             std::to_string(static_cast<int>(e.error.code));
    }
    std::string operator()(const Gained& e) const {
      return "Gained " + std::to_string(e.shard) + " epoch " + std::to_string(e.epoch);
    }
    std::string operator()(const Entry& e) const {
      return "Entry " + place(e.shard, e.id) + " " + std::to_string(e.number) + " r" +
             std::to_string(e.revision) + " a" + std::to_string(e.attempts) + " " +
             render_time(e.due) + " " + e.domain.text() + " " + e.retry_class + " wish " +
             std::to_string(static_cast<int>(e.tls_wish)) + " priority " +
             std::to_string(e.priority) + (e.held ? " held" : "") + (e.own_limits ? " limits" : "");
    }
    std::string operator()(const GainedAll& e) const {
      return "GainedAll " + std::to_string(e.shard);
    }
    std::string operator()(const Arrived& e) const {
      return "Arrived " + std::to_string(e.shard) + " " + letter_text(*e.letter);
    }
    std::string operator()(const Kept& e) const { return "Kept " + std::to_string(e.ticket); }
    std::string operator()(const NotKept& e) const { return "NotKept " + std::to_string(e.ticket); }
    std::string operator()(const Losing& e) const { return "Losing " + std::to_string(e.shard); }
    std::string operator()(const Lost& e) const { return "Lost " + std::to_string(e.shard); }
  };
  return std::visit(Render{}, event);
}

}  // namespace posthaste::queue
