// Troubles that say nothing of a recipient: of one host, of this machine, of our own outage; and
// what is told when the time is up.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using smtp::Stage;
using smtp::Verdict;

// Two mail hosts, mx1 first; the call to mx1.
Connect call_first(EngineRig& rig) {
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  return rig.only<Connect>();
}
Connect call_second(EngineRig& rig) {
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  return rig.only<Connect>();
}

void refuse(EngineRig& rig, const Deliver& deliver, Stage stage, std::uint16_t code,
            smtp::EnhancedCode status) {
  smtp::TransactionResult result;
  for (const auto& recipient : deliver.recipients) {
    auto one = outcome(recipient.number, Verdict::kTemporary, code, "not now");
    one.stage = stage;
    one.reply.enhanced = status;
    result.outcomes.push_back(one);
  }
  rig.tell(SessionFinished{deliver.conn, result});
}

TEST(EngineOutage, AsksTheNextHostWhereOneHasNoRoomForAnyMail) {
  EngineRig rig;
  rig.arrive({"a@example.com", "b@example.com"});
  const auto first = call_first(rig);
  rig.ready(first.conn);
  refuse(rig, rig.only<Deliver>(), Stage::kMail, 452, {4, 3, 1});
  EXPECT_TRUE(rig.all<Persist>().empty());
  EXPECT_EQ(rig.only<Quit>().conn, first.conn);
  const auto second = call_second(rig);
  EXPECT_EQ(render_endpoint(second.endpoint), "11.0.0.2:25");
  rig.ready(second.conn);
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.only<Persist>().settlements.size(), 2U);
}

TEST(EngineOutage, AsksTheNextHostAlsoWhereTheFirstHadTakenMailBefore) {
  EngineRig rig;
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  const auto first = call_first(rig);
  rig.ready(first.conn);
  rig.delivered(rig.only<Deliver>());
  refuse(rig, rig.only<Deliver>(), Stage::kFinalDot, 451, {4, 4, 5});
  rig.tell(SessionClosed{first.conn});
  EXPECT_EQ(render_endpoint(call_second(rig).endpoint), "11.0.0.2:25");
}

TEST(EngineOutage, DefersWithoutABackOffWhereNoHostHasRoom) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.ready(call_first(rig).conn);
  refuse(rig, rig.only<Deliver>(), Stage::kData, 452, {4, 3, 1});
  const auto second = call_second(rig);
  rig.ready(second.conn);
  refuse(rig, rig.only<Deliver>(), Stage::kFinalDot, 452, {});
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_EQ(settlement.reply.code, 452);
  EXPECT_EQ(settlement.after.due, rig.now + 1min);
  EXPECT_TRUE(rig.all<BackedOff>().empty());
  rig.arrive({"b@example.com"});
  EXPECT_EQ(rig.all<Deliver>().size(), 1U) << "the last one is still up, and may take another";
}

TEST(EngineOutage, TakesGreylistingAndFullMailboxesForVerdicts) {
  for (const smtp::EnhancedCode status :
       {smtp::EnhancedCode{4, 7, 1}, smtp::EnhancedCode{4, 2, 2}}) {
    EngineRig rig;
    rig.arrive({"a@example.com"});
    rig.ready(call_first(rig).conn);
    refuse(rig, rig.only<Deliver>(), Stage::kFinalDot, 452, status);
    EXPECT_EQ(rig.all<Persist>().size(), 1U);
    EXPECT_TRUE(rig.all<Quit>().empty());
  }
}

// ---- addresses that cannot be reached from here

TEST(EngineOutage, PassesAddressesThatThisMachineCannotReach) {
  EngineRig rig;
  rig.options.hosts_per_attempt = 1;
  rig.options.limits.connection_rate = {1, 1h};
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"});
  dns::Answer v6;
  v6.status = dns::AnswerStatus::kOk;
  v6.expires = rig.now + 1h;
  v6.addresses = {*parse_ip("2600::1"), *parse_ip("2600::2")};
  rig.tell(Answered{{"mx1.example.com", dns::RecordType::kAaaa}, v6});
  dns::Answer v4 = v6;
  v4.addresses = {*parse_ip("11.0.0.1")};
  rig.tell(Answered{{"mx1.example.com", dns::RecordType::kA}, v4});
  const auto unreachable = [&](const Connect& connect) {
    EXPECT_TRUE(connect.endpoint.address.v6);
    smtp::SessionFailure failure;
    failure.local_network = true;
    failure.words = "Network is unreachable";
    rig.tell(SessionFailed{connect.conn, failure});
  };
  unreachable(rig.only<Connect>());
  const auto v4_call = rig.only<Connect>();
  EXPECT_EQ(render_endpoint(v4_call.endpoint), "11.0.0.1:25");
  rig.fail(v4_call.conn, Stage::kConnect);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).host, "mx1.example.com[11.0.0.1]:25")
      << "what was really called says more";
}

// ---- time

