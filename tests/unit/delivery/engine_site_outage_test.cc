// Mail that waits for its domain's turn at a site that is down: nobody calls for it, and its time
// passes all the same.
#include <algorithm>
#include <deque>
#include <map>

#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using smtp::Stage;

constexpr Duration kPatience = 5min;  // so long does a call last until it has failed
constexpr Instant kBegin = kStart + kPatience + 1s;
constexpr Duration kNotice = 4h;
constexpr Duration kExpiry = 10h;

struct Fate {
  Instant at;
  Settlement settlement;
};

// Many domains, all of which one host serves that never answers, as it has shown to the first one;
// with its DNS and a store.
class DeadProvider {
 public:
  explicit DeadProvider(std::size_t warm_bytes_max = 128U << 20) {
    rig.options.warm_bytes_max = warm_bytes_max;
    rig.options.retry.defaults.intervals = {1h};
    rig.options.retry.defaults.delay_notice_after = kNotice;
    rig.options.retry.defaults.expire_after = kExpiry;
    send("first.example");
    run_until(kBegin);
  }
  template <typename Change>
  MessageId send(const std::string& domain, const Change& change) {
    const MessageId id = id_at(rig.now, ++sequence_);
    auto letter = make_letter(id, {"a@" + domain}, rig.now);
    auto envelope = std::make_shared<mail::Envelope>(*letter->envelope);
    change(*envelope);
    letter->envelope = envelope;
    store[id] = letter;
    tell(Arrived{std::make_shared<mail::Letter>(*letter)});
    return id;
  }
  MessageId send(const std::string& domain) {
    return send(domain, [](mail::Envelope&) {});
  }
  // Mail of another day, from a shard that was gained.
  MessageId gain(const std::string& domain, Instant arrived, Instant due) {
    const MessageId id = id_at(arrived, ++sequence_);
    store[id] = make_letter(id, {"a@" + domain}, due);
    tell(Entry{7, id, 0, 0, 0, due, RoutingDomain(domain), {}});
    return id;
  }
  void tell(Event event) {
    rig.tell(std::move(event));
    for (auto& action : rig.out) to_do_.push_back(std::move(action));
    if (!std::exchange(settling_, true)) settle();
  }
  void run_until(Instant end) {
    while (rig.now < end) {
      const Instant call_ends = calls.empty() ? kNever : calls.front().second;
      rig.now = std::max(rig.now, std::min({end, call_ends, rig.engine().deadline()}));
      if (!calls.empty() && calls.front().second <= rig.now) {
        end_call();
      } else {
        tell(Tick{});
      }
    }
  }
  // The host answers from now on, and takes everything.
  void come_back() {
    alive_ = true;
    for (const auto& call : std::exchange(calls, {})) tell(SessionReady{call.first.conn, {}, {}});
    reads = true;
    for (const Load& load : unread_) on(load);
  }
  std::vector<Settlement> told(MessageId id) const {
    std::vector<Settlement> all;
    const auto found = fates.find(id);
    if (found == fates.end()) return all;
    for (const auto& fate : found->second) {
      if (fate.settlement.tell_delay) all.push_back(fate.settlement);
    }
    return all;
  }

  EngineRig rig;
  std::map<MessageId, std::shared_ptr<mail::Letter>> store;
  std::map<MessageId, std::vector<Fate>> fates;
  std::deque<std::pair<Connect, Instant>> calls;  // open, with their end
  std::size_t calls_begun = 0;
  bool reads = true;  // false: the store is slow with what is not to be delivered

