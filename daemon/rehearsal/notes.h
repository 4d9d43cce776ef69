// Notes: what the engine told us to Remember, as the store keeps it over a restart.
//
// Lifetime     the run's; outlives every process of ours.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "lib/delivery/action.h"

namespace posthaste::rehearsal {

class Notes {
 public:
  void take(const delivery::Remember& note) {
    const std::pair key{note.shown, note.key};
    if (note.drop) {
      kept_.erase(key);
    } else {
      kept_[key] = {note.value, note.expires};
    }
  }
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [key, value] : kept_) {
      visit(key.first, key.second, value.first, value.second);
    }
  }

 private:
  std::map<std::pair<bool, std::string>, std::pair<std::string, Instant>> kept_;
};

}  // namespace posthaste::rehearsal
