#include "daemon/daemon.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include "config/load.h"
#include "daemon/admin_health.h"
#include "daemon/clock_watch.h"
#include "daemon/reply_rule_files.h"
#include "daemon/suspension_notes.h"
#include "lib/base/check.h"
#include "lib/io/listener.h"
#include "queue/rocks/rocks_store.h"

namespace posthaste::daemon {
namespace {

constexpr Duration kTimer = std::chrono::milliseconds(200);
constexpr Duration kStopWithin = std::chrono::seconds(25);  // the unit's TimeoutStopSec is longer
constexpr Duration kLookAround = std::chrono::seconds(1);
// Of the store, waiting for one worker: more would only be memory.
constexpr std::size_t kEventsWaitingMax = 20'000;

std::string machine_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

unsigned cores() { return std::max(1U, std::thread::hardware_concurrency()); }

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return fail(ErrorCode::kNotFound,
                path + ": " + std::strerror(errno) + "; name the file with --config FILE");
  }
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) return fail(ErrorCode::kIo, path + ": cannot be read");
  return text.str();
}

Status make_directory(const std::string& path) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos;
       end = path.find('/', end + 1)) {
    (void)mkdir(path.substr(0, end).c_str(), 0755);  // the last one tells
  }
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(ErrorCode::kIo, "data_dir " + path + " cannot be made: " + std::strerror(errno) +
                                  "; make it, owned by the user that posthasted runs as");
}

LogLevel log_level_of(queue::LogLevel level) {
  switch (level) {
    case queue::LogLevel::kDebug: return LogLevel::kDebug;
    case queue::LogLevel::kInfo: return LogLevel::kInfo;
    case queue::LogLevel::kWarning: return LogLevel::kWarning;
    case queue::LogLevel::kError: return LogLevel::kError;
  }
  return LogLevel::kInfo;
}

}  // namespace

std::shared_ptr<const Runtime> load_runtime(const std::string& file,
                                            std::vector<std::string>& report) {
  const auto text = read_file(file);
  if (!text) {
    report.push_back(text.error().words);
    return nullptr;
  }
  auto loaded = config::load_config(*text, file);
  for (const auto& error : loaded.errors) report.push_back(render_diagnostic(error));
  for (const auto& warning : loaded.warnings) report.push_back(render_diagnostic(warning));
  if (!loaded.config) return nullptr;
  auto replies = load_replies(loaded.config->replies);
  for (const auto& error : replies.errors) report.push_back(render_diagnostic(error));
  if (replies.rules == nullptr) return nullptr;
  auto runtime = make_runtime(std::move(*loaded.config), machine_name(), cores(), replies.rules);
  std::vector<std::string> warnings;
  if (const auto contexts = TlsContexts::make(*runtime, warnings); !contexts) {
    report.push_back(file + ": " + contexts.error().words);
    return nullptr;
  }
  for (auto& warning : warnings) report.push_back(file + ": warning: " + warning);
  return runtime;
}

Daemon::Daemon(std::string config_file, std::shared_ptr<const Runtime> runtime)
    : config_file_(std::move(config_file)),
      runtime_(std::move(runtime)),
      log_(log_level(runtime_->config.log.level), log_format(runtime_->config.log.format)),
      timer_(loop_, [this] { on_timer(); }) {
  metrics_.tls().know(tls_vocabulary(runtime_->config));
}

Daemon::~Daemon() { take_apart(); }

Status Daemon::open() {
  if (auto opened = open_store(); !opened) return opened;
  reader_ = std::make_unique<ReaderThread>();
  if (auto opened = open_reporter(); !opened) return opened;
  if (auto opened = open_workers(); !opened) return opened;
  if (auto opened = open_listeners(); !opened) return opened;
  return open_admin();
}