 private:
  void settle() {
    while (!to_do_.empty()) {
      const Action action = std::move(to_do_.front());
      to_do_.pop_front();
      std::visit([this](const auto& one) { on(one); }, action);
    }
    settling_ = false;
  }
  void end_call() {
    const ConnId conn = calls.front().first.conn;
    calls.pop_front();
    smtp::SessionFailure failure;
    failure.stage = Stage::kConnect;
    failure.words = "connection timed out";
    tell(SessionFailed{conn, failure});
    tell(SessionClosed{conn});
  }
  template <typename Other>
  void on(const Other&) {}
  void on(const Lookup& lookup) {
    dns::Answer answer;
    answer.status = dns::AnswerStatus::kOk;
    answer.expires = rig.now + 100h;
    switch (lookup.question.type) {
      case dns::RecordType::kMx: answer.mx.push_back({10, MxName("mx1.provider.example")}); break;
      case dns::RecordType::kA: answer.addresses.push_back(*parse_ip("11.0.0.1")); break;
      default: answer.status = dns::AnswerStatus::kNoData;
    }
    tell(Answered{lookup.question, answer});
  }
  void on(const Load& load) {
    if (!reads && !load.for_delivery) return unread_.push_back(load);
    tell(Loaded{load.id, std::make_shared<mail::Letter>(*store.at(load.id))});
  }
  void on(const Connect& connect) {
    ++calls_begun;
    if (alive_) return tell(SessionReady{connect.conn, {}, {}});
    calls.emplace_back(connect, rig.now + kPatience);
  }
  void on(const Deliver& deliver) {
    smtp::TransactionResult taken;
    taken.outcomes.push_back(outcome(0, smtp::Verdict::kDelivered, 250));
    tell(SessionFinished{deliver.conn, taken});
  }
  void on(const Quit& quit) { tell(SessionClosed{quit.conn}); }
  void on(const Persist& persist) {
    const MessageId id = persist.letter->envelope->id;
    fates[id].push_back({rig.now, persist.settlements.at(0)});
    store.at(id)->recipients[0].progress = persist.settlements.at(0).after;
    tell(Persisted{persist.shard, id, {0}});
  }

  unsigned sequence_ = 0;
  bool alive_ = false;
  std::vector<Load> unread_;
  bool settling_ = false;
  std::deque<Action> to_do_;
};

std::string numbered(std::size_t i) { return "domain" + std::to_string(i) + ".example"; }

TEST(EngineSiteOutage, KeepsNobodyBeyondHisTime) {
  for (const std::size_t domains : {3U, 2000U}) {
    DeadProvider provider;
    std::vector<MessageId> mail;
    for (std::size_t i = 0; i < domains; ++i) {
      mail.push_back(provider.send(numbered(i)));
      mail.push_back(provider.send(numbered(i)));
    }
    provider.run_until(kBegin + kExpiry + 2 * kPatience);
    EXPECT_LT(provider.calls_begun, 140U) << "most of many were never tried";
    for (const MessageId id : mail) {
      ASSERT_EQ(provider.told(id).size(), 1U);
      const Fate& last = provider.fates.at(id).back();
      ASSERT_EQ(last.settlement.ending, Ending::kExpired);
      ASSERT_GE(last.at, kBegin + kExpiry);
      ASSERT_LE(last.at, kBegin + kExpiry + kPatience + 1min);
    }
    EXPECT_EQ(provider.rig.engine().oldest(), kNever);
    EXPECT_TRUE(provider.calls.empty()) << "nobody is left to be called for";
  }
}

TEST(EngineSiteOutage, TellsInTimeWhatTheHostsMadeOfOthers) {
  DeadProvider provider;
  MessageId untried{0};
  for (std::size_t i = 0; i < 200; ++i) untried = provider.send(numbered(i));
  provider.run_until(kBegin + kNotice + 1min);
  provider.rig.engine().for_each_destination([](const DestinationView& view) {
    EXPECT_EQ(view.last_failure, "connection timed out") << view.domain.text();
  });
  ASSERT_EQ(provider.fates.at(untried).size(), 1U);
  const Fate& told = provider.fates.at(untried).front();
  EXPECT_LT(told.at, kBegin + kNotice + 1s);
  EXPECT_EQ(told.settlement.ending, Ending::kDeferred);
  EXPECT_TRUE(told.settlement.tell_delay);
  EXPECT_EQ(told.settlement.after.attempts, 0U) << "it was no attempt";
  EXPECT_EQ(told.settlement.host, "mx1.provider.example[11.0.0.1]:25");
  EXPECT_EQ(told.settlement.reply.text,
            "not delivered within 4 hours; its mail hosts do not answer, or take no mail at all: "
            "connection timed out");
  provider.run_until(kBegin + kExpiry + 1min);
  const Fate& ended = provider.fates.at(untried).back();
  EXPECT_EQ(ended.settlement.ending, Ending::kExpired);
  EXPECT_EQ(ended.settlement.status, (smtp::EnhancedCode{5, 4, 7}));
  EXPECT_EQ(ended.settlement.host, "mx1.provider.example[11.0.0.1]:25");
}

