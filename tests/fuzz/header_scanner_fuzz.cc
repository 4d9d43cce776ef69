// The scanner finds the same however its input is cut, and agrees with a plain search for the empty
// line and for TLS-Required. The first octet says where to cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/mail/header_scanner.h"

namespace {

std::size_t header_bytes(std::string_view content) {
  if (content.starts_with("\r\n")) return 0;
  const auto empty_line = content.find("\r\n\r\n");
  return empty_line == std::string_view::npos ? content.size() : empty_line + 2;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The next field of `header`, unfolded, in lower case.
std::string take_field(std::string_view& header) {
  std::string field;
  do {
    const std::size_t end = std::min(header.find("\r\n"), header.size());
    field += header.substr(0, end);
    header.remove_prefix(std::min(end + 2, header.size()));
  } while (!header.empty() && is_blank(header.front()));
  std::transform(field.begin(), field.end(), field.begin(), lower);
  return field;
}

// The slow way: cuts a whole header section into fields and looks at each.
bool tls_optional(std::string_view header) {
  constexpr std::string_view kName = "tls-required";
  unsigned fields = 0;
  bool no = false;
  while (!header.empty()) {
    // A name is not folded (RFC 5322 §4.5.8): the colon stands in its line.
    const std::size_t name_line = std::min(header.find("\r\n"), header.size());
    const std::string field = take_field(header);
    if (!field.starts_with(kName)) continue;
    const std::size_t colon = field.find_first_not_of(" \t", kName.size());
    if (colon >= name_line || field[colon] != ':') continue;
    ++fields;
    const std::size_t first = field.find_first_not_of(" \t", colon + 1);
    const std::size_t last = field.find_last_not_of(" \t");
    no = no || (first != field.npos && field.substr(first, last + 1 - first) == "no");
  }
  return fields == 1 && no;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = data[0] % 16 + 1;
  posthaste::mail::HeaderScanner whole, cut;
  whole.feed(content);
  for (std::size_t i = 0; i < content.size(); i += step) cut.feed(content.substr(i, step));
  CHECK(whole.done() == cut.done());
  CHECK(whole.received_fields() == cut.received_fields());
  CHECK(whole.header_bytes() == cut.header_bytes());
  CHECK(whole.header_bytes() == header_bytes(content));
  CHECK(whole.tls_optional() == cut.tls_optional());
  if (whole.done())
    CHECK(whole.tls_optional() == tls_optional(content.substr(0, header_bytes(content))));
  return 0;
}
