#include "lib/policy/mta_sts_cache.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "lib/base/overloaded.h"

namespace posthaste::policy::sts {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Status = TxtAnswered::Status;

constexpr Instant kStart{hours(500'000)};
const RoutingDomain kDomain("a.example");
constexpr Duration kDay = hours(24);

std::string body(std::string_view mode, const std::string& mx = "mx.a.example",
                 Duration max_age = 7 * kDay) {
  return "version: STSv1\nmode: " + std::string(mode) + "\nmx: " + mx +
         "\nmax_age: " + std::to_string(std::chrono::duration_cast<seconds>(max_age).count()) +
         "\n";
}

std::string words_of(const Action& action) {
  return std::visit(Overloaded{
                        [](const AskTxt& a) { return "ask " + a.name; },
                        [](const Fetch& a) { return "fetch " + a.url; },
                        [](const Keep& a) { return "keep " + a.domain.text(); },
                        [](const Drop& a) { return "drop " + a.domain.text(); },
                        [](const Known& a) {
                          const std::string_view mode = a.policy ? name(a.policy->mode) : "nothing";
                          return "known " + std::string(mode) + (a.id.empty() ? "" : " " + a.id);
                        },
                        [](const Changed& a) { return "changed " + a.domain.text(); },
                        [](const Failed& a) {
                          return "failed " + std::string(label(a.problem)) +
                                 (a.held ? " held" : "");
                        },
                    },
                    action);
}

constexpr const char* kAsk = "ask _mta-sts.a.example";
constexpr const char* kFetch = "fetch https://mta-sts.a.example/.well-known/mta-sts.txt";
constexpr const char* kKeep = "keep a.example";
constexpr const char* kDrop = "drop a.example";
constexpr const char* kChanged = "changed a.example";
constexpr const char* kNothing = "known nothing";

class StsCache : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;

  Words on(Event event) {
    last_.clear();
    cache_->handle(std::move(event), now_, last_);
    Words words;
    for (const Action& action : last_) words.push_back(words_of(action));
    return words;
  }
  Words wanted() { return on(Wanted{kDomain}); }
  Words txt(const std::string& id, Duration ttl = hours(1)) {
    return on(TxtAnswered{kDomain, Status::kRecords, {"v=STSv1; id=" + id}, now_ + ttl, ""});
  }
  Words no_txt(Duration ttl = hours(1)) {
    return on(TxtAnswered{kDomain, Status::kNone, {}, now_ + ttl, ""});
  }
  Words dns_fails() { return on(TxtAnswered{kDomain, Status::kTemporary, {}, {}, "SERVFAIL"}); }
  Words fetched(const std::string& policy) {
    return on(Fetched{kDomain, 200, "text/plain", policy});
  }
  Words fetch_fails(Problem problem = Problem::kFetchError) {
    return on(FetchFailed{kDomain, problem, "refused"});
  }
  // Everything that comes due until then.
  Words pass(Duration time) {
    Words all;
    const Instant until = now_ + time;
    while (cache_->deadline() <= until) {
      now_ = std::max(now_, cache_->deadline());
      for (std::string& word : on(Tick{})) all.push_back(std::move(word));
    }
    now_ = until;
    return all;
  }
  Words pass_to_deadline() { return pass(cache_->deadline() - now_); }

  void learn(const std::string& policy, const std::string& id = "1") {
    wanted();
    txt(id);
    fetched(policy);
  }
  template <typename Kind>
  Kind last() const {
    for (const Action& action : last_) {
      if (const auto* found = std::get_if<Kind>(&action)) return *found;
    }
    ADD_FAILURE() << "no such action";
    return {};
  }
  void use(Options options) { cache_ = std::make_unique<Cache>(options, Rng(7)); }

  Instant now_ = kStart;
  std::unique_ptr<Cache> cache_ = std::make_unique<Cache>(Options{}, Rng(7));
  Actions last_;
};

TEST_F(StsCache, AsksFetchesKeepsAndTells) {
  EXPECT_THAT(wanted(), ElementsAre(kAsk));
  EXPECT_THAT(txt("1"), ElementsAre(kFetch));
  EXPECT_EQ(last<Fetch>().host, "mta-sts.a.example");
  EXPECT_THAT(fetched(body("enforce")), ElementsAre(kKeep, "known enforce 1"));
  EXPECT_EQ(last<Known>().until, now_ + 7 * kDay);
  EXPECT_THAT(last<Known>().policy->mx, ElementsAre("mx.a.example"));
  EXPECT_EQ(last<Keep>().expires, now_ + 7 * kDay);
  EXPECT_THAT(wanted(), ElementsAre("known enforce 1")) << "and now at once";
}

TEST_F(StsCache, AnswersAllWhoWaitWithOneQuestion) {
  EXPECT_THAT(wanted(), ElementsAre(kAsk));
  EXPECT_THAT(wanted(), IsEmpty());
  txt("1");
  EXPECT_THAT(wanted(), IsEmpty());
  EXPECT_THAT(fetched(body("testing")), ElementsAre(kKeep, "known testing 1"));
}

TEST_F(StsCache, RemembersForTheTtlThatThereIsNone) {
  wanted();
  EXPECT_THAT(no_txt(minutes(30)), ElementsAre(kNothing));
  EXPECT_EQ(last<Known>().until, now_ + minutes(30));
  EXPECT_EQ(last<Known>().words, "no MTA-STS record");
  EXPECT_EQ(last<Known>().problem, std::nullopt);
  pass(minutes(29));
  EXPECT_THAT(wanted(), ElementsAre(kNothing));
  pass(minutes(1));
  EXPECT_THAT(wanted(), ElementsAre(kAsk));
  no_txt(seconds(0));
  pass(seconds(59));
  EXPECT_THAT(wanted(), ElementsAre(kNothing)) << "a minute at least";
  pass(seconds(1));
  EXPECT_THAT(wanted(), ElementsAre(kAsk));
  no_txt(1000 * kDay);
  pass(kDay);
  EXPECT_THAT(wanted(), ElementsAre(kAsk)) << "and a day at most";
}

TEST_F(StsCache, ABrokenOrDoubleRecordIsNone) {
  wanted();
  EXPECT_THAT(on(TxtAnswered{kDomain, Status::kRecords, {"v=STSv1;"}, now_ + hours(1), ""}),
              ElementsAre(kNothing));
  pass(hours(1));
  wanted();
  EXPECT_THAT(
      on(TxtAnswered{
          kDomain, Status::kRecords, {"v=STSv1; id=1", "v=STSv1; id=2"}, now_ + hours(1), ""}),
      ElementsAre(kNothing));
  EXPECT_THAT(last<Known>().words, HasSubstr("more than one"));
}

TEST_F(StsCache, DnsTroubleIsNoneButNotForLong) {
  wanted();
  EXPECT_THAT(dns_fails(), ElementsAre("failed txt_temporary", kNothing));
  EXPECT_THAT(last<Known>().words, HasSubstr("SERVFAIL"));
  EXPECT_THAT(wanted(), ElementsAre(kNothing));
  pass(minutes(2));
  EXPECT_THAT(wanted(), ElementsAre(kAsk));
}

TEST_F(StsCache, LetsMailWaitForAMinuteAndNotLonger) {
  wanted();
  txt("1");
  EXPECT_THAT(pass(seconds(59)), IsEmpty());
  EXPECT_THAT(wanted(), IsEmpty());
  EXPECT_THAT(pass(seconds(1)), ElementsAre(kNothing));
  EXPECT_THAT(last<Known>().words, HasSubstr("still being asked"));
  EXPECT_THAT(wanted(), ElementsAre(kNothing)) << "who comes later does not wait again";
  EXPECT_THAT(fetched(body("enforce")), ElementsAre(kKeep, kChanged)) << "they were told otherwise";
  EXPECT_THAT(wanted(), ElementsAre("known enforce 1"));
}

TEST_F(StsCache, TakesAQuestionForLostThatNobodyAnswers) {
  wanted();
  pass(minutes(4));
  EXPECT_THAT(pass(minutes(1)), ElementsAre("failed txt_temporary"));
  pass(minutes(2));
  EXPECT_THAT(wanted(), ElementsAre(kAsk));
  txt("1");
  EXPECT_THAT(pass(minutes(5)), ElementsAre(kNothing, "failed fetch_error"));
  EXPECT_THAT(fetched(body("enforce")), IsEmpty()) << "too late";
  EXPECT_EQ(cache_->deadline(), kNever);
}

TEST_F(StsCache, SaysWhereItIsNotSureThatThereIsNoPolicy) {
  wanted();
  dns_fails();
  EXPECT_TRUE(last<Known>().unsure) << "DNS would not say";
  pass(minutes(2));
  wanted();
  txt("1");
  fetch_fails();
  EXPECT_TRUE(last<Known>().unsure) << "it is announced, and cannot be had";
  pass(minutes(10));
  wanted();
  txt("1");
  fetched(body("enforce"));
  EXPECT_FALSE(last<Known>().unsure);
  use({});
  wanted();
  no_txt();
  EXPECT_FALSE(last<Known>().unsure) << "there is none";
}

TEST_F(StsCache, FetchesNotSoonAgainAfterAFailure) {
  struct Row {
    Problem problem;
    std::string words, result;
  };
  for (const Row& row :
       {Row{Problem::kFetchError, "failed fetch_error", "sts-policy-fetch-error"},
        Row{Problem::kWebPkiInvalid, "failed webpki_invalid", "sts-webpki-invalid"}}) {
    use({});
    wanted();
    txt("1");
    EXPECT_THAT(fetch_fails(row.problem), ElementsAre(row.words, kNothing));
    EXPECT_EQ(tlsrpt_result_type(last<Failed>().problem), row.result);
    EXPECT_EQ(last<Known>().problem, row.problem);
    pass(minutes(5) - seconds(1));
    EXPECT_THAT(wanted(), ElementsAre(kNothing));
    EXPECT_EQ(last<Known>().problem, row.problem) << "for every session that goes without";
    pass(minutes(2));
    EXPECT_THAT(wanted(), ElementsAre(kAsk));
    EXPECT_THAT(txt("1"), ElementsAre(kFetch));
    fetch_fails(row.problem);
    pass(minutes(10) - seconds(1));
    EXPECT_THAT(wanted(), ElementsAre(kNothing)) << "the wait doubles";
    pass(minutes(4));
    EXPECT_THAT(wanted(), ElementsAre(kAsk));
    EXPECT_THAT(txt("2"), ElementsAre(kFetch));
    EXPECT_THAT(fetched(body("enforce")), ElementsAre(kKeep, kChanged, "known enforce 2"));
    EXPECT_EQ(last<Known>().problem, std::nullopt);
  }
}

TEST_F(StsCache, TakesNothingFor200ButAPolicy) {
  struct Row {
    Fetched answer;
    std::string words;
  };
  const std::vector<Row> rows{
      {{kDomain, 404, "text/plain", body("enforce")}, "failed fetch_error"},
      {{kDomain, 204, "text/plain", ""}, "failed fetch_error"},
      {{kDomain, 301, "text/plain", body("enforce")}, "failed fetch_error"},
      {{kDomain, 200, "text/html", body("enforce")}, "failed invalid"},
      {{kDomain, 200, "text/plain", "<html>"}, "failed invalid"},
  };
  for (const Row& row : rows) {
    use({});
    wanted();
    txt("1");
    EXPECT_THAT(on(row.answer), ElementsAre(row.words, kNothing));
  }
}

TEST_F(StsCache, HoldsAPolicyThroughFailuresUntilItExpires) {
  learn(body("enforce", "mx.a.example", 3 * kDay));
  const Instant end = now_ + 3 * kDay;
  int round = 0;
  while (now_ < end - minutes(10)) {
    for (const std::string& word : pass(minutes(10))) {
      EXPECT_TRUE(word == kAsk || word.ends_with(" held")) << word;
    }
    const Words words = wanted();
    EXPECT_EQ(words.back(), "known enforce 1");
    switch (round++ % 4) {
      case 0: dns_fails(); break;
      case 1: no_txt(); break;
      case 2: txt("2"), fetch_fails(); break;
      case 3: txt("3"), fetched("nonsense"); break;
    }
    EXPECT_THAT(last_,
                ::testing::Not(::testing::Contains(::testing::VariantWith<Known>(::testing::_))));
  }
  const Words words = pass(minutes(11));
  EXPECT_THAT(words, ::testing::Contains(kDrop));
  EXPECT_THAT(words, ::testing::Contains(kChanged));
  EXPECT_EQ(cache_->find(kDomain), nullptr);
}

TEST_F(StsCache, LooksForAnotherIdWhenTheTtlIsOver) {
  learn(body("enforce"));
  pass(minutes(59));
  EXPECT_THAT(wanted(), ElementsAre("known enforce 1"));
  pass(minutes(1));
  EXPECT_THAT(wanted(), ElementsAre(kAsk, "known enforce 1")) << "behind the answer";
  EXPECT_THAT(txt("1"), IsEmpty());
  pass(hours(1));
  wanted();
  EXPECT_THAT(txt("2"), ElementsAre(kFetch));
  EXPECT_THAT(wanted(), ElementsAre("known enforce 1"));
  EXPECT_THAT(fetched(body("enforce")), ElementsAre(kKeep)) << "the same in other words";
  pass(hours(1));
  EXPECT_THAT(wanted(), ElementsAre(kAsk, "known enforce 2"));
  txt("3");
  EXPECT_THAT(fetched(body("enforce", "mx2.a.example")), ElementsAre(kKeep, kChanged));
  EXPECT_THAT(wanted(), ElementsAre("known enforce 3"));
}

TEST_F(StsCache, RenewsAPolicyDailyThoughNobodyAsks) {
  learn(body("enforce", "mx.a.example", 30 * kDay));
  for (int day = 0; day < 60; ++day) {
    const Instant before = now_;
    EXPECT_THAT(pass_to_deadline(), ElementsAre(kAsk));
    EXPECT_GE(now_ - before, kDay * 3 / 4);
    EXPECT_LE(now_ - before, kDay);
    EXPECT_THAT(txt("1"), ElementsAre(kFetch)) << "the same id, but max_age counts from the fetch";
    EXPECT_THAT(fetched(body("enforce", "mx.a.example", 30 * kDay)), ElementsAre(kKeep));
    EXPECT_EQ(last<Keep>().expires, now_ + 30 * kDay);
  }
}

TEST_F(StsCache, RenewsAShortPolicyAtHalfItsTime) {
  learn(body("enforce", "mx.a.example", hours(2)));
  EXPECT_THAT(pass_to_deadline(), ElementsAre(kAsk));
  EXPECT_GE(now_ - kStart, minutes(45));
  EXPECT_LE(now_ - kStart, minutes(60));
}

TEST_F(StsCache, TellsOfARenewalThatFailsAndTriesAgain) {
  learn(body("enforce", "mx.a.example", 30 * kDay));
  pass_to_deadline();
  EXPECT_THAT(txt("1"), ElementsAre(kFetch));
  EXPECT_THAT(fetch_fails(), ElementsAre("failed fetch_error held"));
  const Instant failed = now_;
  EXPECT_THAT(pass_to_deadline(), ElementsAre(kAsk));
  EXPECT_GE(now_ - failed, minutes(5));
  EXPECT_LE(now_ - failed, minutes(7));
  EXPECT_THAT(no_txt(), ElementsAre("failed txt_missing held"));
  const Instant said = now_;
  EXPECT_THAT(pass_to_deadline(), ElementsAre(kAsk));
  EXPECT_GE(now_ - said, hours(12)) << "not with every TTL";
  EXPECT_THAT(dns_fails(), ElementsAre("failed txt_temporary held"));
  EXPECT_THAT(pass(minutes(5) - seconds(1)), IsEmpty());
  EXPECT_THAT(pass(minutes(2)), ElementsAre(kAsk));
}

TEST_F(StsCache, DropsAPolicyWhenTheDomainSaysNone) {
  learn(body("enforce"));
  pass(hours(1));
  wanted();
  txt("2");
  EXPECT_THAT(fetched("version: STSv1\nmode: none\nmax_age: 86400\n"),
              ElementsAre(kDrop, kChanged));
  EXPECT_THAT(wanted(), ElementsAre(kNothing));
  EXPECT_THAT(last<Known>().words, HasSubstr("mode none"));
  EXPECT_EQ(cache_->policies(), 0U);
  pass(hours(1));
  EXPECT_THAT(wanted(), ElementsAre(kAsk));
  EXPECT_THAT(txt("2"), ElementsAre(kNothing)) << "not fetched again for the same id";
  pass(hours(1));
  wanted();
  EXPECT_THAT(txt("3"), ElementsAre(kFetch));
  EXPECT_THAT(fetched(body("testing")), ElementsAre(kKeep, kChanged, "known testing 3"));
}

TEST_F(StsCache, HoldsAPolicyOfNoTimeForAsLongAsItFetchesNoOther) {
  learn(body("enforce", "mx.a.example", seconds(0)));
  pass(minutes(1));
  EXPECT_THAT(wanted(), ElementsAre("known enforce 1"));
  EXPECT_THAT(pass(minutes(4)), ::testing::Contains(kDrop));
}

TEST_F(StsCache, LooksForAnotherPolicyWhenHostsDoNotFit) {
  learn(body("enforce"));
  EXPECT_THAT(on(Doubted{kDomain}), IsEmpty()) << "it has just been asked";
  pass(minutes(5));
  EXPECT_THAT(on(Doubted{kDomain}), ElementsAre(kAsk));
  EXPECT_THAT(on(Doubted{kDomain}), IsEmpty());
  EXPECT_THAT(txt("2"), ElementsAre(kFetch));
  EXPECT_THAT(fetched(body("enforce", "*.b.example")), ElementsAre(kKeep, kChanged));
  EXPECT_THAT(on(Doubted{RoutingDomain("b.example")}), IsEmpty());
}

TEST_F(StsCache, DoesNotForgetOverARestart) {
  learn(body("enforce"));
  const Keep kept = last<Keep>();
  pass(hours(3));
  use({});
  EXPECT_THAT(on(Remembered{kDomain, kept.record}), IsEmpty());
  EXPECT_THAT(wanted(), ElementsAre(kAsk, "known enforce 1"));
  EXPECT_EQ(last<Known>().until, kept.expires);
  EXPECT_THAT(no_txt(), IsEmpty());
  EXPECT_THAT(wanted(), ElementsAre("known enforce 1"));

  now_ = kept.expires;
  use({});
  EXPECT_THAT(on(Remembered{kDomain, kept.record}), ElementsAre(kDrop));
  EXPECT_THAT(on(Remembered{kDomain, "?"}), ElementsAre(kDrop, "failed unreadable"));
  EXPECT_EQ(cache_->size(), 0U);
}

TEST_F(StsCache, RemembersEvenWhenItIsAskedBeforeItIsReminded) {
  learn(body("enforce"));
  const Keep kept = last<Keep>();
  use({});
  wanted();
  EXPECT_THAT(on(Remembered{kDomain, kept.record}), ElementsAre("known enforce 1"));
  EXPECT_THAT(no_txt(), IsEmpty());
  use({});
  wanted();
  no_txt();
  EXPECT_THAT(on(Remembered{kDomain, kept.record}), ElementsAre(kChanged));
  EXPECT_THAT(wanted(), ElementsAre("known enforce 1"));
}

TEST_F(StsCache, HoldsNothingLongerBecauseTheClockWasSetBack) {
  learn(body("enforce"));
  const Keep kept = last<Keep>();
  now_ -= 30 * kDay;
  use({});
  on(Remembered{kDomain, kept.record});
  wanted();
  EXPECT_EQ(last<Known>().until, now_ + 7 * kDay);
}

TEST_F(StsCache, AsksSoonForAnotherPolicyWhenTheOldOneHasExpired) {
  learn(body("enforce", "mx.a.example", hours(4)));
  for (Words words; cache_->policies() == 1; words = pass_to_deadline()) {
    txt("1");
    fetch_fails();
  }
  EXPECT_EQ(now_, kStart + hours(4));
  pass(minutes(5));
  EXPECT_THAT(wanted(), ElementsAre(kAsk)) << "whatever the wait was by then";
  EXPECT_THAT(txt("1"), ElementsAre(kFetch));
}

TEST_F(StsCache, SpreadsRenewalsThatCameDueWhileItWasAway) {
  learn(body("enforce"));
  const Keep kept = last<Keep>();
  now_ += 3 * kDay;
  use({});
  for (int i = 0; i < 100; ++i) {
    on(Remembered{RoutingDomain("d" + std::to_string(i) + ".example"), kept.record});
  }
  EXPECT_LT(pass(minutes(5)).size(), 80U);
  pass(minutes(5));
  EXPECT_EQ(cache_->policies(), 100U);
}

TEST_F(StsCache, ForgetsWhenTheOperatorSaysSo) {
  learn(body("enforce"));
  EXPECT_THAT(on(Forget{kDomain}), ElementsAre(kDrop, kChanged));
  EXPECT_EQ(cache_->size(), 0U);
  EXPECT_EQ(cache_->deadline(), kNever);
  EXPECT_THAT(on(Forget{kDomain}), IsEmpty());
  EXPECT_THAT(wanted(), ElementsAre(kAsk));
  EXPECT_THAT(on(Forget{kDomain}), IsEmpty()) << "who waits is answered nevertheless";
  EXPECT_THAT(no_txt(), ElementsAre(kNothing));
}

TEST_F(StsCache, AsksNothingAboutNamesThatNoUrlShouldHold) {
  for (const std::string domain :
       {"[192.0.2.1]", "", "a/b.example", "a@b.example", "a:1.example", "m\xC3\xBCll.example",
        "a b.example", "A.example", "%2e.example"}) {
    EXPECT_THAT(on(Wanted{RoutingDomain(domain)}), ElementsAre(kNothing)) << domain;
  }
  EXPECT_THAT(on(Wanted{RoutingDomain(std::string(245, 'a'))}), ElementsAre(kNothing));
  EXPECT_EQ(cache_->size(), 0U);
}

TEST_F(StsCache, IgnoresAnswersThatNobodyAskedFor) {
  EXPECT_THAT(txt("1"), IsEmpty());
  EXPECT_THAT(fetched(body("enforce")), IsEmpty());
  EXPECT_THAT(fetch_fails(), IsEmpty());
  wanted();
  EXPECT_THAT(fetched(body("enforce")), IsEmpty());
  txt("1");
  EXPECT_THAT(txt("2"), IsEmpty());
}

TEST_F(StsCache, KeepsToItsBoundsAndLetsGoOfWhatWasNotUsedForLongest) {
  use({.policies_max = 2, .nones_max = 3});
  const auto policy_of = [&](const std::string& domain) {
    const RoutingDomain d(domain);
    on(Wanted{d});
    on(TxtAnswered{d, Status::kRecords, {"v=STSv1; id=1"}, now_ + hours(1), ""});
    return on(Fetched{d, 200, "text/plain", body("enforce")});
  };
  policy_of("p1.example");
  policy_of("p2.example");
  on(Wanted{RoutingDomain("p1.example")});
  EXPECT_THAT(policy_of("p3.example"), ::testing::Contains("drop p2.example"));
  for (int i = 0; i < 100; ++i) {
    const RoutingDomain d("n" + std::to_string(i) + ".example");
    on(Wanted{d});
    on(TxtAnswered{d, Status::kNone, {}, now_ + hours(1), ""});
  }
  EXPECT_EQ(cache_->policies(), 2U) << "however many have none";
  EXPECT_NE(cache_->find(RoutingDomain("p1.example")), nullptr);
  EXPECT_EQ(cache_->size(), 5U);
  EXPECT_THAT(on(Wanted{RoutingDomain("n99.example")}), ElementsAre(kNothing));
  EXPECT_THAT(on(Wanted{RoutingDomain("n96.example")}), ElementsAre("ask _mta-sts.n96.example"));
}

TEST_F(StsCache, ServesThoughItMayRememberNothing) {
  use({.policies_max = 0, .nones_max = 0});
  wanted();
  EXPECT_THAT(no_txt(), ElementsAre(kNothing));
  wanted();
  txt("1");
  EXPECT_THAT(fetched(body("enforce")), ElementsAre(kKeep, "known enforce 1", kDrop));
  EXPECT_EQ(cache_->size(), 0U);
}

TEST_F(StsCache, HasALabelForEveryProblem) {
  for (std::size_t i = 0; i < kProblems; ++i) {
    EXPECT_FALSE(label(static_cast<Problem>(i)).empty());
  }
}

}  // namespace
}  // namespace posthaste::policy::sts
