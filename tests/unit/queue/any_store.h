// AnyStore: the fixture of tests that every store has to pass, restarted by closing it and by a
// kill.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {

struct Kind {
  const char* name;
  std::unique_ptr<StoreHouse> (*make)();
};
inline void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class AnyStore : public ::testing::TestWithParam<Kind> {
 protected:
  Store& store() { return house_->store(); }
  void restart() { house_->restart(); }
  std::vector<StoreEvent> now(Request request) { return commit_one(store(), std::move(request)); }
  void accept(MessageId id, const std::vector<To>& to, std::size_t body_bytes = 100) {
    ASSERT_THAT(only<Accepted>(now(make_accept(id, to, body_bytes))), ::testing::SizeIs(1));
  }
  std::vector<std::string> rendered(const std::vector<StoreEvent>& events) {
    std::vector<std::string> lines;
    for (const StoreEvent& event : events) lines.push_back(render(event));
    return lines;
  }

 private:
  std::unique_ptr<StoreHouse> house_ = GetParam().make();
};

inline const auto kEveryStore =
    ::testing::Values(Kind{"Memory", memory_house}, Kind{"RocksClosed", closing_rocks_house},
                      Kind{"RocksKilled", killed_rocks_house});
inline std::string store_name(const ::testing::TestParamInfo<Kind>& kind) {
  return kind.param.name;
}

}  // namespace posthaste::queue
