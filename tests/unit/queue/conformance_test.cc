// What every store has to do, whichever it is (queue/store.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/queue/any_store.h"

namespace posthaste::queue {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, kEveryStore, store_name);

const MessageId kId = id_at(1000);
const MessageId kLater = id_at(2000);

TEST_P(AnyStore, SaysGainedForEveryShardOnceAndFirst) {
  std::vector<Request> batch{make_accept(kId, {{5, 0}})};
  std::vector<StoreEvent> events;
  store().commit(batch, events);
  store().gain(10, events);
  const auto gained = only<Gained>(events);
  ASSERT_THAT(gained, SizeIs(kShards));
  for (std::size_t i = 0; i < kShards; ++i) EXPECT_EQ(render(events[i]), render(gained[i]));
  EXPECT_EQ(gained.back().shard, kShards - 1);
}

TEST_P(AnyStore, CountsTheEpochUpAtEachStart) {
  std::vector<StoreEvent> before, after;
  store().gain(1, before);
  restart();
  store().gain(1, after);
  EXPECT_EQ(only<Gained>(after)[0].epoch, only<Gained>(before)[0].epoch + 1);
}

TEST_P(AnyStore, AcceptsAMessageAndHandsItsRecipientsToTheirShards) {
  const auto events = now(make_accept(kId, {{900, 0}, {3, 1}, {900, 2}}));
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(render(events[0]), "Accepted 7 " + render_id(kId));
  const auto arrived = only<Arrived>(events);
  EXPECT_EQ(arrived[0].shard, 3);
  EXPECT_EQ(arrived[1].shard, 900);
  EXPECT_THAT(arrived[0].letter->recipients, SizeIs(1));
  EXPECT_THAT(arrived[1].letter->recipients, SizeIs(2));
  EXPECT_THAT(arrived[1].letter->body.chunks, SizeIs(1));
}

TEST_P(AnyStore, HasWhatWasAcceptedAfterARestart) {
  accept(kId, {{900, 0}, {3, 1}}, 3 * mail::kChunkBytesMax);
  const auto before = store().envelope(kId);
  restart();
  const auto entries = only<Entry>(gain_all(store()));
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].shard, 3);
  EXPECT_EQ(entries[0].domain.text(), "d3.example");
  EXPECT_EQ(entries[1].shard, 900);
  EXPECT_EQ(*store().envelope(kId), *before);
  const auto loaded = only<Loaded>(now(Load{4, 900, kId, {0}, std::size_t{1} << 20}));
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_EQ(loaded[0].letter->recipients[0], recipient_to({900, 0}));
  EXPECT_TRUE(loaded[0].letter->body.complete(*loaded[0].letter->envelope));
}

TEST_P(AnyStore, SaysGainedAllOfEveryShardAndThenIsDone) {
  accept(kId, {{5, 0}});
  restart();
  const auto events = gain_all(store(), 1);
  EXPECT_THAT(only<GainedAll>(events), SizeIs(kShards));
  std::vector<StoreEvent> more;
  EXPECT_FALSE(store().gain(100, more));
  EXPECT_THAT(more, IsEmpty());
}

TEST_P(AnyStore, ReadsNoMoreRecordsInOneSliceThanItWasAllowed) {
  for (std::uint64_t i = 0; i < 10; ++i) accept(id_at(1000 + i), {{5, 0}});
  restart();
  std::vector<StoreEvent> slice;
  EXPECT_TRUE(store().gain(4, slice));
  EXPECT_THAT(only<Entry>(slice), SizeIs(4));
}

TEST_P(AnyStore, ReportsWhatCameSinceTheStartAsArrivedOnly) {
  accept(kId, {{5, 0}});
  restart();
  EXPECT_THAT(only<Arrived>(now(make_accept(kLater, {{5, 0}}))), SizeIs(1));
  const auto entries = only<Entry>(gain_all(store()));
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].id, kId);
}

