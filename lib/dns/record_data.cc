#include "lib/dns/record_data.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/dns/wire.h"

namespace posthaste::dns {
namespace {

constexpr std::size_t kTlsaFieldsOctets = 3;

WireReader reader_of(const RecordData& data) {
  WireReader reader(data.packet);
  reader.seek(data.at);
  return reader;
}

bool at_end(const WireReader& reader, const RecordData& data) {
  return !reader.failed() && reader.at() == data.at + data.octets;
}

template <typename Value>
void add_once(std::vector<Value>& values, Value value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) {
    values.push_back(std::move(value));
  }
}

bool add_mx(const RecordData& data, Answer& answer) {
  WireReader reader = reader_of(data);
  MxRecord mx;
  mx.preference = reader.u16();
  mx.host = MxName(reader.domain_name());
  if (!at_end(reader, data)) return false;
  answer.mx.push_back(std::move(mx));
  return true;
}

bool add_address(bool v6, const RecordData& data, Answer& answer) {
  if (data.octets != (v6 ? 16U : 4U)) return false;
  std::array<std::uint8_t, 16> bytes{};
  const std::string_view octets = data.view();
  std::transform(octets.begin(), octets.end(), bytes.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  add_once(answer.addresses, v6 ? ipv6(bytes) : ipv4(bytes[0], bytes[1], bytes[2], bytes[3]));
  return true;
}

void add_tlsa(const RecordData& data, Answer& answer) {
  if (data.octets < kTlsaFieldsOctets || answer.tlsa.size() == kTlsaRecordsMax) return;
  WireReader reader = reader_of(data);
  TlsaRecord record;
  record.usage = reader.u8();
  record.selector = reader.u8();
  record.matching = reader.u8();
  record.data = data.view().substr(kTlsaFieldsOctets);
  add_once(answer.tlsa, std::move(record));
}

// RFC 1035 §3.3.14: one or more strings, each with its length before it. What they mean together is
// for those who asked to say; MTA-STS, and everybody else in mail, joins them.
bool add_text(const RecordData& data, Answer& answer) {
  std::string text;
  std::string_view rest = data.view();
  if (rest.empty()) return false;
  while (!rest.empty()) {
    const std::size_t length = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    if (length > rest.size()) return false;
    text += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  if (text.size() <= kTextOctetsMax && answer.texts.size() < kTextsMax) {
    answer.texts.push_back(std::move(text));
  }
  return true;
}

}  // namespace

std::optional<std::string> name_in(const RecordData& data) {
  WireReader reader = reader_of(data);
  std::string name = reader.domain_name();
  if (!at_end(reader, data)) return std::nullopt;
  return name;
}

bool add_record(RecordType type, const RecordData& data, Answer& answer) {
  switch (type) {
    case RecordType::kMx: return add_mx(data, answer);
    case RecordType::kA: return add_address(false, data, answer);
    case RecordType::kAaaa: return add_address(true, data, answer);
    case RecordType::kTlsa: add_tlsa(data, answer); return true;
    case RecordType::kTxt: return add_text(data, answer);
    case RecordType::kCname:
    case RecordType::kSoa: return true;
  }
  return true;
}

}  // namespace posthaste::dns