TEST(EngineSiteOutage, IsNoReasonToMissATimeThatTheSenderHasSet) {
  DeadProvider provider;
  for (std::size_t i = 0; i < 50; ++i) provider.send(numbered(i));
  const MessageId returned = provider.send("late.example", [](mail::Envelope& envelope) {
    envelope.deliver_by = {kBegin + 30min, true, false};
  });
  const MessageId notified = provider.send("later.example", [](mail::Envelope& envelope) {
    envelope.deliver_by = {kBegin + 30min, false, false};
  });
  provider.run_until(kBegin + 30min - 1s);
  EXPECT_TRUE(provider.fates.count(returned) == 0 && provider.fates.count(notified) == 0);
  provider.run_until(kBegin + 32min);
  EXPECT_EQ(provider.fates.at(returned).back().settlement.ending, Ending::kExpired);
  EXPECT_EQ(provider.told(notified).size(), 1U);
}

// It is staged, and waits for its domain's turn.
TEST(EngineSiteOutage, IsNoReasonToMissATimeThatTheOperatorHasSetMeanwhile) {
  DeadProvider provider;
  for (std::size_t i = 0; i < 200; ++i) provider.send(numbered(i));
  const MessageId id = provider.send("late.example", [](mail::Envelope& envelope) {
    envelope.deliver_by = {kBegin + kExpiry - 1h, true, false};
  });
  provider.run_until(kBegin + 1h);
  EXPECT_EQ(provider.fates.count(id), 0U);
  provider.rig.options.retry.defaults.expire_after = 2h;
  provider.tell(Reconfigured{std::make_shared<Options>(provider.rig.options)});
  provider.run_until(kBegin + 2h - 1s);
  EXPECT_EQ(provider.fates.count(id), 0U);
  provider.run_until(kBegin + 2h + 2min);
  EXPECT_EQ(provider.fates.at(id).back().settlement.ending, Ending::kExpired);
}

TEST(EngineSiteOutage, EndsNobodyBeforeTheHostsHaveFailedOnceMore) {
  DeadProvider provider;
  for (std::size_t i = 0; i < 3; ++i) provider.send(numbered(i));
  provider.run_until(kBegin + kPatience + 1min);  // another call is under way
  const MessageId old = provider.gain("old.example", kBegin - 20h, provider.rig.now);
  provider.run_until(kBegin + 2 * kPatience - 1s);
  EXPECT_EQ(provider.fates.count(old), 0U) << "they may be back since";
  provider.run_until(kBegin + 2 * kPatience + 1min);
  EXPECT_EQ(provider.fates.at(old).back().settlement.ending, Ending::kExpired);
}

TEST(EngineSiteOutage, EndsNobodyWhoseDomainWasSuspendedBeforeTheyHaveFailedOnceMore) {
  DeadProvider provider;
  for (std::size_t i = 0; i < 200; ++i) provider.send(numbered(i));
  auto stopped = *policy::parse_suspension(policy::SuspensionKind::kDomain, numbered(199));
  stopped.until = kBegin + kExpiry + 1h + 1min;
  const std::vector<policy::Suspension> all{stopped};
  provider.tell(Suspended{std::make_shared<policy::Suspensions>(all)});
  const MessageId id = std::prev(provider.store.end())->first;
  // Another one keeps the site busy then.
  provider.run_until(kBegin + kExpiry);
  for (std::size_t i = 0; i < 3; ++i) provider.send("more" + numbered(i));
  provider.run_until(stopped.until + 1s);
  ASSERT_FALSE(provider.calls.empty());
  const Instant fails = provider.calls.front().second;
  EXPECT_EQ(provider.fates.count(id), 0U);
  provider.run_until(fails - 1s);
  EXPECT_EQ(provider.fates.count(id), 0U);
  provider.run_until(fails + 1min);
  EXPECT_EQ(provider.fates.at(id).back().settlement.ending, Ending::kExpired);
}

