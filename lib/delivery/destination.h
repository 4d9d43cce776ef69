// Destination: one routing domain, and one wish about TLS: its backlog, its connections and its
// back-off.
//
//   backlog --stage--> staged --free connection--> under way --finished--> settled --persisted--+
//     ^                   ^                            |                                        |
//     |                   '--------- untried ----------'      doomed: fate decided, its letter  |
//     '------------------------- deferred, or gone ---------- still to come --------------------'
//
// After every event drain() does whatever has become possible; it is idempotent.
//
// Lifetime     from its first recipient until nothing is left to remember; see spent().
// Threads      none.
// Limits       Settings::limits, shared with the domain's other destinations; kDoomedMax letters
//              loaded at a time only to be settled.
// Does not     dispatch events: see engine.cc.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/delivery/agenda.h"
#include "lib/delivery/backlog.h"
#include "lib/delivery/quota.h"
#include "lib/delivery/ramp.h"
#include "lib/delivery/router.h"
#include "lib/delivery/settings.h"
#include "lib/delivery/shared.h"

namespace posthaste::delivery {

inline constexpr std::size_t kDoomedMax = 64;
// Recipients that are settled at a time because the operator wants it: mail that is delivered
// shares the store with them.
inline constexpr std::size_t kSteeredMax = 1024;
// After a call that failed while others are up, no connection is added for that long.
inline constexpr Duration kHoldOpening = std::chrono::minutes(1);
// While a host is up in plaintext, because its handshakes fail, mail that is too young for that
// asks for TLS no more often than that.
inline constexpr Duration kAskTlsEvery = std::chrono::minutes(1);

class Destination : public AgendaItem {
 public:
  Destination(RoutingDomain domain, mail::TlsWish wish, Shared& shared);
  ~Destination();
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  // A recipient of a gained shard. It is looked at with the next Tick, so that the others of its
  // message can join it.
  void file(const Scheduled& entry, Turn& turn);
  // Recipients of a letter that has just arrived.
  void take_arrival(const std::shared_ptr<const mail::Letter>& letter,
                    const std::vector<Scheduled>& entries, std::size_t bytes, Turn& turn);
  void on_loaded(Batch& batch, std::shared_ptr<const mail::Letter> letter, Turn& turn);
  void on_not_loaded(Batch& batch, bool gone, Turn& turn);
  void on_answered(const dns::Question& question, const dns::Answer& answer, Turn& turn);
  void on_sts(const StsKnown& known, Turn& turn);
  // What was known of its hosts does not count any more.
  void on_sts_changed(Turn& turn);
  void on_ready(Connection& connection, const SessionReady& ready, Turn& turn);
  void on_finished(Connection& connection, const smtp::TransactionResult& result, Turn& turn);
  void on_failed(Connection& connection, const smtp::SessionFailure& failure, Turn& turn);
  // The connection is destroyed with this call.
  void on_closed(Connection& connection, Turn& turn);
  void on_persisted(const Unsettled::Fate& fate, MessageId id, Turn& turn);
  void on_reconfigured(const Options& before, Turn& turn);
  // What stood still by the former ones does so no more; drain() looks at the new ones.
  void on_suspensions_changed(Instant now);
  // Begins nothing more on this connection.
  void retire(Connection& connection, Turn& turn);
  // The domain is one that the selection names, or it names none.
  void steer(const std::shared_ptr<SteerOrder>& order, const Selection& selection, Turn& turn);
  // Ends a connection that is opening or free.
  void leave(Connection& connection, Turn& turn);
  void drain(Turn& turn);
  const Turns::Place& place_at(Turns::Level level) const {
    return places_[static_cast<std::size_t>(level)];
  }
  Turns::Place& place_at(Turns::Level level) { return places_[static_cast<std::size_t>(level)]; }
  const Site* site() const { return site_.get(); }
  std::size_t connections() const { return up() + opening_; }  // that are not leaving
  bool stands_still() const { return suspension_ != nullptr; }
  // Nothing is left here that would be missed.
  bool spent(Instant now) const;
  const RoutingDomain& domain() const { return domain_; }
  mail::TlsWish wish() const { return wish_; }
  TlsView tls_view(Instant now) const { return router_.view(shared_.memory, now); }
  void add_to(DestinationView& view) const;
  std::uint64_t waiting() const { return backlog_.waiting(); }
  std::uint64_t ready() const { return stands_still() ? 0 : backlog_.ready() + staged_entries_; }
  std::uint64_t suspended() const;
  std::uint64_t in_flight() const;
  std::uint64_t held() const;
  const Backlog& backlog() const { return backlog_; }

