#include "lib/delivery/agenda.h"

namespace posthaste::delivery {

void Agenda::put(std::size_t place, AgendaItem* item) {
  heap_[place] = item;
  item->place = place;
}

void Agenda::sift_up(std::size_t place) {
  AgendaItem* item = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent]->wake <= item->wake) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, item);
}

void Agenda::sift_down(std::size_t place) {
  AgendaItem* item = heap_[place];
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->wake < heap_[child]->wake) ++child;
    if (item->wake <= heap_[child]->wake) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, item);
}

void Agenda::set(AgendaItem& item, Instant wake) {
  if (wake == kNever) return erase(item);
  if (item.place == AgendaItem::kAbsent) {
    item.wake = wake;
    heap_.push_back(&item);
    return sift_up(heap_.size() - 1);
  }
  const bool sooner = wake < item.wake;
  item.wake = wake;
  sooner ? sift_up(item.place) : sift_down(item.place);
}

void Agenda::erase(AgendaItem& item) {
  item.wake = kNever;
  if (item.place == AgendaItem::kAbsent) return;
  const std::size_t place = item.place;
  item.place = AgendaItem::kAbsent;
  AgendaItem* last = heap_.back();
  heap_.pop_back();
  if (last == &item) return;
  put(place, last);
  sift_up(place);
  sift_down(last->place);
}

}  // namespace posthaste::delivery
