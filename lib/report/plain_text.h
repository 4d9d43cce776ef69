// Text that strangers wrote, made fit for a notification: no line ends, no controls, no more than
// there is room for.
//
// Threads      pure functions.
// Implements   RFC 5322 §2.1.1, §2.2.3 (folding); RFC 2045 §6.7 (quoted-printable).
// Does not     decode, or know MIME types.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthaste::report {

enum class Charset : unsigned char { kAscii, kUtf8 };

// One line: a run of controls becomes a space; what the charset lacks becomes '?', and so does
// every octet above 127 if `text` is no UTF-8. Cut at `octets_max`, never inside a character.
std::string one_line(std::string_view text, Charset charset, std::size_t octets_max = 800);

// "Name: value\r\n", folded at spaces to lines of at most 76 octets where there are spaces, and
// anywhere before 900.
// REQUIRES value is one line.
void append_field(std::string& into, std::string_view name, std::string_view value);

// Breaks `text`, one line, into lines of at most 72 octets where there are spaces, each with
// `indent` before and CRLF behind it.
void append_wrapped(std::string& into, std::string_view indent, std::string_view text);

// True where `text` can stand in a mail as it is: CRLF line ends only, lines of at most 998
// octets, no NUL.
bool is_mail_text(std::string_view text);

// RFC 2045 §6.7, for text with CRLF line ends; bare CR and LF are encoded.
std::string quoted_printable(std::string_view text);

}  // namespace posthaste::report