TEST_P(AnyStore, RemovesAMessageWithItsLastRecipient) {
  accept(kId, {{5, 0}, {6, 1}});
  now(make_settle(5, kId, {delivered(0)}));
  EXPECT_TRUE(store().envelope(kId));
  EXPECT_TRUE(store().body_chunk(kId, 0));
  now(make_settle(6, kId, {bounced(1, 0)}));
  EXPECT_EQ(store().envelope(kId).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store().body_chunk(kId, 0).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(list_all(store()), IsEmpty());
  restart();
  EXPECT_THAT(only<Entry>(gain_all(store())), IsEmpty());
}

TEST_P(AnyStore, KeepsADeferralAndItsWords) {
  accept(kId, {{5, 0}});
  const Fate fate = deferred(0, 0, "451 4.7.1 come back");
  const auto settled = only<Settled>(now(make_settle(5, kId, {fate})));
  ASSERT_THAT(settled, SizeIs(1));
  EXPECT_EQ(settled[0].applied[0].progress, fate.progress);
  restart();
  const auto entries = only<Entry>(gain_all(store()));
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].revision, 1U);
  EXPECT_EQ(entries[0].attempts, 1U);
  EXPECT_EQ(entries[0].due, fate.progress.due);
  EXPECT_EQ(entries[0].retry_class, "greylist");
  EXPECT_EQ(list_all(store())[0].pending.progress, fate.progress);
}

TEST_P(AnyStore, KeepsWhatTheOperatorHoldsAndWhoWasTold) {
  accept(kId, {{5, 0}});
  Fate hold = deferred(0, 0);
  hold.progress.held = hold.progress.delay_told = true;
  now(make_settle(5, kId, {hold}));
  restart();
  const auto entries = only<Entry>(gain_all(store()));
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_TRUE(entries[0].held);
  EXPECT_EQ(list_all(store())[0].pending.progress, hold.progress);
  now(make_settle(5, kId, {deferred(0, 1)}));
  restart();
  EXPECT_FALSE(only<Entry>(gain_all(store()))[0].held);
}

TEST_P(AnyStore, KeepsWhatTheSenderWishedOfTime) {
  Accept accept = make_accept(kId, {{5, 0}});
  mail::Envelope envelope = *accept.envelope;
  envelope.deliver_by = mail::DeliverBy{Instant(std::chrono::hours(5)), true, false};
  envelope.hold_until = Instant(std::chrono::hours(2));
  envelope.priority = -4;
  accept.envelope = std::make_shared<const mail::Envelope>(envelope);
  const auto arrived = only<Arrived>(now(std::move(accept)));
  ASSERT_THAT(arrived, SizeIs(1));
  EXPECT_EQ(arrived[0].letter->recipients[0].priority, -4);
  restart();
  EXPECT_EQ(only<Entry>(gain_all(store()))[0].priority, -4);
  EXPECT_EQ(store().envelope(kId).value(), envelope);
  const auto loaded = only<Loaded>(now(Load{1, 5, kId, {0}, 0}));
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_EQ(*loaded[0].letter->envelope, envelope);
  EXPECT_EQ(loaded[0].letter->recipients[0].priority, -4);
}

TEST_P(AnyStore, GivesEveryRecipientTheWishOfItsEnvelope) {
  const MessageId id = id_at(1000);
  const MessageId bounce = id_at(2000);
  Accept accept = with_wish(make_accept(id, {{5, 0}, {6, 1}}), mail::TlsWish::kRequireTls);
  const auto arrived = only<Arrived>(now(std::move(accept)));
  ASSERT_THAT(arrived, SizeIs(2));
  EXPECT_EQ(arrived[0].letter->recipients[0].tls_wish, mail::TlsWish::kRequireTls);
  Settle settle = make_settle(5, id, {bounced(0, 0)});
  settle.dsn = with_wish(make_accept(bounce, {{8, 0}}), mail::TlsWish::kOptional);
  now(std::move(settle));
  now(make_settle(6, id, {deferred(1, 0)}));

  restart();
  const auto entries = only<Entry>(gain_all(store()));
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].tls_wish, mail::TlsWish::kRequireTls) << "after a deferral too";
  EXPECT_EQ(entries[1].tls_wish, mail::TlsWish::kOptional);
  EXPECT_EQ(list_all(store())[0].pending.tls_wish, mail::TlsWish::kRequireTls);
  EXPECT_EQ(store().envelope(id)->tls_wish, mail::TlsWish::kRequireTls);
  const auto loaded = only<Loaded>(now(Load{4, 8, bounce, {0}, 1000}));
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_EQ(loaded[0].letter->recipients[0].tls_wish, mail::TlsWish::kOptional);
}

