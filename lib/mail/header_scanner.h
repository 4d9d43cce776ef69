// HeaderScanner: reads past a message's header section as it arrives, and counts what shows a loop.
//
// Lifetime     one message.
// Threads      none: one thread at a time.
// Limits       constant memory, no allocation; a field name is compared, never kept.
// Implements   RFC 5322 §2.1 (the empty line), §3.6.7; RFC 5321 §6.3 (loops).
// Does not     judge field syntax or unfold values. Only CRLF is a line end.
#pragma once

#include <cstdint>
#include <string_view>

namespace posthaste::mail {

class HeaderScanner {
 public:
  // Goes on with the next octets of the content. After done(), costs nothing.
  void feed(std::string_view content);
  // The empty line was seen (or the content began with it).
  bool done() const { return state_ == State::kDone; }
  unsigned received_fields() const { return received_; }
  // The octets before the empty line. While !done(): what was fed so far.
  std::uint64_t header_bytes() const { return header_bytes_; }

 private:
  enum class State : std::uint8_t {
    kName,     // matching "received" at the beginning of a line
    kColon,    // matched it: blanks, then ':' (RFC 5322 §4.5.8 allows the blanks)
    kRest,     // anywhere else in a line
    kCr,       // after a CR in a line
    kEmptyCr,  // after a CR that is a line's first octet
    kDone,
  };
  void step(char c);

  State state_ = State::kName;
  std::uint8_t matched_ = 0;  // kName: how many octets of "received"
  unsigned received_ = 0;
  std::uint64_t header_bytes_ = 0;
};

}  // namespace posthaste::mail
