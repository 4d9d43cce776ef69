#include "lib/policy/tls_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

namespace posthaste::policy {
namespace {

using std::chrono::hours;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Instant kNow{hours(480'000)};
constexpr Duration kDay = hours(24);

TlsMemoryKey key(std::uint8_t last = 1, std::string policy = "0123456789abcdef") {
  return {{ipv4(192, 0, 2, last), 25}, std::move(policy)};
}
const MxName kHost("mx.example.com");

class TlsMemoryTest : public ::testing::Test {
 protected:
  // The store: takes what is told, and gives it back to another memory.
  void keep() {
    for (const TlsMemory::Change& change : changes_) {
      const auto place = std::pair(change.shown, change.key);
      if (change.drop)
        EXPECT_EQ(stored_.erase(place), 1U) << "dropped, and was never told";
      else
        stored_[place] = {change.value, change.expires};
    }
    changes_.clear();
  }
  TlsMemory restarted(Instant now) {
    keep();
    TlsMemory memory(Rng(2));
    for (const auto& [place, kept] : stored_)
      memory.restore(place.first, place.second, kept.first, kept.second, now);
    return memory;
  }
  static std::vector<std::tuple<std::string, std::string, TlsRemembered>> all_of(
      const TlsMemory& memory) {
    std::vector<std::tuple<std::string, std::string, TlsRemembered>> all;
    memory.for_each([&](const TlsMemory::View& view) {
      all.emplace_back(view.subject, view.policy, view.remembered);
    });
    return all;
  }

  TlsMemory memory_{Rng(1)};
  TlsMemory::Changes changes_;
  std::map<std::pair<bool, std::string>, std::pair<std::string, Instant>> stored_;
};

TEST_F(TlsMemoryTest, BeginsWithTheRungThatWorked) {
  EXPECT_EQ(memory_.first_rung(key(), kNow), 0U);
  memory_.learn_rung(key(), 2, kDay, kNow, changes_);
  int probes = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::size_t rung = memory_.first_rung(key(), kNow);
    EXPECT_TRUE(rung == 0 || rung == 2);
    if (rung == 0) ++probes;
  }
  EXPECT_GT(probes, 50) << "about one in twenty looks whether a better one works again";
  EXPECT_LT(probes, 200);
  EXPECT_EQ(memory_.first_rung(key(2), kNow), 0U) << "another address";
  EXPECT_EQ(memory_.first_rung(key(1, "fedcba9876543210"), kNow), 0U) << "another policy";
}

TEST_F(TlsMemoryTest, ForgetsWhenTheTimeIsOver) {
  memory_.learn_rung(key(), 1, kDay, kNow, changes_);
  memory_.learn_verified(kHost, 25, kDay, kNow, changes_);
  EXPECT_TRUE(memory_.has_shown_verified(kHost, 25, kNow + kDay - Duration(1)));
  EXPECT_EQ(memory_.first_rung(key(), kNow + kDay), 0U);
  EXPECT_FALSE(memory_.has_shown_verified(kHost, 25, kNow + kDay));
  EXPECT_FALSE(memory_.has_shown_verified(kHost, 465, kNow)) << "another port";
}

TEST_F(TlsMemoryTest, ARungThatWorksTakesThePlaceOfAFailureAndBack) {
  memory_.learn_failure(key(), TlsFailure::kPeerHandshakeFailure, kDay, kNow, changes_);
  EXPECT_EQ(memory_.first_rung(key(), kNow), 0U);
  memory_.learn_rung(key(), 1, kDay, kNow, changes_);
  EXPECT_EQ(memory_.failure(key(), kNow), TlsFailure::kNone);
  ASSERT_NE(memory_.find(key()), nullptr);
  EXPECT_EQ(*memory_.find(key()), (TlsRemembered{1, TlsFailure::kNone, kNow, kNow + kDay}));
  memory_.learn_failure(key(), TlsFailure::kTimeout, kDay, kNow, changes_);
  EXPECT_EQ(memory_.failure(key(), kNow), TlsFailure::kTimeout);
  EXPECT_EQ(memory_.size(), 1U);
}

TEST_F(TlsMemoryTest, WhatAnybodyOnThePathCanForgeIsKeptForMinutes) {
  for (int i = 0; i < kTlsFailures; ++i) {
    const auto failure = static_cast<TlsFailure>(i);
    if (kind(failure) != TlsFailureKind::kHandshake) continue;
    SCOPED_TRACE(label(failure));
    const TlsMemoryKey one = key(static_cast<std::uint8_t>(i));
    memory_.learn_failure(one, failure, kDay, kNow, changes_);
    const Instant over = kNow + std::chrono::minutes(10);
    EXPECT_EQ(memory_.failure(one, over - Duration(1)), failure);
    EXPECT_EQ(memory_.failure(one, over), TlsFailure::kNone);
    EXPECT_EQ(changes_.back().expires, over) << "in the store, too";
  }
  memory_.learn_failure(key(), TlsFailure::kReset, std::chrono::minutes(1), kNow, changes_);
  EXPECT_EQ(memory_.failure(key(), kNow + std::chrono::minutes(1)), TlsFailure::kNone)
      << "or for less, where the policy says so";
}

TEST_F(TlsMemoryTest, AFailureThatWasStoredForLongerIsNotBelievedForLonger) {
  memory_.learn_failure(key(), TlsFailure::kReset, kDay, kNow, changes_);
  TlsMemory other(Rng(1));
  const TlsMemory::Change& change = changes_.at(0);
  other.restore(false, change.key, change.value, kNow + kDay, kNow + std::chrono::minutes(1));
  EXPECT_EQ(all_of(other), all_of(memory_));
  TlsMemory late(Rng(1));
  late.restore(false, change.key, change.value, kNow + kDay, kNow + std::chrono::minutes(10));
  EXPECT_EQ(late.size(), 0U);
}

TEST_F(TlsMemoryTest, OnlyHandshakesAreLearnedFrom) {
  int others = 0;
  for (int i = 0; i < kTlsFailures; ++i) {
    const auto failure = static_cast<TlsFailure>(i);
    if (kind(failure) == TlsFailureKind::kHandshake) continue;
    ++others;
    memory_.learn_failure(key(), failure, kDay, kNow, changes_);
  }
  EXPECT_GT(others, 5) << "none, not_offered, refused, local_error, dane_lookup …";
  EXPECT_EQ(memory_.size(), 0U);
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(TlsMemoryTest, SaysAgainOnlyWhatIsNewOrHalfOver) {
  const Duration step = hours(1);
  for (Instant now = kNow; now < kNow + kDay * 10; now += step) {
    memory_.learn_rung(key(), 1, kDay, now, changes_);
    memory_.learn_verified(kHost, 25, kDay, now, changes_);
    EXPECT_TRUE(memory_.has_shown_verified(kHost, 25, now + step));
  }
  EXPECT_THAT(changes_, SizeIs(40)) << "two every twelve hours";
}

TEST_F(TlsMemoryTest, RememberingForNoTimeForgetsWhatIsUnderThatKey) {
  memory_.learn_rung(key(), 1, Duration::zero(), kNow, changes_);
  memory_.learn_failure(key(), TlsFailure::kNotTls, Duration::zero(), kNow, changes_);
  EXPECT_THAT(changes_, IsEmpty());
  memory_.learn_rung(key(1, "other"), 1, kDay, kNow, changes_);
  for (const bool works : {true, false}) {
    memory_.learn_rung(key(), 1, kDay, kNow, changes_);
    if (works)
      memory_.learn_rung(key(), 1, Duration::zero(), kNow, changes_);
    else
      memory_.learn_failure(key(), TlsFailure::kNotTls, Duration::zero(), kNow, changes_);
    EXPECT_EQ(memory_.find(key()), nullptr);
  }
  EXPECT_NE(memory_.find(key(1, "other")), nullptr);
  keep();
  EXPECT_THAT(stored_, SizeIs(1));
}

TEST_F(TlsMemoryTest, AHostOfManyIsNotUnguardedByOneThatRemembersNothing) {
  memory_.learn_verified(kHost, 25, Duration::zero(), kNow, changes_);
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_FALSE(memory_.has_shown_verified(kHost, 25, kNow));
  memory_.learn_verified(kHost, 25, kDay, kNow, changes_);
  memory_.learn_verified(kHost, 25, Duration::zero(), kNow, changes_);
  EXPECT_TRUE(memory_.has_shown_verified(kHost, 25, kNow));
  keep();
  EXPECT_THAT(stored_, SizeIs(1));
}

TEST_F(TlsMemoryTest, SurvivesARestart) {
  const TlsMemoryKey v6{{parse_ip("2001:db8::1").value(), 465}, "fedcba9876543210"};
  memory_.learn_rung(key(), 2, kDay, kNow, changes_);
  for (int i = 1; i < kTlsFailures; ++i) {  // those that are not the handshake's are not learned
    memory_.learn_failure(key(static_cast<std::uint8_t>(i + 1)), static_cast<TlsFailure>(i), kDay,
                          kNow, changes_);
  }
  memory_.learn_rung(v6, 255, kDay, kNow, changes_);
  memory_.learn_verified(kHost, 25, kDay, kNow, changes_);
  const TlsMemory again = restarted(kNow + std::chrono::minutes(1));
  EXPECT_EQ(all_of(again), all_of(memory_));
  EXPECT_GT(again.size(), 25U);
  EXPECT_EQ(restarted(kNow + kDay).size(), 0U) << "expired meanwhile";
}

TEST_F(TlsMemoryTest, OfTwoThatHaveSeenAHostVerifiedTheLaterWordHolds) {
  const MxName host("mx.example.com");
  memory_.learn_verified(host, 25, kDay, kNow, changes_);
  TlsMemory other(Rng(1));
  TlsMemory::Changes of_other;
  other.learn_verified(host, 25, std::chrono::hours(1), kNow, of_other);
  memory_.restore(true, of_other.at(0).key, of_other.at(0).value, of_other.at(0).expires, kNow);
  other.restore(true, changes_.at(0).key, changes_.at(0).value, changes_.at(0).expires, kNow);
  const Instant late = kNow + std::chrono::hours(23);
  EXPECT_TRUE(memory_.has_shown_verified(host, 25, late));
  EXPECT_TRUE(other.has_shown_verified(host, 25, late));
}

TEST_F(TlsMemoryTest, WrongNotesAreIgnored) {
  memory_.learn_failure(key(), TlsFailure::kTimeout, kDay, kNow, changes_);
  memory_.learn_verified(kHost, 25, kDay, kNow, changes_);
  TlsMemory other(Rng(1));
  Rng rng(7);
  for (const TlsMemory::Change& change : changes_) {
    for (std::size_t size = 0; size < change.value.size(); ++size) {
      other.restore(change.shown, change.key, change.value.substr(0, size), change.expires, kNow);
    }
    other.restore(change.shown, change.key, change.value + '\0', change.expires, kNow);
    other.restore(change.shown, "", change.value, change.expires, kNow);
    other.restore(change.shown, std::string(1, 5) + "abcd", change.value, change.expires, kNow);
    std::string unknown = change.value;
    unknown[0] = 2;
    other.restore(change.shown, change.key, unknown, change.expires, kNow);
  }
  std::string other_label = changes_[0].value;
  other_label.replace(other_label.find("timeout"), 7, "tameout");
  other.restore(false, changes_[0].key, other_label, kNow + kDay, kNow);
  other_label.replace(other_label.find("tameout"), 7, "guarded");
  other.restore(false, changes_[0].key, other_label, kNow + kDay, kNow);
  std::string refusal = changes_[0].value;  // as an earlier version kept them
  refusal.replace(refusal.find("timeout") - 1, 8, std::string(1, 17) + "refused_temporary");
  other.restore(false, changes_[0].key, refusal, kNow + kDay, kNow);
  EXPECT_EQ(other.size(), 0U);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(rng.below(24), '\0');
    for (char& c : bytes) c = static_cast<char>(rng.next());
    other.restore(rng.chance(0.5), bytes, changes_[0].value, kNow + kDay, kNow);
    other.restore(rng.chance(0.5), changes_[0].key, bytes, kNow + kDay, kNow);
  }
}

TEST_F(TlsMemoryTest, TheOperatorCanMakeItForget) {
  memory_.learn_rung(key(), 1, kDay, kNow, changes_);
  memory_.learn_rung(key(1, "other"), 1, kDay, kNow, changes_);
  memory_.learn_rung(key(2), 1, kDay, kNow, changes_);
  memory_.learn_verified(kHost, 25, kDay, kNow, changes_);
  memory_.learn_verified(kHost, 465, kDay, kNow, changes_);
  EXPECT_EQ(memory_.forget("192.0.2.1", changes_), 2U);
  EXPECT_EQ(memory_.forget("192.0.2.2:25", changes_), 1U);
  EXPECT_EQ(memory_.forget("192.0.2.3", changes_), 0U);
  EXPECT_EQ(memory_.forget("MX.example.com:465", changes_), 1U);
  EXPECT_EQ(memory_.forget("mx.example.com.", changes_), 1U);
  EXPECT_EQ(memory_.size(), 0U);
  keep();
  EXPECT_THAT(stored_, IsEmpty());
}

TEST_F(TlsMemoryTest, IsBoundedAndWhatLapsesFirstGoes) {
  const auto nth = [](std::uint32_t i) {
    const auto octet = [&](unsigned shift) { return static_cast<std::uint8_t>(i >> shift); };
    return TlsMemoryKey{{ipv4(10, octet(16), octet(8), octet(0)), 25}, "p"};
  };
  for (std::uint32_t i = 0; i < TlsMemory::kEntriesMax + 3; ++i)
    memory_.learn_rung(nth(i), 1, kDay + hours(i % 7 == 5 ? 0 : 1), kNow + Duration(i), changes_);
  EXPECT_EQ(memory_.size(), TlsMemory::kEntriesMax);
  EXPECT_EQ(memory_.find(nth(5)), nullptr);
  EXPECT_EQ(memory_.find(nth(12)), nullptr);
  EXPECT_EQ(memory_.find(nth(19)), nullptr);
  EXPECT_NE(memory_.find(nth(0)), nullptr);
  keep();
  EXPECT_EQ(stored_.size(), TlsMemory::kEntriesMax + 3) << "the store forgets by itself";

  memory_.learn_rung(key(), 1, kDay, kNow + kDay * 9, changes_);
  EXPECT_LT(memory_.size(), TlsMemory::kEntriesMax)
      << "what has expired leaves, a little at a time";
  EXPECT_LT(changes_.size(), 100U);
}

TEST_F(TlsMemoryTest, WhatExpiresHereMayHaveBeenLearnedAnewElsewhere) {
  memory_.learn_rung(key(), 1, kDay, kNow, changes_);
  memory_.learn_verified(kHost, 25, kDay, kNow, changes_);
  keep();
  TlsMemory other(Rng(3));  // another worker's, with the same store
  other.learn_rung(key(), 1, kDay, kNow + hours(20), changes_);
  other.learn_verified(kHost, 25, kDay, kNow + hours(20), changes_);
  keep();
  const Instant later = kNow + hours(25);
  memory_.learn_rung(key(2), 1, kDay, later, changes_);
  memory_.learn_verified(MxName("mx2.example.com"), 25, kDay, later, changes_);
  EXPECT_EQ(memory_.size(), 2U) << "what it knew itself has left";
  const TlsMemory again = restarted(later);
  EXPECT_EQ(again.size(), 4U);
  EXPECT_NE(again.find(key()), nullptr);
  EXPECT_TRUE(again.has_shown_verified(kHost, 25, later));
}

TEST(MemoryFingerprint, IsStableAndTellsDemandsApart) {
  TlsDemand demand;
  // Of octets 11, level may, no authentication, OCSP checked, and eight times nothing.
  EXPECT_EQ(memory_fingerprint(demand, {}),
            "sha256:49e30b42f83fd4c13b5c66a6ddae7704a2f15e5e2bb170dd2c6c81b0f19ff23c");
  std::set<std::string> different{memory_fingerprint(demand, {})};
  demand.records = {{3, 1, 1, std::string(32, 'x')}};
  different.insert(memory_fingerprint(demand, {}));
  demand.sni = "mx.example.com";
  different.insert(memory_fingerprint(demand, {}));
  EXPECT_EQ(different.size(), 3U);
}

TEST(MemoryFingerprint, TellsProfilesApartByWhatIsInThem) {
  const auto of = [](const Ladder& ladder) { return memory_fingerprint({}, ladder); };
  const TlsProfile& modern = modern_profile();
  std::set<std::string> different{of({}), of({modern}), of({modern, modern})};
  TlsProfile changed = modern;
  const auto change = [&](auto field, const auto& value) {
    changed = modern;
    changed.*field = value;
    different.insert(of({changed}));
  };
  change(&TlsProfile::name, "other");
  change(&TlsProfile::min_version, TlsVersion::kTls13);
  change(&TlsProfile::max_version, TlsVersion::kTls12);
  change(&TlsProfile::ciphers, "ALL");
  change(&TlsProfile::ciphersuites, "TLS_AES_128_GCM_SHA256");
  change(&TlsProfile::groups, "P-256");
  change(&TlsProfile::signature_algorithms, "ed25519");
  change(&TlsProfile::security_level, 2);
  different.insert({of({modern, changed}), of({changed, modern})});
  EXPECT_EQ(different.size(), 13U);
}

}  // namespace
}  // namespace posthaste::policy
