// EngineRig: an Engine with a clock to turn and short words for what its surroundings tell it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/delivery/engine.h"

namespace posthaste::delivery {

using namespace std::chrono_literals;

inline constexpr Instant kStart{std::chrono::seconds(1'780'000'000)};

inline MessageId id_at(Instant time, unsigned sequence = 0) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  return MessageId{static_cast<std::uint64_t>(ms) << 22 | sequence};
}

inline std::shared_ptr<mail::Letter> make_letter(MessageId id, const std::vector<std::string>& to,
                                                 Instant due) {
  auto envelope = std::make_shared<mail::Envelope>();
  envelope->id = id;
  envelope->sender = mail::Mailbox::trusted("sender@origin.example");
  envelope->body_chunks = 1;
  envelope->body_bytes = 1000;
  auto letter = std::make_shared<mail::Letter>();
  letter->body.chunks.push_back(std::make_shared<const std::string>(1000, 'x'));
  for (std::size_t i = 0; i < to.size(); ++i) {
    mail::PendingRecipient pending;
    pending.recipient.number = static_cast<std::uint16_t>(i);
    pending.recipient.address = mail::Mailbox::trusted(to[i]);
    pending.shard = 7;
    pending.progress.due = due;
    letter->recipients.push_back(pending);
  }
  envelope->recipients_total = static_cast<std::uint16_t>(to.size());
  letter->envelope = envelope;
  return letter;
}

inline smtp::RecipientOutcome outcome(std::uint16_t number, smtp::Verdict verdict,
                                      std::uint16_t code = 0, std::string text = {}) {
  smtp::RecipientOutcome made;
  made.number = number;
  made.verdict = verdict;
  made.stage = smtp::Stage::kFinalDot;
  made.reply.code = code;
  made.reply.text = std::move(text);
  return made;
}

class EngineRig {
 public:
  EngineRig() {
    options.helo = HeloName("mta1.posthaste.example");
    options.retry.defaults.jitter = 0;
  }

  // The options are taken with the first event.
  Actions& tell(Event event) {
    out.clear();
    engine().handle(std::move(event), now, out);
    for (std::size_t i = 0; answer_sts && i < out.size(); ++i) {
      const auto* want = std::get_if<WantSts>(&out[i]);
      if (want != nullptr) engine().handle(StsKnown{want->domain, sts}, now, out);
    }
    return out;
  }
  Engine& engine() {
    if (!engine_)
      engine_ = std::make_unique<Engine>(std::make_shared<Options>(options), Rng(1), now);
    return *engine_;
  }
  // Turns the clock to the engine's deadline and ticks.
  Actions& ring() {
    now = std::max(now, engine().deadline());
    return tell(Tick{});
  }
  Actions& ring_at(Instant then) {
    now = then;
    return tell(Tick{});
  }

  // The actions of one kind of the last event.
  template <typename T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const Action& action : out) {
      if (const T* one = std::get_if<T>(&action)) found.push_back(*one);
    }
    return found;
  }
  template <typename T>
  T only() const {
    const auto found = all<T>();
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? T{} : found.front();
  }

  Actions& arrive(const std::shared_ptr<mail::Letter>& letter) { return tell(Arrived{letter}); }
  std::shared_ptr<mail::Letter> arrive(const std::vector<std::string>& to) {
    auto letter = make_letter(id_at(now, ++sequence_), to, now);
    arrive(letter);
    return letter;
  }
  Actions& answer_mx(const std::string& domain, const std::vector<std::string>& hosts,
                     Duration ttl = 1h) {
    dns::Answer answer;
    answer.status = hosts.empty() ? dns::AnswerStatus::kNoData : dns::AnswerStatus::kOk;
    answer.expires = now + ttl;
    std::uint16_t preference = 0;
    for (const auto& host : hosts) answer.mx.push_back({preference += 10, MxName(host)});
    return tell(Answered{{domain, dns::RecordType::kMx}, answer});
  }
  Actions& answer_status(const std::string& name, dns::RecordType type, dns::AnswerStatus status) {
    dns::Answer answer;
    answer.status = status;
    answer.expires = now + 1h;
    answer.words = std::string(dns::name(status)) + " for " + name;
    return tell(Answered{{name, type}, answer});
  }
  // IPv4 addresses only: there is no AAAA.
  Actions& answer_a(const std::string& host, const std::vector<std::string>& addresses,
                    Duration ttl = 1h) {
    answer_status(host, dns::RecordType::kAaaa, dns::AnswerStatus::kNoData);
    dns::Answer answer;
    answer.status = dns::AnswerStatus::kOk;
    answer.expires = now + ttl;
    for (const auto& address : addresses) answer.addresses.push_back(*parse_ip(address));
    return tell(Answered{{host, dns::RecordType::kA}, answer});
  }
  // From the first Lookup to Connect, for "example.com" with one mail host.
  Connect route(const std::string& domain = "example.com",
                const std::string& address = "11.0.0.1") {
    answer_mx(domain, {"mx1." + domain});
    answer_a("mx1." + domain, {address});
    return only<Connect>();
  }
  Actions& ready(ConnId conn, bool tls = true) {
    policy::TlsFacts facts;
    facts.version = "TLSv1.3";
    facts.cipher = "TLS_AES_256_GCM_SHA384";
    return tell(SessionReady{conn, {}, tls ? std::optional(facts) : std::nullopt});
  }
  Actions& finish(const Deliver& deliver, smtp::Verdict verdict, std::uint16_t code = 0,
                  std::string text = {}) {
    smtp::TransactionResult result;
    for (const auto& recipient : deliver.recipients) {
      result.outcomes.push_back(outcome(recipient.number, verdict, code, text));
    }
    return tell(SessionFinished{deliver.conn, result});
  }
  Actions& delivered(const Deliver& deliver) {
    return finish(deliver, smtp::Verdict::kDelivered, 250, "taken");
  }
  Actions& fail(ConnId conn, smtp::Stage stage, std::uint16_t code = 0,
                policy::TlsFailure tls = policy::TlsFailure::kNone) {
    smtp::SessionFailure failure;
    failure.stage = stage;
    failure.reply.code = code;
    failure.tls = tls;
    failure.words = "it failed";
    tell(SessionFailed{conn, failure});
    Actions both = out;
    tell(SessionClosed{conn});
    both.insert(both.end(), out.begin(), out.end());
    return out = std::move(both);
  }
  Actions& persisted(const Persist& persist) {
    Persisted event{persist.shard, persist.letter->envelope->id, {}};
    for (const auto& settlement : persist.settlements) {
      event.numbers.push_back(settlement.before.recipient.number);
    }
    return tell(std::move(event));
  }

  Options options;
  // What every domain publishes; told as soon as somebody wants to know.
  std::optional<policy::StsPolicy> sts;
  bool answer_sts = true;
  Instant now = kStart;
  Actions out;

 private:
  std::unique_ptr<Engine> engine_;
  unsigned sequence_ = 0;
};

}  // namespace posthaste::delivery
