// QueryIds: ids for DNS queries that nobody outside can guess.
//
// c-ares compares nothing of an answer but its sender, id and question, and leaves the id to us.
//
// Does not     keep two queries under way from having the same id; c-ares tells them apart by
//              their questions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace posthaste::resolver {

class QueryIds {
 public:
  std::uint16_t next();

 private:
  std::array<std::uint16_t, 128> drawn_{};  // one system call for many
  std::size_t used_ = drawn_.size();
};

}  // namespace posthaste::resolver
