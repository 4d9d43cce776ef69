// Hosts that have enough of us get less, and hosts that come back are not flooded.
#include "lib/delivery/window.h"
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using policy::RefusalMeaning;
using smtp::Stage;
using smtp::Verdict;
using TooMuch = Window::TooMuch;

TEST(Window, HalvesAndComesBackStepByStep) {
  Window window;
  Instant now = kStart;
  EXPECT_EQ(window.connections(), Window::kAll);
  EXPECT_TRUE(window.slow_down(TooMuch::kMail, 16, now, "too much"));
  EXPECT_EQ(window.connections(), 8U);
  EXPECT_EQ(window.rate(), kRateLeast);
  EXPECT_FALSE(window.slow_down(TooMuch::kMail, 16, now + 1s, "too much")) << "it was heard";
  EXPECT_TRUE(window.slow_down(TooMuch::kMail, 8, now + 1min, "too much"));
  EXPECT_EQ(window.connections(), 4U);
  now += 1min;
  EXPECT_EQ(window.recover(now + 59s), Window::Progress::kNone);
  const Instant whole = window.whole_at();
  std::uint32_t before = window.connections();
  while (window.slowed()) {
    now = window.next_step();
    const bool more = window.recover(now) == Window::Progress::kMore;
    EXPECT_EQ(more, window.slowed());
    EXPECT_GT(window.connections(), before);
    before = window.connections();
  }
  EXPECT_EQ(now, whole);
  EXPECT_EQ(now, kStart + 1min + 6 * kWindowStep);
  EXPECT_EQ(window.connections(), Window::kAll);
  EXPECT_EQ(window.rate(), 0U);
}

TEST(Window, LetsMailPassAtItsPaceWhereOnlyCallsAreTooMany) {
  Window window;
  for (int i = 0; i < 100; ++i) window.on_sent(kStart + Duration(300ms) * i);
  EXPECT_TRUE(window.slow_down(TooMuch::kCalls, 16, kStart + 30s, "too many connections"));
  EXPECT_EQ(window.connections(), 8U);
  EXPECT_EQ(window.rate(), 0U);
  EXPECT_TRUE(window.may_send(kStart + 30s));
  while (window.slowed()) window.recover(window.next_step());
  EXPECT_EQ(window.connections(), Window::kAll);
}

TEST(Window, HeedsTooMuchMailRightAfterTooManyCallsAndDoesNotHalveTwice) {
  Window window;
  for (int i = 0; i < 100; ++i) window.on_sent(kStart + Duration(300ms) * i);
  EXPECT_TRUE(window.slow_down(TooMuch::kCalls, 16, kStart + 30s, "too many connections"));
  EXPECT_TRUE(window.slow_down(TooMuch::kMail, 8, kStart + 31s, "too much mail"));
  EXPECT_EQ(window.connections(), 8U);
  EXPECT_EQ(window.rate(), 50U);
  EXPECT_FALSE(window.slow_down(TooMuch::kMail, 8, kStart + 32s, "too much mail"));
  EXPECT_EQ(window.rate(), 50U);
}

TEST(Window, NeverClosesAltogether) {
  Window window;
  for (int i = 0; i < 20; ++i)
    window.slow_down(TooMuch::kMail, 1, kStart + kSlowedAtMostEvery * i, "go away");
  EXPECT_EQ(window.connections(), 1U);
  EXPECT_EQ(window.rate(), kRateLeast);
}

TEST(Window, HoldsMessagesToHalfOfWhatTheHostHadTaken) {
  Window window;
  for (int i = 0; i < 100; ++i) window.on_sent(kStart + Duration(300ms) * i);
  window.slow_down(TooMuch::kMail, 4, kStart + 30s, "too much");
  EXPECT_EQ(window.rate(), 50U);
  int sent = 0;
  for (Instant now = kStart + 30s; now < kStart + 90s; now += 10ms) {
    if (!window.may_send(now)) continue;
    window.on_sent(now);
    ++sent;
  }
  EXPECT_GE(sent, 48);
  EXPECT_LE(sent, 51);
}

TEST(Window, DoublesAfterAnOutageUntilTheLimitIsReached) {
  Window window;
  window.begin_ramp();
  std::vector<std::uint32_t> seen;
  for (int verdicts = 0; window.connections() != Window::kAll; ++verdicts) {
    ASSERT_LT(verdicts, 100);
    if (seen.empty() || seen.back() != window.connections()) seen.push_back(window.connections());
    window.on_verdict(20);
  }
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{1, 2, 4, 8, 16}));
}

DestinationView view(EngineRig& rig) {
  DestinationView found;
  rig.engine().for_each_destination([&](const DestinationView& one) { found = one; });
  return found;
}

TEST(EngineWindow, SlowsDownWhereAHostSays421AndTellsWhenThatIsOver) {
  EngineRig rig;
  rig.options.idle = 1h;
  rig.options.retry.defaults.intervals = {5h};
  for (int i = 0; i < 6; ++i) rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn);
  const auto deliver = rig.only<Deliver>();
  const auto more = rig.all<Connect>();
  EXPECT_FALSE(more.empty()) << "a healthy site is not held back";
  rig.finish(deliver, Verdict::kTemporary, 421, "too many messages");
  const auto slowed = rig.only<SlowedDown>();
  EXPECT_EQ(slowed.host.text(), "mx1.example.com");
  EXPECT_EQ(slowed.words, "421 too many messages");
  EXPECT_EQ(slowed.connections, (1 + more.size()) / 2);
  EXPECT_EQ(slowed.message_rate, kRateLeast);
  EXPECT_EQ(view(rig).window, slowed.connections);
  EXPECT_EQ(view(rig).slowed_words, "421 too many messages");
  const Instant whole = view(rig).slowed_until;
  EXPECT_GT(whole, rig.now);
  rig.tell(SessionClosed{deliver.conn});
  bool recovered = false;
  while (rig.now < whole + 1s && rig.engine().deadline() != kNever) {
    rig.ring();
    recovered |= !rig.all<Recovered>().empty();
  }
  EXPECT_TRUE(recovered);
  EXPECT_EQ(view(rig).slowed_until, Instant{});
}