TEST_P(AnyStore, SupersedesWhatWasDecidedOnAnOldRevision) {
  accept(kId, {{5, 0}});
  now(make_settle(5, kId, {deferred(0, 0)}));
  EXPECT_THAT(rendered(now(make_settle(5, kId, {deferred(0, 0)}))),
              ElementsAre("Superseded 5/" + render_id(kId) + " 0"));
  EXPECT_THAT(only<Superseded>(now(make_settle(5, kId, {bounced(0, 0)}))), SizeIs(1));
  EXPECT_THAT(only<Superseded>(now(make_settle(5, kId, {bounced(0, 2)}))), SizeIs(1));
  EXPECT_THAT(only<Settled>(now(make_settle(5, kId, {bounced(0, 1)}))), SizeIs(1));
}

TEST_P(AnyStore, LetsDeliveredWinOverAnyRevision) {
  accept(kId, {{5, 0}});
  now(make_settle(5, kId, {deferred(0, 0)}));
  EXPECT_THAT(only<Settled>(now(make_settle(5, kId, {delivered(0, 0)}))), SizeIs(1));
  EXPECT_THAT(list_all(store()), IsEmpty());
}

TEST_P(AnyStore, SupersedesARepeatedSettle) {
  accept(kId, {{5, 0}, {5, 1}});
  now(make_settle(5, kId, {delivered(0)}));
  EXPECT_THAT(only<Superseded>(now(make_settle(5, kId, {delivered(0)}))), SizeIs(1));
  EXPECT_TRUE(store().envelope(kId)) << "the second recipient still waits";
  EXPECT_THAT(rendered(now(make_settle(5, kId, {delivered(0), delivered(1)}))),
              ElementsAre("Settled 5/" + render_id(kId) + " 1:0:0",
                          "Superseded 5/" + render_id(kId) + " 0"));
  EXPECT_THAT(only<Superseded>(now(make_settle(5, kId, {delivered(1)}))), SizeIs(1));
}

TEST_P(AnyStore, SeesEarlierFatesOfTheSameBatch) {
  accept(kId, {{5, 0}});
  const auto events =
      commit(store(), {make_settle(5, kId, {deferred(0, 0)}), make_settle(5, kId, {deferred(0, 1)}),
                       make_settle(5, kId, {deferred(0, 1)}), make_settle(5, kId, {delivered(0)}),
                       make_settle(5, kId, {delivered(0)})});
  EXPECT_THAT(only<Settled>(events), SizeIs(3));
  EXPECT_THAT(only<Superseded>(events), SizeIs(2));
  EXPECT_THAT(list_all(store()), IsEmpty());
}

TEST_P(AnyStore, SupersedesTheUnknown) {
  accept(kId, {{5, 0}});
  EXPECT_THAT(only<Superseded>(now(make_settle(5, kId, {delivered(9)}))), SizeIs(1));
  EXPECT_THAT(only<Superseded>(now(make_settle(6, kId, {delivered(0)}))), SizeIs(1));
  EXPECT_THAT(only<Superseded>(now(make_settle(5, kLater, {delivered(0)}))), SizeIs(1));
  EXPECT_THAT(list_all(store()), SizeIs(1));
}

TEST_P(AnyStore, AcceptsADsnInTheWriteThatEndsItsRecipient) {
  accept(kId, {{5, 0}});
  Settle settle = make_settle(5, kId, {bounced(0, 0)});
  settle.dsn = make_accept(kLater, {{8, 0}}, 200, 0);
  const auto events = now(std::move(settle));
  EXPECT_THAT(only<Settled>(events), SizeIs(1));
  EXPECT_THAT(only<Accepted>(events), IsEmpty()) << "ticket 0";
  ASSERT_THAT(only<Arrived>(events), SizeIs(1));
  EXPECT_EQ(only<Arrived>(events)[0].letter->envelope->id, kLater);
  restart();
  const auto entries = only<Entry>(gain_all(store()));
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].id, kLater);
}

