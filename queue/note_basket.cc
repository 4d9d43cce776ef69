#include "queue/note_basket.h"

#include <utility>

#include "lib/base/check.h"

namespace posthaste::queue {
namespace {

std::string place_of(const NoteBasket::Note& note) {
  return std::visit(
      [](const auto& request) { return static_cast<char>(request.kind) + request.key; }, note);
}

std::size_t bytes_of(const NoteBasket::Note& note) {
  const auto* keep = std::get_if<Keep>(&note);
  return place_of(note).size() + (keep != nullptr ? keep->value.size() : 0);
}

}  // namespace

void NoteBasket::put(Note&& note) {
  CHECK(std::visit([](const auto& kind) { return kind.ticket; }, note) == 0);
  bytes_ += bytes_of(note);
  const auto [place, fresh] = places_.try_emplace(place_of(note), notes_.end());
  if (fresh) {
    place->second = notes_.insert(notes_.end(), std::move(note));
  } else {
    bytes_ -= bytes_of(*place->second);
    *place->second = std::move(note);
  }
  keep_to_limits();
}

void NoteBasket::put_back(Note&& note) {
  const auto [place, fresh] = places_.try_emplace(place_of(note), notes_.end());
  if (!fresh) return;
  bytes_ += bytes_of(note);
  place->second = notes_.insert(notes_.begin(), std::move(note));
  keep_to_limits();
}

void NoteBasket::take_some(std::size_t max, std::vector<Request>& out) {
  for (; max > 0 && !notes_.empty(); --max) {
    Note note = std::move(notes_.front());
    bytes_ -= bytes_of(note);
    places_.erase(place_of(note));
    notes_.pop_front();
    std::visit([&out](auto& request) { out.emplace_back(std::move(request)); }, note);
  }
}

void NoteBasket::drop_first() {
  bytes_ -= bytes_of(notes_.front());
  places_.erase(place_of(notes_.front()));
  notes_.pop_front();
  ++pushed_out_;
}

void NoteBasket::keep_to_limits() {
  while (!notes_.empty() && (notes_.size() > notes_max_ || bytes_ > bytes_max_)) drop_first();
}

}  // namespace posthaste::queue
