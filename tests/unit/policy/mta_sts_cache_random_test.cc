// Random domains, answers, losses and restarts against sts::Cache, with a model of the one promise
// that counts: while a policy that was fetched is valid, nobody is told that there is none.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "lib/policy/mta_sts_cache.h"

namespace posthaste::policy::sts {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kDomains = 12;

class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed) : rng_(seed) { restart(); }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      switch (rng_.below(12)) {
        case 0:
        case 1:
        case 2: want(); break;
        case 3:
        case 4:
        case 5: answer_txt(); break;
        case 6:
        case 7:
        case 8: answer_fetch(); break;
        case 9: handle(Doubted{any_domain()}); break;
        case 10: pass(); break;
        default: rng_.chance(0.05) ? restart() : pass();
      }
    }
    drain();
  }

 private:
  struct Held {
    StsMode mode;
    Instant until;
  };

  RoutingDomain any_domain() { return RoutingDomain("d" + std::to_string(rng_.below(kDomains))); }

  void want() {
    const RoutingDomain domain = any_domain();
    waiting_.insert({domain, now_});
    handle(Wanted{domain});
  }

  void answer_txt() {
    if (txt_.empty()) return;
    const RoutingDomain domain =
        *std::next(txt_.begin(), static_cast<int>(rng_.below(txt_.size())));
    txt_.erase(domain);
    TxtAnswered answer{
        domain, TxtAnswered::Status::kRecords, {}, now_ + minutes(rng_.below(200)), ""};
    switch (rng_.below(4)) {
      case 0: answer.status = TxtAnswered::Status::kTemporary; break;
      case 1: answer.status = TxtAnswered::Status::kNone; break;
      default: answer.records = {"v=STSv1; id=" + std::to_string(rng_.below(4))};
    }
    handle(std::move(answer));
  }

  void answer_fetch() {
    if (fetch_.empty()) return;
    const RoutingDomain domain =
        *std::next(fetch_.begin(), static_cast<int>(rng_.below(fetch_.size())));
    fetch_.erase(domain);
    // An answer that comes too late counts for nothing.
    const bool in_time = now_ < fetched_at_.at(domain) + Options().answer_wait;
    if (rng_.chance(0.3)) return handle(FetchFailed{domain, Problem::kFetchError, "refused"});
    if (rng_.chance(0.1)) return handle(Fetched{domain, 200, "text/plain", "nonsense"});
    const auto mode = static_cast<StsMode>(rng_.below(3));
    const auto age = seconds(rng_.below(200'000));
    if (in_time) held_[domain] = {mode, now_ + std::max<Duration>(age, minutes(5))};
    handle(Fetched{domain, 200, "text/plain",
                   "version: STSv1\nmode: " + std::string(name(mode)) +
                       "\nmx: mx.example\nmax_age: " + std::to_string(age.count()) + "\n"});
  }

  void pass() {
    const Instant until = now_ + seconds(rng_.below(rng_.chance(0.1) ? 100'000 : 120));
    while (cache_->deadline() <= until) {
      const Instant due = cache_->deadline();
      now_ = std::max(now_, due);
      handle(Tick{});
      ASSERT_GT(cache_->deadline(), now_) << "what is due is done";
      if (rng_.chance(0.5)) answer_txt();
      if (rng_.chance(0.5)) answer_fetch();
    }
    now_ = until;
  }

  // What is stored is all that is left.
  void restart() {
    cache_ = std::make_unique<Cache>(Options{}, Rng(rng_.next()));
    txt_.clear();
    fetch_.clear();
    waiting_.clear();
    fetched_at_.clear();
    for (const auto& [domain, record] : std::map(stored_)) handle(Remembered{domain, record});
  }

  void handle(Event event) {
    Actions out;
    cache_->handle(std::move(event), now_, out);
    for (const Action& action : out) std::visit([&](const auto& a) { on(a); }, action);
    for (const auto& [domain, since] : waiting_) {
      EXPECT_LT(now_ - since, minutes(1) + seconds(1)) << domain.text() << " waits too long";
    }
  }

  void on(const AskTxt& a) { txt_.insert(a.domain); }
  void on(const Fetch& a) {
    const auto last = fetched_at_.find(a.domain);
    if (last != fetched_at_.end()) {
      EXPECT_GE(now_ - last->second, minutes(5)) << "RFC 8461 §3.3";
    }
    fetched_at_[a.domain] = now_;
    fetch_.insert(a.domain);
  }
  void on(const Keep& a) { stored_[a.domain] = a.record; }
  void on(const Drop& a) { stored_.erase(a.domain); }
  void on(const Changed&) {}
  void on(const Failed&) {}
  void on(const Known& a) {
    waiting_.erase(a.domain);
    const auto held = held_.find(a.domain);
    const bool valid =
        held != held_.end() && held->second.mode != StsMode::kNone && now_ < held->second.until;
    EXPECT_EQ(a.policy.has_value(), valid) << a.domain.text() << ": " << a.words;
    if (!a.policy || !valid) return;
    EXPECT_EQ(a.policy->mode, held->second.mode);
    EXPECT_LE(a.until, held->second.until);
  }

  // In the end everybody has an answer.
  void drain() {
    now_ += minutes(2);
    handle(Tick{});
    EXPECT_TRUE(waiting_.empty());
  }

  Rng rng_;
  Instant now_{hours(500'000)};
  std::unique_ptr<Cache> cache_;
  std::set<RoutingDomain> txt_, fetch_;  // under way
  std::map<RoutingDomain, Instant> waiting_, fetched_at_;
  std::map<RoutingDomain, Held> held_;  // the model
  std::map<RoutingDomain, std::string> stored_;
};

class StsCacheRandom : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(StsCacheRandom, NeverSaysThatThereIsNoneWhileAPolicyIsValid) {
  RandomRun(GetParam()).run(20'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StsCacheRandom, ::testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace posthaste::policy::sts
