// ContentScanner: reads message content off the wire: undoes dot-stuffing, finds the end, and
// notices line ends that are none.
//
//   LineStart --'.'--> Dot --CR--> DotCr --LF--> ended        (only kDotStuffed)
//   LineStart --> Line --CR--> Cr --LF--> LineStart           (everything else is a bare CR or LF)
//
// Only CRLF "." CRLF ends DATA. A server that also takes LF "." LF or CR "." CR for the end lets a
// sender hide a second message inside the first (SMTP smuggling: CVE-2023-51764, CVE-2023-51765,
// CVE-2023-51766); one that passes bare line ends on lets him do that to the next server. So
// content with a bare CR or LF is read to its true end and then refused, by RFC 5321 §2.3.8: "MUST
// NOT send CR or LF except as a CRLF".
//
// Lifetime     one message.
// Threads      none: one thread at a time.
// Limits       constant memory, no allocation; notices lines of more than kLineOctetsMax.
// Implements   RFC 5321 §2.3.8, §4.1.1.4, §4.5.2; RFC 3030 §2 (counted content keeps its dots).
// Does not     keep content, count it, or judge anything but line ends.
#pragma once

#include <cstdint>
#include <string_view>

namespace posthaste::smtp {

enum class Framing : std::uint8_t {
  kDotStuffed,  // DATA
  kCounted,     // BDAT: the caller knows the end
};

class ContentScanner {
 public:
  // RFC 5321 §4.5.3.1.6 promises 1,000; nobody is that strict, and everybody has some limit.
  static constexpr std::uint64_t kLineOctetsMax = 64 * 1024;

  struct Step {
    std::string_view run;      // a part of the given octets that is content
    std::size_t consumed = 0;  // octets that are done with; > 0 if any were given
    bool ended = false;        // the terminator was among them; what follows is a command
  };

  explicit ContentScanner(Framing framing) : framing_(framing) {}

  // Scans on until content has to be left out (a dot), or to the end of `data`. REQUIRES nothing
  // after `ended`.
  Step next(std::string_view data);

  // A CR or LF was seen that is no part of a CRLF. Sticky.
  bool bare_line_end() const { return bare_; }
  // The last octet was a CR: a bare one, if nothing follows.
  bool after_cr() const { return state_ == State::kCr || state_ == State::kDotCr; }
  bool line_too_long() const { return line_too_long_; }
  // Content so far is empty or ends in CRLF.
  bool at_line_start() const { return state_ == State::kLineStart; }

 private:
  enum class State : std::uint8_t { kLineStart, kLine, kCr, kDot, kDotCr };
  std::size_t scan_line(std::string_view data, std::size_t at);
  void advance_line(std::size_t octets);

  const Framing framing_;
  State state_ = State::kLineStart;
  bool bare_ = false;
  bool line_too_long_ = false;
  std::uint64_t line_octets_ = 0;
};

}  // namespace posthaste::smtp
