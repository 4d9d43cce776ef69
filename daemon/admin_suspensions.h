// AdminSuspensions: suspends and resumes mail at the operator's word, and keeps over restarts what
// is suspended.
//
// A word counts once it is durable: the store's answer makes it known to every worker, and to the
// operator.
//
// Lifetime     the AdminApi's. Threads: the admin's.
// Limits       kSuspensionsMax of them.
// Does not     stop mail: the engines do, and what lapses, lapses there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http_server.h"
#include "daemon/log.h"
#include "daemon/store_thread.h"
#include "lib/io/loop.h"
#include "lib/policy/suspension.h"

namespace posthaste::daemon {

class Worker;

class AdminSuspensions {
 public:
  static constexpr std::size_t kSuspensionsMax = 1'000;

  struct House {
    io::Loop& loop;
    StoreThread& store;
    Log& log;
    std::vector<Worker*> workers;
  };

  // `now_suspended`, which the workers have heard of already, is never null.
  AdminSuspensions(House house, std::shared_ptr<const policy::Suspensions> now_suspended);

  // `page`: "suspensions" by GET, "suspend" and "resume" by POST.
  void answer(std::string_view page, const HttpRequest& request, const Respond& respond);
  void on_store(const queue::Kept& kept);
  void on_store(const queue::NotKept& refused);

  // Never null; some of it may have lapsed.
  const std::shared_ptr<const policy::Suspensions>& current() const { return current_; }

 private:
  // What one request asked for; it is answered when the store has said its word on each part.
  struct Change {
    Respond respond;
    std::size_t unanswered = 0;
    std::size_t made = 0;
    std::string trouble;  // of the last part that failed
  };
  struct Part {
    std::shared_ptr<Change> change;
    policy::Suspension suspension;
    bool suspends = false;  // else: resumes
  };

  void list(const Respond& respond) const;
  void suspend(const HttpRequest& request, const Respond& respond);
  void resume(const HttpRequest& request, const Respond& respond);
  void ask_store(std::vector<policy::Suspension> which, bool suspends, const Respond& respond);
  void apply(const Part& part);
  void settle(const Part& part, std::string trouble);
  std::vector<policy::Suspension> lasting() const;

  const House house_;
  std::shared_ptr<const policy::Suspensions> current_;
  std::map<std::uint64_t, Part> asked_;  // by ticket
  std::uint64_t last_ticket_ = 0;
};

}  // namespace posthaste::daemon
