// Worker: one thread with one loop, one engine, one resolver, its own TLS contexts, and the
// connections of its shards.
//
// Everything an engine decides is carried out here: actions become sockets, DNS questions and store
// requests, and what comes of them goes back as events. pump() does so until nothing is left to do;
// no machine is ever called from inside another one's call.
//
// Threads      post() and heartbeat() from any; listen() and attach() before start(); the rest in
//              the worker's thread.
// Does not     decide anything about mail.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "daemon/deadlines.h"
#include "daemon/heartbeat.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/reader_thread.h"
#include "daemon/settler.h"
#include "daemon/store_thread.h"
#include "daemon/tls_contexts.h"
#include "daemon/tls_office.h"
#include "daemon/wiring.h"
#include "lib/base/ids.h"
#include "lib/delivery/engine.h"
#include "lib/io/connection.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox.h"
#include "lib/resolver/resolver.h"

namespace posthaste::daemon {

class InboundConnection;
class OutboundConnection;

class Worker {
 public:
  // What all workers share.
  struct House {
    Metrics& metrics;
    Log& log;
    StoreThread& store;
    ReaderThread& reader;
    TlsReporter& reporter;
    std::atomic<std::uint32_t>& inbound_connections;
    // For every worker's engine, the asker's too; any thread.
    std::function<void(const delivery::Event& event)> tell_all = [](const delivery::Event&) {};
  };
  using Mail = std::variant<std::vector<queue::StoreEvent>, std::function<void(Worker&)>>;

  Worker(unsigned index, std::shared_ptr<const Runtime> runtime, std::shared_ptr<TlsContexts> tls);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Error: the resolver's, or the HTTPS client's.
  Status attach(House house);
  void listen(io::Fd socket, config::ListenTls tls);
  void start();
  void join();  // after stop()

  // Any thread.
  void post(Mail mail);
  void stop() {
    ended_.store(true, std::memory_order_relaxed);
    loop_.stop_from_any_thread();
  }
  std::int64_t heartbeat() const { return heartbeat_.last(); }
  bool quiet() const { return quiet_.load(std::memory_order_acquire); }
  // Events of the store that were posted and not yet handled: what gaining waits for.
  std::size_t events_waiting() const { return events_waiting_.load(std::memory_order_relaxed); }

  // The worker's thread, called through post().
  void reconfigure(std::shared_ptr<const Runtime> runtime, std::shared_ptr<TlsContexts> tls);
  void shut_down();  // begin nothing, finish what is in flight, then quiet()
  void add_to(Snapshot& snapshot) const;
  const delivery::Engine& engine() const { return *engine_; }
  TlsOffice& tls_office() { return *tls_office_; }
  Instant now() const { return loop_.now(); }

  // For the connections.
  void engine_event(delivery::Event event) { events_.push_back(std::move(event)); }
  void pump();
  io::Loop& loop() { return loop_; }
  Deadlines& deadlines() { return deadlines_; }
  const Runtime& runtime() const { return *runtime_; }
  const std::shared_ptr<TlsContexts>& tls() { return tls_; }
  House& house() { return *house_; }
  IdSource& ids() { return *ids_; }
  // Makes `submission` durable; the answer goes to `asker` if it still lives. Gives the request's
  // ticket; 0: overloaded.
  std::uint64_t accept(const smtp::Submission& submission, InboundConnection& asker);
  void read_chunk(MessageId id, std::uint16_t chunk, ConnId asker);
  void retire(InboundConnection& connection);
  void retire(OutboundConnection& connection);
  // Closes a connection behind the back of its owner, who may be inside one of its calls, and lets
  // it say its last words: for `linger` at most, and not when very many do so already.
  void let_go(std::unique_ptr<io::Connection> connection, Duration linger);

 private:
  // A message that the store was asked to keep.
  struct Storing {
    InboundConnection* asker;  // nullptr: has gone
    std::shared_ptr<const mail::Envelope> envelope;
  };
  struct EngineTick final : Deadlines::Item {
    explicit EngineTick(Worker& w) : worker(w) {}
    Instant deadline() const override { return worker.engine_->deadline(); }
    void on_deadline() override {
      worker.engine_event(delivery::Tick{});
      worker.pump();
    }
    Worker& worker;
  };

  void on_mail();
  void open_some_mail();
  std::size_t open(Mail& mail);
  void on_store_event(queue::StoreEvent& event);
  void on_accept_answer(std::uint64_t ticket, MessageId id, const queue::Refused* refused);
  void record_accepted(const mail::Envelope& envelope);
  void on_socket(io::Fd socket, const Endpoint& peer, config::ListenTls tls);
  void apply(delivery::Action& action);
  void open(const delivery::Connect& connect);
  void look_up(const dns::Question& question);
  void note_quiet();
  std::uint64_t ticket() { return std::uint64_t{index_} << 48 | ++last_ticket_; }

  const unsigned index_;
  std::shared_ptr<const Runtime> runtime_;
  std::shared_ptr<TlsContexts> tls_;
  std::optional<House> house_;

  io::Loop loop_;
  io::Mailbox<Mail> mailbox_;
  Deadlines deadlines_;
  Heartbeat heartbeat_;
  std::unique_ptr<IdSource> ids_;
  std::unique_ptr<resolver::Resolver> resolver_;
  std::unique_ptr<delivery::Engine> engine_;
  std::unique_ptr<EngineTick> engine_tick_;
  std::unique_ptr<Settler> settler_;
  std::unique_ptr<TlsOffice> tls_office_;

  std::vector<std::unique_ptr<io::Listener>> listeners_;
  std::unordered_map<InboundConnection*, std::unique_ptr<InboundConnection>> inbound_;
  std::unordered_map<ConnId, std::unique_ptr<OutboundConnection>> outbound_;
  std::unordered_map<std::uint64_t, Storing> awaiting_store_;  // by ticket

  std::vector<Mail> mail_;     // taken from the mailbox
  std::size_t mail_next_ = 0;  // of mail_: the first that is not opened
  bool mail_turn_queued_ = false;
  std::vector<delivery::Event> events_;
  std::vector<delivery::Event> handling_;
  delivery::Actions actions_;
  bool pumping_ = false;
  bool shutting_down_ = false;
  std::uint64_t last_ticket_ = 0;

  std::thread thread_;
  std::atomic<bool> quiet_{false};
  std::atomic<std::size_t> events_waiting_{0};
  std::atomic<bool> ended_{false};  // what mail is left is not opened
};

}  // namespace posthaste::daemon
