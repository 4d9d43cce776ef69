#include "lib/smtp/dot_stuffer.h"

namespace posthaste::smtp {

std::optional<std::string> DotStuffer::stuff(std::string_view chunk) {
  if (chunk.empty()) return std::nullopt;
  std::optional<std::string> copy;
  std::size_t copied = 0;  // how much of the chunk is in the copy
  for (std::size_t dot = chunk.find('.'); dot != std::string_view::npos;
       dot = chunk.find('.', dot + 1)) {
    const bool starts_line =
        dot == 0 ? line_start() : chunk[dot - 1] == '\n' || chunk[dot - 1] == '\r';
    if (!starts_line) continue;
    if (!copy) copy.emplace().reserve(chunk.size() + 64);
    copy->append(chunk.substr(copied, dot + 1 - copied)).push_back('.');
    copied = dot + 1;
  }
  if (copy) copy->append(chunk.substr(copied));
  before_ = chunk.size() > 1 ? chunk[chunk.size() - 2] : last_;
  last_ = chunk.back();
  return copy;
}

}  // namespace posthaste::smtp
