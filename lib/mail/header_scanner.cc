#include "lib/mail/header_scanner.h"

#include <cstring>

namespace posthaste::mail {
namespace {

constexpr std::string_view kNames[] = {"received", "tls-required"};  // by Field

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

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
    case State::kName: state_ = matched_ == 0 ? begin_line(c) : match_name(c); return;
    case State::kColon: state_ = end_name(c); return;
    case State::kValue: state_ = read_value(c); return;
    case State::kRest: state_ = c == '\r' ? State::kCr : State::kRest; return;
    case State::kCr:
      matched_ = 0;
      if (c == '\n') {
        state_ = State::kName;
        return;
      }
      value_ = Value::kOther;  // a bare CR
      state_ = c == '\r' ? State::kCr : State::kRest;
      return;
    case State::kEmptyCr:
      if (c == '\n') {
        header_bytes_ -= 2;  // the empty line is no part of the header section
        state_ = State::kDone;
        return;
      }
      state_ = c == '\r' ? State::kCr : State::kRest;
      return;
    case State::kDone: return;
  }
}

// The first octet of a line. It tells whether the field before goes on (RFC 5322 §2.2.3), and which
// of our names may begin here.
HeaderScanner::State HeaderScanner::begin_line(char c) {
  if (value_ != Value::kOther && is_blank(c)) return State::kValue;
  said_no_ = said_no_ || value_ == Value::kNo;
  value_ = Value::kOther;
  if (c == '\r') return State::kEmptyCr;
  field_ = lower(c) == 't' ? Field::kTlsRequired : Field::kReceived;
  return match_name(c);
}

HeaderScanner::State HeaderScanner::match_name(char c) {
  const std::string_view name = kNames[static_cast<std::size_t>(field_)];
  if (lower(c) != name[matched_]) return c == '\r' ? State::kCr : State::kRest;
  return ++matched_ == name.size() ? State::kColon : State::kName;
}

HeaderScanner::State HeaderScanner::end_name(char c) {
  if (is_blank(c)) return State::kColon;
  if (c != ':') return c == '\r' ? State::kCr : State::kRest;
  if (field_ == Field::kReceived) {
    ++received_;
    return State::kRest;
  }
  ++wish_fields_;
  value_ = Value::kBlank;
  return State::kValue;
}

HeaderScanner::State HeaderScanner::read_value(char c) {
  if (value_ == Value::kBlank && lower(c) == 'n') {
    value_ = Value::kN;
  } else if (value_ == Value::kN && lower(c) == 'o') {
    value_ = Value::kNo;
  } else if (value_ == Value::kN || (c != '\r' && !is_blank(c))) {
    value_ = Value::kOther;
  }
  if (c == '\r') return State::kCr;
  return value_ == Value::kOther ? State::kRest : State::kValue;
}

}  // namespace posthaste::mail
