#include "queue/rocks/database.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "queue/rocks/database_options.h"

namespace posthaste::queue {
namespace {

Status check_directory(const std::string& dir, int rights) {
  struct stat facts {};
  if (::stat(dir.c_str(), &facts) != 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
    return fail(code, "queue directory " + dir + ": " + std::strerror(errno) +
                          "; create it, or correct data_dir");
  }
  if (!S_ISDIR(facts.st_mode)) {
    return fail(ErrorCode::kIo, "queue directory " + dir + " is not a directory");
  }
  if (::access(dir.c_str(), rights) != 0) {
    return fail(ErrorCode::kIo, "queue directory " + dir + " cannot be used by user id " +
                                    std::to_string(::geteuid()) + ": " + std::strerror(errno));
  }
  return {};
}

Status check_directory(const RocksOptions& options, int rights) {
  // Where somebody else plays the operating system, permissions are his business too.
  if (options.env != nullptr) return {};
  return check_directory(options.dir, rights);
}

// A newer version may have added a column family; RocksDB refuses to open without it, in words of
// its own.
Status check_families(const RocksOptions& options,
                      const std::vector<rocksdb::ColumnFamilyDescriptor>& known) {
  std::vector<std::string> found;
  // Fails where there is no database yet; open() then makes one, or says what is wrong.
  if (!rocksdb::DB::ListColumnFamilies(database_options(options), options.dir, &found).ok()) {
    return {};
  }
  for (const std::string& name : found) {
    const auto same = [&name](const auto& family) { return family.name == name; };
    if (std::none_of(known.begin(), known.end(), same)) {
      return fail(ErrorCode::kUnsupported, "the queue in " + options.dir +
                                               " was written by a newer version (it has \"" + name +
                                               "\"); nothing was changed");
    }
  }
  return {};
}

// What a killed process wrote without a sync is there, and is read, but is not durable. What is
// written from now on builds on it: RocksDB reads its logs up to the first gap, so that a power cut
// which took the end of an old log would take with it all that was synced to newer ones.
Status sync_logs(rocksdb::Env& env, const std::string& dir) {
  std::vector<std::string> names;
  rocksdb::Status status = env.GetChildren(dir, &names);
  for (const std::string& name : names) {
    if (!status.ok() || !name.ends_with(".log")) continue;
    std::unique_ptr<rocksdb::WritableFile> log;
    status = env.ReopenWritableFile(dir + "/" + name, &log, rocksdb::EnvOptions());
    if (status.ok()) status = log->Sync();
    if (status.ok()) status = log->Close();
  }
  std::unique_ptr<rocksdb::Directory> directory;
  if (status.ok()) status = env.NewDirectory(dir, &directory);
  if (status.ok()) status = directory->Fsync();
  if (status.ok()) return {};
  return tl::unexpected(to_error(status, "syncing the log of the queue in " + dir));
}

Error open_error(const rocksdb::Status& status, const std::string& dir) {
  // RocksDB has no code of its own for it, but both its messages name the file.
  if (status.IsIOError() && status.ToString().find("/LOCK") != std::string::npos) {
    return Error{ErrorCode::kBusy, "another posthasted uses " + dir + " (lock held)"};
  }
  return to_error(status, "opening the queue in " + dir);
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const RocksOptions& options) {
  if (Status usable = check_directory(options, R_OK | W_OK | X_OK); !usable) {
    return tl::unexpected(usable.error());
  }
  std::unique_ptr<Database> database(new Database);
  rocksdb::DBOptions db_options = database_options(options);
  rocksdb::Env& base = *db_options.env;
  database->ballast_ = std::make_unique<Ballast>(base, options);
  database->logs_ =
      std::make_shared<LogFiles>(base.GetFileSystem(), options.dir, *database->ballast_);
  database->env_ = with_log_files(base, database->logs_);
  db_options.env = database->env_.get();
  database->trouble_ = std::make_shared<TroubleListener>(options.log);
  db_options.listeners = {database->trouble_};

  Status opened = database->open_in(options, db_options);
  if (!opened && opened.error().code == ErrorCode::kFull && database->ballast_->throw_off()) {
    opened = database->open_in(options, db_options);
  }
  if (!opened) return tl::unexpected(std::move(opened.error()));
  return database;
}

Status Database::open_in(const RocksOptions& options, const rocksdb::DBOptions& db_options) {
  const std::vector<rocksdb::ColumnFamilyDescriptor> known = column_families(options);
  if (Status fits = check_families(options, known); !fits) return fits;
  if (options.sync) {
    if (Status synced = sync_logs(*db_options.env, options.dir); !synced) return synced;
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(db_options, options.dir, known, &handles, &db);
  if (!status.ok()) return tl::unexpected(open_error(status, options.dir));
  take(db, handles);
  return {};
}

Result<std::unique_ptr<Database>> Database::open_to_read(const RocksOptions& options) {
  if (Status usable = check_directory(options, R_OK | X_OK); !usable) {
    return tl::unexpected(usable.error());
  }
  rocksdb::DBOptions db_options = database_options(options);
  db_options.create_if_missing = false;
  db_options.create_missing_column_families = false;
  db_options.max_open_files = -1;  // all tables are opened now: another process may delete them
  if (!db_options.env->FileExists(options.dir + "/CURRENT").ok()) {
    return fail(ErrorCode::kNotFound, "there is no queue in " + options.dir);
  }
  const std::vector<rocksdb::ColumnFamilyDescriptor> known = column_families(options);
  if (Status fits = check_families(options, known); !fits) return tl::unexpected(fits.error());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(db_options, options.dir, known, &handles, &db);
  if (!status.ok()) return tl::unexpected(open_error(status, options.dir));
  std::unique_ptr<Database> database(new Database);
  database->take(db, handles);
  return database;
}

void Database::take(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), families_.begin());
}

Database::~Database() {
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    if (family != nullptr) db_->DestroyColumnFamilyHandle(family);
  }
}

rocksdb::Status Database::write(const rocksdb::WriteOptions& how,
                                rocksdb::WriteBatch& batch) const {
  if (rocksdb::Status failed = newest_log_failure(); !failed.ok()) return failed;
  rocksdb::Status status = db_->Write(how, &batch);
  if (status.ok()) logs_->note_whole();
  return status;
}

rocksdb::Status Database::get(Family from, std::string_view key,
                              rocksdb::PinnableSlice& value) const {
  return db_->Get(rocksdb::ReadOptions(), family(from), slice(key), &value);
}

std::unique_ptr<rocksdb::Iterator> Database::iterate(Family over,
                                                     const rocksdb::Slice* upper_bound) const {
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = upper_bound;
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, family(over)));
}

Error to_error(const rocksdb::Status& status, std::string_view doing) {
  ErrorCode code = ErrorCode::kIo;
  if (status.IsNoSpace()) code = ErrorCode::kFull;
  if (status.IsNotFound()) code = ErrorCode::kNotFound;
  if (status.IsCorruption()) code = ErrorCode::kCorrupt;
  return Error{code, std::string(doing) + ": " + status.ToString()};
}

}  // namespace posthaste::queue
