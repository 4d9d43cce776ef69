// The scanner finds the same however its input is cut, and agrees with a plain search for the empty
// line. The first octet says where to cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "lib/mail/header_scanner.h"

namespace {

std::size_t header_bytes(std::string_view content) {
  if (content.starts_with("\r\n")) return 0;
  const auto empty_line = content.find("\r\n\r\n");
  return empty_line == std::string_view::npos ? content.size() : empty_line + 2;
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
  return 0;
}