Status Daemon::open_store() {
  const auto& config = runtime_->config;
  const std::string directory = config.data_dir + "/queue";
  if (auto made = make_directory(directory); !made) return made;
  queue::RocksOptions options;
  options.dir = directory;
  options.sync = config.queue.sync;
  options.min_free_space = config.queue.min_free_bytes;
  options.log = [this](queue::LogLevel level, std::string_view words) {
    log_.write(log_level_of(level), "store", {{"words", words}});
  };
  auto store = queue::RocksStore::open(std::move(options));
  if (!store) return tl::unexpected(store.error());
  if (const auto words = from_the_future((*store)->last_id(), loop_.now())) {
    log_.write(LogLevel::kWarning, "clock_wrong", {{"words", *words}});
  }

  StoreThread::Options thread_options;
  thread_options.workers = runtime_->workers;
  thread_options.history = config.queue.history;
  thread_options.gain_waits = [this] {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) {
      return worker->events_waiting() > kEventsWaitingMax;
    });
  };
  store_ = std::make_unique<StoreThread>(
      std::move(*store), std::move(thread_options), metrics_, log_,
      [this](unsigned worker, std::vector<queue::StoreEvent>&& events) {
        if (worker == store_->reporter_lane()) return reporter_->on_store(std::move(events));
        if (worker == store_->admin_lane()) return admin_->on_store(std::move(events));
        workers_[worker]->post(std::move(events));
      },
      [this](bool trouble) {
        for (const auto& worker : workers_) {
          worker->post([trouble](Worker& w) { w.engine_event(delivery::StoreTrouble{trouble}); });
        }
      });
  return {};
}

Status Daemon::open_reporter() {
  const IdSource ids(runtime_->workers, runtime_->workers + 1, store_->store().last_id());
  auto reporter = TlsReporter::make(runtime_, *store_, metrics_, log_, ids);
  if (!reporter) return tl::unexpected(reporter.error());
  reporter_ = std::move(*reporter);
  return {};
}

Status Daemon::open_workers() {
  suspensions_ = restore_suspensions(store_->store(), loop_.now(), log_);
  for (unsigned index = 0; index < runtime_->workers; ++index) {
    std::vector<std::string> warnings;  // were told by load_runtime
    auto contexts = TlsContexts::make(*runtime_, warnings);
    if (!contexts) return tl::unexpected(contexts.error());
    workers_.push_back(std::make_unique<Worker>(index, runtime_, std::move(*contexts)));
    const auto tell_all = [this](const delivery::Event& event) {
      for (const auto& worker : workers_) {
        worker->post([event](Worker& w) { w.engine_event(event); });
      }
    };
    auto attached = workers_.back()->attach(
        {metrics_, log_, *store_, *reader_, *reporter_, inbound_connections_, tell_all});
    if (!attached) return attached;
    // Before the first entry of the queue comes in.
    workers_.back()->post([suspensions = suspensions_](Worker& worker) {
      worker.engine_event(delivery::Suspended{suspensions});
    });
  }
  return {};
}

Status Daemon::open_listeners() {
  auto inherited = service_manager_.take_sockets();
  for (const auto& listen : runtime_->config.listen) {
    if (auto opened = listen_on(listen, inherited); !opened) return opened;
  }
  for (const auto& socket : inherited) {
    if (!socket.socket) continue;
    return fail(ErrorCode::kInvalid, "systemd passed a socket for " +
                                         render_endpoint(socket.endpoint) +
                                         ", which no entry of listen: in " + config_file_ +
                                         " names; add one, so that its tls: is decided");
  }
  return {};
}

// One socket per worker; they share the port by SO_REUSEPORT, or the queue of an inherited socket.
Status Daemon::listen_on(const config::Listen& listen, std::vector<InheritedSocket>& inherited) {
  const auto passed =
      std::find_if(inherited.begin(), inherited.end(), [&](const InheritedSocket& socket) {
        return socket.socket && socket.endpoint == listen.address;
      });
  Endpoint at = listen.address;
  if (passed == inherited.end()) {
    // Sockets with SO_REUSEPORT would silently share the port with another daemon's: ask without it
    // first.
    auto probe = io::listen_tcp(at, false);
    if (!probe) return tl::unexpected(probe.error());
    at = io::local_endpoint(probe->get());
  }
  for (const auto& worker : workers_) {
    io::Fd socket;
    if (passed != inherited.end()) {
      socket = io::Fd(fcntl(passed->socket.get(), F_DUPFD_CLOEXEC, 0));
      if (!socket) {
        return fail(ErrorCode::kIo, std::string("the socket from systemd cannot be shared: ") +
                                        std::strerror(errno));
      }
    } else {
      auto opened = io::listen_tcp(at, true);
      if (!opened) return tl::unexpected(opened.error());
      socket = std::move(*opened);
    }
    worker->listen(std::move(socket), listen.tls);
  }
  if (passed != inherited.end()) passed->socket.reset();
  if (listens_with_tls_.empty() && listen.tls != config::ListenTls::kNone) {
    listens_with_tls_ = render_endpoint(at);
  }
  listening_ += (listening_.empty() ? "" : " ") + render_endpoint(at);
  return {};
}

