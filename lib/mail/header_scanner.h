// HeaderScanner: reads past a message's header section as it arrives, counts what shows a loop, and
// finds the one field that is meant for us.
//
// Lifetime     one message.
// Threads      none: one thread at a time.
// Limits       constant memory, no allocation; what is read is compared, never kept.
// Implements   RFC 5322 §2.1 (the empty line), §3.6.7; RFC 5321 §6.3 (loops); RFC 8689 §3.
// Does not     judge other fields' syntax or unfold their values. Only CRLF is a line end.
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
  // "TLS-Required: No" was read, with its line end. A field with any other value asks for nothing,
  // and neither do two of them, which RFC 8689 §3 forbids: then the policies hold as they are.
  bool tls_optional() const {
    return wish_fields_ == 1 && (said_no_ || (value_ == Value::kNo && state_ == State::kName));
  }
  // The octets before the empty line. While !done(): what was fed so far.
  std::uint64_t header_bytes() const { return header_bytes_; }

 private:
  enum class State : std::uint8_t {
    kName,     // matching the name of `field_` at the beginning of a line
    kColon,    // matched it: blanks, then ':' (RFC 5322 §4.5.8 allows the blanks)
    kValue,    // in the value of TLS-Required, in a line
    kRest,     // anywhere else in a line
    kCr,       // after a CR in a line
    kEmptyCr,  // after a CR that is a line's first octet
    kDone,
  };
  enum class Field : std::uint8_t { kReceived, kTlsRequired };
  // How much of "No" was read of TLS-Required's value, which may be folded; kOther outside of it.
  enum class Value : std::uint8_t { kOther, kBlank, kN, kNo };

  void step(char c);
  State begin_line(char c);
  State match_name(char c);
  State end_name(char c);
  State read_value(char c);

  State state_ = State::kName;
  Field field_ = Field::kReceived;
  Value value_ = Value::kOther;
  std::uint8_t matched_ = 0;  // kName: how many octets of the name
  bool said_no_ = false;
  unsigned received_ = 0;
  unsigned wish_fields_ = 0;  // TLS-Required fields
  std::uint64_t header_bytes_ = 0;
};

}  // namespace posthaste::mail
