// TXT records as DNS may have them, one a line: what is taken for an MTA-STS record has an id that
// can be compared, stored and logged, and reads the same when it is written again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "lib/policy/mta_sts.h"

namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (;;) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    if (end == text.size()) return lines;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using posthaste::policy::parse_sts_txt;
  auto records = lines_of({reinterpret_cast<const char*>(data), size});
  const auto id = parse_sts_txt(records);
  if (!id) {
    CHECK(!id.error().words.empty() && id.error().words.find('\n') == std::string::npos);
    return 0;
  }
  CHECK(!id->empty() && id->size() <= 32 && std::all_of(id->begin(), id->end(), is_alphanumeric));
  CHECK(parse_sts_txt({"v=STSv1; id=" + *id}) == *id);
  records.push_back("v=STSv1; id=another");
  CHECK(!parse_sts_txt(records));
  return 0;
}
