// read_original_header against whatever a message's header section may contain: what comes out can
// be shown to a person, and put into a header.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/mail/utf8.h"
#include "lib/report/original_header.h"

namespace {

bool has_control(std::string_view text) {
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7F) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthaste;
  const std::string_view section(reinterpret_cast<const char*>(data), size);
  const report::OriginalHeader header = report::read_original_header(section);
  CHECK(header.subject.size() <= report::kSubjectOctetsMax);
  CHECK(mail::is_utf8(header.subject) && !has_control(header.subject));
  CHECK(!header.subject.starts_with(' ') && !header.subject.ends_with(' '));
  const std::string& id = header.message_id;
  CHECK(id.size() <= report::kMessageIdOctetsMax && mail::is_ascii(id) && !has_control(id));
  CHECK(id.empty() || (id.front() == '<' && id.back() == '>' && id.find(' ') == id.npos));
  // What has no encoded word in it comes through as it is.
  if (section.find("=?") == section.npos) CHECK(report::decode_encoded_words(section) == section);
  return 0;
}
