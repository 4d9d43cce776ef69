#include "daemon/admin.h"

#include <unistd.h>

#include <utility>

#include "lib/io/listener.h"

namespace posthaste::daemon {
namespace {

// For the daemon's user and group: who may see the queue is decided by membership.
constexpr unsigned kSocketMode = 0660;
constexpr std::size_t kMailMax = 1024;  // answers are promised before, so this bounds nothing else

}  // namespace

Result<std::unique_ptr<AdminThread>> AdminThread::make(std::shared_ptr<const Runtime> runtime,
                                                       AdminApi::House house) {
  std::unique_ptr<AdminThread> made(new AdminThread(std::move(runtime), std::move(house)));
  if (auto listening = made->listen(); !listening) return tl::unexpected(listening.error());
  return made;
}

AdminThread::AdminThread(std::shared_ptr<const Runtime> runtime, AdminApi::House house)
    : runtime_at_start_(runtime),
      log_(house.log),
      heartbeat_(loop_),
      mailbox_(loop_, kMailMax, [this] { on_mail(); }),
      home_(std::make_shared<ReturnAddress>(mailbox_)),
      api_(loop_, home_, std::move(house), std::move(runtime)) {}

AdminThread::~AdminThread() { stop(); }

Status AdminThread::listen() {
  const auto& admin = runtime_at_start_->config.admin;
  if (!admin.socket.empty()) {
    auto listening = io::listen_unix(admin.socket, kSocketMode);
    if (!listening) return fail(listening.error().code, "admin.socket: " + listening.error().words);
    socket_path_ = admin.socket;
    serve(std::move(*listening), [this](const HttpRequest& request, const Respond& respond) {
      api_.answer_local(request, respond);
    });
  }
  if (admin.http) {
    auto listening = io::listen_tcp(*admin.http, false);
    if (!listening) return fail(listening.error().code, "admin.http: " + listening.error().words);
    serve(std::move(*listening), [this](const HttpRequest& request, const Respond& respond) {
      api_.answer_public(request, respond);
    });
  }
  return {};
}

void AdminThread::serve(io::Fd listening, HttpHandler handler) {
  const auto on_trouble = [this](const Error& error) {
    log_.write(LogLevel::kError, "accept_failed", {{"listener", "admin"}, {"words", error.words}});
  };
  servers_.push_back(std::make_unique<HttpServer>(loop_, std::move(listening), std::move(handler),
                                                  on_trouble, HttpServer::Options{}));
}

void AdminThread::start() {
  heartbeat_.begin();
  thread_ = std::thread([this] { loop_.run(); });
}

void AdminThread::stop() {
  if (thread_.joinable()) {
    loop_.stop_from_any_thread();
    thread_.join();
  }
  home_->close();
  servers_.clear();
  if (!socket_path_.empty()) unlink(std::exchange(socket_path_, {}).c_str());
}

void AdminThread::reconfigure(std::shared_ptr<const Runtime> runtime) {
  home_->send([this, runtime = std::move(runtime)] { api_.reconfigure(runtime); });
}

void AdminThread::set_ready(bool ready) {
  home_->send([this, ready] { api_.set_listening(ready); });
}

void AdminThread::on_store(std::vector<queue::StoreEvent>&& events) {
  home_->send([this, events = std::move(events)] { api_.on_store(events); });
}

void AdminThread::on_mail() {
  std::vector<ReturnAddress::Work> mail;
  mailbox_.take_all(mail);
  for (const auto& work : mail) work();
}

}  // namespace posthaste::daemon