// How many calls to example.com there have been when each of so many messages is delivered. The
// call that goes first is the last event's; `loads` were asked for before.
std::vector<std::size_t> calls_by_verdict(EngineRig& rig, std::vector<Load> loads,
                                          std::size_t verdicts) {
  std::vector<ConnId> opened;
  std::vector<Deliver> delivers;
  const auto gather = [&] {
    for (const auto& load : rig.all<Load>()) loads.push_back(load);
    for (const auto& connect : rig.all<Connect>()) opened.push_back(connect.conn);
    for (const auto& deliver : rig.all<Deliver>()) delivers.push_back(deliver);
  };
  gather();
  std::size_t readied = 0;
  std::vector<std::size_t> calls;
  while (calls.size() < verdicts) {
    if (!loads.empty()) {
      const Load load = loads.back();
      loads.pop_back();
      rig.tell(Loaded{load.id, make_letter(load.id, {"a@example.com"}, kStart)});
    } else if (readied < opened.size()) {
      rig.ready(opened[readied++]);
    } else if (delivers.empty()) {
      ADD_FAILURE() << "nothing is under way after " << calls.size();
      break;
    } else {
      const Deliver deliver = delivers.front();
      delivers.erase(delivers.begin());
      calls.push_back(opened.size());
      rig.delivered(deliver);
    }
    gather();
  }
  return calls;
}

// Mail for example.com, which was not to be reached, until its back-off is over.
std::vector<Load> outlast(EngineRig& rig, const Persist& deferred) {
  rig.persisted(deferred);
  for (int i = 0; i < 30; ++i) rig.arrive({"a@example.com"});
  rig.ring();
  EXPECT_FALSE(rig.all<Lookup>().empty());
  return rig.all<Load>();
}

const std::vector<std::size_t> kRamp{1, 2, 2, 4, 4, 4, 4, 8};

TEST(EngineWindow, RampsASiteUpThatComesBack) {
  EngineRig rig;
  rig.arrive({"first@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  const auto loads = outlast(rig, rig.only<Persist>());
  rig.route();
  EXPECT_EQ(calls_by_verdict(rig, loads, kRamp.size()), kRamp);
}

TEST(EngineWindow, RampsADestinationUpThatWasNotFoundInDns) {
  EngineRig rig;
  rig.arrive({"first@example.com"});
  rig.answer_status("example.com", dns::RecordType::kMx, dns::AnswerStatus::kServFail);
  const auto loads = outlast(rig, rig.only<Persist>());
  rig.route();
  EXPECT_EQ(calls_by_verdict(rig, loads, kRamp.size()), kRamp);
}

TEST(EngineWindow, RampsADestinationUpWhoseSiteIsUpForOthers) {
  EngineRig rig;
  rig.options.idle = 1h;
  rig.arrive({"a@sibling.example"});
  rig.answer_mx("sibling.example", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  rig.ready(rig.only<Connect>().conn);
  rig.delivered(rig.only<Deliver>());
  rig.arrive({"first@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  const auto loads = outlast(rig, rig.only<Persist>());
  rig.route();
  EXPECT_EQ(calls_by_verdict(rig, loads, kRamp.size()), kRamp);
}

// ---- what replies mean is for the operator's rules to say

Settlement refused(std::uint16_t code, std::vector<std::string> codes, RefusalMeaning::Fate fate) {
  EngineRig rig;
  policy::ReplyRule rule;
  rule.name = "ours";
  rule.codes = std::move(codes);
  rule.retry_class = policy::RetryClass::kMailbox;
  rule.fate = fate;
  rig.options.replies =
      std::make_shared<policy::ReplyRules>(std::vector<policy::ReplyRule>{rule}, nullptr);
  rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn);
  rig.finish(rig.only<Deliver>(), code < 500 ? Verdict::kTemporary : Verdict::kPermanent, code,
             "no");
  return rig.only<Persist>().settlements.at(0);
}

TEST(EngineReplyRules, TurnARefusalIntoADeferralAndTheOtherWayRound) {
  const Settlement later = refused(550, {"550"}, RefusalMeaning::Fate::kDefer);
  EXPECT_EQ(later.ending, Ending::kDeferred);
  EXPECT_EQ(later.after.retry_class, "mailbox");
  EXPECT_EQ(later.reply.code, 550) << "as the host gave it";
  EXPECT_EQ(later.status.cls, 4);
  const Settlement never = refused(452, {"4xx"}, RefusalMeaning::Fate::kBounce);
  EXPECT_EQ(never.ending, Ending::kBounced);
  EXPECT_EQ(never.status.cls, 5);
  EXPECT_EQ(refused(550, {"551"}, RefusalMeaning::Fate::kDefer).ending, Ending::kBounced);
}

}  // namespace
}  // namespace posthaste::delivery
