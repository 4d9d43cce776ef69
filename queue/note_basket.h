// NoteBasket: notes that wait for the next write, the latest for each kind and key.
//
// Lifetime     that of whoever writes to the store.
// Threads      none: one thread at a time.
// Limits       as constructed; what is too much pushes out what has waited longest.
// Does not     write, or know when; take notes with a ticket, since what is pushed out is not
//              answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "queue/note.h"
#include "queue/store.h"

namespace posthaste::queue {

class NoteBasket {
 public:
  using Note = std::variant<Keep, DropNote>;

  NoteBasket(std::size_t notes_max, std::size_t bytes_max)
      : notes_max_(notes_max), bytes_max_(bytes_max) {}

  // Takes the place of what waits for the same kind and key. REQUIRES no ticket.
  void put(Note&& note);
  // Gives back what take_some() took and could not be written; something newer stays.
  void put_back(Note&& note);
  // Appends at most `max`, those first that have waited longest.
  void take_some(std::size_t max, std::vector<Request>& out);

  bool empty() const { return notes_.empty(); }
  std::size_t size() const { return notes_.size(); }
  // How many were pushed out, ever.
  std::uint64_t pushed_out() const { return pushed_out_; }

 private:
  void drop_first();
  void keep_to_limits();

  const std::size_t notes_max_;
  const std::size_t bytes_max_;
  std::list<Note> notes_;  // what has waited longest first
  std::unordered_map<std::string, std::list<Note>::iterator> places_;
  std::size_t bytes_ = 0;
  std::uint64_t pushed_out_ = 0;
};

}  // namespace posthaste::queue
