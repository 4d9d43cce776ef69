// A ClientSession against peers that a seed invents: replies of all kinds, cut anywhere, faults at
// any time. Whatever happens, every recipient has exactly one outcome, and nobody is told
// "delivered" who was not.
#include <gtest/gtest.h>

#include <array>
#include <iterator>

#include "lib/base/rng.h"
#include "tests/unit/smtp/client_dialogue.h"

namespace posthaste::smtp {
namespace {

// A server that understands what it is told, answers at random, and remembers what it took.
class RandomPeer {
 public:
  RandomPeer(Rng& rng, double spite) : rng_(rng), spite_(spite) {}

  // Hears what the client said; returns what it answers.
  std::string hear(std::string_view said) {
    inbox_ += said;
    std::string replies;
    while (step(replies)) continue;
    return replies;
  }

  int delivered = 0;  // messages that were answered with 250 at their end

 private:
  bool step(std::string& replies) {
    if (octets_due_ > 0) {
      if (inbox_.size() < octets_due_) return false;
      inbox_.erase(0, std::exchange(octets_due_, 0));
      answer_content(replies);
      return true;
    }
    const std::size_t end = inbox_.find(in_data_ ? "\r\n.\r\n" : "\r\n");
    if (in_data_ && inbox_.starts_with(".\r\n")) {
      inbox_.erase(0, 3);
    } else if (end == std::string::npos) {
      return false;
    } else if (in_data_) {
      inbox_.erase(0, end + 5);
    } else {
      const std::string command = inbox_.substr(0, end);
      inbox_.erase(0, end + 2);
      answer(command, replies);
      return true;
    }
    in_data_ = false;
    last_ = true;
    answer_content(replies);
    return true;
  }

  void answer(const std::string& command, std::string& replies) {
    if (command.starts_with("EHLO")) {
      std::vector<std::string> offers;
      for (const char* offer : {"PIPELINING", "CHUNKING", "8BITMIME", "SIZE 100000", "DSN"}) {
        if (rng_.chance(0.5)) offers.emplace_back(offer);
      }
      replies += Dialogue::ehlo_reply(offers);
    } else if (command.starts_with("BDAT")) {
      octets_due_ = std::stoul(command.substr(5));
      last_ = command.ends_with("LAST");
      if (octets_due_ == 0) answer_content(replies);
    } else if (command == "DATA") {
      if (accepted_ == 0 && rng_.chance(0.5)) {
        replies += "554 no valid recipients\r\n";
      } else if (!refuses(replies)) {
        replies += "354 go\r\n";
        in_data_ = true;
      }
    } else if (command.starts_with("RCPT")) {
      if (refused_mail_) {
        replies += "503 MAIL first\r\n";
      } else if (!refuses(replies)) {
        replies += "250 2.1.5 ok\r\n";
        ++accepted_;
      }
    } else if (command.starts_with("MAIL")) {
      accepted_ = 0;
      broken_ = false;
      refused_mail_ = refuses(replies);
      if (!refused_mail_) replies += "250-ok\r\n250 really\r\n";
    } else {
      replies += "250 ok\r\n";
    }
  }

  void answer_content(std::string& replies) {
    if (broken_ || accepted_ == 0) {
      replies += "503 nothing to do\r\n";
    } else if (refuses(replies)) {
      broken_ = true;
    } else {
      replies += "250 taken\r\n";
      if (last_) ++delivered;
    }
    if (last_) accepted_ = 0;
  }

  bool refuses(std::string& replies) {
    if (!rng_.chance(spite_)) return false;
    static constexpr const char* kWays[] = {
        "450 4.2.0 later\r\n", "550 5.1.1 no\r\n",
        "552 too many\r\n",    "452-4.5.3 too\r\n452 4.5.3 many\r\n",
        "421 bye\r\n",         "599 \r\n"};
    replies += kWays[rng_.below(std::size(kWays))];
    return true;
  }

  Rng& rng_;
  const double spite_;
  std::string inbox_;
  std::size_t octets_due_ = 0;
  bool last_ = false, in_data_ = false, broken_ = false, refused_mail_ = false;
  int accepted_ = 0;
};

using VerdictCounts = std::array<int, 5>;

class RandomRun {
 public:
  // `seen` counts verdicts over all runs.
  RandomRun(std::uint64_t seed, VerdictCounts& seen)
      : seen_(seen),
        rng_(seed),
        peer_(rng_, rng_.unit() * 0.4),
        faults_(rng_.chance(0.5) ? 0.03 : 0) {}

