#include "daemon/suspension_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

using policy::Suspension;
using policy::SuspensionKind;

constexpr Instant kNow{std::chrono::hours(490'000)};

Suspension suspension(SuspensionKind kind, std::string_view pattern, Instant until = kNever) {
  Suspension made = *policy::parse_suspension(kind, pattern);
  made.since = kNow - std::chrono::minutes(5);
  made.until = until;
  made.words = "they asked us to; ü";
  return made;
}

class SuspensionNotes : public testing::Test {
 protected:
  void keep(queue::Keep note) {
    note.ticket = 1;
    queue::Request request = std::move(note);
    std::vector<queue::StoreEvent> events;
    ASSERT_TRUE(store_.commit({&request, 1}, events));
  }
  std::vector<Suspension> restored() { return restore_suspensions(store_, kNow, log_)->all(); }

  queue::MemoryStore store_;
  Log log_{LogLevel::kError, LogFormat::kLogfmt};
};

TEST_F(SuspensionNotes, ComeBackAsTheyWere) {
  const std::vector<Suspension> all{
      suspension(SuspensionKind::kDomain, "*.Example.COM", kNow + std::chrono::hours(1)),
      suspension(SuspensionKind::kSite, "mx.example.net"),
      suspension(SuspensionKind::kSender, "<>"),
      suspension(SuspensionKind::kSender, "a@b.example")};
  for (const auto& each : all) keep(keep_suspension(each));
  EXPECT_THAT(restored(), testing::UnorderedElementsAreArray(all));
}

TEST_F(SuspensionNotes, ThatHaveLapsedAreGone) {
  keep(keep_suspension(suspension(SuspensionKind::kDomain, "example.com", kNow)));
  EXPECT_TRUE(restored().empty());
}

TEST_F(SuspensionNotes, ReplaceAndDropThoseOfTheSameSubject) {
  keep(keep_suspension(suspension(SuspensionKind::kDomain, "example.com")));
  auto second = suspension(SuspensionKind::kDomain, "EXAMPLE.com");
  second.words = "another reason";
  keep(keep_suspension(second));
  EXPECT_EQ(restored(), std::vector<Suspension>{second});
  auto drop = drop_suspension(second);
  queue::Request request = drop;
  std::vector<queue::StoreEvent> events;
  ASSERT_TRUE(store_.commit({&request, 1}, events));
  EXPECT_TRUE(restored().empty());
}

TEST_F(SuspensionNotes, ThatAreDamagedDoNotStopTheOthers) {
  const auto good = suspension(SuspensionKind::kDomain, "example.com");
  keep(keep_suspension(good));
  auto bad = keep_suspension(suspension(SuspensionKind::kDomain, "other.example"));
  bad.value[0] = 2;  // a version that is not known
  keep(bad);
  EXPECT_EQ(restored(), std::vector<Suspension>{good});
}

TEST(ReadSuspension, TakesNothingThatWasNotWritten) {
  const auto note = keep_suspension(suspension(SuspensionKind::kSender, "a@b.example"));
  ASSERT_TRUE(read_suspension(note.key, note.value, kNever));
  for (std::size_t size = 0; size < note.value.size(); ++size) {
    EXPECT_FALSE(read_suspension(note.key, note.value.substr(0, size), kNever)) << size;
  }
  EXPECT_FALSE(read_suspension(note.key, note.value + "x", kNever));
  EXPECT_FALSE(read_suspension("", note.value, kNever));
  EXPECT_FALSE(read_suspension(std::string("\x03") + "example.com", note.value, kNever));
  EXPECT_FALSE(read_suspension(std::string(1, '\0') + "Example.com", note.value, kNever))
      << "the folded pattern alone is a key";
}

}  // namespace
}  // namespace posthaste::daemon
