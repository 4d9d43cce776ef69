#include "lib/report/tls_report_desk.h"

#include <gtest/gtest.h>

namespace posthaste::report {
namespace {

using namespace std::chrono_literals;
using Desk = TlsReportDesk;

const ReportDay kDay = parse_day("2026-11-22").value();
const Instant kNoon = Instant(kDay) + 12h;
const Instant kNextNoon = kNoon + 24h;
const Desk::Key kExample{kDay, "example.com"};

TlsResult success(std::string domain = "example.com") {
  TlsResult result;
  result.domain = std::move(domain);
  result.success = true;
  return result;
}

Desk::Options sending() {
  Desk::Options options;
  options.send = true;
  return options;
}

template <typename T>
std::vector<T> all(const Desk::Actions& actions) {
  std::vector<T> found;
  for (const auto& action : actions) {
    if (const T* it = std::get_if<T>(&action)) found.push_back(*it);
  }
  return found;
}

Desk::Actions tick(Desk& desk, Instant now) {
  Desk::Actions out;
  desk.tick(now, out);
  return out;
}

const Result<std::vector<std::string>> kRecord{{"v=TLSRPTv1; rua=mailto:r@example.com"}};

TEST(TlsReportDesk, SavesWhatItCountedAfterAWhile) {
  Desk desk(sending(), Rng(1));
  desk.count(success(), kNoon);
  EXPECT_TRUE(tick(desk, kNoon + 29s).empty());
  EXPECT_EQ(desk.deadline(), kNoon + 30s);
  const auto kept = all<Desk::Keep>(tick(desk, kNoon + 30s));
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].key, "2026-11-22 example.com");
  EXPECT_TRUE(tick(desk, kNoon + 5min).empty()) << "nothing new";
}

TEST(TlsReportDesk, GoesOnCountingAfterARestart) {
  Desk before(sending(), Rng(1));
  before.count(success(), kNoon);
  Desk::Actions saved;
  before.save(saved);
  const auto kept = all<Desk::Keep>(saved).at(0);
  Desk after(sending(), Rng(2));
  after.count(success(), kNoon + 1min);
  after.restore(kept.key, kept.value, kNoon + 1min);
  EXPECT_EQ(after.find(kExample)->policies().begin()->second.successes, 2U);
}

TEST(TlsReportDesk, SendsAReportWithinHoursOfItsDaysEnd) {
  Desk desk(sending(), Rng(1));
  desk.count(success(), kNoon);
  EXPECT_TRUE(all<Desk::AskRecord>(tick(desk, Instant(kDay) + 24h - 1s)).empty());
  const auto asked = all<Desk::AskRecord>(tick(desk, Instant(kDay) + 28h));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].name, "_smtp._tls.example.com");
  Desk::Actions out;
  desk.on_record(kExample, kRecord, kNextNoon, out);
  const auto sends = all<Desk::Send>(out);
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_EQ(sends[0].targets.mail.at(0), "r@example.com");
  desk.on_sent(kExample, {}, kNextNoon, out);
  EXPECT_EQ(all<Desk::Keep>(tick(desk, kNextNoon)).size(), 1U);
  EXPECT_TRUE(all<Desk::AskRecord>(tick(desk, kNextNoon + 5h)).empty()) << "once is enough";
}

TEST(TlsReportDesk, DoesNotSendAgainAfterARestart) {
  Desk desk(sending(), Rng(1));
  desk.count(success(), kNoon);
  tick(desk, kNextNoon);
  Desk::Actions out;
  desk.on_record(kExample, kRecord, kNextNoon, out);
  desk.on_sent(kExample, {}, kNextNoon, out);
  const auto kept = all<Desk::Keep>(tick(desk, kNextNoon)).at(0);
  Desk after(sending(), Rng(2));
  after.restore(kept.key, kept.value, kNextNoon);
  EXPECT_TRUE(all<Desk::AskRecord>(tick(after, kNextNoon + 5h)).empty());
  EXPECT_NE(after.find(kExample), nullptr) << "but it can still be looked at";
}