 private:
  bool backed_off(Instant now) const { return now < backed_off_until_; }
  bool down() const { return failures_ > 0; }
  Instant known_down_at(Instant now) const;
  std::size_t up() const { return free_.size() + busy_; }

  // ---- destination_work.cc: what drain() does
  void work(Turn& turn);
  bool stage_one(Turn& turn);
  bool deliver_one(Turn& turn);
  bool open_one(Turn& turn);
  std::pair<std::size_t, Connection*> match(Instant now) const;
  void take_from_sibling(Turn& turn);
  void ask(Advice& advice, Turn& turn);
  bool too_young(const Batch& batch, Instant now) const;
  const Batch* youngster(Instant now) const;
  bool may_ask_tls(Instant now) const;
  void put_off(const Batch& batch, Turn& turn);
  void put_off_young(Turn& turn);
  const Batch* call_for(Instant now) const;
  void drop_outdated(Turn& turn);
  bool may_have_connection(Turn& turn);
  bool worker_has_room(Turn& turn);
  bool has_work_for(const Connection& connection, Instant now) const;
  bool waits_for_anybody() const;
  void wait_no_more(Turn& turn);
  void feed_others(Turn& turn);
  void connect(const Dial& dial, MessageId made_for, Turn& turn);
  void doom_overdue(Turn& turn);
  void sweep(Instant down_at, Instant now);
  Instant next_sweep() const;
  void retire_idle(Turn& turn);
  void plan_wake(Turn& turn);
  bool idle() const;
  Instant keep_until() const;
  bool gives_way(const Connection& connection);
  void leave_worn_out(Turn& turn);

  // ---- destination_fate.cc: what becomes of batches
  void load(Batch& batch, Turn& turn);
  void doom(std::unique_ptr<Batch> batch, Doom doom, Turn& turn);
  void settle_doomed(Batch& batch, Turn& turn);
  void refuse_ready(const Trouble& trouble, Turn& turn);
  bool give_up(MessageId made_for, Trouble trouble, Turn& turn);
  void give_up_tls(MessageId made_for, Trouble trouble, Turn& turn);
  std::unique_ptr<Batch> unstage_head(MessageId id);
  void back_off(const Trouble& trouble, Instant head_arrived, Turn& turn);
  bool may_hop(const Batch& batch) const;
  // `elsewhere`: what the host would not take for a reason of its own, another one is to be asked
  // for.
  void settle(const Batch& batch, const smtp::TransactionResult& result,
              const Connection& connection, bool elsewhere, ReplyReader& reader, Turn& turn);
  void persist(const Batch& batch, std::vector<Settlement> settlements, Turn& turn);
  void restage(std::unique_ptr<Batch> batch, std::size_t index = 0);
  std::size_t staged_index(const Batch& batch) const;
  std::unique_ptr<Batch> unstage(std::size_t index);
  std::unique_ptr<Batch> claim(const Batch& batch);
  void forget_missing(Batch& batch, const mail::Letter& letter, Turn& turn);
  void rescue(Connection& connection);

  // ---- destination_steer.cc
  struct SteeredEntries {
    std::shared_ptr<SteerOrder> order;
    WaitingHeap entries;  // not empty; not begun with
    Instant not_before;
  };
  Backlog::Parts parts_for(SteerVerb verb, Selection::State state) const;
  void hasten(SteerOrder& order, const EntryFilter& filter, Backlog::Parts parts, Turn& turn);
  void put_back_staged();
  void take_from_orders(const EntryFilter& filter, std::vector<Scheduled>& taken);
  void doom_staged(const std::shared_ptr<SteerOrder>& order, const EntryFilter& filter, Turn& turn);
  void carry_out(Turn& turn);
  void carried_out(SteerOrder& order);
  void carry_out_later(const Batch& batch, Instant when);

