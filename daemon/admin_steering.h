// AdminSteering: what the operator wants done with mail in the queue, carried to every engine, and
// how far it is.
//
// Engines know no senders: mail of one is looked up in the store first, in slices between which
// others have their turn, and goes to the engines as lists of messages. A dry run only counts, in
// the same way.
//
//   POST /v1/queue/retry|hold|release|remove|bounce -> a ticket -> GET /v1/steering/TICKET
//
// Lifetime     the AdminApi's. Threads: the admin's; slices are read in the ReaderThread.
// Limits       kSearchesMax searches at a time; kTicketsMax tickets are remembered, the latest.
// Does not     touch mail: see lib/delivery/engine.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin_queue_search.h"
#include "daemon/admin_return_address.h"
#include "daemon/http_server.h"
#include "daemon/log.h"
#include "daemon/reader_thread.h"
#include "daemon/store_thread.h"
#include "lib/delivery/event.h"
#include "lib/io/loop.h"

namespace posthaste::daemon {

class Worker;

class AdminSteering {
 public:
  static constexpr std::size_t kSearchesMax = 8;
  static constexpr std::size_t kTicketsMax = 100;
  static constexpr std::size_t kListMax = 100'000;  // messages told to the engines at once

  struct House {
    io::Loop& loop;
    std::shared_ptr<ReturnAddress> home;
    StoreThread& store;
    ReaderThread& reader;
    Log& log;
    std::vector<Worker*> workers;
  };

  explicit AdminSteering(House house);
  ~AdminSteering();

  // POST /v1/queue/`verb`
  void steer(std::string_view verb, const HttpRequest& request,
             std::shared_ptr<const policy::Suspensions> suspensions, const Respond& respond);
  // GET /v1/steering/`ticket`
  void progress(std::string_view ticket, const Respond& respond);

 private:
  struct Order;
  struct Inquiry;

  static Result<Order> parse(std::string_view verb, const HttpRequest& request, Instant now);
  void begin_search(std::uint64_t ticket, std::shared_ptr<const policy::Suspensions> suspensions);
  void read_slice(std::uint64_t ticket, std::shared_ptr<QueueSearch> search);
  void on_slice(std::uint64_t ticket, const std::shared_ptr<QueueSearch>& search);
  void tell_engines(Order& order, delivery::Selection selection);
  void tell_list(Order& order, std::vector<MessageId> messages);
  void log(std::uint64_t ticket, const Order& order, const HttpRequest& request);
  void forget_old();
  void answer(std::uint64_t ticket, Order& order, const Inquiry& inquiry,
              const Respond& respond) const;

  const House house_;
  std::map<std::uint64_t, Order> orders_;  // by ticket, so by age
  std::size_t searches_ = 0;
  std::uint64_t last_ticket_;
};

}  // namespace posthaste::daemon
