// Time limits that are changed while mail waits for a destination that is down. What this mail asks
// for itself (RFC 2852) only its letter knows, so that has to be looked at once more.
#include <map>

#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using smtp::Stage;

constexpr Duration kAsked = 40h;  // by then its sender wants it back

// A destination that is down, with its DNS, and a store that answers at once.
class Down {
 public:
  Down() {
    rig.options.idle = 1000h;
    rig.options.retry.defaults.intervals = {3h};
    rig.options.retry.defaults.delay_notice_after = Duration::zero();
    rig.options.retry.defaults.expire_after = 50h;
    send({});
    first_call_ = take_connect();
  }
  MessageId send(std::optional<mail::DeliverBy> by) {
    auto letter = make_letter(id_at(rig.now, ++sequence_), {"a@example.com"}, rig.now);
    auto envelope = std::make_shared<mail::Envelope>(*letter->envelope);
    envelope->deliver_by = by;
    letter->envelope = envelope;
    store[envelope->id] = letter;
    tell(Arrived{std::make_shared<mail::Letter>(*letter)});
    return envelope->id;
  }
  MessageId send_asking() { return send(mail::DeliverBy{kStart + kAsked, true, false}); }
  void fail_first_call() { fail(first_call_); }
  void fail(ConnId conn) {
    smtp::SessionFailure failure;
    failure.stage = Stage::kConnect;
    failure.words = "it failed";
    tell(SessionFailed{conn, failure});
    tell(SessionClosed{conn});
  }
  void lower_to(Duration expire_after) {
    rig.options.retry.defaults.expire_after = expire_after;
    tell(Reconfigured{std::make_shared<Options>(rig.options)});
  }
  void tell(Event event) {
    rig.tell(std::move(event));
    for (const auto& connect : rig.all<Connect>()) connects.push_back(connect);
    for (const auto& deliver : rig.all<Deliver>()) delivers.push_back(deliver);
    const auto loads = rig.all<Load>();
    const auto lookups = rig.all<Lookup>();
    for (const auto& persist : rig.all<Persist>()) keep(persist);
    for (const auto& load : loads) {
      if (!load.for_delivery) ++looks[load.id];
      tell(Loaded{load.id, std::make_shared<mail::Letter>(*store.at(load.id))});
    }
    for (const auto& lookup : lookups) answer(lookup.question);
  }
  // Until something is called, at the latest.
  void run_until(Instant end) {
    while (connects.empty() && rig.engine().deadline() <= end) {
      rig.now = std::max(rig.now, rig.engine().deadline());
      tell(Tick{});
    }
    if (connects.empty()) rig.now = end;
  }
  ConnId take_connect() {
    EXPECT_EQ(connects.size(), 1U);
    return std::exchange(connects, {}).at(0).conn;
  }
  bool expired_at(MessageId id, Instant when) const {
    const auto found = fates.find(id);
    return found != fates.end() && found->second.first == when &&
           found->second.second.ending == Ending::kExpired;
  }

  EngineRig rig;
  std::map<MessageId, std::shared_ptr<mail::Letter>> store;
  std::map<MessageId, std::pair<Instant, Settlement>> fates;  // the last ones
  std::map<MessageId, int> looks;  // into its letter, and not to deliver it
  std::vector<Connect> connects;
  std::vector<Deliver> delivers;

 private:
  void answer(const dns::Question& question) {
    dns::Answer answer;
    answer.status = dns::AnswerStatus::kOk;
    answer.expires = rig.now + 1h;
    switch (question.type) {
      case dns::RecordType::kMx: answer.mx.push_back({10, MxName("mx1.example.com")}); break;
      case dns::RecordType::kA: answer.addresses.push_back(*parse_ip("11.0.0.1")); break;
      default: answer.status = dns::AnswerStatus::kNoData;
    }
    tell(Answered{question, answer});
  }
  void keep(const Persist& persist) {
    const MessageId id = persist.letter->envelope->id;
    fates[id] = {rig.now, persist.settlements.at(0)};
    store.at(id)->recipients[0].progress = persist.settlements.at(0).after;
    tell(Persisted{persist.shard, id, {0}});
  }

  unsigned sequence_ = 0;
  ConnId first_call_{};
};

TEST(EngineNewLimits, EndMailThatAsksForAnotherTimeItself) {
  Down down;
  const MessageId asking = down.send_asking();
  down.fail_first_call();
  down.run_until(kStart + 2h);
  ASSERT_EQ(down.looks[asking], 1) << "it is not late";
  down.lower_to(170min);
  down.run_until(kStart + 170min + 1min);
  EXPECT_TRUE(down.expired_at(asking, kStart + 170min));
}

TEST(EngineNewLimits, EndItAtOnceWhereTheyArePast) {
  Down down;
  const MessageId asking = down.send_asking();
  down.fail_first_call();
  down.run_until(kStart + 2h);
  down.lower_to(1h);
  EXPECT_TRUE(down.expired_at(asking, kStart + 2h));
}

TEST(EngineNewLimits, EndItWhereItWasUnderWayThen) {
  Down down;
  for (int i = 0; i < 3; ++i) down.send_asking();
  down.fail_first_call();
  down.run_until(kStart + 4h);
  const ConnId one = down.take_connect();
  down.tell(SessionReady{one, {}, {}});
  smtp::TransactionResult taken;
  taken.outcomes.push_back(outcome(0, smtp::Verdict::kDelivered, 250));
  down.tell(SessionFinished{one, taken});
  const ConnId other = down.take_connect();
  down.tell(SessionReady{other, {}, {}});
  ASSERT_EQ(down.delivers.size(), 3U);
  ASSERT_EQ(down.delivers[2].conn, other);
  const MessageId head = down.delivers[1].letter->envelope->id;
  const MessageId behind = down.delivers[2].letter->envelope->id;
  ASSERT_EQ(down.looks[behind], 1);
  down.lower_to(5h);
  down.tell(SessionClosed{other});  // without a word
  down.tell(SessionClosed{one});
  down.run_until(kStart + 4h);
  down.fail(down.take_connect());
  EXPECT_EQ(down.fates.at(head).second.ending, Ending::kDeferred);
  EXPECT_EQ(down.fates.count(behind), 0U) << "the call was not for it";
  down.run_until(kStart + 5h + 1min);
  EXPECT_TRUE(down.expired_at(behind, kStart + 5h));
}

TEST(EngineNewLimits, AreNoReasonToReadLettersWhereTheyAreTheOldOnes) {
  Down down;
  const MessageId asking = down.send_asking();
  down.fail_first_call();
  down.run_until(kStart + 1h);
  for (int i = 0; i < 5; ++i) {
    down.rig.options.warm_bytes_max += 1;
    down.lower_to(50h);
    down.run_until(down.rig.now + 10min);
  }
  EXPECT_EQ(down.looks[asking], 1);
}

}  // namespace
}  // namespace posthaste::delivery