  // ---- destination_site.cc
  void join_site(Turn& turn);
  void leave_site();
  void look_after_site(Turn& turn);
  void rest_from_site(Turn& turn);
  bool site_has_room(Turn& turn);
  void slow_down(const Connection& connection, Window::TooMuch what, const smtp::Reply& reply,
                 Turn& turn);
  void note_outage(const Trouble& trouble, Turn& turn);
  const Site::Outage* outage_of_site() const;
  void add_site_to(DestinationView& view) const;

  // ---- destination_suspension.cc
  void heed_suspensions(Turn& turn);
  void stand_still(const policy::Suspension& suspension, Instant until, Turn& turn);
  void move_again(Instant now);
  void unpark(Instant now);
  bool try_park(const Batch& batch, Turn& turn);
  void add_suspension_to(DestinationView& view) const;

  // ---- destination_connections.cc
  void detach(Connection& connection);
  void set_free(Connection& connection, Turn& turn);
  void note_failure(const Connection& connection, Trouble trouble, Turn& turn);
  void leave_all(const Endpoint& endpoint, bool in_plaintext_only, Turn& turn);
  void tell_of_fall(const Dial& dial, bool tls, Turn& turn);
  Surroundings around(Turn& turn);
  static void tell(Surroundings& around, Turn& turn);
  void note_success(Connection& connection);
  static Trouble trouble_on(const Connection& connection, const smtp::RecipientOutcome& outcome,
                            ReplyReader& reader);
  static bool undecided(const Connection& connection, const smtp::RecipientOutcome& outcome,
                        ReplyReader& reader);
  bool turn_from(Connection& connection, const Batch& batch, Trouble trouble, Turn& turn);

  const RoutingDomain domain_;
  const mail::TlsWish wish_;
  Shared& shared_;
  Settings settings_;
  Backlog backlog_;
  Router router_;
  std::shared_ptr<Quota> quota_;
  std::shared_ptr<Site> site_;   // null: there is no work, or no plan yet
  std::uint64_t site_plan_ = 0;  // the router's, when it was joined
  std::array<Turns::Place, Turns::kLevels> places_;

  std::vector<std::unique_ptr<Batch>> staged_;  // for the next free connections, first to go first
  std::vector<std::unique_ptr<Batch>> doomed_;  // each waits for its letter
  std::vector<SteeredEntries> steered_;         // what the operator wants done, in turn
  std::size_t steered_in_hand_ = 0;             // recipients, doomed or unsettled
  std::size_t staged_entries_ = 0;
  std::uint64_t in_flight_ = 0;

  std::vector<Connection*> free_;  // longest idle first
  std::size_t busy_ = 0;
  std::size_t opening_ = 0;
  std::size_t connections_ = 0;    // of any state
  std::size_t questions_ = 0;      // under way
  bool wants_connection_ = false;  // so found the last drain()
  Ramp ramp_;
  std::uint64_t judged_ = 0;  // as the router had it when connections were last looked at

  std::uint32_t failures_ = 0;  // attempts that failed as a whole, in a row
  Instant failed_at_;           // the last of them
  Instant backed_off_until_;
  Instant afresh_from_;                             // what failed before that says nothing any more
  const policy::Suspension* suspension_ = nullptr;  // of Shared::suspensions; it stands still
  Instant still_until_;
  Instant parked_until_ = kNever;  // somebody who is parked may go then
  Instant hold_opening_until_;
  Instant ask_tls_from_;  // see kAskTlsEvery
  std::optional<Trouble> last_failure_;
  Instant blocked_until_ = kNever;  // what the last drain() ran into
};

}  // namespace posthaste::delivery