Status Daemon::open_admin() {
  auto admin = AdminThread::make(runtime_, {worker_list(), *store_, *reader_, *reporter_, metrics_,
                                            log_, inbound_connections_, suspensions_});
  if (!admin) return tl::unexpected(admin.error());
  admin_ = std::move(*admin);
  return {};
}

Status Daemon::run() {
  io::Signal on_term(loop_, SIGTERM, [this] { begin_stop(); });
  io::Signal on_int(loop_, SIGINT, [this] { begin_stop(); });
  io::Signal on_hup(loop_, SIGHUP, [this] { reload(); });
  store_->start();
  reporter_->start();
  for (const auto& worker : workers_) worker->start();
  admin_->start();
  admin_->set_ready(true);
  log_.write(LogLevel::kInfo, "started",
             {{"hostname", runtime_->hostname.text()},
              {"listen", listening_},
              {"workers", std::to_string(workers_.size())},
              {"data_dir", runtime_->config.data_dir},
              {"config", config_file_}});
  service_manager_.ready("listening on " + listening_);
  timer_.set(loop_.now());
  loop_.run();
  take_apart();
  return ended_;
}

void Daemon::on_timer() {
  log_.flush();
  if (const auto words = clock_watch_.compare(loop_.now(), wall_clock())) {
    log_.write(LogLevel::kWarning, "clock_stepped", {{"words", *words}});
  }
  if (store_->stuck()) return give_up();
  if (loop_.now() >= last_look_ + kLookAround) look_at_threads();
  if (stopping_ && (all_quiet() || loop_.now() >= stop_by_)) {
    loop_.stop();
    return;
  }
  timer_.set(loop_.now() + kTimer);
}

bool Daemon::all_quiet() const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return worker->quiet(); });
}

// Those who are stuck are named in the log whenever they become more or fewer, and the service
// manager hears nothing meanwhile.
void Daemon::look_at_threads() {
  const Instant now = loop_.now();
  // Where the machine slept, or we did, the others may not have had their turn yet.
  if (now - std::exchange(last_look_, now) > kHeartbeatMax / 2) return;
  auto pulses = take_pulses(worker_list(), *store_, *reader_, *reporter_);
  pulses.push_back({"the admin thread", admin_->heartbeat()});
  const Verdict verdict = judge_health(pulses, now);
  if (std::exchange(stuck_, verdict.stuck) != verdict.stuck) {
    log_.write(verdict.ok ? LogLevel::kWarning : LogLevel::kError,
               verdict.ok ? "stuck_no_more" : "stuck", {{"words", verdict.words}});
  }
  const auto interval = service_manager_.watchdog_interval();
  if (!verdict.ok || !interval || now < next_watchdog_) return;
  service_manager_.watchdog();
  next_watchdog_ = now + *interval / 3;
}

std::vector<Worker*> Daemon::worker_list() const {
  std::vector<Worker*> workers;
  for (const auto& worker : workers_) workers.push_back(worker.get());
  return workers;
}

void Daemon::reload_failed(const std::string& words) {
  log_.write(LogLevel::kError, "reload_failed",
             {{"words", words + "; the configuration in force stays as it was"}});
  service_manager_.ready("listening on " + listening_ + "; the last reload failed");
}

