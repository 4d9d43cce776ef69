// What is told, returned and waited for because of the time: delay notices, RFC 2852, RFC 4865.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using smtp::Stage;
using smtp::Verdict;

// A message whose envelope `change` has had its way with.
template <typename Change>
std::shared_ptr<mail::Letter> letter_with(const Change& change, Instant due = kStart,
                                          unsigned sequence = 0) {
  auto letter = make_letter(id_at(kStart, sequence), {"a@example.com"}, due);
  auto envelope = std::make_shared<mail::Envelope>(*letter->envelope);
  change(*envelope);
  letter->envelope = envelope;
  return letter;
}

struct Story {
  Story() {
    rig.options.idle = 1000h;
    rig.options.retry.defaults.intervals = {1h};
    rig.options.retry.defaults.delay_notice_after = 90min;
    rig.options.retry.defaults.expire_after = 5h;
  }
  void begin(std::shared_ptr<mail::Letter> told) {
    letter = std::move(told);
    rig.arrive(letter);
    if (!rig.all<Lookup>().empty()) rig.ready(rig.route().conn);
  }
  // One attempt more, which the host puts off.
  Settlement put_off() {
    std::vector<Load> loads;
    for (int i = 0; i < 100 && loads.empty() && rig.all<Deliver>().empty(); ++i) {
      rig.ring();
      loads = rig.all<Load>();
    }
    const bool asked = !rig.all<Lookup>().empty();
    if (!loads.empty()) rig.tell(Loaded{loads[0].id, std::make_shared<mail::Letter>(*letter)});
    if (asked) rig.ready(rig.route().conn);
    rig.finish(rig.only<Deliver>(), Verdict::kTemporary, 450, "not now");
    const auto persist = rig.only<Persist>();
    const Settlement settlement = persist.settlements.at(0);
    letter->recipients[0].progress = settlement.after;
    rig.persisted(persist);
    return settlement;
  }

  EngineRig rig;
  std::shared_ptr<mail::Letter> letter;
};

TEST(EngineTimeLimits, TellTheSenderOnceAndInTimeThatItIsLate) {
  Story story;
  story.begin(letter_with([](mail::Envelope&) {}));
  EXPECT_FALSE(story.put_off().tell_delay);
  const Settlement second = story.put_off();
  EXPECT_FALSE(second.tell_delay);
  EXPECT_EQ(second.after.due, kStart + 90min) << "not an hour later";
  const Settlement third = story.put_off();
  EXPECT_TRUE(third.tell_delay);
  EXPECT_TRUE(third.after.delay_told);
  EXPECT_EQ(third.ending, Ending::kDeferred);
  EXPECT_EQ(third.after.due, kStart + 150min);
  const Settlement fourth = story.put_off();
  EXPECT_FALSE(fourth.tell_delay);
  EXPECT_TRUE(fourth.after.delay_told);
}

TEST(EngineTimeLimits, TellNobodyWhoDoesNotWantToKnow) {
  const auto told = [](std::uint8_t notify, bool null_sender, Duration after) {
    Story story;
    story.rig.options.retry.defaults.delay_notice_after = after;
    auto letter = letter_with([&](mail::Envelope& envelope) {
      if (null_sender) envelope.sender = mail::Mailbox();
    });
    letter->recipients[0].recipient.notify = notify;
    story.begin(letter);
    bool any = false;
    for (int i = 0; i < 4; ++i) any |= story.put_off().tell_delay;
    return any;
  };
  EXPECT_TRUE(told(0, false, 90min));
  EXPECT_TRUE(told(mail::kNotifyDelay | mail::kNotifyFailure, false, 90min));
  EXPECT_FALSE(told(mail::kNotifyFailure, false, 90min));
  EXPECT_FALSE(told(mail::kNotifyNever, false, 90min));
  EXPECT_FALSE(told(0, true, 90min));
  EXPECT_FALSE(told(0, false, 0s));
}

TEST(EngineTimeLimits, ReturnWhatWasToBeThereByThen) {
  Story story;
  story.begin(letter_with([](mail::Envelope& envelope) {
    envelope.deliver_by = {kStart + 80min, true, false};
  }));
  story.put_off();
  EXPECT_EQ(story.put_off().after.due, kStart + 80min);
  const Settlement last = story.put_off();
  EXPECT_EQ(story.rig.now, kStart + 80min) << "after a last attempt";
  EXPECT_EQ(last.ending, Ending::kExpired);
  EXPECT_EQ(last.status, (smtp::EnhancedCode{5, 4, 7}));
}

TEST(EngineTimeLimits, TellAndGoOnWhereTheByModeSaysSo) {
  Story story;
  story.begin(letter_with([](mail::Envelope& envelope) {
    envelope.deliver_by = {kStart + 30min, false, false};
  }));
  EXPECT_EQ(story.put_off().after.due, kStart + 30min);
  const Settlement late = story.put_off();
  EXPECT_TRUE(late.tell_delay);
  EXPECT_EQ(late.ending, Ending::kDeferred);
  EXPECT_FALSE(story.put_off().tell_delay) << "once is enough";
}

