#include "daemon/admin_backup.h"

#include "daemon/admin_response.h"
#include "daemon/json_value.h"

namespace posthaste::daemon {

void AdminBackup::answer(const HttpRequest& request, const Respond& respond) {
  if (request.method == "GET") return tell(respond);
  const std::string& directory = request.parameter("dir");
  if (directory.empty()) {
    return respond(error_response(400, "dir: missing; say ?dir=/srv/backup/queue-1"));
  }
  if (running_) {
    return respond(error_response(503, "a backup to " + directory_ + " is under way"));
  }
  begin(directory);
  tell(respond);
}

void AdminBackup::begin(const std::string& directory) {
  directory_ = directory;
  running_ = true;
  began_ = house_.loop.now();
  ended_ = {};
  copied_ = {};
  house_.reader.push_copy([this, directory, home = house_.home, &store = house_.store.store()] {
    home->send([this, copied = store.checkpoint(directory)] { on_end(copied); });
  });
}

void AdminBackup::on_end(const Status& copied) {
  running_ = false;
  ended_ = house_.loop.now();
  copied_ = copied;
  house_.metrics.backed_up(copied.has_value());
  house_.log.write(copied ? LogLevel::kInfo : LogLevel::kError,
                   copied ? "backed_up" : "backup_failed",
                   {{"dir", directory_}, {"words", copied ? "" : copied.error().words}});
}

void AdminBackup::tell(const Respond& respond) const {
  if (directory_.empty()) return respond(error_response(404, "no backup was asked for"));
  respond(json_response(text_of({{"now", time_json(house_.loop.now())},
                                 {"dir", directory_},
                                 {"running", running_},
                                 {"began", time_json(began_)},
                                 {"ended", time_json(ended_)},
                                 {"done", !running_ && copied_.has_value()},
                                 {"trouble", copied_ ? "" : copied_.error().words}})));
}

}  // namespace posthaste::daemon
