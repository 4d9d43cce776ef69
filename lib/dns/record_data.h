// RecordData: what stands behind the length of a record, and what it says.
//
// Limits       of one answer: kTlsaRecordsMax, kTextsMax, kTextOctetsMax; what is beyond is left
//              out, so that no cache fills up with it.
// Implements   RFC 1035 §3.3 and §3.4, RFC 6698 §2.1.
// Does not     know sections, owners and classes. See answer_parser.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/dns/answer.h"

namespace posthaste::dns {

inline constexpr std::size_t kTlsaRecordsMax = 128;
inline constexpr std::size_t kTextsMax = 128;
inline constexpr std::size_t kTextOctetsMax = 4096;

struct RecordData {
  std::string_view packet;  // names in the data may point back into it
  std::size_t at = 0;       // REQUIRES at + octets <= packet.size()
  std::size_t octets = 0;

  std::string_view view() const { return packet.substr(at, octets); }
};

// The data of a CNAME; nullopt: they are no name, or more than one.
std::optional<std::string> name_in(const RecordData& data);

// Adds what the data of a record of that type say to the answer. false: they are malformed, so the
// answer as a whole cannot be believed. Not so TLSA data that are too short: a signed zone may hold
// them, they are unusable and leave the others as they are (RFC 7672 §2.1.1, §3.1).
bool add_record(RecordType type, const RecordData& data, Answer& answer);

}  // namespace posthaste::dns