TEST(TlsReportDesk, TriesAgainUntilADayIsOver) {
  Desk desk(sending(), Rng(1));
  desk.count(success(), kNoon);
  const Result<std::vector<std::string>> silent = fail(ErrorCode::kIo, "SERVFAIL");
  Instant now = Instant(kDay) + 28h;
  int asked = 0;
  std::vector<Desk::GaveUp> gave_up;
  for (; gave_up.empty() && now < kNextNoon + 48h; now += 10min) {
    Desk::Actions out;
    desk.tick(now, out);
    const auto questions = all<Desk::AskRecord>(out);
    asked += static_cast<int>(questions.size());
    if (!questions.empty()) desk.on_record(kExample, silent, now, out);
    gave_up = all<Desk::GaveUp>(out);
  }
  EXPECT_EQ(gave_up.size(), 1U);
  EXPECT_GE(asked, 15);
  EXPECT_LE(asked, 24);
}

TEST(TlsReportDesk, AsksNobodyAgainWhoWantsNoReport) {
  Desk desk(sending(), Rng(1));
  desk.count(success(), kNoon);
  tick(desk, Instant(kDay) + 28h);
  Desk::Actions out;
  desk.on_record(kExample, std::vector<std::string>{"something else"}, kNextNoon, out);
  EXPECT_TRUE(all<Desk::Send>(out).empty());
  EXPECT_TRUE(all<Desk::AskRecord>(tick(desk, kNextNoon + 10h)).empty());
}

TEST(TlsReportDesk, OnlyKeepsWhenItIsNotToSend) {
  Desk desk(Desk::Options{}, Rng(1));
  desk.count(success(), kNoon);
  EXPECT_TRUE(all<Desk::AskRecord>(tick(desk, kNextNoon + 24h)).empty());
  EXPECT_NE(desk.find(kExample), nullptr);
  tick(desk, Instant(kDay) + 192h);
  EXPECT_EQ(desk.find(kExample), nullptr) << "not for ever";
}

TEST(TlsReportDesk, CountsABoundedNumberOfDomainsADay) {
  Desk::Options options;
  options.domains_max = 3;
  Desk desk(options, Rng(1));
  for (int i = 0; i < 9; ++i) desk.count(success("d" + std::to_string(i)), kNoon);
  desk.count(success("d0"), kNoon);
  EXPECT_EQ(desk.find({kDay, "d0"})->policies().begin()->second.successes, 2U);
  EXPECT_EQ(desk.find({kDay, "d3"}), nullptr);
  desk.count(success("d3"), kNextNoon);
  EXPECT_NE(desk.find({kDay + std::chrono::days(1), "d3"}), nullptr);
}

TEST(TlsReportDesk, AsksAndSavesAFewAtATime) {
  Desk::Options options = sending();
  options.saves_at_once = 4;
  options.questions_at_once = 3;
  Desk desk(options, Rng(1));
  for (int i = 0; i < 10; ++i) desk.count(success("d" + std::to_string(i)), kNoon);
  Instant now = Instant(kDay) + 28h;
  std::size_t saved = 0;
  std::size_t asked = 0;
  for (int turn = 0; turn < 8; ++turn, now += 1s) {
    const auto out = tick(desk, now);
    EXPECT_LE(all<Desk::Keep>(out).size(), 4U);
    EXPECT_LE(all<Desk::AskRecord>(out).size(), 3U);
    saved += all<Desk::Keep>(out).size();
    asked += all<Desk::AskRecord>(out).size();
  }
  EXPECT_EQ(saved, 10U);
  EXPECT_EQ(asked, 10U);
}

TEST(TlsReportDesk, SendsNothingThatIsTooOldWhenItIsSwitchedOn) {
  Desk desk(Desk::Options{}, Rng(1));
  desk.count(success(), kNoon);
  desk.set_options(sending());
  EXPECT_TRUE(all<Desk::AskRecord>(tick(desk, kNextNoon + 24h)).empty());
  EXPECT_NE(desk.find(kExample), nullptr);
}

TEST(TlsReportDesk, IgnoresNotesThatItCannotRead) {
  Desk desk(sending(), Rng(1));
  desk.restore("", "", kNoon);
  desk.restore("2026-11-22 example.com", "\x01", kNoon);
  desk.restore("2026-11-22 example.com", std::string("\x09\x00\x01\x00", 4), kNoon);
  desk.restore("yesterday x", std::string("\x01\x00\x01\x00", 4), kNoon);
  EXPECT_EQ(desk.find(kExample), nullptr);
}

}  // namespace
}  // namespace posthaste::report
