#include "queue/rocks/checkpoint.h"

#include <rocksdb/utilities/checkpoint.h>

#include <limits>
#include <memory>

namespace posthaste::queue {
namespace {

// RocksDB would say of all of these no more than "Invalid argument" or the name of a temporary
// directory of its own.
Status check_target(rocksdb::Env& env, const std::string& directory) {
  if (directory.empty() || directory.front() != '/') {
    return fail(ErrorCode::kInvalid,
                "the directory of a backup has to be an absolute path, not \"" + directory + "\"");
  }
  if (env.FileExists(directory).ok()) {
    return fail(ErrorCode::kInvalid,
                directory + " is there already; name a directory that the backup may make");
  }
  const std::string parent = directory.substr(0, directory.find_last_of('/') + 1);
  bool is_directory = false;
  const rocksdb::Status looked = env.IsDirectory(parent, &is_directory);
  if (!looked.ok() || !is_directory) {
    return fail(ErrorCode::kNotFound, parent + " is no directory that a backup can be put into");
  }
  return {};
}

}  // namespace

Status make_checkpoint(const Database& database, const std::string& directory) {
  if (Status fits = check_target(*database.db().GetEnv(), directory); !fits) return fits;
  rocksdb::Checkpoint* raw = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&database.db(), &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  // Never flushes: a backup must not cost the mail that is about to go out its place in memory.
  constexpr auto kNoFlush = std::numeric_limits<std::uint64_t>::max();
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory, kNoFlush);
  if (!status.ok()) return tl::unexpected(to_error(status, "copying the queue to " + directory));
  return {};
}

}  // namespace posthaste::queue
