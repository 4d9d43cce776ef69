// OutputQueue: what a connection still has to write, oldest first; small pieces are joined, big
// ones never copied.
//
// Threads      none: one thread at a time.
// Does not     write. Does not bound itself: its user watches bytes().
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace posthaste::io {

class OutputQueue {
 public:
  static constexpr std::size_t kPartsMax =
      64;  // of one write; the kernel copies so many without allocating twice
  using Parts = std::array<iovec, kPartsMax>;

  void push(std::string bytes);
  void push(std::shared_ptr<const std::string> chunk);
  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }

  struct Front {
    int count = 0;          // of parts
    std::size_t bytes = 0;  // in them
  };
  // Describes the oldest bytes; valid until the next push() or pop().
  Front front(Parts& parts) const;
  // Removes the oldest `count` bytes. REQUIRES count <= bytes().
  void pop(std::size_t count);
  void clear();

 private:
  struct Piece {
    std::string owned;
    std::shared_ptr<const std::string> shared;  // null: the bytes are in `owned`
    const std::string& bytes() const { return shared ? *shared : owned; }
  };

  std::vector<Piece> pieces_;
  std::size_t head_ = 0;        // pieces before it are written
  std::size_t head_taken_ = 0;  // bytes of pieces_[head_] that are written
  std::size_t bytes_ = 0;
};

}  // namespace posthaste::io
