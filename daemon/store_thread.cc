#include "daemon/store_thread.h"

#include <algorithm>
#include <chrono>

#include "lib/base/check.h"
#include "lib/base/overloaded.h"

namespace posthaste::daemon {
namespace {

constexpr std::size_t kGainRecords = 2'000;                      // per step: a few milliseconds
constexpr Duration kGainPause = std::chrono::milliseconds(5);    // for the workers to catch up
constexpr Duration kGainRetry = std::chrono::milliseconds(100);  // when it could not read
constexpr Duration kLookAround = std::chrono::seconds(1);
constexpr Duration kPruneEvery = std::chrono::minutes(10);
constexpr int kLastTries = 5;  // to store outcomes while stopping

std::size_t content_bytes(const queue::Accept& accept) {
  std::size_t bytes = 0;
  for (const auto& chunk : accept.chunks) bytes += chunk->size();
  return bytes;
}

std::size_t content_bytes(const queue::Request& request) {
  if (const auto* append = std::get_if<queue::Append>(&request)) return append->bytes->size();
  if (const auto* accept = std::get_if<queue::Accept>(&request)) return content_bytes(*accept);
  return 0;
}

unsigned ticket_worker(std::uint64_t ticket) { return static_cast<unsigned>(ticket >> 48); }

// Of a note; 0: it has none, or it is something else.
std::uint64_t note_ticket(const queue::Request& request) {
  if (const auto* keep = std::get_if<queue::Keep>(&request)) return keep->ticket;
  if (const auto* drop = std::get_if<queue::DropNote>(&request)) return drop->ticket;
  return 0;
}

// Somebody waits until it is durable.
bool is_synced(const queue::Request& request) {
  return std::holds_alternative<queue::Accept>(request) ||
         std::holds_alternative<queue::Settle>(request) || note_ticket(request) != 0;
}

}  // namespace

StoreThread::StoreThread(std::unique_ptr<queue::Store> store, Options options, Metrics& metrics,
                         Log& log, Sink sink, Trouble trouble)
    : store_(std::move(store)),
      options_(std::move(options)),
      metrics_(metrics),
      log_(log),
      sink_(std::move(sink)),
      tell_trouble_(std::move(trouble)),
      mailbox_(loop_, options_.queue_max, [this] { on_mail(); }),
      timer_(loop_, [this] { on_timer(); }),
      heartbeat_(loop_),
      notes_(options_.notes_max, options_.notes_bytes_max) {}

StoreThread::~StoreThread() { stop(); }

void StoreThread::start() {
  CHECK(!thread_.joinable());
  timer_.set(loop_.now());
  heartbeat_.begin();
  thread_ = std::thread([this] { run(); });
}

void StoreThread::run() { loop_.run(); }

void StoreThread::stop() {
  if (!thread_.joinable()) return;
  stop_asked_.store(true, std::memory_order_release);
  mailbox_.push(queue::Abandon{});  // id 0 names no message: only wakes the thread
  thread_.join();
}

bool StoreThread::try_push(queue::Request&& request) {
  const std::size_t bytes = content_bytes(request);
  if (queued_bytes_.load(std::memory_order_relaxed) + bytes > options_.queued_bytes_max)
    return false;
  if (trouble_.load(std::memory_order_relaxed) && mailbox_.size() > options_.queue_max / 2)
    return false;
  queued_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (mailbox_.try_push(std::move(request))) return true;
  queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void StoreThread::push(queue::Request&& request) {
  queued_bytes_.fetch_add(content_bytes(request), std::memory_order_relaxed);
  mailbox_.push(std::move(request));
}

void StoreThread::on_mail() { drain(); }

// One write after the other while there is something to write; what comes in meanwhile joins the
// next one.
void StoreThread::drain() {
  for (;;) {
    fresh_.clear();
    mailbox_.take_all(fresh_);
    for (auto& request : fresh_) sort_in(std::move(request));
    take_unread(loop_.fresh_now());
    auto batch = cut_batch(loop_.now());
    heartbeat_.beat();
    if (batch.empty()) break;
    commit(batch);
    gain_some();
    prune_if_due();  // under steady load the timer never fires
  }
  if (stop_asked_.load(std::memory_order_acquire) && !stopping_) {
    stopping_ = true;
    write_the_rest();
    loop_.stop();
  }
  if (!stopping_) arm();
}

// Before the thread ends. A disk that refuses gets some time to come round; what it refuses to the
// end is told.
void StoreThread::write_the_rest() {
  take_unread(kNever);
  for (int refusals = 0; !(settles_.empty() && notes_.empty()) && refusals < kLastTries;) {
    settles_blocked_until_ = Instant{};
    auto batch = cut_batch(kNever);
    commit(batch);
    heartbeat_.beat();
    if (settles_blocked_until_ == Instant{}) continue;
    ++refusals;
    if (settles_.empty() || stuck()) break;  // notes are not worth waiting for
    std::this_thread::sleep_for(options_.retry_after);
  }
  const std::size_t messages = settles_.size() + unread_.size();
  if (messages == 0) return;
  log_.write(
      LogLevel::kError, "outcomes_not_stored",
      {{"messages", std::to_string(messages)},
       {"words",
        "the store refused them until the end; these messages may be delivered a second time"}});
}

void StoreThread::sort_in(queue::Request&& request) {
  if (auto* settle = std::get_if<queue::Settle>(&request)) {
    settles_.push_back({std::move(*settle), loop_.now()});
  } else if (note_ticket(request) != 0) {
    urgent_.push_back(std::move(request));
  } else if (auto* keep = std::get_if<queue::Keep>(&request)) {
    if (notes_.empty()) notes_since_ = loop_.now();
    notes_.put(std::move(*keep));
  } else if (auto* drop = std::get_if<queue::DropNote>(&request)) {
    if (notes_.empty()) notes_since_ = loop_.now();
    notes_.put(std::move(*drop));
  } else if (const auto* abandon = std::get_if<queue::Abandon>(&request);
             abandon == nullptr || abandon->id.value != 0) {
    urgent_.push_back(std::move(request));
  }
}

bool StoreThread::settles_due(Instant now) const {
  return !settles_.empty() && now >= settles_blocked_until_ &&
         (settles_.size() >= options_.batch_requests_max ||
          now - settles_.front().since >= options_.settle_wait_max ||
          stop_asked_.load(std::memory_order_relaxed));
}

bool StoreThread::notes_due(Instant now) const {
  return !notes_.empty() && now >= settles_blocked_until_ &&
         (notes_.size() >= options_.batch_requests_max ||
          now - notes_since_ >= options_.settle_wait_max ||
          stop_asked_.load(std::memory_order_relaxed));
}

std::vector<queue::Request> StoreThread::cut_batch(Instant now) {
  std::vector<queue::Request> batch;
  std::size_t bytes = 0;
  bool synced = settles_due(now);
  while (!urgent_.empty() && batch.size() < options_.batch_requests_max &&
         bytes < options_.batch_bytes_max) {
    synced = synced || is_synced(urgent_.front());
    bytes += content_bytes(urgent_.front());
    batch.push_back(std::move(urgent_.front()));
    urgent_.pop_front();
  }
  if (now < settles_blocked_until_) return batch;
  if (synced || notes_due(now)) {
    notes_.take_some(options_.batch_requests_max, batch);
    notes_since_ = now;
  }
  if (!synced) return batch;
  while (!settles_.empty() && batch.size() < 3 * options_.batch_requests_max) {
    batch.emplace_back(std::move(settles_.front().settle));
    settles_.pop_front();
  }
  return batch;
}

void StoreThread::commit(std::vector<queue::Request>& batch) {
  std::size_t bytes = 0;
  bool settles = false;
  bool synced = false;
  for (const auto& request : batch) {
    bytes += content_bytes(request);
    settles = settles || std::holds_alternative<queue::Settle>(request);
    synced = synced || is_synced(request);
  }
  std::vector<queue::StoreEvent> events;
  const Instant before = loop_.fresh_now();
  const bool written = store_->commit(batch, events);
  if (!written) {
    keep_notes_for_later(batch);
    stuck_.store(store_->stuck(), std::memory_order_relaxed);
  }
  if (synced) metrics_.synced(loop_.fresh_now() - before, batch.size());
  queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (settles && written) set_trouble(false, "outcomes are stored again");
  route(events, written);
}

unsigned StoreThread::worker_of(const queue::StoreEvent& event) const {
  const auto by_shard = [this](ShardId shard) { return shard % options_.workers; };
  return std::visit(Overloaded{
                        [](const queue::Accepted& e) { return ticket_worker(e.ticket); },
                        [](const queue::Refused& e) { return ticket_worker(e.ticket); },
                        [](const queue::Loaded& e) { return ticket_worker(e.ticket); },
                        [](const queue::NotLoaded& e) { return ticket_worker(e.ticket); },
                        [](const queue::Kept& e) { return ticket_worker(e.ticket); },
                        [](const queue::NotKept& e) { return ticket_worker(e.ticket); },
                        [&](const queue::NotSettled& e) { return by_shard(e.request.shard); },
                        [&](const auto& e) { return by_shard(e.shard); },
                    },
                    event);
}

// Who has his 250 may steer the message in the same breath: those workers that have to know of it
// hear of it before the one that answers him.
void StoreThread::route(std::vector<queue::StoreEvent>& events, bool written) {
  ByWorker by_worker(admin_lane() + 1);
  ByWorker ahead(admin_lane() + 1);
  unsigned answering = 0;  // the message that is told of next
  for (auto& event : events) {
    if (auto* refused = std::get_if<queue::NotSettled>(&event)) {
      keep_for_later(std::move(*refused), written);
      continue;
    }
    if (!pauses_.empty()) forget_pause(event);
    const unsigned worker = worker_of(event);
    CHECK(worker < by_worker.size());
    if (std::holds_alternative<queue::Accepted>(event)) answering = worker;
    const bool elsewhere = std::holds_alternative<queue::Arrived>(event) && worker != answering;
    (elsewhere ? ahead : by_worker)[worker].push_back(std::move(event));
  }
  hand_out(ahead);
  hand_out(by_worker);
}

void StoreThread::hand_out(ByWorker& events) {
  for (unsigned worker = 0; worker < events.size(); ++worker) {
    if (!events[worker].empty()) sink_(worker, std::move(events[worker]));
  }
}

void StoreThread::keep_for_later(queue::NotSettled&& refused, bool written) {
  if (written) return keep_unread_for_later(std::move(refused));
  set_trouble(true, refused.words);
  settles_blocked_until_ = loop_.now() + options_.retry_after;
  settles_.push_back({std::move(refused.request), loop_.now()});
}

// The disk takes what it is given, but does not give what this one needs: no reason to hold up the
// others.
void StoreThread::keep_unread_for_later(queue::NotSettled&& refused) {
  queue::Settle& settle = refused.request;
  const auto [pause, fresh] = pauses_.try_emplace({settle.shard, settle.id}, options_.retry_after);
  if (fresh) {
    log_.write(LogLevel::kError, "outcome_not_stored",
               {{"id", render_id(settle.id)}, {"words", refused.words}});
  } else {
    pause->second = std::min(2 * pause->second, options_.retry_after_max);
  }
  unread_.emplace(loop_.now() + pause->second, std::move(settle));
}

void StoreThread::take_unread(Instant due) {
  while (!unread_.empty() && unread_.begin()->first <= due) {
    settles_.push_back({std::move(unread_.begin()->second), loop_.now()});
    unread_.erase(unread_.begin());
  }
}

void StoreThread::forget_pause(const queue::StoreEvent& event) {
  if (const auto* done = std::get_if<queue::Settled>(&event)) {
    pauses_.erase({done->shard, done->id});
  } else if (const auto* over = std::get_if<queue::Superseded>(&event)) {
    pauses_.erase({over->shard, over->id});
  }
}

// Without a word: who keeps a note does not wait for it, and outcomes tell that the disk refuses.
// Who asks with a ticket was answered by the store.
void StoreThread::keep_notes_for_later(std::vector<queue::Request>& batch) {
  for (auto request = batch.rbegin(); request != batch.rend(); ++request) {
    if (note_ticket(*request) != 0) continue;
    if (auto* keep = std::get_if<queue::Keep>(&*request)) notes_.put_back(std::move(*keep));
    if (auto* drop = std::get_if<queue::DropNote>(&*request)) notes_.put_back(std::move(*drop));
  }
  if (!notes_.empty()) settles_blocked_until_ = loop_.now() + options_.retry_after;
}

void StoreThread::set_trouble(bool trouble, const std::string& words) {
  if (trouble_.exchange(trouble, std::memory_order_relaxed) == trouble) return;
  log_.write(trouble ? LogLevel::kError : LogLevel::kInfo,
             trouble ? "store_trouble" : "store_recovered", {{"words", words}});
  tell_trouble_(trouble);
}

void StoreThread::gain_some() {
  if (!gaining_ || loop_.now() < next_gain_) return;
  if (options_.gain_waits && options_.gain_waits()) {
    next_gain_ = loop_.now() + kGainPause;
    return;
  }
  std::vector<queue::StoreEvent> events;
  gaining_ = store_->gain(kGainRecords, events);
  if (gaining_ && events.empty()) next_gain_ = loop_.now() + kGainRetry;
  route(events);
  if (!gaining_) gained_.store(true, std::memory_order_relaxed);
}

void StoreThread::prune_if_due() {
  const Instant now = loop_.now();
  if (now < next_prune_) return;
  next_prune_ = now + kPruneEvery;
  if (const auto pruned = store_->prune_history(now - options_.history); !pruned) {
    log_.write(LogLevel::kWarning, "history_not_pruned", {{"words", pruned.error().words}});
  }
  if (const auto pruned = store_->prune_notes(now); !pruned) {
    log_.write(LogLevel::kWarning, "notes_not_pruned", {{"words", pruned.error().words}});
  }
  store_->give_back_room();
}

void StoreThread::on_timer() {
  gain_some();
  prune_if_due();
  drain();
}

void StoreThread::arm() {
  const Instant now = loop_.now();
  Instant next = now + kLookAround;
  if (gaining_) next = std::max(now, next_gain_);
  if (!settles_.empty()) {
    next = std::min(
        next, std::max(settles_.front().since + options_.settle_wait_max, settles_blocked_until_));
  }
  if (!unread_.empty()) next = std::min(next, unread_.begin()->first);
  if (!notes_.empty()) {
    next =
        std::min(next, std::max(notes_since_ + options_.settle_wait_max, settles_blocked_until_));
  }
  timer_.set(next);
}

}  // namespace posthaste::daemon
