// What is taken for an address keeps its limits, is the same when it is read again, and cannot
// break out of the places where we print it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "lib/mail/address.h"
#include "lib/mail/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace mail = posthaste::mail;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto narrow = mail::parse_mailbox(text, false);
  const auto wide = mail::parse_mailbox(text, true);
  CHECK(!narrow || (wide && *wide == *narrow && narrow->ascii()));
  if (!wide) {
    CHECK(mail::is_ascii(wide.error().words));
    return 0;
  }
  CHECK(!wide->null() && wide->text().size() <= mail::kPathOctetsMax);
  CHECK(wide->local().size() <= mail::kLocalPartOctetsMax && !wide->local().empty());
  CHECK(wide->text() == std::string(wide->local()) + "@" + std::string(wide->domain()));
  CHECK(mail::is_utf8(wide->text()));
  CHECK(wide->ascii() == narrow.has_value());
  for (const char c : wide->text()) CHECK(static_cast<unsigned char>(c) >= ' ' && c != 0x7F);
  for (const char c : wide->domain()) CHECK(c != ' ' && c != '>' && c != '"');
  CHECK(mail::parse_mailbox(wide->text(), true) == *wide);
  CHECK(mail::Mailbox::trusted(wide->text()) == *wide);
  CHECK(!mail::routing_domain(*wide).empty());
  return 0;
}
