// OriginalHeader: what a person knows a message by, read from its header section.
//
// Whoever wrote the message may have written anything: what comes out is one line without controls,
// and without the characters that turn the direction of what stands around them.
//
// Threads      pure functions.
// Limits       a subject is cut at kSubjectOctetsMax; a Message-ID longer than
//              kMessageIdOctetsMax is none.
// Implements   RFC 5322 §2.2.3 (unfolding), §3.6.4 (msg-id, without the obsolete forms);
//              RFC 2047 §2, §4, §6 in UTF-8, US-ASCII and ISO-8859-1.
// Does not     check the message, or read any other field.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthaste::report {

inline constexpr std::size_t kSubjectOctetsMax = 200;
inline constexpr std::size_t kMessageIdOctetsMax = 250;

struct OriginalHeader {
  std::string subject;     // UTF-8; empty: there is none
  std::string message_id;  // "<1@example.com>"; empty: there is none, or none that is well-formed
};

// Of several fields of one name the first counts. `section`: CRLF line ends.
OriginalHeader read_original_header(std::string_view section);

// Unstructured text with its encoded words undone; one in another charset, or a broken one, stays
// as it is. UTF-8 where `text` is.
std::string decode_encoded_words(std::string_view text);

}  // namespace posthaste::report
