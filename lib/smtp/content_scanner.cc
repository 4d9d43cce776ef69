#include "lib/smtp/content_scanner.h"

#include <cstring>

namespace posthaste::smtp {

ContentScanner::Step ContentScanner::next(std::string_view data) {
  std::size_t begin = 0;
  std::size_t at = 0;
  while (at < data.size()) {
    switch (state_) {
      case State::kLineStart:
        line_octets_ = 0;
        state_ = State::kLine;
        if (data[at] == '.' && framing_ == Framing::kDotStuffed) {
          state_ = State::kDot;
          return {data.substr(begin, at - begin), at + 1, false};
        }
        break;
      case State::kLine: at = scan_line(data, at); break;
      case State::kCr:
        state_ = data[at] == '\n' ? State::kLineStart : State::kLine;
        // Left where it is when it is no LF: it may be the CR of a good line end.
        if (data[at] == '\n')
          ++at;
        else
          bare_ = true;
        break;
      case State::kDot:  // the dot itself is never content: it was doubled, or it is the end
        state_ = data[at] == '\r' ? State::kDotCr : State::kLine;
        if (data[at] == '\r') begin = ++at;
        break;
      case State::kDotCr:
        if (data[at] == '\n') {
          state_ = State::kLineStart;
          return {{}, at + 1, true};
        }
        bare_ = true;
        state_ = State::kLine;
        break;
    }
  }
  return {data.substr(begin), data.size(), false};
}

// Goes to just behind the next CR or LF, or to the end of data; returns that place.
std::size_t ContentScanner::scan_line(std::string_view data, std::size_t at) {
  if (bare_) {
    // Refused already. Octet by octet, so that a flood of bare CRs or LFs costs no more than its
    // length: each memchr below would look through all of it again.
    if (data[at] == '\r') state_ = State::kCr;
    return at + 1;
  }
  const char* const from = data.data() + at;
  const auto* lf = static_cast<const char*>(std::memchr(from, '\n', data.size() - at));
  const std::size_t span = lf != nullptr ? static_cast<std::size_t>(lf - from) : data.size() - at;
  const auto* cr = static_cast<const char*>(std::memchr(from, '\r', span));
  if (cr != nullptr) {
    state_ = State::kCr;
    const auto octets = static_cast<std::size_t>(cr - from) + 1;
    advance_line(octets);
    return at + octets;
  }
  advance_line(span);
  if (lf == nullptr) return data.size();
  bare_ = true;
  return at + span + 1;
}

void ContentScanner::advance_line(std::size_t octets) {
  line_octets_ += octets;
  if (line_octets_ > kLineOctetsMax) line_too_long_ = true;
}

}  // namespace posthaste::smtp
