#include "lib/base/ids.h"

#include <algorithm>

#include "lib/base/check.h"

namespace posthaste {
namespace {

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kIdCharacters = 13;  // 65 bits hold 64
constexpr std::uint64_t kSequences = 1U << 12;
constexpr std::uint64_t kMillisecondMax = (std::uint64_t{1} << 41) - 1;

int crockford_value(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const auto at = kCrockford.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string render_id(MessageId id) {
  std::string text(kIdCharacters, '0');
  std::uint64_t rest = id.value;
  for (std::size_t i = kIdCharacters; i-- > 0; rest >>= 5) text[i] = kCrockford[rest & 31];
  return text;
}

Result<MessageId> parse_id(std::string_view text) {
  if (text.size() != kIdCharacters) {
    return fail(ErrorCode::kInvalid, "a message id has 13 characters of 0-9 and A-Z");
  }
  std::uint64_t value = 0;
  for (const char c : text) {
    const int digit = crockford_value(c);
    if (digit < 0 || value >> 59 != 0) {
      return fail(ErrorCode::kInvalid, "\"" + std::string(text) + "\" is no message id");
    }
    value = value << 5 | static_cast<std::uint64_t>(digit);
  }
  if (value >> 63 != 0) return fail(ErrorCode::kInvalid, "message id out of range");
  return MessageId{value};
}

IdSource::IdSource(unsigned lane, unsigned lanes, MessageId after)
    : lane_(lane), lanes_(lanes), millisecond_((after.value >> 22) + (after.value != 0 ? 1 : 0)) {
  CHECK(lanes >= 1 && lanes <= 256 && lane < lanes);
}

MessageId IdSource::next(Instant now) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch();
  const auto wanted = static_cast<std::uint64_t>(std::max<std::int64_t>(since_epoch.count(), 0));
  if (wanted > millisecond_) {
    millisecond_ = wanted;
    turn_ = 0;
  }
  if (turn_ * lanes_ + lane_ >= kSequences) {  // this millisecond is full: borrow the next one
    ++millisecond_;
    turn_ = 0;
  }
  CHECK(millisecond_ <= kMillisecondMax);
  return MessageId{millisecond_ << 22 | (turn_++ * lanes_ + lane_)};
}

}  // namespace posthaste