// A bad file changes nothing and says why. What only a restart can change is named.
void Daemon::reload() {
  if (stopping_) return;
  service_manager_.reloading();
  std::vector<std::string> report;
  auto next = load_runtime(config_file_, report);
  for (const auto& line : report) {
    log_.write(next == nullptr ? LogLevel::kError : LogLevel::kWarning, "config",
               {{"words", line}});
  }
  if (next == nullptr) return reload_failed("the configuration file has errors");
  // All before any: the files may change under our eyes, and no worker may be left with the old
  // ones alone.
  std::vector<std::shared_ptr<TlsContexts>> made;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::vector<std::string> warnings;  // were told by load_runtime
    auto contexts = TlsContexts::make(*next, warnings);
    if (!contexts) return reload_failed(contexts.error().words);
    made.push_back(std::move(*contexts));
  }
  // The sockets stay as they were opened, whatever the file says of them now.
  if (!listens_with_tls_.empty() && made.front()->server() == nullptr) {
    return reload_failed(listens_with_tls_ +
                         " goes on listening with TLS until a restart, and there is no "
                         "submission.certificate any more; restart, or put it back");
  }
  const auto same_listen = [](const config::Listen& a, const config::Listen& b) {
    return a.address == b.address && a.tls == b.tls;
  };
  const auto& before = runtime_->config;
  const auto& after = next->config;
  const bool same =
      before.data_dir == after.data_dir && runtime_->workers == next->workers &&
      std::equal(before.listen.begin(), before.listen.end(), after.listen.begin(),
                 after.listen.end(), same_listen) &&
      before.admin.http == after.admin.http && before.admin.socket == after.admin.socket &&
      before.log.level == after.log.level && before.log.format == after.log.format &&
      before.queue.sync == after.queue.sync &&
      before.queue.min_free_bytes == after.queue.min_free_bytes &&
      before.queue.history == after.queue.history && before.dns_servers == after.dns_servers;
  if (!same) {
    log_.write(LogLevel::kWarning, "restart_needed",
               {{"words",
                 "listen, data_dir, workers, dns, queue, admin and log change only with a restart; "
                 "all else is in force"}});
  }
  metrics_.tls().know(tls_vocabulary(next->config));
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([next, contexts = made[i]](Worker& w) { w.reconfigure(next, contexts); });
  }
  reporter_->reconfigure(next);
  admin_->reconfigure(next);
  runtime_ = std::move(next);
  log_.write(LogLevel::kInfo, "reloaded", {{"config", config_file_}});
  service_manager_.ready("listening on " + listening_);
}

void Daemon::begin_stop() {
  if (stopping_) {
    stop_by_ = loop_.now();  // the second signal is impatient
    return;
  }
  stopping_ = true;
  stop_by_ = loop_.now() + kStopWithin;
  service_manager_.stopping();
  admin_->set_ready(false);
  log_.write(LogLevel::kInfo, "stopping", {});
  for (const auto& worker : workers_) {
    worker->post([](Worker& w) { w.shut_down(); });
  }
}

// At once: whatever is delivered from now on cannot be recorded, and would be delivered again.
void Daemon::give_up() {
  ended_ =
      fail(ErrorCode::kIo,
           "the queue takes nothing any more after an error of its disk, and is opened anew by "
           "a restart; see the log for store and store_trouble, and the kernel's for the disk");
  log_.write(LogLevel::kError, "store_stuck", {{"words", ended_.error().words}});
  service_manager_.stopping();
  loop_.stop();
}

void Daemon::take_apart() {
  if (admin_ != nullptr) admin_->stop();
  for (const auto& worker : workers_) worker->stop();
  for (const auto& worker : workers_) worker->join();
  if (reporter_ != nullptr) reporter_->stop();  // it keeps what was counted in the store
  if (store_ != nullptr) store_->stop();        // writes what the workers left
  reader_.reset();  // last of these: a read that hangs must keep nothing from being written
  admin_.reset();   // the store and the reader had answers for it
  workers_.clear();
  reporter_.reset();
  if (store_ != nullptr) log_.write(LogLevel::kInfo, "stopped", {});
  store_.reset();
}

}  // namespace posthaste::daemon
