// Whatever is given as a Postfix table: what comes of it is YAML of ours, and every rule has a
// level.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/tool/postfix_table.h"
#include "lib/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto imported = posthaste::daemon::tool::import_postfix(text);
  std::size_t levels = 0;
  for (std::size_t at = 0; (at = imported.yaml.find("\n      level: ", at)) != std::string::npos;
       ++at) {
    ++levels;
  }
  CHECK(levels == imported.rules);
  for (const char c : imported.yaml) CHECK(c == '\n' || (c >= ' ' && c <= '~'));
  return 0;
}