TEST(EngineTimeLimits, StartTheClockWhenTheMessageIsReleased) {
  Story story;
  story.begin(letter_with([](mail::Envelope& envelope) { envelope.hold_until = kStart + 10h; },
                          kStart + 10h));
  EXPECT_EQ(story.rig.engine().counts().waiting, 1U);
  const Settlement first = story.put_off();
  EXPECT_EQ(story.rig.now, kStart + 10h);
  EXPECT_EQ(first.ending, Ending::kDeferred);
  EXPECT_FALSE(first.tell_delay);
  EXPECT_EQ(story.put_off().after.due, kStart + 10h + 90min);
  EXPECT_TRUE(story.put_off().tell_delay);
}

// The destination is down, and the second message has never been tried.
TEST(EngineTimeLimits, ReachAlsoThoseThatOnlyWaitForTheirDestination) {
  Story story;
  EngineRig& rig = story.rig;
  rig.options.retry.defaults.intervals = {30h};
  rig.options.retry.defaults.expire_after = 50h;
  rig.arrive({"a@example.com"});
  const auto second = letter_with([](mail::Envelope&) {}, kStart, 2);
  const auto third = letter_with(
      [](mail::Envelope& envelope) {
        envelope.deliver_by = {kStart + 3h, true, false};
      },
      kStart, 3);
  rig.arrive(second);
  rig.arrive(third);
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  std::vector<Settlement> fates;
  std::vector<Load> loads;
  while (rig.now < kStart + 4h) {
    if (loads.empty()) {
      rig.ring();
      loads = rig.all<Load>();
      continue;
    }
    const Load load = loads.back();
    loads.pop_back();
    if (load.id != second->envelope->id && load.id != third->envelope->id) continue;
    auto& letter = load.id == second->envelope->id ? *second : *third;
    rig.tell(Loaded{load.id, std::make_shared<mail::Letter>(letter)});
    const auto persists = rig.all<Persist>();
    for (const auto& persist : persists) {
      fates.push_back(persist.settlements.at(0));
      letter.recipients[0].progress = fates.back().after;
      rig.persisted(persist);
      for (const auto& more : rig.all<Load>()) loads.push_back(more);
    }
  }
  ASSERT_EQ(fates.size(), 3U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(fates[i].ending, Ending::kDeferred);
    EXPECT_TRUE(fates[i].tell_delay);
    EXPECT_EQ(fates[i].after.attempts, 0U) << "it was no attempt";
    EXPECT_EQ(fates[i].after.revision, 1U);
    EXPECT_NE(fates[i].reply.text.find("it failed"), std::string::npos) << fates[i].reply.text;
  }
  EXPECT_EQ(fates[2].ending, Ending::kExpired);
  EXPECT_EQ(fates[2].before.recipient.number, 0U);
  EXPECT_EQ(rig.engine().counts().ready, 1U) << "the second one waits on";
}

TEST(EngineTimeLimits, DoNotExpireAnEntryThatItsLetterKnowsToBeYoung) {
  EngineRig rig;
  rig.options.retry.defaults.intervals = {30h};
  rig.options.retry.defaults.expire_after = 10h;
  rig.options.retry.defaults.delay_notice_after = 0s;
  rig.arrive({"a@example.com"});
  const auto young = letter_with(
      [](mail::Envelope& envelope) { envelope.hold_until = kStart + 9h; }, kStart + 9h, 5);
  rig.arrive(young);
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  bool expired = false;
  while (!expired && rig.now < kStart + 25h) {
    rig.ring();
    const auto loads = rig.all<Load>();
    for (const auto& load : loads) {
      if (load.id != young->envelope->id) continue;
      rig.tell(Loaded{load.id, std::make_shared<mail::Letter>(*young)});
      for (const auto& persist : rig.all<Persist>()) {
        EXPECT_EQ(persist.settlements.at(0).ending, Ending::kExpired);
        EXPECT_GE(rig.now, kStart + 19h);
        expired = true;
      }
    }
  }
  EXPECT_TRUE(expired);
}

TEST(EngineTimeLimits, PassOnWhoTellsTheSenderOfTheDelivery) {
  for (const bool passed_on : {false, true}) {
    Story story;
    story.begin(letter_with([](mail::Envelope&) {}));
    smtp::TransactionResult result;
    result.outcomes.push_back(outcome(0, Verdict::kDelivered, 250));
    result.dsn_passed_on = passed_on;
    story.rig.tell(SessionFinished{story.rig.only<Deliver>().conn, result});
    EXPECT_EQ(story.rig.only<Persist>().settlements.at(0).dsn_passed_on, passed_on);
  }
}

}  // namespace
}  // namespace posthaste::delivery