TEST(EngineSiteOutage, TellsNobodyMoreOnceTheHostsAreBack) {
  DeadProvider provider(0);  // every letter has to be loaded
  for (std::size_t i = 0; i < 200; ++i) provider.send(numbered(i));
  std::vector<MessageId> mail;
  for (std::size_t i = 0; i < 100; ++i) mail.push_back(provider.send("much.example"));
  provider.reads = false;
  provider.run_until(kBegin + kNotice + 1s);
  ASSERT_FALSE(provider.calls.empty());
  provider.come_back();
  provider.run_until(provider.rig.now + 1min);
  std::size_t told = 0;
  for (const MessageId id : mail) {
    told += provider.told(id).size();
    EXPECT_EQ(provider.fates.at(id).back().settlement.ending, Ending::kDelivered);
  }
  EXPECT_EQ(told, 64U) << "for so many letters were on their way for that";
}

TEST(EngineSiteOutage, LetsEndInTimeHoweverMuchADomainHas) {
  DeadProvider provider(0);  // every letter has to be loaded
  for (std::size_t i = 0; i < 200; ++i) provider.send(numbered(i));
  std::vector<MessageId> mail;
  for (std::size_t i = 0; i < 300; ++i) mail.push_back(provider.send("much.example"));
  provider.run_until(kBegin + kNotice + 1s);
  for (const MessageId id : mail) {
    ASSERT_EQ(provider.told(id).size(), 1U) << "though not all letters are loaded at a time";
    ASSERT_EQ(provider.fates.at(id).back().settlement.after.attempts, 0U);
  }
  provider.run_until(kBegin + kExpiry + kPatience + 2min);
  for (const MessageId id : mail) {
    EXPECT_EQ(provider.fates.at(id).back().settlement.ending, Ending::kExpired);
  }
}

// The host that was silent speaks for itself, and not for the one that would take other mail.
TEST(EngineSiteOutage, IsNoneWhereAHostIsThereForOthers) {
  EngineRig rig;
  rig.sts =
      policy::StsPolicy{policy::StsMode::kEnforce, {"mx1.big.example", "mx2.big.example"}, 24h};
  auto letter = make_letter(id_at(rig.now, 1), {"a@example.com"}, rig.now);
  auto envelope = std::make_shared<mail::Envelope>(*letter->envelope);
  envelope->tls_wish = mail::TlsWish::kRequireTls;
  letter->envelope = envelope;
  rig.arrive(letter);
  rig.answer_mx("example.com", {"mx1.big.example", "mx2.big.example"});
  rig.answer_a("mx1.big.example", {"11.0.0.1"});
  policy::TlsFacts facts;
  facts.certificate_present = facts.verified = true;
  facts.authenticated_by = policy::TlsAuthentication::kPkix;
  const ConnId first = rig.only<Connect>().conn;
  rig.tell(SessionReady{first, {}, facts});  // no REQUIRETLS there
  rig.tell(SessionClosed{first});
  rig.answer_a("mx2.big.example", {"11.0.0.2"});
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  ASSERT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kDeferred);
  rig.arrive({"b@other.example"});
  rig.answer_mx("other.example", {"mx1.big.example", "mx2.big.example"});
  rig.answer_a("mx1.big.example", {"11.0.0.1"});
  ASSERT_EQ(rig.all<Connect>().size(), 1U);
  rig.engine().for_each_destination([](const DestinationView& one) {
    EXPECT_EQ(one.last_failure.empty(), one.domain.text() == "other.example");
  });
}

}  // namespace
}  // namespace posthaste::delivery
