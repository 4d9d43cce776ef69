// Random conversations, cut at random: what comes out depends on the octets, never on the reads.
#include <gtest/gtest.h>

#include "lib/base/rng.h"
#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

template <std::size_t N>
std::string_view one_of(Rng& rng, const std::string_view (&choices)[N]) {
  return choices[rng.below(N)];
}

std::string random_content(Rng& rng) {
  static constexpr std::string_view kPieces[] = {
      "Subject: x\r\n", "\r\n", "..\r\n", "..x\r\n", "Received: y\r\n", "text", "\xC3\xA9",
      "line\r\n",       "a.b",  " \r\n",  "\t"};
  static constexpr std::string_view kSpoilt[] = {"\n",      "\r",      "\r\n.\n",
                                                 "\n.\r\n", "\r.\r\n", "\r\n.\rx"};
  std::string content;
  for (std::size_t pieces = rng.below(30); pieces > 0; --pieces) content += one_of(rng, kPieces);
  if (rng.chance(0.1)) content += std::string(rng.below(100'000), 'z');
  if (rng.chance(0.2)) content += one_of(rng, kSpoilt);
  return content;
}

std::string random_transaction(Rng& rng) {
  static constexpr std::string_view kMails[] = {"MAIL FROM:<a@example.com>\r\n",
                                                "MAIL FROM:<> SIZE=100\r\n", "MAIL FROM:<bad>\r\n",
                                                "MAIL FROM:<a@example.com> RET=FULL ENVID=x\r\n"};
  static constexpr std::string_view kRcpts[] = {"RCPT TO:<b@example.net>\r\n",
                                                "RCPT TO:<c@example.net> NOTIFY=NEVER\r\n",
                                                "RCPT TO:<bob>\r\n", "RCPT TO:<b@EXAMPLE.net>\r\n"};
  std::string wire(one_of(rng, kMails));
  for (std::size_t count = rng.below(4); count > 0; --count) wire += one_of(rng, kRcpts);
  if (rng.chance(0.5)) return wire + "DATA\r\n" + random_content(rng) + "\r\n.\r\n";
  for (std::size_t chunks = rng.below(3); chunks > 0; --chunks) {
    const std::string chunk = random_content(rng);
    wire += "BDAT " + std::to_string(chunk.size()) + "\r\n" + chunk;
  }
  const std::string chunk = random_content(rng);
  return wire + "BDAT " + std::to_string(chunk.size()) + " LAST\r\n" + chunk;
}

std::string random_conversation(Rng& rng) {
  static constexpr std::string_view kOthers[] = {
      "NOOP\r\n", "RSET\r\n", "EHLO again\r\n", "HELO old\r\n", "VRFY a\r\n",
      "junk\r\n", "QUIT\r\n", "NOOP\n",         "DATA\r\n",     "BDAT 0\r\n"};
  std::string wire = "EHLO client.example\r\n";
  for (std::size_t steps = 1 + rng.below(12); steps > 0; --steps) {
    if (rng.chance(0.4)) {
      wire += one_of(rng, kOthers);
    } else {
      wire += random_transaction(rng);
    }
  }
  return wire;
}

struct Outcome {
  std::string sent;
  std::vector<std::string> bodies;
  std::vector<std::vector<mail::Recipient>> recipients;
  int hangups = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Whether a store answer is yes or no depends on the message's place only. `cuts` null: one read.
Outcome converse(std::string_view wire, Rng* cuts) {
  ServerDialogue dialogue;
  dialogue.event(server::Accepted{});
  std::size_t answered = 0;
  const auto answer = [&] {
    while (answered < dialogue.submissions.size()) {
      if (++answered % 5 == 0) {
        dialogue.event(server::NotStored{answered % 2 == 0, "no", {}});
      } else {
        dialogue.event(server::Stored{});
      }
    }
  };
  while (!wire.empty()) {
    const std::size_t octets = cuts == nullptr     ? wire.size()
                               : cuts->chance(0.5) ? 1 + cuts->below(3)
                                                   : 1 + cuts->below(5000);
    dialogue.event(server::Bytes{wire.substr(0, octets)});
    wire.remove_prefix(std::min(octets, wire.size()));
    answer();
  }
  Outcome outcome{dialogue.sent, {}, {}, dialogue.hangups};
  for (std::size_t i = 0; i < dialogue.submissions.size(); ++i) {
    outcome.bodies.push_back(dialogue.body(i));
    outcome.recipients.push_back(dialogue.submissions[i].recipients);
  }
  return outcome;
}

TEST(ServerRandom, AnswersTheSameHoweverTheConversationIsCut) {
  std::size_t stored = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Rng rng(seed);
    const std::string wire = random_conversation(rng);
    const Outcome whole = converse(wire, nullptr);
    stored += whole.bodies.size();
    for (int round = 0; round < 3; ++round) {
      ASSERT_EQ(converse(wire, &rng), whole) << "seed " << seed << ", round " << round;
    }
  }
  EXPECT_GT(stored, 300U);  // else this tests nothing
}

TEST(ServerRandom, AnswersTheSameWhenCutInTwoAnywhere) {
  const std::string wire =
      "EHLO client.example\r\nMAIL FROM:<a@example.com>\r\nRCPT "
      "TO:<b@example.net>\r\nDATA\r\nSubject: x\r\n\r\n"
      "..\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nBDAT 4\r\na\r\n.BDAT 3 "
      "LAST\r\n\r\nbMAIL FROM:<>\r\n"
      "RCPT TO:<b@example.net>\r\nDATA\r\na\n.\r\nb\r\n.\r\nQUIT\r\n";
  const Outcome whole = converse(wire, nullptr);
  ASSERT_EQ(whole.bodies.size(), 2U);
  for (std::size_t cut = 1; cut < wire.size(); ++cut) {
    ServerDialogue dialogue;
    dialogue.store_at_once = true;
    dialogue.event(server::Accepted{});
    dialogue.say(std::string_view(wire).substr(0, cut));
    dialogue.say(std::string_view(wire).substr(cut));
    ASSERT_EQ(dialogue.sent, whole.sent) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace posthaste::smtp
