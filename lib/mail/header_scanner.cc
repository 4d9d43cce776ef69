#include "lib/mail/header_scanner.h"

#include <cstring>

namespace posthaste::mail {
namespace {

constexpr std::string_view kReceived = "received";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

void HeaderScanner::feed(std::string_view content) {
  for (std::size_t i = 0; i < content.size() && !done();) {
    if (state_ == State::kRest) {  // the bulk of a header: leap to the end of the line
      const void* cr = std::memchr(content.data() + i, '\r', content.size() - i);
      const std::size_t next =
          cr == nullptr ? content.size()
                        : static_cast<std::size_t>(static_cast<const char*>(cr) - content.data());
      header_bytes_ += next - i;
      i = next;
      if (i == content.size()) return;
    }
    step(content[i++]);
  }
}

void HeaderScanner::step(char c) {
  ++header_bytes_;
  switch (state_) {
    case State::kEmptyCr:
      if (c == '\n') {
        header_bytes_ -= 2;  // the empty line is no part of the header section
        state_ = State::kDone;
        return;
      }
      break;
    case State::kCr:
      if (c == '\n') {
        state_ = State::kName;
        matched_ = 0;
        return;
      }
      break;
    case State::kName:
      if (c == '\r' && matched_ == 0) {
        state_ = State::kEmptyCr;
        return;
      }
      if (lower(c) == kReceived[matched_]) {
        if (++matched_ == kReceived.size()) state_ = State::kColon;
        return;
      }
      break;
    case State::kColon:
      if (c == ' ' || c == '\t') return;
      if (c == ':') ++received_;
      break;
    case State::kRest:
    case State::kDone: break;
  }
  state_ = c == '\r' ? State::kCr : State::kRest;
}

}  // namespace posthaste::mail
