// A configuration file of any bytes: it is refused with words, or its effective form is accepted as
// the same again. The same bytes as a file of rules about replies: refused with words, or rules.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/render.h"
#include "config/reply_rules.h"
#include "lib/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthaste::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Diagnostic& error : load_reply_rules(text, "rules.yaml").errors)
    CHECK(render_diagnostic(error).find('\n') == std::string::npos);
  const LoadResult first = load_config(text, "fuzz.yaml");
  CHECK(first.config.has_value() == first.errors.empty());
  for (const Diagnostic& error : first.errors)
    CHECK(render_diagnostic(error).find('\n') == std::string::npos);
  if (!first.config) return 0;
  const std::string shown = render_config(*first.config);
  const LoadResult second = load_config(shown, "shown.yaml");
  CHECK(second.config.has_value());
  CHECK(render_config(*second.config) == shown);
  return 0;
}
