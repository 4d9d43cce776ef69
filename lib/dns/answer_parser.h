// parse_answer: the octets that a server sent, and what they say to our question.
//
// Follows CNAMEs within the answer, by owner name, at most kCnameHopsMax of them; records of other
// owners and classes are not ours and are ignored.
//
// Limits       kRecordsMax records of a section; the rest is walked over, not looked at.
// Implements   RFC 1035 §4, RFC 2181 §8, RFC 2308 §2 and §5, RFC 6604 §3, RFC 6840 §5.8,
//              RFC 6891 §6.1.3.
// Does not     send, check the id against a query (it reports it), validate signatures, draw
//              conclusions for mail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/time.h"
#include "lib/dns/answer.h"

namespace posthaste::dns {

inline constexpr int kCnameHopsMax = 16;
inline constexpr std::size_t kRecordsMax = 512;

// How long answers are believed.
struct TtlBounds {
  Duration least = std::chrono::seconds(5);
  Duration most = std::chrono::hours(1);
  Duration negative_most = std::chrono::minutes(15);
  Duration failure = std::chrono::seconds(5);  // every temporary status
};

struct AnswerContext {
  Instant now;
  TtlBounds ttl;
  bool believe_ad = false;  // every configured server is a loopback address
  std::string server;       // for words: "127.0.0.1:53"
};

struct ParsedAnswer {
  Answer answer;
  std::uint16_t id = 0;    // 0 where the packet is too short to have one
  bool truncated = false;  // TC: ask again by TCP; the answer is kMalformed
};

// REQUIRES question.name folded, as in answer.h.
ParsedAnswer parse_answer(std::string_view packet, const Question& question,
                          const AnswerContext& context);

// An answer that no server gave: timeout, no connection. REQUIRES temporary(status).
Answer failed_answer(AnswerStatus status, std::string_view what, const Question& question,
                     const AnswerContext& context);

}  // namespace posthaste::dns