Entry old_entry(MessageId id, Instant due) {
  return {7, id, 0, 3, 9, due, RoutingDomain("example.com"), {}};
}

std::shared_ptr<mail::Letter> old_letter(MessageId id, Instant due) {
  auto letter = make_letter(id, {"a@example.com"}, due);
  letter->recipients[0].progress = {3, 9, due, "mailbox", "mx", "452 4.2.2 full", false};
  return letter;
}

TEST(EngineOutage, TriesOnceMoreWhatGrewTooOldWhileWeWereNotThere) {
  EngineRig rig;
  const auto id = id_at(rig.now - 200h);
  rig.tell(old_entry(id, rig.now - 90h));
  rig.ring();
  rig.tell(Loaded{id, old_letter(id, rig.now)});
  rig.route();
  rig.ready(rig.only<Connect>().conn);
  const auto deliver = rig.only<Deliver>();
  rig.finish(deliver, Verdict::kTemporary, 451, "still not");
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kExpired) << "and then the time is up";
}

TEST(EngineOutage, LeavesThePeersReplyAsItWasWhenTheTimeIsUp) {
  EngineRig rig;
  const auto id = id_at(rig.now - 200h);
  rig.tell(old_entry(id, rig.now));
  rig.ring();
  rig.tell(Loaded{id, old_letter(id, rig.now)});
  rig.ready(rig.route().conn);
  smtp::TransactionResult result;
  result.outcomes = {outcome(0, Verdict::kTemporary, 450, "mailbox busy")};
  result.outcomes[0].reply.enhanced = {4, 2, 1};
  rig.tell(SessionFinished{rig.only<Deliver>().conn, result});
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kExpired);
  EXPECT_EQ(smtp::render_reply(settlement.reply), "450 4.2.1 mailbox busy");
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "5.4.7");
}

TEST(EngineOutage, ExpiresUntriedWhatIsTooOldWhileTheDestinationIsDown) {
  EngineRig rig;
  rig.arrive({"new@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  const auto id = id_at(rig.now - 120h);
  rig.tell(old_entry(id, rig.now));
  rig.ring();
  ASSERT_EQ(rig.all<Load>().size(), 1U);
  EXPECT_FALSE(rig.only<Load>().for_delivery) << "its header section goes back to the sender";
  rig.tell(Loaded{id, old_letter(id, rig.now)});
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kExpired);
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "5.4.7");
  EXPECT_NE(settlement.reply.text.find("452 4.2.2 full"), std::string::npos);
  EXPECT_EQ(settlement.host, "mx");
}

TEST(EngineOutage, ShowsAReplyWithoutAnEnhancedCodeAsItCame) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn);
  rig.finish(rig.only<Deliver>(), Verdict::kPermanent, 550, "no such user");
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(smtp::render_reply(settlement.reply), "550 no such user");
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "5.0.0") << "a DSN needs one";
}

// ---- the store

TEST(EngineOutage, ForgetsForThisRunWhatTheStoreHasSetAsideAsBroken) {
  EngineRig rig;
  const auto id = id_at(rig.now);
  rig.tell(Entry{7, id, 0, 0, 0, rig.now, RoutingDomain("example.com"), {}});
  rig.ring();
  ASSERT_EQ(rig.all<Load>().size(), 1U);
  rig.tell(NotLoaded{7, id, Error{ErrorCode::kCorrupt, "the record is broken"}});
  EXPECT_TRUE(rig.all<Persist>().empty());
  EXPECT_EQ(rig.engine().counts().ready + rig.engine().counts().waiting, 0U);
  EXPECT_EQ(rig.engine().oldest(), kNever);
}

TEST(EngineOutage, AsksLessAndLessOftenForALetterThatCannotBeRead) {
  EngineRig rig;
  const auto id = id_at(rig.now);
  rig.tell(Entry{7, id, 0, 0, 0, rig.now, RoutingDomain("example.com"), {}});
  rig.ring();
  for (const Duration pause : {Duration(1min), Duration(2min), Duration(4min), Duration(8min),
                               Duration(16min), Duration(32min), Duration(1h), Duration(1h)}) {
    ASSERT_EQ(rig.all<Load>().size(), 1U);
    const Instant asked = rig.now;
    rig.tell(NotLoaded{7, id, Error{ErrorCode::kIo, "the disk does not answer"}});
    while (rig.all<Load>().empty()) rig.ring();
    EXPECT_EQ(rig.now, asked + pause);
  }
}

TEST(EngineOutage, ReadsNoMoreThanADsnShowsOfMailThatWillNotBeTried) {
  EngineRig rig;
  rig.tell(old_entry(id_at(rig.now), rig.now));
  rig.tell(old_entry(id_at(rig.now, 1), rig.now));
  rig.ring();
  EXPECT_TRUE(rig.only<Load>().for_delivery);
  rig.answer_status("example.com", dns::RecordType::kMx, dns::AnswerStatus::kNxDomain);
  EXPECT_FALSE(rig.only<Load>().for_delivery);
}

}  // namespace
}  // namespace posthaste::delivery
