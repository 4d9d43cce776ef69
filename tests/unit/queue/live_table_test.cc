#include "queue/rocks/live_table.h"

#include <gtest/gtest.h>

#include <unordered_map>
#include <vector>

#include "lib/base/rng.h"
#include "queue/rocks/ledger.h"

namespace posthaste::queue {
namespace {

TEST(LiveTable, DoesWhatAMapDoesThroughGrowthAndShrinking) {
  Rng rng(20240501);
  LiveTable table;
  std::unordered_map<MessageId, Live> model;
  for (int step = 0; step < 200000; ++step) {
    // Ids as they come: dense in the low bits, so that neighbours meet in the table.
    const std::uint64_t range = step < 100000 ? 6000 : 500;
    const MessageId id{1 + rng.below(range)};
    if (rng.chance(step < 100000 ? 0.6 : 0.3)) {
      const Live live{static_cast<std::uint16_t>(rng.below(65536)),
                      static_cast<std::uint16_t>(rng.below(65536)), rng.chance(0.5),
                      static_cast<ShardId>(rng.below(1024)),
                      static_cast<std::uint16_t>(rng.below(65536))};
      table.put(id, live);
      model[id] = live;
    } else {
      table.erase(id);
      model.erase(id);
    }
    ASSERT_EQ(table.size(), model.size());
    const MessageId probe{1 + rng.below(6000)};
    const auto found = model.find(probe);
    ASSERT_EQ(table.find(probe),
              found == model.end() ? std::nullopt : std::optional(found->second));
  }
}

TEST(LiveTable, TakesAtMostFortyThreeBytesForAMessageAndGivesThemBack) {
  LiveTable table;
  constexpr std::uint64_t kMessages = 1000000;
  for (std::uint64_t i = 1; i <= kMessages; ++i) table.put(MessageId{i << 22}, Live{2, 1});
  EXPECT_LE(table.bytes(), kMessages * 43);
  for (std::uint64_t i = 1; i <= kMessages; ++i) table.erase(MessageId{i << 22});
  EXPECT_EQ(table.size(), 0U);
  EXPECT_LE(table.bytes(), 64U * 1024);
}

TEST(Ledger, TakesBackWhatARefusedCommitChanged) {
  Ledger ledger;
  const MessageId one{1}, two{2}, streamed{3};
  ledger.begin();
  ledger.set_live(one, Live{3, 1});
  ledger.set_arriving(streamed, 2);
  ledger.keep();

  ledger.begin();
  ledger.set_live(one, Live{2, 1});
  ledger.set_live(one, Live{1, 1});
  ledger.set_live(two, Live{.remaining = 1, .fresh = true});
  ledger.drop_live(one);
  ledger.set_arriving(streamed, 3);
  ledger.stop_arriving(streamed);
  ledger.note_perhaps_ended(two);
  ledger.undo();

  EXPECT_EQ(ledger.live(one), (Live{3, 1}));
  EXPECT_EQ(ledger.live(two), std::nullopt);
  EXPECT_EQ(ledger.arriving(streamed), std::nullopt) << "a refused message is at its end";
  ASSERT_EQ(ledger.garbage().size(), 1U);
  EXPECT_EQ(ledger.garbage()[0].chunks, 2) << "as many as had been stored";
  EXPECT_TRUE(ledger.perhaps_ended().empty());
}

TEST(Ledger, RemembersABoundedNumberOfLoneRecipients) {
  Ledger ledger;
  for (std::uint64_t i = 1; ledger.room_for_fresh(); ++i) {
    ledger.set_live(MessageId{i}, Live{.remaining = 1, .fresh = true});
  }
  EXPECT_EQ(ledger.tracked(), Ledger::kFreshMax);
  ledger.drop_live(MessageId{1});
  EXPECT_TRUE(ledger.room_for_fresh());
}

}  // namespace
}  // namespace posthaste::queue
