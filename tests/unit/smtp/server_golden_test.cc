// Plays the transcripts of tests/golden (its README.md has the format) against the server session.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "lib/smtp/delivery_wishes.h"
#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using Lines = std::vector<std::string>;

// What is said to the session, and what it is expected to do before the next step.
struct Step {
  std::string bytes;  // or
  std::string event;
  Lines replies, actions, body;
};

struct Transcript {
  ServerOptions options = trusted_options();
  std::vector<Step> steps;
};

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    switch (text.at(++i)) {
      case 'r': out += '\r'; break;
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case '0': out += '\0'; break;
      case 'x':
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
        break;
      default: out += text[i];
    }
  }
  return out;
}

std::pair<std::string, std::string> word_and_rest(const std::string& text) {
  const auto blank = text.find(' ');
  return {text.substr(0, blank), blank == std::string::npos ? "" : text.substr(blank + 1)};
}

void set_option(ServerOptions& options, const std::string& text) {
  const auto [key, value] = word_and_rest(text);
  if (key == "trusted") options.trusted = value == "yes";
  if (key == "starttls") options.offer_starttls = value == "yes";
  if (key == "implicit_tls") options.implicit_tls = value == "yes";
  if (key == "client_certificates") {
    options.client_certificates = value == "required"   ? ClientCertificates::kRequired
                                  : value == "optional" ? ClientCertificates::kOptional
                                                        : ClientCertificates::kIgnore;
  }
  if (key == "allow") options.allowed_certificates.push_back(value);
  if (key == "size_max") options.message_bytes_max = std::stoull(value);
  if (key == "deliver_by") options.deliver_by = value == "yes";
  if (key == "deliver_by_min") options.deliver_by_min = std::chrono::seconds(std::stol(value));
  if (key == "hold_max") options.future_release_max = std::chrono::seconds(std::stol(value));
  if (key == "priority") options.priority = value == "yes";
  if (key == "recipients_max") {
    options.recipients_max = static_cast<std::uint16_t>(std::stoul(value));
  }
}

Transcript read_transcript(const std::filesystem::path& path) {
  Transcript transcript;
  std::ifstream file(path);
  bool in_batch = false;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::string text = line.size() > 3 ? line.substr(3) : "";
    const bool client = line[0] == 'C' || line[0] == 'c';
    if (line[0] == 'O') set_option(transcript.options, text);
    if (line[0] == 'E' || (client && !in_batch)) transcript.steps.emplace_back();
    in_batch = client;
    switch (line[0]) {
      case 'C': transcript.steps.back().bytes += text + "\r\n"; break;
      case 'c': transcript.steps.back().bytes += unescape(text); break;
      case 'E': transcript.steps.back().event = text; break;
      case 'S': transcript.steps.back().replies.push_back(text); break;
      case 'A': transcript.steps.back().actions.push_back(text); break;
      case 'B': transcript.steps.back().body.push_back(text); break;
      case 'O': break;
      default: ADD_FAILURE() << path << ": what is \"" << line << "\"?";
    }
  }
  return transcript;
}

// "VERSION CIPHER", and of a client with a certificate " verified SUBJECT" or " unverified
// SUBJECT".
policy::TlsFacts facts_of(const std::string& text) {
  policy::TlsFacts facts;
  std::string rest;
  std::tie(facts.version, rest) = word_and_rest(text);
  std::tie(facts.cipher, rest) = word_and_rest(rest);
  const auto [verdict, subject] = word_and_rest(rest);
  facts.certificate_present = !verdict.empty();
  facts.verified = verdict == "verified";
  facts.subject = subject;
  return facts;
}

server::Event event_of(const std::string& text, Instant& now) {
  const auto [name, rest] = word_and_rest(text);
  if (name == "accepted") return server::Accepted{};
  if (name == "stored") return server::Stored{};
  if (name == "not_stored") return server::NotStored{rest == "full", "the store's words", {}};
  if (name == "tls") {
    return server::TlsUp{facts_of(rest)};
  }
  if (name == "tls_failed") return server::TlsFailed{policy::TlsFailure::kNotTls, "no TLS"};
  if (name == "gone") return server::PeerGone{};
  if (name == "shutdown") return server::Shutdown{};
  if (name == "overloaded") return server::Overloaded{rest};
  EXPECT_EQ(name, "wait");
  now += std::chrono::seconds(std::stol(rest));
  return server::Tick{};
}

