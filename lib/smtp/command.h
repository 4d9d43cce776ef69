// Command: one line that a client sent, taken apart.
//
// Threads      pure functions.
// Limits       none of its own; the session bounds the line.
// Implements   RFC 5321 §4.1.1; RFC 3030 §2 (BDAT); RFC 3207 §4 (STARTTLS).
// Does not     know in which order commands are legal; take MAIL and RCPT apart: path_arguments.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace posthaste::smtp {

enum class Verb : std::uint8_t {
  kUnknown,
  kEhlo,
  kHelo,
  kMail,
  kRcpt,
  kData,
  kBdat,
  kRset,
  kNoop,
  kVrfy,
  kExpn,
  kHelp,
  kQuit,
  kStartTls,
  kHttp,  // GET, POST and their kin: a web browser that was talked into speaking to us
};

struct Command {
  Verb verb = Verb::kUnknown;
  std::string_view argument;  // without blanks at its ends; a view into the line
};
// `line` is without its CRLF.
Command parse_command(std::string_view line);

// The reply that refuses a command, without its CRLF: "501 5.5.4 …".
struct Refusal {
  std::string line;
};
template <typename T>
using Parsed = tl::expected<T, Refusal>;
tl::unexpected<Refusal> refuse(std::string line);

// The name in EHLO or HELO: letters, digits, ".-_" (real clients have "_"), or an address literal.
// It goes into our trace field, so nothing else passes. At most 255 octets.
Parsed<std::string_view> parse_helo_name(std::string_view argument);

struct BdatArguments {
  std::uint64_t octets = 0;
  bool last = false;
};
Parsed<BdatArguments> parse_bdat(std::string_view argument);

// Reads a number of 1 to 20 decimal digits that fits 64 bits; false when it is none.
bool parse_number(std::string_view digits, std::uint64_t& value);

}  // namespace posthaste::smtp
