// A power cut: the queue lies on an ext4 image of its own, behind a loop device. The writer is
// killed, and what the file system had sent to its disk by then, and nothing else, is what the next
// start finds. It finds missing syncs; not disks that lie.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "lib/base/rng.h"
#include "tests/unit/queue/power_cut_story.h"

extern char** environ;

namespace posthaste::queue {
namespace {

constexpr int kRounds = 5;  // POSTHASTE_POWER_CUT_ROUNDS, for a soak

bool run(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

// An ext4 file system in a file.
class Disk {
 public:
  Disk() { std::filesystem::create_directory(mount_); }
  ~Disk() { unmount(); }

  bool make() {
    return run("truncate -s 128M " + image_) &&
           run("mkfs.ext4 -q -F -m 0 -E lazy_itable_init=0,lazy_journal_init=0 " + image_) &&
           mount() && std::filesystem::create_directory(queue());
  }
  // What would be there if the power failed now; what is dirty in memory is lost.
  bool cut() {
    const std::string copy = image_ + ".cut";
    if (!run("cp --sparse=always " + image_ + " " + copy)) return false;
    unmount();
    std::filesystem::rename(copy, image_);
    return mount();
  }
  std::string queue() const { return mount_ + "/queue"; }

 private:
  bool mount() { return mounted_ = run("mount -o loop " + image_ + " " + mount_); }
  void unmount() {
    if (mounted_) run("umount " + mount_);
    mounted_ = false;
  }

  TemporaryDirectory at_;
  const std::string image_ = at_.path() + "/image";
  const std::string mount_ = at_.path() + "/mount";
  bool mounted_ = false;
};

struct KnownRecipient {
  std::uint32_t revision = 0;  // answered
  std::uint32_t revision_tried = 0;
  bool ended = false;  // answered
  bool end_tried = false;
  std::uint64_t dsn = 0;  // in the same write as its end
};
struct KnownMessage {
  bool accepted = false;  // answered
  std::map<RecipientKey, KnownRecipient> recipients;
};

// What the writer told, and what therefore has to be there, must not be there, or may.
class Witness {
 public:
  void hear(const StoryLine& line) {
    KnownMessage& message = messages_[line.who.id];
    if (line.verb == "try-accept") {
      expect(line.who.id);
    } else if (line.verb == "did-accept") {
      message.accepted = true;
    } else if (line.verb == "try-end") {
      message.recipients.at(line.who).end_tried = true;
      message.recipients.at(line.who).dsn = line.more;
      if (line.more != 0) expect(MessageId{line.more});
    } else if (line.verb == "did-end") {
      message.recipients.at(line.who).ended = true;
      if (line.more != 0) messages_[MessageId{line.more}].accepted = true;
    } else if (line.verb == "try-defer") {
      message.recipients.at(line.who).revision_tried = static_cast<std::uint32_t>(line.more);
    } else if (line.verb == "did-defer") {
      message.recipients.at(line.who).revision = static_cast<std::uint32_t>(line.more);
    } else {
      ADD_FAILURE() << "unknown line " << line.verb;
    }
  }

  // Compares, then takes what is there for what is known.
  void compare(RocksStore& store) {
    std::map<RecipientKey, std::uint32_t> found;
    for (const Entry& entry : only<Entry>(gain_all(store, 1000))) {
      found[{entry.shard, entry.id, entry.number}] = entry.revision;
    }
    for (const auto& [key, revision] : found) {
      ASSERT_TRUE(messages_.contains(key.id) && messages_[key.id].recipients.contains(key))
          << "nobody sent " << render_id(key.id);
      compare_content(store, key.id);
    }
    for (auto& [id, message] : messages_) compare_message(id, message, found);
    std::erase_if(messages_, [](const auto& one) { return one.second.recipients.empty(); });
  }
  std::size_t known() const { return messages_.size(); }

 private:
  void expect(MessageId id) {
    for (const auto& one : story_message(id).recipients) {
      messages_[id].recipients[{one.shard, id, one.recipient.number}] = {};
    }
  }

  static void compare_content(RocksStore& store, MessageId id) {
    const Accept original = story_message(id);
    ASSERT_EQ(store.envelope(id).value(), *original.envelope);
    for (std::uint16_t i = 0; i < original.chunks.size(); ++i) {
      ASSERT_EQ(*store.body_chunk(id, i).value(), *original.chunks[i]) << render_id(id);
    }
    ASSERT_GE(store.history(id).value().size(), 1U);
  }

  void compare_message(MessageId id, KnownMessage& message,
                       const std::map<RecipientKey, std::uint32_t>& found) {
    std::size_t there = 0;
    for (const auto& one : message.recipients) there += found.contains(one.first);
    if (!message.accepted) {
      EXPECT_TRUE(there == 0 || there == message.recipients.size()) << "half of " << render_id(id);
    }
    for (auto& [key, known] : message.recipients) {
      const auto here = found.find(key);
      if (here == found.end()) {
        EXPECT_TRUE(known.ended || known.end_tried || !message.accepted)
            << "lost " << render_id(id);
      } else {
        EXPECT_FALSE(known.ended) << "came back: " << render_id(id);
        EXPECT_GE(here->second, known.revision) << render_id(id);
        EXPECT_LE(here->second, std::max(known.revision, known.revision_tried)) << render_id(id);
      }
      if (known.end_tried && known.dsn != 0 && message.accepted)
        compare_dsn(known, here == found.end(), found);
      known.revision = here == found.end() ? 0 : here->second;
      known.end_tried = false;
    }
    std::erase_if(message.recipients, [&](const auto& one) { return !found.contains(one.first); });
    message.accepted = there > 0;
  }

  // A recipient's end and its bounce are one write. Once that was answered the bounce may have
  // ended too.
  void compare_dsn(const KnownRecipient& known, bool ended,
                   const std::map<RecipientKey, std::uint32_t>& found) {
    const MessageId id{known.dsn};
    std::size_t there = 0;
    for (const auto& one : found) there += one.first.id == id;
    if (there > 0) {
      EXPECT_TRUE(ended) << "bounced and still waiting: " << render_id(id);
    }
    if (ended && !known.ended) {
      EXPECT_GT(there, 0U) << "ended without its bounce: " << render_id(id);
    }
  }

  std::map<MessageId, KnownMessage> messages_;
};

// Runs the writer, hears `lines` lines, kills it, and hears what it had said before it died.
void live_until_cut(const std::string& dir, std::uint64_t seed, std::uint64_t lines,
                    Witness& witness) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  std::string program = POWER_CUT_WRITER, where = dir, number = std::to_string(seed);
  char* const arguments[] = {program.data(), where.data(), number.data(), nullptr};
  pid_t child = 0;
  const int spawned = ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  ASSERT_EQ(spawned, 0);

  std::FILE* story = ::fdopen(pipe[0], "r");
  char text[256];
  for (std::uint64_t heard = 0; std::fgets(text, sizeof text, story) != nullptr; ++heard) {
    if (heard == lines) ::kill(child, SIGKILL);
    const std::string line = text;
    if (line.ends_with('\n')) witness.hear(parse_story_line(line));
  }
  std::fclose(story);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
}

TEST(PowerCut, LosesNothingThatWasAnswered) {
  if (::geteuid() != 0) GTEST_SKIP() << "a loop device needs root";
  Disk disk;
  if (!disk.make())
    GTEST_SKIP() << "no ext4 image can be made and mounted here (mkfs.ext4, loop devices)";
  const char* wanted = std::getenv("POSTHASTE_POWER_CUT_ROUNDS");
  const int rounds = wanted != nullptr ? std::atoi(wanted) : kRounds;
  Rng rng(static_cast<std::uint64_t>(rounds));
  Witness witness;
  for (int round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    live_until_cut(disk.queue(), rng.next(), 1 + rng.below(4000), witness);
    ASSERT_TRUE(disk.cut());
    auto store = RocksStore::open(story_options(disk.queue()));
    ASSERT_TRUE(store) << store.error().words;
    witness.compare(**store);
    EXPECT_EQ((*store)->stats().corrupt, 0U);
  }
  EXPECT_GT(witness.known(), 0U);
}

}  // namespace
}  // namespace posthaste::queue