Lines split_lines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  }
  return lines;
}

// A session that writes down what it does in the transcript's words.
class Player {
 public:
  explicit Player(const ServerOptions& options) : dialogue_(options) {}

  void play(const Step& step, std::size_t octets_per_read) {
    if (!step.event.empty()) {
      dialogue_.event(event_of(step.event, dialogue_.now));
      note_actions();
      return;
    }
    const std::size_t size = octets_per_read == 0 ? step.bytes.size() : octets_per_read;
    for (std::size_t i = 0; i < step.bytes.size(); i += size) {
      dialogue_.event(server::Bytes{std::string_view(step.bytes).substr(i, size)});
      note_actions();
    }
  }

  // Since the beginning; ids made out.
  Lines replies() const { return split_lines(without_ids(dialogue_.sent)); }
  const Lines& actions() const { return actions_; }
  Lines body() const {
    return split_lines(without_ids(dialogue_.body(dialogue_.submissions.size() - 1)));
  }

 private:
  void note_actions() {
    for (const server::Action& action : dialogue_.actions) {
      if (const auto* store = std::get_if<server::Store>(&action)) note_store(store->submission);
      if (std::holds_alternative<server::StartTls>(action)) actions_.emplace_back("handshake");
      if (std::holds_alternative<server::Hangup>(action)) actions_.emplace_back("hangup");
      if (std::holds_alternative<server::Abandon>(action)) actions_.emplace_back("abandon");
      if (const auto* note = std::get_if<server::Note>(&action)) {
        actions_.push_back("note " + note->event);
      }
    }
  }

  void note_store(const Submission& submission) {
    const std::string& sender = submission.envelope->sender.text();
    std::string words = "store " + (sender.empty() ? "<>" : sender);
    for (const mail::Recipient& recipient : submission.recipients) {
      words += " " + recipient.address.text();
    }
    if (submission.envelope->tls_wish == mail::TlsWish::kRequireTls) words += " requiretls";
    if (submission.envelope->tls_wish == mail::TlsWish::kOptional) words += " tls_optional";
    actions_.push_back(words + render_wishes(*submission.envelope));
  }

  std::string without_ids(std::string text) const {
    for (const Submission& submission : dialogue_.submissions) {
      const std::string id = render_id(submission.envelope->id);
      for (auto at = text.find(id); at != std::string::npos; at = text.find(id)) {
        text.replace(at, id.size(), "<ID>");
      }
    }
    return text;
  }

  ServerDialogue dialogue_;
  Lines actions_;
};

void append(Lines& to, const Lines& from) { to.insert(to.end(), from.begin(), from.end()); }

void play_transcript(const Transcript& transcript, std::size_t octets_per_read) {
  Player player(transcript.options);
  Lines replies, actions;
  for (const Step& step : transcript.steps) {
    player.play(step, octets_per_read);
    append(replies, step.replies);
    append(actions, step.actions);
    if (!step.body.empty()) {
      EXPECT_EQ(player.body(), step.body);
    }
    // Cut small, a batch is answered before it is at its end: only the whole is compared then.
    if (octets_per_read != 0) continue;
    ASSERT_EQ(player.replies(), replies) << "after " << step.event << step.bytes;
    ASSERT_EQ(player.actions(), actions) << "after " << step.event << step.bytes;
  }
  EXPECT_EQ(player.replies(), replies) << "in reads of " << octets_per_read;
  EXPECT_EQ(player.actions(), actions) << "in reads of " << octets_per_read;
}

std::vector<std::filesystem::path> transcripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(POSTHASTE_GOLDEN)) {
    if (entry.path().filename().string().starts_with("server_")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class ServerGolden : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(ServerGolden, IsPlayedTheSameInReadsOfAnySize) {
  const Transcript transcript = read_transcript(GetParam());
  ASSERT_FALSE(transcript.steps.empty());
  for (const std::size_t octets_per_read : {0U, 1U, 2U, 3U, 17U, 64U}) {
    // What is pipelined after STARTTLS is only seen when it comes with it.
    if (octets_per_read != 0 && GetParam().stem() == "server_starttls_injection") continue;
    play_transcript(transcript, octets_per_read);
  }
}

INSTANTIATE_TEST_SUITE_P(Transcripts, ServerGolden, ::testing::ValuesIn(transcripts()),
                         [](const auto& path) { return path.param.stem().string(); });

}  // namespace
}  // namespace posthaste::smtp
