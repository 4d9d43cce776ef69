// ReplyParser: makes Replies of the bytes that a server sends, however they are cut into reads.
//
// Lifetime     one connection; reusable for reply after reply; of no use after kGarbage.
// Threads      none: one thread at a time.
// Limits       line 2,048 octets (RFC 5321 §4.5.3.1.5 promises 512), reply 128 lines,
//              kReplyTextMax octets of text.
// Implements   RFC 5321 §4.2, §4.2.1; RFC 2034 §4.
// Does not     know which command a reply answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/smtp/reply.h"

namespace posthaste::smtp {

inline constexpr std::size_t kReplyLineMax = 2048;
inline constexpr unsigned kReplyLinesMax = 128;

class ReplyParser {
 public:
  enum class Status : std::uint8_t {
    kMore,     // all of `data` was consumed and no reply is complete
    kReply,    // `reply` is one; `data` begins behind it
    kGarbage,  // what came is no reply; words() says why
  };

  // Consumes at most one reply from the front of `data`.
  Status parse(std::string_view& data, Reply& reply);
  // After kGarbage: what was wrong, one line without trailing period.
  const std::string& words() const { return words_; }

 private:
  enum class Line : std::uint8_t { kContinues, kEnds, kBad };

  Line on_line(std::string_view line);
  void add_text(std::string_view text);
  Status refuse(std::string words);

  std::string partial_;  // the beginning of a line whose end did not come yet
  Reply reply_;          // the lines so far
  unsigned lines_ = 0;
  std::string words_;
};

}  // namespace posthaste::smtp
