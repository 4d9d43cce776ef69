#include "lib/smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>

namespace posthaste::smtp {

std::string render_enhanced(EnhancedCode code) {
  if (code == EnhancedCode{}) return {};
  return fmt::format("{}.{}.{}", code.cls, code.subject, code.detail);
}

std::string render_reply(const Reply& reply) {
  std::string line;
  line.reserve(reply.text.size() + 16);
  const auto add = [&line](std::string_view part) {
    if (part.empty()) return;
    if (!line.empty()) line += ' ';
    line += part;
  };
  if (reply.code != 0) add(fmt::format_int(reply.code).c_str());
  add(render_enhanced(reply.enhanced));
  add(reply.text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

}  // namespace posthaste::smtp
