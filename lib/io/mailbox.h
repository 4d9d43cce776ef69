// Mailbox<T>: how threads talk. Many producers, one consumer: the thread of a Loop. Bounded; a full
// one is back-pressure by return value, never growth. At most one wake-up is under way at a time.
//
// Lifetime     destroyed in the loop's thread, after its producers have ended.
// Threads      as said at each function.
// Does not     order the items of different producers.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "lib/base/check.h"

namespace posthaste::io {

class Loop;

// Wakes a Loop's thread. wake() from any thread; the callback runs in the loop's thread, once per
// burst.
class Waker {
 public:
  Waker(Loop& loop, std::function<void()> callback);
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;
  void wake() noexcept;

 private:
  struct State;
  State* state_;
};

template <typename T>
class Mailbox {
 public:
  // `on_mail` runs in the loop's thread when there is something to take.
  Mailbox(Loop& loop, std::size_t capacity, std::function<void()> on_mail)
      : capacity_(capacity), waker_(loop, std::move(on_mail)) {}

  // Any thread. False: full, and `item` is untouched.
  [[nodiscard]] bool try_push(T&& item) { return push(std::move(item), capacity_); }
  // Any thread. For what must not be refused because it was promised before (answers, settlements);
  // the number of those is bounded by what was let in by try_push elsewhere.
  void push(T&& item) { (void)push(std::move(item), static_cast<std::size_t>(-1)); }
  // Any thread. All of `items`, one lock and at most one wake-up.
  void push_all(std::vector<T>&& items) {
    if (items.empty()) return;
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      was_empty = items_.empty();
      for (auto& item : items) items_.push_back(std::move(item));
    }
    items.clear();
    if (was_empty) waker_.wake();
  }
  // The loop's thread. Swaps everything out; `into` must be empty and lends its capacity.
  void take_all(std::vector<T>& into) {
    CHECK(into.empty());
    const std::lock_guard lock(mutex_);
    std::swap(into, items_);
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  bool push(T&& item, std::size_t capacity) {
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      if (items_.size() >= capacity) return false;
      was_empty = items_.empty();
      items_.push_back(std::move(item));
    }
    if (was_empty) waker_.wake();
    return true;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<T> items_;  // guarded by mutex_
  Waker waker_;
};

}  // namespace posthaste::io
