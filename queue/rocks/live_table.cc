#include "queue/rocks/live_table.h"

#include <bit>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::queue {
namespace {

constexpr std::uint64_t kFreshBit = std::uint64_t{1} << 63;
constexpr std::size_t kSlotsMin = 1024;

std::uint64_t id_of(std::uint64_t id_and_fresh) { return id_and_fresh & ~kFreshBit; }

}  // namespace

std::size_t LiveTable::home(std::uint64_t id) const {
  // Fibonacci hashing: the top bits of the product depend on all bits of the id.
  const int bits = std::countr_zero(slots_.size());
  return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15U) >> (64 - bits));
}

std::size_t LiveTable::place(std::uint64_t id) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = home(id);
  while (slots_[at].id_and_fresh != 0 && id_of(slots_[at].id_and_fresh) != id) {
    at = (at + 1) & mask;
  }
  return at;
}

std::optional<Live> LiveTable::find(MessageId id) const {
  if (size_ == 0) return std::nullopt;
  const Slot& slot = slots_[place(id.value)];
  if (slot.id_and_fresh == 0) return std::nullopt;
  return Live{slot.remaining, slot.chunks, (slot.id_and_fresh & kFreshBit) != 0, slot.shard,
              slot.number};
}

void LiveTable::put(MessageId id, Live live) {
  CHECK(id.value != 0 && (id.value & kFreshBit) == 0);
  if ((size_ + 1) * 4 > slots_.size() * 3) {
    resize(slots_.empty() ? kSlotsMin : slots_.size() * 2);
  }
  Slot& slot = slots_[place(id.value)];
  if (slot.id_and_fresh == 0) ++size_;
  slot = Slot{id.value | (live.fresh ? kFreshBit : 0), live.remaining, live.chunks, live.shard,
              live.number};
}

void LiveTable::erase(MessageId id) {
  if (size_ == 0) return;
  std::size_t hole = place(id.value);
  if (slots_[hole].id_and_fresh == 0) return;
  // Moves back what stands behind the hole and would not be found any more beyond it, instead of
  // tombstones.
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = (hole + 1) & mask; slots_[at].id_and_fresh != 0; at = (at + 1) & mask) {
    const std::size_t wanted = home(id_of(slots_[at].id_and_fresh));
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = Slot{};
  --size_;
  if (slots_.size() > kSlotsMin && size_ * 8 < slots_.size()) resize(slots_.size() / 2);
}

void LiveTable::resize(std::size_t slots) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
  for (const Slot& slot : old) {
    if (slot.id_and_fresh != 0) slots_[place(id_of(slot.id_and_fresh))] = slot;
  }
}

}  // namespace posthaste::queue
