#include "lib/io/output_queue.h"

#include <algorithm>

#include "lib/base/check.h"

namespace posthaste::io {
namespace {

// Up to this size a string is appended to the one before it: one more iovec costs as much as
// copying so little.
constexpr std::size_t kJoinedBytesMax = 1024;

}  // namespace

void OutputQueue::push(std::string bytes) {
  if (bytes.empty()) return;
  bytes_ += bytes.size();
  if (!pieces_.empty() && !pieces_.back().shared &&
      pieces_.back().owned.size() + bytes.size() <= kJoinedBytesMax) {
    pieces_.back().owned += bytes;
    return;
  }
  pieces_.push_back({std::move(bytes), nullptr});
}

void OutputQueue::push(std::shared_ptr<const std::string> chunk) {
  if (!chunk || chunk->empty()) return;
  bytes_ += chunk->size();
  pieces_.push_back({{}, std::move(chunk)});
}

OutputQueue::Front OutputQueue::front(Parts& parts) const {
  Front front;
  std::size_t skip = head_taken_;
  for (std::size_t i = head_; i < pieces_.size() && front.count < static_cast<int>(kPartsMax);
       ++i) {
    const std::string& bytes = pieces_[i].bytes();
    iovec& part = parts[static_cast<std::size_t>(front.count++)];
    part.iov_base = const_cast<char*>(bytes.data() + skip);  // iovec serves reading too
    part.iov_len = bytes.size() - skip;
    front.bytes += part.iov_len;
    skip = 0;
  }
  return front;
}

void OutputQueue::pop(std::size_t count) {
  CHECK(count <= bytes_);
  bytes_ -= count;
  while (count > 0) {
    Piece& piece = pieces_[head_];
    const std::size_t left = piece.bytes().size() - head_taken_;
    if (count < left) {
      head_taken_ += count;
      return;
    }
    count -= left;
    head_taken_ = 0;
    piece = {};  // gives a body's chunk back as soon as it is written
    ++head_;
  }
  if (bytes_ == 0) {
    clear();
  } else if (head_ >= kPartsMax && head_ * 2 >= pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void OutputQueue::clear() {
  pieces_.clear();
  head_ = head_taken_ = bytes_ = 0;
}

}  // namespace posthaste::io