TEST_P(AnyStore, AnswersADsnsTicket) {
  accept(kId, {{5, 0}});
  Settle settle = make_settle(5, kId, {});
  settle.dsn = make_accept(kLater, {{8, 0}}, 200, 77);
  const auto events = now(std::move(settle));
  EXPECT_THAT(only<Settled>(events), SizeIs(1)) << "a delay notice needs no fate";
  ASSERT_THAT(only<Accepted>(events), SizeIs(1));
  EXPECT_EQ(only<Accepted>(events)[0].ticket, 77U);
}

TEST_P(AnyStore, StoresNoDsnAndNoHistoryOfASettleThatIsSuperseded) {
  accept(kId, {{5, 0}});
  Settle settle = make_settle(5, kId, {bounced(0, 0)});
  settle.dsn = make_accept(kLater, {{8, 0}}, 200, 0);
  settle.history = {event_of(mail::HistoryKind::kBounced, "550")};
  now(settle);
  EXPECT_THAT(only<Superseded>(now(settle)), SizeIs(1));
  EXPECT_THAT(list_all(store()), SizeIs(1));
  EXPECT_THAT(*store().history(kId), SizeIs(1));
}

TEST_P(AnyStore, TellsTheHistoryOldestFirstAndOverRestarts) {
  Accept first = make_accept(kId, {{5, 0}});
  first.history = event_of(mail::HistoryKind::kAccepted, "submitted");
  now(std::move(first));
  Settle later = make_settle(5, kId, {deferred(0, 0)});
  later.history = {event_of(mail::HistoryKind::kDeferred, "451"),
                   event_of(mail::HistoryKind::kDeferred, "452")};
  now(std::move(later));
  restart();
  Settle last = make_settle(5, kId, {delivered(0)});
  last.history = {event_of(mail::HistoryKind::kDelivered, "250")};
  now(std::move(last));
  const auto history = store().history(kId);
  ASSERT_TRUE(history);
  std::vector<std::string> words;
  for (const auto& event : *history) words.push_back(event.words);
  EXPECT_THAT(words, ElementsAre("submitted", "451", "452", "250"));
}

TEST_P(AnyStore, KnowsNothingOfTheUnknownAndLittleOfTheQuiet) {
  accept(kId, {{5, 0}});
  EXPECT_THAT(*store().history(kId), IsEmpty());
  EXPECT_EQ(store().history(kLater).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store().envelope(kLater).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store().body_chunk(kId, 1).error().code, ErrorCode::kNotFound);
}

