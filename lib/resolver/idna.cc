#include "lib/resolver/idna.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "lib/base/names.h"

namespace posthaste::resolver {

Result<std::string> to_a_labels(std::string_view domain) {
  std::string folded = fold_domain(domain);
  const bool ascii = std::all_of(folded.begin(), folded.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return folded;
  // A NUL would end the C string before its end, and the name would be another one.
  if (folded.find('\0') != std::string::npos) {
    return fail(ErrorCode::kInvalid, "a domain name with a NUL octet");
  }
  std::uint8_t* converted = nullptr;
  const int rc = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(folded.c_str()), &converted,
                                IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<std::uint8_t, decltype(&idn2_free)> owned(converted, &idn2_free);
  if (rc != IDN2_OK) {
    return fail(ErrorCode::kInvalid,
                "\"" + folded + "\" is no internationalized domain name: " + idn2_strerror(rc));
  }
  return fold_domain(reinterpret_cast<const char*>(converted));
}

}  // namespace posthaste::resolver