  void play() {
    dialogue_.event(Connected{});
    dialogue_.gives_chunks = rng_.chance(0.5);
    dialogue_.writes = rng_.chance(0.5);
    from_peer_ = "220 hi\r\n";
    for (int step = 0; step < 3000 && !dialogue_.is_dead(); ++step) turn();
    while (!dialogue_.is_dead() && dialogue_.deadline() != kNever) {
      dialogue_.time_out();
      check();
    }
    EXPECT_EQ(dialogue_.finished, deliveries_) << "a transaction without end";
    check();
    EXPECT_LE(delivered_messages_, peer_.delivered);
    EXPECT_LE(peer_.delivered, delivered_messages_ + maybe_messages_);
  }

 private:
  void turn() {
    check();
    if (dialogue_.is_ready() && rng_.chance(0.3)) {
      rng_.chance(0.05) ? dialogue_.event(Quit{}) : deliver();
    } else if (!from_peer_.empty() && rng_.chance(0.7)) {
      const std::string part = from_peer_.substr(0, 1 + rng_.below(from_peer_.size()));
      from_peer_.erase(0, part.size());
      dialogue_.event(Bytes{part});
    } else if (rng_.chance(faults_)) {
      fault();
    } else if (dialogue_.chunk_wanted && !dialogue_.gives_chunks) {
      dialogue_.give_chunk();
    } else {
      dialogue_.event(Written{});
    }
    from_peer_ += peer_.hear(dialogue_.said());
  }

  void fault() {
    switch (rng_.below(4)) {
      case 0: dialogue_.event(PeerGone{"reset"}); return;
      case 1:
        if (dialogue_.deadline() != kNever) dialogue_.time_out();
        return;
      case 2: from_peer_ += "nonsense\r\n"; return;
      default:
        if (dialogue_.chunk_wanted) {
          dialogue_.chunk_wanted.reset();
          dialogue_.event(BodyLost{"lost"});
        }
    }
  }

  void deliver() {
    std::vector<std::string> addresses;
    for (std::uint64_t i = 0; i <= rng_.below(4); ++i) {
      addresses.push_back(rng_.chance(0.05) ? "ü@peer.example" : "a@peer.example");
    }
    dialogue_.body.clear();
    for (std::uint64_t i = 0; i <= rng_.below(5); ++i) {
      static constexpr const char* kPieces[] = {
          "", ".", "\r\n", ".\r\n", "text\r\n", "a line\r\n.\r\n", "\r\n.x"};
      dialogue_.body.emplace_back(kPieces[rng_.below(std::size(kPieces))]);
    }
    count_ = addresses.size();
    ++deliveries_;
    delivering_ = true;
    dialogue_.result.reset();
    dialogue_.deliver(addresses);
  }

  void check() {
    const bool waits = !dialogue_.is_dead() && !dialogue_.is_ready();
    EXPECT_EQ(dialogue_.deadline() != kNever, waits);
    if (!delivering_ || !dialogue_.result) return;
    delivering_ = false;
    EXPECT_EQ(dialogue_.finished, deliveries_);
    ASSERT_EQ(dialogue_.result->outcomes.size(), count_);
    bool delivered = false, maybe = false;
    for (std::size_t i = 0; i < count_; ++i) {
      const RecipientOutcome& outcome = dialogue_.outcome(i);
      EXPECT_EQ(outcome.number, i);
      ++seen_[static_cast<std::size_t>(outcome.verdict)];
      delivered = delivered || outcome.verdict == Verdict::kDelivered;
      maybe = maybe || outcome.verdict == Verdict::kMaybe;
      EXPECT_FALSE(render_reply(outcome.reply).empty());
    }
    delivered_messages_ += delivered;
    maybe_messages_ += maybe;
  }

  VerdictCounts& seen_;
  Rng rng_;
  RandomPeer peer_;
  const double faults_;
  Dialogue dialogue_;
  std::string from_peer_;
  std::size_t count_ = 0;
  bool delivering_ = false;
  int deliveries_ = 0, delivered_messages_ = 0, maybe_messages_ = 0;
};

TEST(ClientSession, GivesEveryRecipientOneHonestOutcomeWhateverHappens) {
  VerdictCounts seen{};
  for (std::uint64_t seed = 1; seed <= 3000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    RandomRun(seed, seen).play();
  }
  for (const int count : seen) EXPECT_GT(count, 100) << "the runs are too tame to show anything";
}

}  // namespace
}  // namespace posthaste::smtp