TEST_P(AnyStore, PrunesTheHistoryOfOlderMessagesOnly) {
  for (const MessageId id : {kId, kLater}) {
    Accept message = make_accept(id, {{5, 0}});
    message.history = event_of(mail::HistoryKind::kAccepted, "submitted");
    now(std::move(message));
    now(make_settle(5, id, {delivered(0)}));
  }
  ASSERT_TRUE(store().prune_history(kLater.time()));
  EXPECT_EQ(store().history(kId).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(*store().history(kLater), SizeIs(1));
  ASSERT_TRUE(store().prune_history(kLater.time() + Duration(1)));
  EXPECT_EQ(store().history(kLater).error().code, ErrorCode::kNotFound);
}

TEST_P(AnyStore, ListsInPiecesInTheOrderOfKeys) {
  accept(kLater, {{5, 1}, {5, 0}, {4, 2}});
  accept(kId, {{5, 0}});
  const auto all = list_all(store());
  std::vector<RecipientKey> keys;
  for (const auto& one : all)
    keys.push_back({one.pending.shard, one.id, one.pending.recipient.number});
  EXPECT_THAT(keys, ElementsAre(RecipientKey{4, kLater, 2}, RecipientKey{5, kId, 0},
                                RecipientKey{5, kLater, 0}, RecipientKey{5, kLater, 1}));
  std::vector<ListedRecipient> none;
  EXPECT_EQ(**store().list({}, 0, none), keys[0]);
  EXPECT_EQ(**store().list(keys[1], 2, none), keys[3]);
}

TEST_P(AnyStore, RemembersTheLastId) {
  accept(kLater, {{5, 0}});
  accept(kId, {{5, 0}});
  now(make_settle(5, kLater, {delivered(0)}));
  EXPECT_EQ(store().last_id(), kLater);
  restart();
  EXPECT_EQ(store().last_id(), kLater);
}

// ---- streaming ----------------------------------------------------------------------------------

TEST_P(AnyStore, AcceptsAMessageThatWasAppended) {
  Accept message = make_accept(kId, {{5, 0}}, 3 * mail::kChunkBytesMax);
  const auto whole = message.chunks;
  for (Append& append : take_appends(message)) EXPECT_THAT(now(std::move(append)), IsEmpty());
  const auto events = now(std::move(message));
  ASSERT_THAT(only<Accepted>(events), SizeIs(1));
  EXPECT_THAT(only<Arrived>(events)[0].letter->body.chunks, IsEmpty())
      << "not all of it is at hand";
  restart();
  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_EQ(**store().body_chunk(kId, i), *whole[i]);
  gain_all(store());
  now(make_settle(5, kId, {delivered(0)}));
  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_FALSE(store().body_chunk(kId, i));
}

TEST_P(AnyStore, ForgetsAnAbandonedMessage) {
  Accept message = make_accept(kId, {{5, 0}}, 3 * mail::kChunkBytesMax);
  for (Append& append : take_appends(message)) now(std::move(append));
  EXPECT_THAT(now(Abandon{kId}), IsEmpty());
  EXPECT_THAT(now(Abandon{kId}), IsEmpty());
  EXPECT_FALSE(store().body_chunk(kId, 0));
  EXPECT_THAT(rendered(now(std::move(message))), ElementsAre("Refused 7 " + render_id(kId)));
}

// A chunk between was refused by somebody on the way.
TEST_P(AnyStore, RefusesAChunkThatDoesNotFollowTheOneBefore) {
  Accept message = make_accept(kId, {{5, 0}}, 4 * mail::kChunkBytesMax);
  std::vector<Append> appends = take_appends(message);
  EXPECT_THAT(now(appends[0]), IsEmpty());
  EXPECT_THAT(rendered(now(appends[2])), ElementsAre("Refused 0 " + render_id(kId)));
  EXPECT_THAT(only<Refused>(now(std::move(message))), SizeIs(1)) << "it has come to its end";
  EXPECT_FALSE(store().body_chunk(kId, 0));

  Accept twice = make_accept(kLater, {{5, 0}}, 3 * mail::kChunkBytesMax);
  appends = take_appends(twice);
  const auto events = commit(store(), {appends[0], appends[1], appends[0], std::move(twice)});
  EXPECT_THAT(only<Refused>(events), SizeIs(2)) << "the chunk that comes again, and the message";
  EXPECT_THAT(list_all(store()), IsEmpty());
}

TEST_P(AnyStore, ForgetsAtARestartWhatWasOnlyAppended) {
  Accept message = make_accept(kId, {{5, 0}}, 3 * mail::kChunkBytesMax);
  for (Append& append : take_appends(message)) now(std::move(append));
  restart();
  EXPECT_FALSE(store().body_chunk(kId, 0));
  EXPECT_FALSE(store().body_chunk(kId, 1));
  EXPECT_THAT(only<Entry>(gain_all(store())), IsEmpty());
}

// ---- loading, releasing -------------------------------------------------------------------------

TEST_P(AnyStore, LoadsNoMoreBodyThanAskedFor) {
  accept(kId, {{5, 0}}, 2 * mail::kChunkBytesMax + 10);
  const auto chunks_in = [&](std::size_t bytes_max) {
    return only<Loaded>(now(Load{1, 5, kId, {0}, bytes_max}))[0].letter->body.chunks.size();
  };
  EXPECT_EQ(chunks_in(0), 0U);
  EXPECT_EQ(chunks_in(mail::kChunkBytesMax - 1), 0U);
  EXPECT_EQ(chunks_in(mail::kChunkBytesMax), 1U);
  EXPECT_EQ(chunks_in(2 * mail::kChunkBytesMax + 9), 2U);
  EXPECT_EQ(chunks_in(2 * mail::kChunkBytesMax + 10), 3U);
}

TEST_P(AnyStore, LoadsTheRecipientsThatAreLeft) {
  accept(kId, {{5, 0}, {5, 1}});
  const auto events =
      commit(store(), {Load{1, 5, kId, {0, 1}, 0}, make_settle(5, kId, {delivered(0)})});
  ASSERT_THAT(only<Loaded>(events), SizeIs(1));
  ASSERT_THAT(only<Loaded>(events)[0].letter->recipients, SizeIs(1));
  EXPECT_EQ(only<Loaded>(events)[0].letter->recipients[0].recipient.number, 1);
  EXPECT_EQ(only<NotLoaded>(now(Load{1, 5, kId, {0}, 0}))[0].error.code, ErrorCode::kNotFound);
  EXPECT_EQ(only<NotLoaded>(now(Load{1, 5, kLater, {}, 0}))[0].error.code, ErrorCode::kNotFound);
}

TEST_P(AnyStore, IsSilentOfAShardThatWasReleased) {
  accept(kId, {{5, 0}, {6, 1}});
  restart();
  EXPECT_THAT(rendered(now(Release{5})), ElementsAre("Lost 5"));
  const auto events = gain_all(store());
  ASSERT_THAT(only<Entry>(events), SizeIs(1));
  EXPECT_EQ(only<Entry>(events)[0].shard, 6);
  EXPECT_THAT(only<GainedAll>(events), SizeIs(kShards - 1));
  EXPECT_THAT(only<Arrived>(now(make_accept(kLater, {{5, 0}}))), IsEmpty());
  restart();
  EXPECT_THAT(only<Entry>(gain_all(store())), SizeIs(3));
}

// ---- while shards are being gained --------------------------------------------------------------

TEST_P(AnyStore, KeepsABodyThatAShardNotYetReadMayNeed) {
  accept(kId, {{5, 0}, {600, 1}});
  restart();
  std::vector<StoreEvent> slice;
  ASSERT_TRUE(store().gain(1, slice));
  EXPECT_THAT(only<Settled>(now(make_settle(5, kId, {delivered(0)}))), SizeIs(1));
  EXPECT_TRUE(store().body_chunk(kId, 0));
  EXPECT_THAT(only<Entry>(gain_all(store())), SizeIs(1));
  EXPECT_TRUE(store().body_chunk(kId, 0));
  now(make_settle(600, kId, {delivered(1)}));
  EXPECT_FALSE(store().body_chunk(kId, 0));
}

TEST_P(AnyStore, RemovesAMessageThatEndedBeforeItWasRead) {
  accept(kId, {{5, 0}, {600, 1}, {700, 2}});
  restart();
  now(make_settle(5, kId, {bounced(0, 0)}));  // by an operator who saw it listed
  now(make_settle(600, kId, {bounced(1, 0)}));
  now(make_settle(700, kId, {bounced(2, 0)}));
  EXPECT_THAT(only<Entry>(gain_all(store())), IsEmpty());
  EXPECT_FALSE(store().envelope(kId));
  EXPECT_FALSE(store().body_chunk(kId, 0));
}

TEST_P(AnyStore, RemovesItAtTheNextStartWhenThisOneWasCutShort) {
  accept(kId, {{5, 0}, {600, 1}});
  accept(id_at(1001), {{5, 0}, {600, 1}});
  accept(id_at(1002), {{700, 0}});
  restart();
  now(make_settle(5, kId, {bounced(0, 0)}));
  now(make_settle(600, kId, {bounced(1, 0)}));
  now(make_settle(5, id_at(1001), {bounced(0, 0)}));
  restart();
  EXPECT_THAT(only<Entry>(gain_all(store())), SizeIs(2));
  EXPECT_FALSE(store().envelope(kId));
  EXPECT_TRUE(store().envelope(id_at(1001))) << "one recipient still waits";
}

}  // namespace
}  // namespace posthaste::queue
